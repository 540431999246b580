"""One schedule, played: the server, the editor, the agent, the disk and the person on one clock."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from unittest.mock import patch

from a3s_lsp.engine.assembly import Surroundings
from a3s_lsp.engine.ledger import Ledger
from a3s_lsp.engine.state import State
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.server.app import create_server
from a3s_lsp.server.host import Defaults
from a3s_lsp.server.language_server import A3SLanguageServer
from tests.properties.truth import steps as s
from tests.properties.truth.agent import Job, ScheduledModel
from tests.properties.truth.buffers import on_disk
from tests.properties.truth.clock import Clock, Process, Restless
from tests.properties.truth.editor import Editor
from tests.properties.truth.editors import EDITORS
from tests.properties.truth.judge import Broken, Count, Judge
from tests.properties.truth.letters import Letters
from tests.properties.truth.link import Link
from tests.properties.truth.person import act

NAMES = ("one.py", "two.py", "three.py", "new.py")
"""The files of a schedule; the last is not there at first."""

GAPS_MS = (0, 0, 0, 1, 2, 5, 15, 60, 200)
"""How long the person takes between two steps."""


def play(schedule: s.Schedule, root: Path) -> tuple[list[Broken], Count]:
    """What was broken, and what was done. `root` is made for it, and emptied afterwards."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    letters = Letters()
    model = ScheduledModel(NAMES, lambda: next(letters.agent))
    judge = Judge(root, model)
    World(schedule, root, model, judge).play()
    shutil.rmtree(root)
    return judge.broken, judge.counted()


