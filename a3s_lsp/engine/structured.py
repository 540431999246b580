"""Values of a given shape from a model: it is asked, what it said is checked, and it is told what to mend."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from a3s_lsp.engine.errors import A3SError, ModelError, ModelRefused, ToolError
from a3s_lsp.engine.jsonschema_check import Schema, SchemaProblem
from a3s_lsp.engine.messages import AssistantMessage, Json, Message, ToolCall, ToolMessage, UserMessage
from a3s_lsp.engine.ports import AskModel, CallDelta, Chunk, ModelRequest, Said, TextDelta, ToolSpec
from a3s_lsp.engine.structured_json import beginning, decode, find

Mode: TypeAlias = Literal["auto", "strict", "json", "tool", "prompt"]
"""How the shape is asked for: by the provider's own means (strict, json), by a tool that has to be called, or by words
alone; auto takes the tool where it can."""

MOST_REPAIRS = 5
_TRIES = 2
"""How often an answer that was cut is asked for."""
_PARTIAL_SECONDS = 0.1
_PARTIAL_BYTES = 64 * 1024
_MOST_PROBLEMS = 10

_BY_TOOL = "Answer by calling the tool `{tool}` once, with arguments that fit its schema, and write nothing else."
_BY_TEXT = (
    "Answer with one JSON value that fits the given JSON Schema, and with nothing else: no Markdown, no explanation."
)
_SCHEMA = "{prompt}\n\nAnswer with JSON alone. It has to fit this JSON Schema{about}:\n{schema}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. `name` and `description` are of the schema, `system` goes before what is said of the shape."""

    schema: Schema
    prompt: str
    name: str = "result"
    description: str = ""
    system: str = ""
    mode: Mode = "auto"
    repairs: int = 2


