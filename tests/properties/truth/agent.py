"""The agent of a schedule: a model that reads files and changes what it has read, as models do.

It keeps nothing but what is in the conversation, so it goes on in a session that was resumed. Each of its changes has
a character of its own, by which its effect is found again.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from a3s_lsp.engine.messages import AssistantMessage, Json, Message, ToolCall, ToolMessage, UserMessage
from a3s_lsp.engine.ports import CallDelta, Chunk, Finish, ModelRequest
from tests.properties.truth.letters import AGENT, written

How: TypeAlias = Literal["word", "line", "insert", "delete", "join", "far"]
HOWS: tuple[How, ...] = ("word", "line", "insert", "delete", "join", "far")

WORDS = ("alpha", "beta", "gamma")
"""What lines are made of, and what `Replace` looks for."""

_NUMBERED = re.compile(r"^ *\d+\t(.*)$", re.MULTILINE)
_JOB = re.compile(r"job (\d+)")


@dataclass(frozen=True, slots=True)
class Read:
    """Read a file."""

    file: int


@dataclass(frozen=True, slots=True)
class Edit:
    """Change what was read with the tool `edit`, around a line."""

    file: int
    line: int
    how: How = "word"


@dataclass(frozen=True, slots=True)
class Patch:
    """The same with a unified diff."""

    file: int
    line: int
    how: How = "word"


@dataclass(frozen=True, slots=True)
class Write:
    """The same by writing the whole file."""

    file: int
    line: int
    how: How = "word"


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace a word in all files, as one change."""

    word: int


Act: TypeAlias = Read | Edit | Patch | Write | Replace
Turn: TypeAlias = tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """What a prompt has the agent do: its turns, one after the other, each after so many milliseconds of thought."""

    turns: tuple[Turn, ...]
    think_ms: int = 0


class Attempt:
    """A call that was made: what it wants, the character that it writes, and the texts that it may be made for: what
    the model knew when its turn began, and what each call before it in the turn should have made of that."""

    def __init__(self, call: ToolCall, letter: str, bases: Sequence[str]) -> None:
        self.call = call
        self.letter = letter
        self.bases = bases
        self.letters = written(AGENT, call.arguments)
        """All characters of the agent in it; its own is missing where it only deletes."""
        self.args: Json = json.loads(call.arguments)

    @property
    def file(self) -> str:
        """The file that it names, empty if it is about all files."""
        return str(self.args.get("file_path", ""))

    def effect(self, text: str) -> str | None:
        """What the call makes of a text; None if it cannot be said without knowing how the tool guesses."""
        return effect(self.call.name, self.args, text)


def effect(name: str, args: Json, text: str) -> str | None:
    """What a call makes of a text; None if it cannot be said without knowing how the tool guesses."""
    match name:
        case "edit":
            old = str(args["old_string"])
            return text.replace(old, str(args["new_string"])) if text.count(old) == 1 else None
        case "write":
            return str(args["content"])
        case "replace":
            return re.sub(rf"(?<!\w){args['pattern']}(?!\w)", str(args["replacement"]), text)
        case "patch":
            return _patched(text, str(args["diff"]))
        case _:
            return None