class World:
    """Everything that takes part in one schedule."""

    def __init__(self, schedule: s.Schedule, root: Path, model: ScheduledModel, judge: Judge) -> None:
        self.schedule = schedule
        self.root = root
        self.clock = Clock()
        self.random = Random(schedule.seed)
        self.letters = Letters()
        self.paths = [root / name for name in NAMES]
        self.model = model
        self.judge = judge
        self.desk = self.clock.process(self.random)
        self.editor: Editor = EDITORS[schedule.editor](root, self.desk, self.random, self.judge)
        self.store = MemoryStore()
        self.servers: list[tuple[Process, A3SLanguageServer]] = []
        """All that there were, the one that runs at the end. Nobody else holds on to those that were killed."""
        self._link = Link(self.desk, self.desk, self.random)

    def play(self) -> None:
        """Play it to its end, and have the judge say what was broken."""
        with _quiet() as errors, _without_ripgrep(), _without_watching():
            try:
                self._run()
            except Restless as error:
                self.judge.wrong(str(error))
            self._bury()
        for text in errors:
            self.judge.wrong(text)

    def _run(self) -> None:
        """Play the steps, let everything come to rest, and judge."""
        for path, text in zip(self.paths, self.schedule.files, strict=False):
            self.editor.write(path, text)
        self.judge.watch(self.paths)
        self._start()
        for step in self.schedule.steps:
            self._act(step)
            self._pass(self.random.choice(GAPS_MS))
        self._rest()
        self.judge.count.schedules, self.judge.count.steps = 1, len(self.schedule.steps)

    def _bury(self) -> None:
        """End all processes, when nothing is judged any more."""
        self._link.cut()
        for process, _ in self.servers:
            process.bury()
        self.desk.bury()

    # ------------------------------------------------------------ the server

    def _start(self) -> None:
        process = self.clock.process(self.random)
        process.after_thread = self.judge.look_at_disk
        writer = LogWriter(self.store)
        surroundings = Surroundings({}, self.root / "none.acl", offline=lambda: self.model)
        server = process.enter(lambda: create_server(lambda: Defaults(writer, surroundings)))
        self.servers.append((process, server))
        self._link = link = Link(self.desk, process, self.random)
        server.protocol.set_writer(link)
        link.receive_at_server = server.protocol.receive
        self.editor.connect(link, self._resume)

    def _resume(self) -> None:
        for row in self.store.sessions():
            self.editor.command("a3s.session.resume", {"sessionId": row.id})

    def _kill(self) -> None:
        process, _ = self.servers[-1]
        process.kill()

    # ------------------------------------------------------------ the steps

    def _pass(self, ms: int) -> None:
        self.clock.run(self.clock.now + ms / 1000)
        self.judge.look_at_disk()

    def _act(self, step: s.Step) -> None:
        self.judge.look_at_disk()
        match step:
            case s.External(file, line, insert):
                self._external(self.paths[file], line, insert=insert)
            case s.Look():
                self.editor.look_at_disk()
            case s.Ask(job):
                self.model.jobs.append(job)
                self._prompt({})
            case s.Stop():
                self.editor.command("a3s.cancel", {})
            case s.Keep(hunk):
                self._review("a3s.hunk.keep", hunk)
            case s.TakeBack(hunk):
                self._review("a3s.hunk.undo", hunk)
            case s.Refuse(times):
                self.editor.refusals = times
            case s.Wait(ms):
                self._pass(ms)
            case s.Crash(after_ms):
                self._kill()
                self._pass(after_ms)
                self._start()
            case _:
                act(step, self.paths[step.file], self.editor, self.letters.person, self._pass)

    def _external(self, path: Path, line: int, *, insert: bool) -> None:
        before = on_disk(path)
        after = written_by_another(before or "", line, next(self.letters.disk), insert=insert)
        self.editor.write(path, after)
        self.judge.external(path, before, after)

    def _prompt(self, fields: dict[str, object]) -> None:
        self.editor.command("a3s.prompt", {"text": f"job {len(self.model.jobs) - 1}", **fields})

    def _review(self, command: str, number: int) -> None:
        self.judge.taking_back = self.judge.taking_back or command == "a3s.hunk.undo"

        def chosen(answer: dict[str, object]) -> None:
            hunks = answer.get("hunks")
            if isinstance(hunks, list) and hunks:
                hunk = hunks[number % len(hunks)]
                self.editor.command(command, {"uri": hunk["uri"], "hunkId": hunk["hunkId"]})

        self.editor.command("a3s.hunk.list", {}, chosen)

    # ------------------------------------------------------------ the end

    def _rest(self) -> None:
        """Let everything come to rest, also what looking at the disk sets off."""
        for _ in range(3):
            self.clock.run()
            self.judge.look_at_disk()
            self.editor.look_at_disk()
        self.model.jobs.append(Job(()))
        for row in self.store.sessions():  # before a run a session looks at what became of its changes
            self._prompt({"sessionId": row.id})
        self.clock.run()
        records = [record for row in self.store.sessions() for record in self.store.read(row.id)]
        self.judge.settle(self.editor.buffers, [record.fact for record in records])
        self._compare_server()
        self._compare_log()
        for fault in (fault for process, _ in self.servers for fault in process.faults):
            self.judge.wrong(fault)

    def _compare_server(self) -> None:
        _, server = self.servers[-1]
        open_there = {document.uri: document for document in server.documents}
        for buffer in self.editor.buffers.values():
            document = open_there.pop(buffer.uri, None)
            if document is None or (document.text, document.version) != (buffer.text, buffer.version):
                there = None if document is None else (document.version, document.text)
                self._diverged(f"{buffer.path.name} is {(buffer.version, buffer.text)!r}, the server has {there!r}")
        for uri in open_there:
            self._diverged(f"the server has {uri}, which was closed")

    def _compare_log(self) -> None:
        """What the log says must be so: the texts, byte for byte, and the hunks in them."""
        ledgers: list[Ledger] = []
        # A server that was killed before it answered leaves a session that the editor has never heard of.
        if len(self.store.sessions()) > len(self.servers):
            self.judge.wrong("there is more than one session, although nobody asked for a second")
        for row in self.store.sessions():
            state = State()
            for record in self.store.read(row.id):
                state.apply(record)
            ledgers.append(state.ledger)
            for run in state.open_runs:
                self.judge.wrong(f"the run {run.prompt!r} has no end")
            for path in map(Path, state.ledger.paths()):
                buffer = self.editor.buffers.get(path)
                text = on_disk(path) if buffer is None else buffer.text
                if state.ledger.text(str(path)) != text:
                    self._diverged(f"{path.name} is {text!r}, the log has {state.ledger.text(str(path))!r}")
        self.judge.review(ledgers)

    def _diverged(self, text: str) -> None:
        self.judge.broken.append(Broken("diverged", text))


def written_by_another(text: str, line: int, letter: str, *, insert: bool) -> str:
    """The text of a file after another program has changed a line of it, or put one in."""
    lines = text.split("\n")
    at = line % len(lines)
    if insert or at == len(lines) - 1:
        lines.insert(at, f"other {letter}")
    else:
        lines[at] = f"other {letter}"
    return "\n".join(lines)


@contextmanager
def _without_ripgrep() -> Iterator[None]:
    """A machine that has no ripgrep: the search in Python starts no process."""
    with patch("a3s_lsp.engine.workspace.search.ripgrep", lambda: None):
        yield


@contextmanager
def _without_watching() -> Iterator[None]:
    """Nobody adds slash commands in these schedules, and the system's watcher knows nothing of this world's clock."""
    with patch("a3s_lsp.server.dynamic_commands.FolderWatch", _NoWatch):
        yield


class _NoWatch:
    """Watches nothing."""

    def __init__(self, *args: object) -> None:
        pass

    def only(self, *args: object) -> None:
        """Watch no folder."""

    def close(self) -> None:
        """Be gone."""


@contextmanager
def _quiet() -> Iterator[list[str]]:
    """Keep the log off the screen; what broke is given back."""
    errors: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                errors.append(self.format(record))

    logger = logging.getLogger("a3s_lsp")
    handler, propagates = Keep(), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield errors
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates
