"""The sessions of one client: what they are made of, which one is current, and who is told what happens in them."""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pygls.exceptions import JsonRpcException

from a3s_lsp.engine.assembly import Surroundings, Wishes, assemble, configuration
from a3s_lsp.engine.commands.slash import file_commands
from a3s_lsp.engine.delegation.rows import CHILD_RUN
from a3s_lsp.engine.errors import ConfigError, SessionNotFound, StoreError
from a3s_lsp.engine.events import Event
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.models.loading import warm
from a3s_lsp.engine.models.select import choose
from a3s_lsp.engine.planning.plans import STEP_RUN, PlanPolicy
from a3s_lsp.engine.policy.postures import posture_policy
from a3s_lsp.engine.ports import SessionInfo
from a3s_lsp.engine.project_commands import CommandFiles
from a3s_lsp.engine.run import Run
from a3s_lsp.engine.session import Session, Setup
from a3s_lsp.engine.skills.commands import skill_commands
from a3s_lsp.engine.skills.registry import Skills
from a3s_lsp.engine.state import State
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.engine.workspace.local import LocalWorkspace
from a3s_lsp.server import names, wire
from a3s_lsp.server.approvals import Questions, SessionApprover
from a3s_lsp.server.commands import Commands
from a3s_lsp.server.dynamic_commands import DynamicCommands
from a3s_lsp.server.edits import ClientEditor
from a3s_lsp.server.hunk_news import HunkNews
from a3s_lsp.server.hunks import ClientHunks
from a3s_lsp.server.language_server import A3SLanguageServer
from a3s_lsp.server.notices import show_error
from a3s_lsp.server.progress import Progress
from a3s_lsp.server.review import ReviewViews

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the command line and the machine say; the client's settings win over it."""

    writer: LogWriter
    surroundings: Surroundings