class ScheduledModel:
    """Implements `ports.Model` for all the jobs of a schedule. `attempts` has every call that changes something."""

    name = "offline/assistant"

    def __init__(self, names: Sequence[str], letters: Callable[[], str]) -> None:
        self._names = names
        self._calls = 0
        self.begin([], letters)

    def begin(self, jobs: list[Job], letters: Callable[[], str]) -> None:
        """Be ready for other jobs."""
        self.jobs = jobs
        self.attempts: list[Attempt] = []
        self.seen = ""
        """All that the model was ever shown."""
        self._letters = letters

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """The next turn of the job that was asked for last."""
        job, turn = self._place(request.messages)
        await asyncio.sleep(job.think_ms / 1000)
        self.seen += "".join(text_of(message) for message in request.messages)
        if turn < len(job.turns):
            known = self._known(request.messages)
            earlier: list[Mapping[str, str]] = []
            for index, act in enumerate(job.turns[turn]):
                earlier.append(dict(known))
                call = self._call(act, known, earlier)
                yield CallDelta(index, call.id, call.name, call.arguments)
        yield Finish("stop")

    def _place(self, messages: Sequence[Message]) -> tuple[Job, int]:
        """Which job this is, and how many turns it has had."""
        for at in range(len(messages) - 1, -1, -1):
            message = messages[at]
            found = _JOB.search(message.text) if isinstance(message, UserMessage) else None
            if found:
                later = messages[at + 1 :]
                return self.jobs[int(found[1])], sum(isinstance(m, AssistantMessage) for m in later)
        return Job(()), 0

    def _known(self, messages: Iterable[Message]) -> dict[str, str]:
        """The text of each file as the model read it last, with what it has changed since."""
        calls: dict[str, ToolCall] = {}
        known: dict[str, str] = {}
        for message in messages:
            if isinstance(message, AssistantMessage):
                calls |= {call.id: call for call in message.tool_calls}
            elif isinstance(message, ToolMessage) and not message.is_error:
                call = calls[message.call_id]
                args: Json = json.loads(call.arguments)
                files = [str(args["file_path"])] if "file_path" in args else list(known)
                for file in files:
                    known[file] = self._after(call.name, args, known.get(file, ""), message.content)
        return known

    def _after(self, name: str, args: Json, text: str, result: str) -> str:
        if name == "read":
            return "".join(f"{line}\n" for line in _NUMBERED.findall(result))
        after = effect(name, args, text)
        return text if after is None else after

    def _call(self, act: Act, known: dict[str, str], earlier: Sequence[Mapping[str, str]]) -> ToolCall:
        self._calls += 1
        number = f"call-{self._calls}"
        if isinstance(act, Read):
            return ToolCall(number, "read", json.dumps({"file_path": self._names[act.file]}))
        letter = self._letters()
        file = "" if isinstance(act, Replace) else self._names[act.file]
        bases = [texts[file] for texts in earlier if file in texts]
        name, args = self._arguments(act, known, letter)
        call = ToolCall(number, name, json.dumps(args, ensure_ascii=False))
        self.attempts.append(Attempt(call, letter, bases))
        return call

    def _arguments(self, act: Edit | Patch | Write | Replace, known: dict[str, str], letter: str) -> tuple[str, Json]:
        if isinstance(act, Replace):
            word = WORDS[act.word % len(WORDS)]
            wanted: Json = {"pattern": word, "replacement": f"{word} {letter}", "whole_word": True}
            known.update({file: effect("replace", wanted, text) or text for file, text in known.items()})
            return "replace", wanted
        name = self._names[act.file]
        before = known.get(name, "")
        after = changed(before, act.line, act.how, letter)
        known[name] = after  # the next call of this turn is made for what this one leaves
        if isinstance(act, Write):
            return "write", {"file_path": name, "content": after}
        if isinstance(act, Patch):
            return "patch", {"file_path": name, "diff": _diff(before, after)}
        old, new = _block(before, after)
        return "edit", {"file_path": name, "old_string": old or "what is not there", "new_string": new}


def text_of(message: Message) -> str:
    """All that a message shows to the model."""
    match message:
        case UserMessage(text=text) | ToolMessage(content=text):
            return text
        case _:
            return ""


def changed(text: str, line: int, how: How, letter: str) -> str:
    """The text with a change around a line."""
    lines = text.splitlines() or [""]
    at = line % len(lines)
    own = f"agent {letter}"
    match how:
        case "word":
            lines[at] = f"{lines[at]} {letter}".strip()
        case "line":
            lines[at] = own
        case "insert":
            lines.insert(at + 1, own)
        case "delete":
            del lines[at]
            lines = lines or [own]
        case "join":
            lines[at : at + 2] = [own]
        case "far":
            lines[at] = own
            lines.insert(at // 2, own)
    return "".join(f"{one}\n" for one in lines)


def _block(before: str, after: str) -> tuple[str, str]:
    """The smallest run of whole lines that differs and is there only once, with what takes its place."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    top = 0
    while top < min(len(old), len(new)) and old[top] == new[top]:
        top += 1
    bottom = 0
    while bottom < min(len(old), len(new)) - top and old[-1 - bottom] == new[-1 - bottom]:
        bottom += 1
    while (not (block := "".join(old[top : len(old) - bottom])) or before.count(block) > 1) and (top or bottom):
        top, bottom = max(0, top - 1), max(0, bottom - 1)
    return block, "".join(new[top : len(new) - bottom])


def _diff(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), n=1))
    return "".join(lines[2:]) or "@@ -1,1 +1,1 @@\n-nothing to do\n+nothing to do\n"


def blocks(diff: str) -> list[tuple[str, str]]:
    """The hunks of a diff: the lines that there are, and those that there will be."""
    hunks = (hunk.splitlines(keepends=True) for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE)[1:])
    return [
        ("".join(line[1:] for line in lines if line[0] in " -"), "".join(line[1:] for line in lines if line[0] in " +"))
        for lines in hunks
    ]


def _patched(text: str, diff: str) -> str | None:
    """The hunks, each where its old lines stand once."""
    for old, new in blocks(diff):
        if not old:
            return new if not text else None
        if text.count(old) != 1:
            return None
        text = text.replace(old, new)
    return text
