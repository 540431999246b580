"""Doubles for tests of programs that use this package, and of the package itself: real work without a network."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import count, zip_longest
from pathlib import Path
from typing import TypeAlias

from a3s_lsp.engine.errors import ModelError, ModelRefused
from a3s_lsp.engine.facts import Outcome, QuestionAsked
from a3s_lsp.engine.messages import ToolCall, Usage
from a3s_lsp.engine.ports import (
    Answer,
    CallDelta,
    Chunk,
    Finish,
    Model,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    Waiting,
)
from a3s_lsp.engine.workspace.memory_editor import MemoryEditor

__all__ = ["MemoryEditor", "Pause", "RecordedModel", "Reply", "ScriptedApprover", "ScriptedModel", "Usage", "call"]


def call(name: str, /, **arguments: object) -> ToolCall:
    """A tool call for a `Reply`, which gives it its id."""
    return ToolCall("", name, json.dumps(arguments))


class Pause:
    """Where a reply stops until the test lets it go on; safe from any thread."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._released = threading.Event()

    def release(self) -> None:
        """Let the reply go on."""
        self._released.set()

    def wait(self, timeout: float = 5.0) -> bool:
        """Wait until the reply has come here; False when that takes too long."""
        return self._reached.wait(timeout)

    async def reached(self) -> None:
        """`wait` for a coroutine. Raises TimeoutError after five seconds."""
        async with asyncio.timeout(5):
            await _until(self._reached)

    async def hold(self) -> None:
        """Stop here until `release`."""
        self._reached.set()
        await _until(self._released)


@dataclass(frozen=True, slots=True)
class Reply:
    """One turn of a scripted model: reasoning, then the text, in `chunks` if they are given, then the calls.

    With a `pause` it stops after its first chunk, or before its end if it has no other.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    chunks: tuple[str, ...] = ()
    usage: Usage = field(default_factory=lambda: Usage(10, 5))
    pause: Pause | None = None
    finish: str = ""
    """The provider's word for how the turn ended; stop or tool_calls if not given."""


Script: TypeAlias = "str | Reply | BaseException | Callable[[ModelRequest], str | Reply | BaseException]"
"""What a scripted model does with one request: says this, does that, raises this, or asks a function of the request."""


class ScriptedModel:
    """A model that gives the replies in order and keeps the requests. Beyond the last reply it raises ModelRefused."""

    def __init__(self, replies: Iterable[Script] = (), name: str = "scripted/model") -> None:
        self.replies = list(replies)
        self.requests: list[ModelRequest] = []
        self._name = name
        self._ids = count(1)

    @property
    def name(self) -> str:
        return self._name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """The next reply, as `ports.Model` says."""
        self.requests.append(request)
        if not self.replies:
            raise ModelRefused(f"the script of {self.name} has no reply to request {len(self.requests)}")
        script = self.replies.pop(0)
        said = script(request) if callable(script) else script
        if isinstance(said, BaseException):
            raise said
        reply = Reply(said) if isinstance(said, str) else said
        chunks = self._chunks(reply)
        for index, chunk in enumerate(chunks):
            if reply.pause is not None and index == min(1, len(chunks) - 1):
                await reply.pause.hold()
            yield chunk

    def _chunks(self, reply: Reply) -> list[Chunk]:
        chunks: list[Chunk] = [ReasoningDelta(reply.reasoning)] if reply.reasoning else []
        chunks += [TextDelta(text) for text in reply.chunks or (reply.text,) if text]
        for index, one in enumerate(reply.calls):
            chunks.append(CallDelta(index, one.id or f"call_{next(self._ids)}", one.name, one.arguments))
        return [*chunks, Finish(reply.finish or ("tool_calls" if reply.calls else "stop"), reply.usage)]


