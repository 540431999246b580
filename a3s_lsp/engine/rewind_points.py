"""Where a session can go back to, by its log: the points, how the files were there, and the conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.messages import Message
from a3s_lsp.engine.state import State
from a3s_lsp.engine.texts import Overlap, rebase

_LABEL_CHARACTERS = 80


@dataclass(slots=True)
class Target:
    """How the work tree was: as in the checkpoint (None: as it is now), but for these files, which the checkpoint has
    too late. `touched` are the files that the session has changed since, `edits` those changes that were edits of
    texts; commands have changed the files in `commanded`."""

    checkpoint: str | None = None
    texts: dict[Path, str | None] = field(default_factory=dict)
    touched: set[Path] = field(default_factory=set)
    commanded: set[Path] = field(default_factory=set)
    edits: dict[Path, list[Change]] = field(default_factory=dict)

    def take(self, record: f.Record) -> None:
        """Go on through the log from the point on."""
        match record.fact:
            case f.FilesChanged(changes=changes):
                for path, text in _befores(changes):
                    self.touched.add(path)
                    if self.checkpoint is None:
                        self.texts.setdefault(path, text)
                for change in changes.changes:
                    self.edits.setdefault(Path(change.path), []).append(change)
            case f.TreeChanged(before=before, files=files):
                self.checkpoint = self.checkpoint or before
                self.commanded |= {Path(path) for path, _ in files}
                self.touched |= self.commanded
            case f.Checkpointed(checkpoint=checkpoint):
                self.checkpoint = self.checkpoint or checkpoint
            case _:
                pass

    def without_edits(self, path: Path, text: str) -> str | None:
        """The text without what the session wrote into it since, and with what others did; None if that cannot be
        told apart."""
        if path in self.commanded:
            return None
        for change in reversed(self.edits.get(path, ())):
            if change.before is None or change.after is None or change.source is not None:
                return None
            bare = rebase(change.after, change.before, text)
            if isinstance(bare, Overlap):
                return None
            text = bare
        return text


@dataclass(frozen=True, slots=True)
class Point:
    """A place to go back to: just before a run or a call, or where one was before an earlier rewind."""

    id: str
    kind: Literal["run", "tool", "rewind"]
    label: str
    time_ms: int


def points_of(records: Iterable[f.Record]) -> list[Point]:
    """Where one can go back to by this log, the latest first."""
    found: list[Point] = []
    begun: dict[str, tuple[f.CallBegan, int]] = {}
    for record in records:
        match record.fact:
            case f.RunStarted(prompt=prompt, parent=None) if record.run_id is not None:
                found.append(Point(record.run_id, "run", _short(prompt), record.time_ms))
            case f.CallBegan(call_id=call_id):
                begun[call_id] = record.fact, record.time_ms
            case f.FilesChanged(call_id=call_id) | f.TreeChanged(call_id=call_id) if call_id in begun:
                call, time_ms = begun.pop(call_id)
                found.append(Point(call_id, "tool", _short(_described(call)), time_ms))
            case f.HistoryImported() | f.WorkspaceMoved():
                found.clear()
            case f.Rewound(id=rewind_id, to=to):
                found.append(Point(rewind_id, "rewind", f"undo the rewind to {to}", record.time_ms))
            case _:
                pass
    return found[::-1]


def _befores(changes: ChangeSet) -> Iterable[tuple[Path, str | None]]:
    for change in changes.changes:
        if change.source is not None:
            yield Path(change.source), change.before
            yield Path(change.path), None
        else:
            yield Path(change.path), change.before


def _place(records: Sequence[f.Record], to: str) -> int:
    """The index of the record before which the point lies. Raises A3SError."""
    barred = (at for at, record in enumerate(records) if isinstance(record.fact, f.HistoryImported | f.WorkspaceMoved))
    for index, record in islice(enumerate(records), max(barred, default=0), None):
        match record.fact:
            case f.RunStarted() if record.run_id == to:
                return index
            case f.CallBegan(call_id=call_id) if call_id == to:
                return index
            case f.Rewound(id=rewind_id) if rewind_id == to:
                return index
            case _:
                pass
    raise A3SError(f"There is no prompt, call or rewind {to} in this session to go back to; /rewind lists them.")


def target_of(records: Sequence[f.Record], to: str) -> Target:
    place = _place(records, to)
    fact = records[place].fact
    target = Target()
    if isinstance(fact, f.Rewound):  # forth again: what the rewind did is what is taken back
        return _forth(records, place, fact)
    for record in records[place:]:
        target.take(record)
    return target


def _forth(records: Sequence[f.Record], place: int, fact: f.Rewound) -> Target:
    """How it was just before a rewind: the files that it, and whatever came later, has touched."""
    target = Target()
    for record in records:
        if isinstance(record.fact, f.FilesChanged) and record.fact.call_id == fact.id:
            target.take(record)
    origin = target_of(records[:place], fact.to)
    for record in records[place:]:
        target.take(record)
    target.touched |= origin.touched
    target.checkpoint = fact.redo or target.checkpoint
    return target


def messages_at(records: Sequence[f.Record], to: str) -> Sequence[Message]:
    """The conversation just before the point."""
    fact = records[_place(records, to)].fact
    if isinstance(fact, f.Rewound) and fact.messages is not None:
        return fact.dropped
    state = State()
    for record in records[: end_before(records, to)]:
        state.apply(record)
    return state.messages


def end_before(records: Sequence[f.Record], to: str) -> int:
    """How many records there are before the point: before the turn that has the call, if it is one. Raises A3SError."""
    place = _place(records, to)
    fact = records[place].fact
    if not isinstance(fact, f.CallBegan):
        return place
    ended = (at for at in range(place, -1, -1) if _is_turn_with(records[at].fact, fact.call_id))
    turn = next(ended, place)
    begun = (at for at in range(turn, -1, -1) if isinstance(records[at].fact, f.TurnStarted))
    return place if turn == place else next(begun, turn)


def _is_turn_with(fact: f.Fact, call_id: str) -> bool:
    return isinstance(fact, f.TurnEnded) and any(call.id == call_id for call in fact.message.tool_calls)


def _described(call: f.CallBegan) -> str:
    args: Mapping[str, object] = call.args
    subject = next((args[name] for name in ("command", "file_path", "path", "pattern") if name in args), "")
    return f"{call.name} {subject}".strip()


def _short(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= _LABEL_CHARACTERS else f"{line[: _LABEL_CHARACTERS - 1]}…"