@dataclass(frozen=True, slots=True)
class Generated:
    """A value that fits, how it was asked for, and how often it had to be mended."""

    value: object
    mode: Mode
    rounds: int

    def json(self) -> str:
        """The answer of the tool."""
        answer: Json = {"mode_used": self.mode, "object": self.value, "repair_rounds": self.rounds}
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to ask. A tool may be `forced`, where the provider can do that."""

    mode: Mode
    forced: bool = True


async def generate(ask: AskModel, show: Callable[[str], None], wanted: Wanted) -> Generated:
    """The value that was asked for. `show` gets what there is of it as JSON. Raises ToolError, and SchemaProblem."""
    messages: list[Message] = [UserMessage(wanted.prompt)]
    ways = list(_ways(wanted))
    problems: list[str] = []
    for rounds in range(wanted.repairs + 1):
        way, said = await _ask(ask, show, wanted, messages, ways)
        value, problems = await asyncio.to_thread(_read, said, wanted.schema)
        if not problems:
            show(_partial(value, final=True, mode_used=way.mode, repair_rounds=rounds))
            return Generated(value, way.mode, rounds)
        messages += _complaint(said, problems, way)
    raise ToolError(
        f"generate_object failed: the model gave no value that fits the schema, after {_attempts(wanted.repairs)}. "
        f"The last one: {'; '.join(problems)}"
    )


def _attempts(count: int) -> str:
    return f"{count} repair attempt{'' if count == 1 else 's'}"


def _ways(wanted: Wanted) -> Iterator[_Way]:
    """How to ask, and how else if the provider refuses that."""
    # The arguments of a tool are an object.
    usable = wanted.schema.is_object
    if wanted.mode in ("strict", "json"):
        yield _Way(wanted.mode)
    if usable and wanted.mode != "prompt":
        yield _Way("tool")
        yield _Way("tool", forced=False)
    else:
        yield _Way("prompt")


async def _ask(
    ask: AskModel, show: Callable[[str], None], wanted: Wanted, messages: Sequence[Message], ways: list[_Way]
) -> tuple[_Way, Said]:
    """The answer, in the first of the ways that the provider does not refuse; refused ones are gone from then on."""
    while True:
        try:
            return ways[0], await _persistently(ask, show, _request(wanted, messages, ways[0]))
        except ModelRefused as error:
            if len(ways) == 1:
                raise ToolError(f"generate_object failed: {error}") from error
            del ways[0]
        except A3SError as error:
            raise ToolError(f"generate_object failed: {error}") from error


async def _persistently(ask: AskModel, show: Callable[[str], None], request: ModelRequest) -> Said:
    for _ in range(_TRIES - 1):
        try:
            return await ask(request, _Watcher(show).take)
        except ModelRefused:
            raise
        except ModelError:
            continue
    return await ask(request, _Watcher(show).take)


def _request(wanted: Wanted, messages: Sequence[Message], way: _Way) -> ModelRequest:
    tool = f"emit_{wanted.name}"
    how = _BY_TOOL.format(tool=tool) if way.mode == "tool" else _BY_TEXT
    bare = ModelRequest("\n\n".join(part for part in (wanted.system, how) if part), tuple(messages))
    if way.mode == "tool":
        spec = ToolSpec(tool, wanted.description or "Hand over the result.", wanted.schema.document)
        return replace(bare, tools=(spec,), tool_choice=tool if way.forced else None)
    if way.mode == "strict":
        named: Json = {"name": wanted.name, "schema": wanted.schema.document, "strict": True}
        return replace(bare, response_format={"type": "json_schema", "json_schema": named})
    about = f" ({wanted.description})" if wanted.description else ""
    text = _SCHEMA.format(prompt=wanted.prompt, about=about, schema=wanted.schema.text)
    spelled_out = replace(bare, messages=(UserMessage(text), *messages[1:]))
    return replace(spelled_out, response_format={"type": "json_object"}) if way.mode == "json" else spelled_out


def _read(said: Said, schema: Schema) -> tuple[object, list[str]]:
    """The value that the model gave, and what is wrong with it."""
    try:
        value = decode(said.calls[0].arguments) if said.calls else find(said.text)
    except ValueError as error:
        cut = " Its answer was cut at the limit of its length." if said.finish_reason == "length" else ""
        return None, [f"No value could be read from the answer: {error}.{cut}"]
    return value, schema.problems(value)


def _complaint(said: Said, problems: Sequence[str], way: _Way) -> list[Message]:
    """What the model said, and what it is to mend."""
    listed = "\n".join(f"- {problem}" for problem in problems[:_MOST_PROBLEMS])
    text = f"This does not fit the schema:\n{listed}\n\nGive the whole value again, with these faults mended."
    if way.mode == "tool" and said.calls:
        calls = tuple(replace(call, id=call.id or f"call_{n}") for n, call in enumerate(said.calls))
        results = [
            ToolMessage(call.id, text if n == 0 else "One call is enough.", True) for n, call in enumerate(calls)
        ]
        return [AssistantMessage(said.text, calls), *results]
    spoken = said.text or _spoken(said.calls)
    return [*([AssistantMessage(spoken)] if spoken else []), UserMessage(text)]


def _spoken(calls: Sequence[ToolCall]) -> str:
    return calls[0].arguments if calls else ""


def _partial(value: object, *, final: bool, **more: object) -> str:
    return json.dumps({"object_partial": value, "final": final, **more}, ensure_ascii=False, separators=(",", ":"))


class _Watcher:
    """Shows what there is of a value while it is being written: not too often, and not without end."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._text = ""
        self._shown: object = None
        self._next = 0.0

    def take(self, chunk: Chunk) -> None:
        match chunk:
            case TextDelta(text=piece) | CallDelta(index=0, arguments=piece):
                self._text += piece
            case _:
                return
        now = asyncio.get_running_loop().time()
        if now < self._next or len(self._text) > _PARTIAL_BYTES:
            return
        value = beginning(self._text)
        if value is not None and value != self._shown:
            self._shown, self._next = value, now + _PARTIAL_SECONDS
            self._show(_partial(value, final=False))


async def usable(schema: Json) -> Schema:
    """The schema, if it can be used. Raises ToolError."""
    try:
        return await asyncio.to_thread(Schema, schema)
    except SchemaProblem as error:
        raise ToolError(str(error), {"type": "invalid_argument"}) from None
