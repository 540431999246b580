"""The seal of a session: secrets are taken out of every fact before it joins the state and the log.

What goes out of there (history, events, the conversation that the model sees) has them out as well. Left as they are:
the texts of files that were changed, which undo and rewind need byte for byte, and the arguments of calls that are
still to run, which are kept in memory alone.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.changes import ChangeSet, Part
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Attachment, ToolCall
from a3s_lsp.engine.policy.redaction import RedactedStream, Redactor
from a3s_lsp.engine.ports import ToolResult

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

D = TypeVar("D", bound="DataclassInstance")
Piece: TypeAlias = f.TextStreamed | f.ReasoningStreamed | f.InputStreamed | f.OutputStreamed
_SHOWN_BY_CALLS = ("output_streamed",)

_AS_THEY_ARE = (
    f.FilesChanging,
    f.FilesChanged,
    f.TextEdited,
    f.HunkChanged,
    f.HunkSplit,
    f.HunksKept,
    f.Checkpointed,
    f.TreeChanged,
    f.Rewound,
)
"""Facts of files, and one that is made of what was sealed before."""
_NAMES = frozenset({"call_id", "hunk", "id", "media_type", "model", "name", "role", "tool_id", "type"})
"""Fields by which things are found again."""


class Sealer:
    """Use `entering` for facts that happen, in their order; `fact` for those that are in a log."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self._streams: dict[tuple[str | None, str, str], tuple[Piece, RedactedStream]] = {}
        self._originals: dict[str, ToolCall] = {}

    def entering(self, fact: f.Fact, run_id: str | None) -> Sequence[f.Fact]:
        """What is to be appended for this fact: itself without secrets, behind what was held back before it."""
        if self.redactor.idle:
            return (fact,)
        if isinstance(fact, Piece):
            return tuple(self._piece(fact, run_id))
        held = tuple(self._ended(fact, run_id))
        match fact:
            case f.TurnEnded(message=message):
                self._originals.update((call.id, call) for call in message.tool_calls)
            case f.CallEnded(call_id=call_id):
                self._originals.pop(call_id, None)
            case f.RunEnded(status="failed" | "cancelled", text=text):
                said = "".join(piece.text for piece in held if isinstance(piece, f.TextStreamed))
                fact = replace(fact, text=text + said)
        return (*held, self.fact(fact))

    def fact(self, fact: f.Fact) -> f.Fact:
        """The fact without secrets; the very same one if it has none."""
        if self.redactor.idle or isinstance(fact, _AS_THEY_ARE):
            return fact
        if isinstance(fact, f.ObjectStreamed):  # whole JSON, which has to stay that
            return replace(fact, text=self._arguments(fact.text))
        return self.question(fact) if isinstance(fact, f.QuestionAsked) else self._walk_fields(fact)

    def records(self, records: Sequence[f.Record]) -> Sequence[f.Record]:
        """The records of a log without what is a secret by now; the very same if there is nothing in them."""
        if self.redactor.idle:
            return records
        sealed = [self.fact(record.fact) for record in records]
        if all(fact is record.fact for fact, record in zip(sealed, records, strict=True)):
            return records
        return [replace(record, fact=fact) for fact, record in zip(sealed, records, strict=True)]

    def question(self, question: f.QuestionAsked) -> f.QuestionAsked:
        """A question without secrets. If they are in its rule it offers none: it would fit no call."""
        sealed = self._walk_fields(question)
        return sealed if sealed.rule == question.rule else replace(sealed, rule="")

    def original(self, call: ToolCall) -> ToolCall | None:
        """The call with its real arguments; None if they are gone, since nothing but the session itself had them."""
        return self._originals.get(call.id) if call.sealed else call

    def result(self, result: ToolResult) -> ToolResult:
        """A result without secrets."""
        if self.redactor.idle:
            return result
        metadata, kind = self.redactor.fields(result.metadata), self.redactor.fields(result.error_kind)
        return replace(result, output=self.redactor.text(result.output), metadata=metadata, error_kind=kind)

    def trace(self, error: BaseException) -> str:
        """The traceback of an error without secrets, for the log of the program."""
        return self.redactor.text("".join(traceback.format_exception(error)))

    def check(self, changes: ChangeSet | None) -> None:
        """ToolError if a change would put marks into a file in place of what they stand for."""
        for change in () if changes is None else changes.changes:
            if self.redactor.hides_more(change.before or "", change.after or ""):
                raise ToolError(
                    f"{change.path} has secrets that you are shown as [REDACTED:…], and this change would write such "
                    "marks over them. Change only the lines without secrets, with edit, and keep the marks out."
                )

    def _piece(self, fact: Piece, run_id: str | None) -> Iterator[f.Fact]:
        kind, call_id = fact.type, getattr(fact, "call_id", "")
        if kind in ("text_streamed", "reasoning_streamed"):
            yield from self._released(lambda key: key[0] == run_id and key[1] != kind and not key[2])
        key = (run_id, kind, call_id)
        _, stream = self._streams.get(key) or (fact, self.redactor.stream())
        self._streams[key] = fact, stream
        if shown := stream.feed(fact.text):
            yield replace(fact, text=shown)

    def _ended(self, fact: f.Fact, run_id: str | None) -> Iterator[f.Fact]:
        """The ends of the streams that are over with this fact."""
        match fact:
            case f.CallEnded(call_id=call_id):
                yield from self._released(lambda key: key[0] == run_id and key[2] in ("", call_id))
            case f.RunEnded():
                yield from self._released(lambda key: key[0] == run_id)
            case f.TurnStarted() | f.CallAnnounced() | f.TurnEnded():
                yield from self._released(lambda key: key[0] == run_id and key[1] not in _SHOWN_BY_CALLS)
            case _:
                pass

    def _released(self, over: Callable[[tuple[str | None, str, str]], bool]) -> Iterator[f.Fact]:
        for key in [key for key in self._streams if over(key)]:
            fact, stream = self._streams.pop(key)
            if rest := stream.end():
                yield replace(fact, text=rest)

    def _walk(self, value: object) -> object:
        match value:
            case str():
                return self.redactor.text(value)
            case ToolCall():
                return self._call(value)
            case Attachment() | Part():
                return value
            case dict() | list():
                return self.redactor.value(value)
            case tuple():
                items = tuple(map(self._walk, value))
                return value if all(one is other for one, other in zip(items, value, strict=True)) else items
            case _ if is_dataclass(value) and not isinstance(value, type):
                return self._walk_fields(value)
            case _:
                return value

    def _walk_fields(self, value: D) -> D:
        before = {name: getattr(value, name) for name in _field_names(type(value))}
        after = {name: self._walk(item) for name, item in before.items()}
        changed = {name: item for name, item in after.items() if item is not before[name] and item != before[name]}
        return replace(value, **changed) if changed else value

    def _call(self, call: ToolCall) -> ToolCall:
        arguments = self._arguments(call.arguments)
        return call if arguments == call.arguments else replace(call, arguments=arguments, sealed=True)

    def _arguments(self, text: str) -> str:
        """JSON text whose strings are looked at as what they mean: escapes would hide where a word begins."""
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            return self.redactor.text(text)
        done = self.redactor.value(given)
        return text if done == given else json.dumps(done, ensure_ascii=False)


@cache
def _field_names(kind: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name not in _NAMES)
