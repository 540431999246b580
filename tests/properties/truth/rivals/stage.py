"""One schedule with a rival's tools on the disk and the person in an editor, and what comes of it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from a3s_lsp.engine.messages import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from a3s_lsp.engine.ports import CallDelta, Chunk, ModelRequest
from tests.properties.truth import steps as s
from tests.properties.truth.agent import Attempt, Job, Read, Replace, ScheduledModel
from tests.properties.truth.buffers import Buffer, on_disk
from tests.properties.truth.clock import Clock
from tests.properties.truth.editor import Cause, Editor
from tests.properties.truth.editors import VSCode
from tests.properties.truth.judge import Judge
from tests.properties.truth.letters import AGENT, PERSON, Letters, written
from tests.properties.truth.person import act
from tests.properties.truth.rivals.tools import Tools
from tests.properties.truth.world import GAPS_MS, NAMES, World, written_by_another

LEFT_OUT = (s.Crash, s.Refuse, s.Stop, s.Keep, s.TakeBack)
"""What is about a server, which the rivals do not have."""

TOLD_SECONDS = 0.1
"""How long the model of the editor may take to tell a server what was typed."""


@dataclass(slots=True)
class Harm:
    """What came of the schedules."""

    schedules: int = 0
    typed: int = 0
    edits: int = 0
    refused: int = 0
    blind_reads: int = 0
    """Reads that did not see text which had stood on the screen for `TOLD_SECONDS` when they were asked for."""
    conflicts: int = 0
    """Documents for which the person had to choose between what was typed and what the agent did."""
    typed_at_stake: int = 0
    """Characters that are lost if the person takes what the agent did."""
    edits_at_stake: int = 0
    """Edits that are lost if the person keeps what was typed."""
    misplaced: int = 0
    """Edits that landed on other lines than those that they were made for."""
    unseen: int = 0
    """Calls that took away text which the model had not been shown."""

    def add(self, more: Harm) -> None:
        """Count another one in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(more, name))


def comparable(schedule: s.Schedule) -> s.Schedule:
    """The schedule with what everybody can do: no accidents to a server, no replacing in all files."""
    steps = [step for step in schedule.steps if not isinstance(step, LEFT_OUT)]
    return replace(schedule, steps=tuple(_plain(step) if isinstance(step, s.Ask) else step for step in steps))


def _plain(step: s.Ask) -> s.Ask:
    turns = (tuple(act for act in turn if not isinstance(act, Replace)) for turn in step.job.turns)
    return s.Ask(Job(tuple(turn for turn in turns if turn), step.job.think_ms))