class RecordedModel:
    """Keeps the conversation with a model in a file of JSON lines, or plays it again without the model.

    With `model` every turn is written to `path`, which is begun anew. Without it the turns of the file are given in
    order; a request that is not the one of the recording, but for the date in the system prompt, raises ModelError
    that says where it differs.
    """

    def __init__(self, path: str | Path, model: Model | None = None) -> None:
        self._path = Path(path)
        self._model = model
        self._next = count()
        self._turns: list[Mapping[str, object]] = []
        if model is not None:
            self._path.write_text("", encoding="utf-8")
            return
        turns: list[dict[str, object]] = [json.loads(line) for line in self._path.read_text("utf-8").splitlines()]
        self._turns = sorted(turns, key=lambda turn: int(str(turn["turn"])))

    @property
    def name(self) -> str:
        return "recorded/model" if self._model is None else self._model.name

    def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """One turn, as `ports.Model` says."""
        turn = next(self._next)
        return self._replay(turn, request) if self._model is None else self._record(turn, request, self._model)

    async def _record(self, turn: int, request: ModelRequest, model: Model) -> AsyncGenerator[Chunk]:
        chunks: list[Chunk] = []
        failure: ModelError | None = None
        stream = model.stream(request)
        try:
            async for chunk in stream:
                if not isinstance(chunk, Waiting):  # of the network, not of the conversation
                    chunks.append(chunk)
                yield chunk
        except ModelError as error:
            failure = error
            raise
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
            line = {"turn": turn, "request": asdict(request), "chunks": [[type(c).__name__, asdict(c)] for c in chunks]}
            if failure is not None:
                line["error"] = {"refused": isinstance(failure, ModelRefused), "message": str(failure)}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    async def _replay(self, turn: int, request: ModelRequest) -> AsyncGenerator[Chunk]:
        if turn >= len(self._turns):
            raise ModelError(f"the recording {self._path} ends before request {turn + 1}")
        recorded = self._turns[turn]
        where = _difference(_undated(recorded["request"]), _undated(json.loads(json.dumps(asdict(request)))), "")
        if where is not None:
            raise ModelError(f"request {turn + 1} is not the one of the recording {self._path}: it differs at {where}")
        chunk: Chunk | None = None
        for chunk in _chunks(recorded["chunks"]):
            yield chunk
        match recorded.get("error"):
            case {"refused": refused, "message": message}:
                raise (ModelRefused if refused else ModelError)(str(message))
        if not isinstance(chunk, Finish):
            raise ModelError(f"request {turn + 1} was cut in the recording {self._path}")


class ScriptedApprover:
    """Answers questions in order and keeps them. Whoever has no more answers says no."""

    def __init__(self, answers: Iterable[Answer | Outcome] = (), timeout_ms: int | None = None) -> None:
        self.answers = list(answers)
        self.questions: list[QuestionAsked] = []
        self._timeout_ms = timeout_ms

    @property
    def timeout_ms(self) -> int | None:
        return self._timeout_ms

    async def ask(self, question: QuestionAsked) -> Answer:
        """The next answer, as `ports.Approver` says."""
        self.questions.append(question)
        if not self.answers:
            return Answer("rejected", "the script has no answer to this question")
        answer = self.answers.pop(0)
        return answer if isinstance(answer, Answer) else Answer(answer)


async def _until(event: threading.Event) -> None:
    while not event.is_set():  # noqa: ASYNC110 - the event belongs to no loop
        await asyncio.sleep(0.002)


def _chunks(recorded: object) -> Iterator[Chunk]:
    assert isinstance(recorded, list)
    for name, fields in recorded:
        match name:
            case "Finish":
                yield Finish(fields["reason"], Usage(**fields["usage"]))
            case "CallDelta":
                yield CallDelta(**fields)
            case "ReasoningDelta":
                yield ReasoningDelta(**fields)
            case _:
                yield TextDelta(**fields)


def _undated(request: object) -> object:
    """The request without today's date, which is in every system prompt."""
    if not isinstance(request, dict):
        return request
    return {**request, "system": re.sub(r"(?m)^- Date: .*$", "- Date:", str(request.get("system", "")))}


def _difference(recorded: object, given: object, path: str) -> str | None:
    """Where two JSON values differ first, with what stands there."""
    match recorded, given:
        case dict(), dict():
            pairs = [(f"{path}.{key}".lstrip("."), recorded.get(key), given.get(key)) for key in {**recorded, **given}]
        case list(), list():
            pairs = [(f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip_longest(recorded, given))]
        case _:
            return None if recorded == given else f"{path}: {_short(given)} instead of {_short(recorded)}"
    return next((found for where, a, b in pairs if (found := _difference(a, b, where))), None)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:80]}…"