class Host:
    """All that one connected client has of the engine."""

    def __init__(self, server: A3SLanguageServer, defaults: Defaults) -> None:
        self.server = server
        self.settings = wire.Settings()
        self.progress = Progress(server)
        self.questions = Questions(server, lambda: self.settings)
        self.hunks = ClientHunks(server, lambda: self._sessions.values())
        self.review = ReviewViews(server, self.hunks)
        self.commands = Commands(self)
        self._defaults = defaults
        files = CommandFiles(LocalWorkspace(self.root()), defaults.surroundings.own_commands)
        skills = Skills.of(self.root(), defaults.surroundings.own_skills, builtin=True)
        self.dynamic = DynamicCommands(
            server,
            lambda: [*skill_commands(skills), *file_commands(files)],
            lambda: [*files.folders(), *skills.folders()],
            self.commands.run,
            lambda: self.settings.client.commands,
        )
        self.editor = ClientEditor(server, lambda: self.settings.client)
        self._news = HunkNews(server, self.hunks, lambda: self.settings.client.hunks)
        self._sessions: dict[str, Session] = {}
        self._current: str | None = None
        self._choosing = asyncio.Lock()
        """Held until it is known which session is the current one: a prompt that comes meanwhile is for that."""

    # ------------------------------------------------------------ sessions

    async def session(self, session_id: str | None) -> Session:
        """The named session, or the current one, made if there is none yet."""
        if session_id is not None:
            return self._named(session_id)
        async with self._choosing:
            if self._current in self._sessions:
                return self._sessions[self._current]
            return await self._make(self.root())

    async def new_session(self, root: Path) -> Session:
        """A new session on this folder, which becomes the current one."""
        async with self._choosing:
            return await self._make(root)

    async def _make(self, root: Path) -> Session:
        session_id = str(uuid.uuid4())
        setup = await self._setup(session_id, root, None)
        return self._adopt(await Session.create(session_id, setup, self._defaults.writer))

    async def resume_session(self, session_id: str) -> Session:
        """The stored session, made current; its past events are shown again. Runs that were cut are not started."""
        async with self._choosing:
            session = self._sessions.get(session_id) or await self._load(session_id)
            self._current = session_id
        for event in await session.past_events():
            self._send(event, {"replay": True})
        self._news.show(session)
        return session

    async def _load(self, session_id: str) -> Session:
        async def setup(state: State) -> Setup:
            return await self._setup(session_id, Path(state.workspace), state.model)

        return self._adopt(await Session.load(session_id, setup, self._defaults.writer))

    async def stored_sessions(self) -> list[SessionInfo]:
        """All sessions in the store, newest first."""
        writer = self._defaults.writer
        return list(await writer.call(writer.store.sessions))

    async def delete_session(self, session_id: str) -> bool:
        """Stop the session if it is open, and delete it. False if there was none."""
        session = self._sessions.pop(session_id, None)
        if session is not None:
            await session.close()
            self._news.forget(session)
            self.dynamic.forget(session)
        writer = self._defaults.writer
        return await writer.call(lambda: writer.store.delete(session_id))

    async def close(self) -> None:
        """Give all sessions back. What is going stops without an end, and goes on when it is resumed."""
        self._news.close()
        await asyncio.gather(*(session.suspend() for session in self._sessions.values()))
        self._sessions.clear()

    def open_session(self, session_id: str | None) -> Session | None:
        """The named session, or the current one, if it is open."""
        return self._sessions.get(session_id or self._current or "")

    def open_sessions(self, session_id: str | None) -> list[Session]:
        """The named session, or all that are open. Raises SessionNotFound."""
        return list(self._sessions.values()) if session_id is None else [self._named(session_id)]

    def run_of(self, run_id: str) -> Run | None:
        """An open run by its id, in whatever session."""
        found = (session.run(run_id) for session in self._sessions.values())
        return next((run for run in found if run is not None), None)

    def configure(self, given: object) -> None:
        """Take settings of the client over the known ones; what it leaves empty stays as it is, bad ones are told.

        The posture holds from the next call on, the review from the next run on, the model for new sessions.
        """
        if not isinstance(given, Mapping):
            return
        filled = {name: value for name, value in given.items() if value not in (None, "")}
        try:
            self.settings = wire.read(wire.Settings, {**self.settings.model_dump(by_alias=True), **filled})
        except JsonRpcException as error:
            show_error(self.server, f"The a3s settings cannot be used, the earlier ones hold: {error.message}")
        for session in self._sessions.values():
            self._instruct(session)

    def root(self) -> Path:
        """The first workspace folder of the client, else the folder that the server runs in."""
        return next(iter(self.server.roots()), Path.cwd())

    def _named(self, session_id: str) -> Session:
        if session_id not in self._sessions:
            raise SessionNotFound(
                f"Session {session_id} is not open here: resume it with a3s.session.resume, or leave sessionId out."
            )
        return self._sessions[session_id]

    def _adopt(self, session: Session) -> Session:
        self._sessions[session.id] = session
        self._current = session.id
        self._instruct(session)
        session.subscribe(self._show)
        for command in self.commands.of_sessions():
            session.slash.register(command)
        self.dynamic.follow(session)
        self._news.watch(session)
        return session

    def _instruct(self, session: Session) -> None:
        """Have a session follow the settings that may change while it is open."""
        session.leave.policy = posture_policy(self.settings.posture)
        session.planning.policy = PlanPolicy(self.settings.planning, approval=self.settings.posture == "plan")
        session.set_review(reviews_first=self.settings.review == "before", unsaved=self.settings.unsaved)

    # ------------------------------------------------------------ telling the client

    def _show(self, event: Event) -> None:
        if event.run_id.startswith((CHILD_RUN, STEP_RUN)):
            return  # what children and steps do is told in the run that sent them
        self._send(event, {})
        self.progress.show(event)

    def _send(self, event: Event, extra: Json) -> None:
        if self.settings.client.events:
            place = {
                "sessionId": event.session_id,
                "runId": event.run_id or None,
                "seq": event.seq,
                "time": event.time_ms,
            }
            self.server.notify(names.EVENT, {**place, "type": event.type, **extra, **_slim(event.fields)})

    # ------------------------------------------------------------ making sessions

    async def _setup(self, session_id: str, root: Path, model: str | None) -> Setup:
        """What a session of this client is made of; `model` is the one that it had, which may be gone by now."""
        settings = self.settings
        wishes = Wishes(settings.model, settings.posture, settings.config, session=session_id)
        approver = SessionApprover(self.questions, functools.partial(self._sessions.get, session_id))
        make = functools.partial(
            assemble, root, surroundings=self._defaults.surroundings, approver=approver, editor=self.editor
        )
        if model is None:
            return await make(wishes)
        try:
            return await make(replace(wishes, model=model))
        except ConfigError as error:
            setup = await make(wishes)
            show_error(
                self.server, f"The session had the model {model} ({error}); {setup.model.name} answers from now on."
            )
            return setup

    async def warm(self) -> None:
        """Load the library behind the configured model before it is needed, so that the first answer does not wait."""
        surroundings = self._defaults.surroundings
        try:
            loaded = await asyncio.to_thread(configuration, self.root(), self.settings.config, surroundings)
            settings = None if loaded is None else loaded.settings
            choice = await asyncio.to_thread(choose, settings, self.settings.model, surroundings.environ)
        except ConfigError as error:
            show_error(self.server, str(error))
            return
        for problem in loaded.problems if loaded else ():
            logger.warning("%s", problem)
        if choice.target is not None:
            warm()

    async def tidy(self) -> None:
        """Throw away what is too old to be gone back to."""
        checkpoints = self._defaults.surroundings.checkpoints
        try:
            if checkpoints is not None and checkpoints.exists:
                await asyncio.to_thread(checkpoints.prune)
        except StoreError as error:
            logger.warning("old checkpoints are not thrown away: %s", error)


def _slim(fields: Json) -> Json:
    """Without the whole texts of files that a tool's metadata has for programs: a client has the files."""
    metadata = fields.get("metadata")
    if not isinstance(metadata, dict):
        return fields
    return {**fields, "metadata": {name: value for name, value in metadata.items() if name not in ("before", "after")}}