class WatchedModel(ScheduledModel):
    """Notices what its reads do not see, and has the documents of `editor` in view for that."""

    def __init__(self, harm: Harm) -> None:
        self.letters = Letters()
        super().__init__(NAMES, lambda: next(self.letters.agent))
        self.editor: Editor | None = None
        self.typed_at: dict[str, float] = {}
        self._harm = harm
        self._unsaved: dict[str, frozenset[str]] = {}
        """What a read that is going on should see."""
        self._open: set[str] = set()
        """The edits that are going on."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """As before."""
        for message in request.messages:
            if isinstance(message, ToolMessage):
                self._answered(message)
        async for chunk in super().stream(request):
            if isinstance(chunk, CallDelta) and chunk.name == "read":
                self._unsaved[chunk.id] = self._on_screen_only(chunk.arguments)
            elif isinstance(chunk, CallDelta):
                self._open.add(chunk.id)
            yield chunk

    def _answered(self, message: ToolMessage) -> None:
        if message.call_id in self._unsaved:
            missed = self._unsaved.pop(message.call_id) - written(PERSON, message.content)
            self._harm.blind_reads += bool(missed & self._on_screen())
        elif message.call_id in self._open:
            self._open.remove(message.call_id)
            self._harm.edits += not message.is_error
            self._harm.refused += message.is_error

    def _on_screen(self) -> frozenset[str]:
        """What is there still: a call before the read may have taken a line away that was seen."""
        buffers = () if self.editor is None else self.editor.buffers.values()
        return written(PERSON, "".join(buffer.text for buffer in buffers))

    def _on_screen_only(self, arguments: str) -> frozenset[str]:
        if self.editor is None:
            return frozenset()
        since = self.editor.process.time() - TOLD_SECONDS
        asked = (buffer for buffer in self.editor.buffers.values() if f'"{buffer.path.name}"' in arguments)
        letters = frozenset().union(*(unsaved(buffer) for buffer in asked))
        return frozenset(letter for letter in letters if self.typed_at[letter] <= since)


def unsaved(buffer: Buffer) -> frozenset[str]:
    """What the person typed and the disk does not have."""
    return written(PERSON, buffer.text) - written(PERSON, buffer.disk_text() or "")


class Referee(Judge):
    """A judge that also counts what the person has to choose between."""

    def __init__(self, root: Path, model: WatchedModel, harm: Harm) -> None:
        super().__init__(root, model)
        self._watched = model
        self._harm = harm

    def changed(self, path: Path, before: str, after: str, cause: Cause) -> None:
        """A buffer has another text; note when it came."""
        super().changed(path, before, after, cause)
        if self._watched.editor is not None:
            now = self._watched.editor.process.time()
            self._watched.typed_at.update(dict.fromkeys(written(PERSON, after) - written(PERSON, before), now))

    def conflict(self, buffer: Buffer) -> None:
        """The disk has changed under unsaved text."""
        edits = written(AGENT, buffer.disk_text() or "") - written(AGENT, buffer.text + (buffer.base or ""))
        if edits:
            self._harm.conflicts += 1
            self._harm.typed_at_stake += len(unsaved(buffer))
            self._harm.edits_at_stake += len(edits)


class Rivalry:
    """Plays a schedule with a rival's tools. Clean documents are read again when the disk changes, as VS Code does."""

    def __init__(self, schedule: s.Schedule, root: Path, tools: Tools) -> None:
        self.harm = Harm(schedules=1)
        self.schedule = schedule
        self.paths = [root / name for name in NAMES]
        self.tools = tools
        self.clock = Clock()
        self.random = Random(schedule.seed)
        self.letters = Letters()
        self.model = WatchedModel(self.harm)
        self.referee = Referee(root, self.model, self.harm)
        self.desk = self.clock.process(self.random)
        self.editor = self.model.editor = VSCode(root, self.desk, self.random, self.referee)
        self._waiting: list[int] = []
        self._talk: list[Message] = []
        self._busy = False

    def run(self) -> Harm:
        """Play it."""
        for path, text in zip(self.paths, self.schedule.files, strict=False):
            self.editor.write(path, text)
        self.referee.watch(self.paths)
        for step in self.schedule.steps:
            self._act(step)
            self.clock.run(self.clock.now + self.random.choice(GAPS_MS) / 1000)
        self.clock.run()
        self.editor.look_at_disk()
        return counted(self.harm, self.referee, self.editor)

    def _act(self, step: s.Step) -> None:
        match step:
            case s.External(file, line, insert):
                path = self.paths[file]
                before = on_disk(path)
                after = written_by_another(before or "", line, next(self.letters.disk), insert=insert)
                self.editor.write(path, after)
                self.referee.external(path, before, after)
            case s.Look():
                self.editor.look_at_disk()
            case s.Wait(ms):
                self.clock.run(self.clock.now + ms / 1000)
            case s.Ask(job):
                self.model.jobs.append(job)
                self._waiting.append(len(self.model.jobs) - 1)
                if not self._busy:
                    self._busy = True
                    self.desk.enter(lambda: self.desk.create_task(self._work()))
            case s.Crash() | s.Refuse() | s.Stop() | s.Keep() | s.TakeBack():
                raise AssertionError(f"{step} is about a server")
            case _:
                wait = lambda ms: self.clock.run(self.clock.now + ms / 1000)  # noqa: E731 - as short as it is
                act(step, self.paths[step.file], self.editor, self.letters.person, wait)

    async def _work(self) -> None:
        """The agent: one job after the other, in one conversation."""
        while self._waiting:
            self._talk.append(UserMessage(f"job {self._waiting.pop(0)}"))
            while calls := await self._turn():
                self._talk.append(AssistantMessage("", calls))
                self._talk += [self._answer(call) for call in calls]
        self._busy = False

    async def _turn(self) -> tuple[ToolCall, ...]:
        request = ModelRequest("", tuple(self._talk))
        return tuple(
            [
                ToolCall(chunk.id, chunk.name, chunk.arguments)
                async for chunk in self.model.stream(request)
                if isinstance(chunk, CallDelta)
            ]
        )

    def _answer(self, call: ToolCall) -> ToolMessage:
        attempt = Attempt(call, "", ())
        ok, text = self.tools.call(call.name, attempt.args)
        self.referee.look_at_disk()
        self.desk.call_later(self.random.choice((0.005, 0.02, 0.1)), self.editor.look_at_disk)
        return ToolMessage(call.id, text, is_error=not ok)


def counted(harm: Harm, judge: Judge, editor: Editor) -> Harm:
    """The harm with what the judge has seen, and what is still to be chosen."""
    for buffer in editor.buffers.values():
        if buffer.dirty and buffer.changed_on_disk():
            judge.conflict(buffer)
    harm.typed = len(judge.typed)
    harm.misplaced = sum(broken.kind == "stale" for broken in judge.broken)
    harm.unseen = sum(broken.kind == "unseen" for broken in judge.broken)
    return harm


def rival(schedule: s.Schedule, root: Path, tools: Tools) -> Harm:
    """One schedule with a rival's tools."""
    _emptied(root)
    tools.begin(root)
    return Rivalry(schedule, root, tools).run()


def ours(schedule: s.Schedule, root: Path) -> Harm:
    """The same schedule with this server."""
    _emptied(root)
    harm = Harm(schedules=1)
    model = WatchedModel(harm)
    world = World(schedule, root, model, Referee(root, model, harm))
    model.editor = world.editor
    world.play()
    return counted(harm, world.judge, world.editor)


def _emptied(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for path in root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def total(harms: Iterable[Harm]) -> Harm:
    """All of them in one."""
    result = Harm()
    for harm in harms:
        result.add(harm)
    return result


def reads(schedules: Sequence[s.Schedule]) -> int:
    """How many reads the agent is asked for."""
    jobs = [step.job for schedule in schedules for step in schedule.steps if isinstance(step, s.Ask)]
    return sum(isinstance(one, Read) for job in jobs for turn in job.turns for one in turn)
