"""A session: one workspace, one conversation, one run at a time."""

from __future__ import annotations

import asyncio
import functools
import uuid
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import TypeVar

from a3s_lsp.engine import facts as f
from a3s_lsp.engine import hookpoints
from a3s_lsp.engine.ahp.harness import Harness
from a3s_lsp.engine.asides import ask_aside
from a3s_lsp.engine.budget import Purse
from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.commands.slash import SlashCommands
from a3s_lsp.engine.context.compacting import Compacting
from a3s_lsp.engine.context.instructions import Instructions
from a3s_lsp.engine.context.resolving import Context
from a3s_lsp.engine.delegation.delegation import Delegation, Household
from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.events import Event, project
from a3s_lsp.engine.hook_firing import SessionHooks, check_not_answering
from a3s_lsp.engine.journal import Journal, Listener
from a3s_lsp.engine.kits import Kits
from a3s_lsp.engine.lanes.queue import Lanes
from a3s_lsp.engine.leave import Leave
from a3s_lsp.engine.mcp.servers import Servers
from a3s_lsp.engine.memory.recollection import Recollection
from a3s_lsp.engine.messages import Json, ToolCall
from a3s_lsp.engine.planning.execution import Rooms
from a3s_lsp.engine.planning.planning import Planning
from a3s_lsp.engine.ports import AskModel, SessionStore, ToolResult, Unsaved, Workspace
from a3s_lsp.engine.review import Review
from a3s_lsp.engine.rewinding import Rewind, Rewinding
from a3s_lsp.engine.run import Run
from a3s_lsp.engine.sealing import Sealer
from a3s_lsp.engine.session_ids import check_id
from a3s_lsp.engine.setup import Setup as Setup
from a3s_lsp.engine.skills.using import SkillUse
from a3s_lsp.engine.state import State, folded
from a3s_lsp.engine.store.artifacts import shelf_of
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.engine.toolcalls import Ready, execute, finish
from a3s_lsp.engine.tools.arguments import Invalid, prepare
from a3s_lsp.engine.tools.registry import Registry
from a3s_lsp.engine.verifying import Verification
from a3s_lsp.engine.workspace.addresses import address

T = TypeVar("T")


class Session:
    """Use `create` or `load`. All methods are to be called on the event loop that made the session."""

    def __init__(self, session_id: str, setup: Setup, writer: LogWriter, state: State) -> None:
        self.id = session_id
        self.setup = setup
        self.state = state
        self._writer = writer
        self.sealer = Sealer(setup.redactor)
        self.artifacts = setup.artifacts.on(shelf_of(writer.store, session_id))
        self._journal = Journal(session_id, writer, state, self.sealer)
        self.kits = kits = Kits(self, self._journal)
        self.leave = Leave(self._journal, setup.permission, setup.confirmation, setup.rules, str(setup.workspace.root))
        self.review = Review(self._journal, setup.workspace)
        self.rewinding = Rewinding(self.review, setup.workspace, setup.checkpoints, self._records)
        self.verification = Verification(
            self._journal, setup.workspace, self.call_tool, self._executing, setup.verification
        )
        self.memory = Recollection(self._journal, setup.memory, setup.redactor.text)
        self.instructions = Instructions(setup.workspace, setup.own_instructions, self.leave.denies_reading)
        self.context = Context(setup.slots, setup.workspace, self.memory, self.instructions, setup.skills)
        self.hooks = setup.hooks
        self.harness = Harness(self._journal, setup.hooks, setup.environment)
        self.mcp = Servers(setup.workspace.root, setup.environment, setup.tools, self._journal.append)
        house = Household(self.review.record, kits.child_run, kits.of_child, kits.open_model, kits.of_tasks)
        self.delegation = Delegation(self._journal, setup.agents, house, setup.max_parallel_tasks)
        self.skills = SkillUse(setup.skills, self.delegation, state, kits.of_tasks)
        self.lanes = Lanes(session_id, setup.lanes)
        self._opened = monotonic()
        self.purse = Purse(setup.budget, state.spending)
        self._turnstile = asyncio.Lock()
        self._runs: dict[str, Run] = {}
        self.compacting = Compacting(state, setup.compaction, setup.room, kits.own, self._check_idle, self._turnstile)
        rooms = Rooms(self.review.record, self.compacting.make_room, setup.max_parallel_tasks)
        self.planning = Planning(state, setup.planning, setup.agents, rooms)
        self.slash = SlashCommands(self)
        self.closed = False

    @classmethod
    async def create(cls, session_id: str, setup: Setup, writer: LogWriter) -> Session:
        """A new, empty session. Raises A3SError if there is one with this id already, or if it is none."""
        check_id(session_id)
        await writer.take(session_id)
        try:
            if await writer.call(lambda: writer.store.info(session_id)) is not None:
                raise A3SError(f"Session {session_id} exists already: resume it, or choose another id.")
            session = cls(session_id, setup, writer, State())
            async with session.harness.begun(setup.harness):
                session._journal.append(f.SessionOpened(address(setup.workspace.root), setup.model.name))
                await session.review.start()
                session.mcp.begin(setup.mcp_servers)
                await session._journal.settled()
            return session
        except BaseException:
            await writer.give_back(session_id)
            raise

    @classmethod
    async def load(cls, session_id: str, setup: Callable[[State], Awaitable[Setup]], writer: LogWriter) -> Session:
        """The stored session, as it was. Raises SessionNotFound and SessionBusy."""
        check_id(session_id)
        await writer.take(session_id)
        try:
            records = await writer.call(lambda: tuple(writer.store.read(session_id)))
            made = await setup(state := folded(records))
            sealed = Sealer(made.redactor).records(records)
            if sealed is not records:  # what has come to be known as a secret since they were written
                state = folded(sealed)
            session = cls(session_id, made, writer, state)
            async with session.harness.begun(made.harness):
                if address(session.workspace.root) != state.workspace:
                    session._journal.append(f.WorkspaceMoved(address(session.workspace.root)))
                await session.review.start()
                session.mcp.begin(made.mcp_servers)
            return session
        except BaseException:
            await writer.give_back(session_id)
            raise

    # ------------------------------------------------------------ runs

    def start(self, prompt: f.RunQueued) -> Run:
        """Answer a prompt, after the run that is going if there is one."""
        self.check_open()
        self._settle_interrupted()
        busy = self.current_run() is not None
        if busy:
            check_not_answering(self.id)
        run = self._new_run(f"run-{uuid.uuid4()}")
        begin = run.queue if busy else run.start
        begin(prompt, self.kits.of_run)
        return run

    def resume(self) -> Run | None:
        """Go on with the runs that were cut when the process that had them was gone; the first one, or None."""
        self.check_open()
        self.delegation.settle()
        cut = [run for run in self.state.open_runs if run.id not in self._runs]
        for run in cut:
            self._new_run(run.id).resume(self.kits.of_run)
        return self._runs[cut[0].id] if cut else None

    def current_run(self) -> Run | None:
        """The run that is going, else the first that waits."""
        return next((run for run in self._runs.values() if run.active), None)

    def _executing(self) -> str | None:
        self.check_open()
        run = self.current_run()
        return run.id if run is not None and run.state.status == "executing" else None

    def run(self, run_id: str) -> Run | None:
        """A run of this process by its id."""
        return self._runs.get(run_id)

    async def cancel(self, run_id: str | None = None) -> bool:
        """Stop that run, or without an id all that are going and waiting. True if there was one to stop."""
        chosen = [run for run in self._runs.values() if run.active and run_id in (None, run.id)]
        # The waiting ones first, so that none of them starts when the one before it stops.
        commands = run_id is None and self.slash.cancel()
        stopped = await asyncio.gather(*(run.cancel() for run in reversed(chosen)))
        children = run_id is None and await self.delegation.stop()
        return commands or children or any(stopped)

    def _new_run(self, run_id: str) -> Run:
        limits, planned = self.setup.limits, self.planning.always
        run = Run(run_id, self._journal, self._turnstile, limits, self.purse, planned=planned)
        self._runs[run_id] = run
        return run

    def _settle_interrupted(self) -> None:
        """End the runs of a process that is gone, when nobody asked for them to go on."""
        self.delegation.settle()
        for state in self.state.open_runs:
            if state.id not in self._runs:
                self._new_run(state.id).abandon()

    def check_open(self) -> None:
        if self.closed:
            raise A3SError(f"Session {self.id} is closed: resume it to go on.")

    # ------------------------------------------------------------ watching

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Show every event from now on; call what is returned to stop that."""
        return self._journal.subscribe(listener)

    async def settled(self) -> None:
        """Return when everything so far is durable and shown. Raises StoreError."""
        await self._journal.settled()

    async def _records(self) -> Iterable[f.Record]:
        """All that is in the log."""
        await self._journal.settled()
        return self.sealer.records(await self._writer.call(lambda: tuple(self._writer.store.read(self.id))))

    async def stored(self, work: Callable[[SessionStore], T]) -> T:
        """Do something with the store that the session is in, once everything so far is in it."""
        await self._journal.settled()
        return await self._writer.call(lambda: work(self._writer.store))

    async def past_events(self, run_id: str | None = None) -> list[Event]:
        """The events in the log, of one run or of all."""
        records = await self._records()
        events = (project(self.id, record) for record in records if run_id in (None, record.run_id))
        return [event for event in events if event is not None]

    # ------------------------------------------------------------ acts of the person or the program

    async def call_tool(self, name: str, args: Json) -> ToolResult:
        """Use a tool directly: the caller's own act, so nobody is asked. Failures are results."""
        self.check_open()
        tool = self.setup.tools.get(name)
        if tool is None:
            return ToolResult(f"Unknown tool: {name}. Known are: {', '.join(self.setup.tools.names())}.", 1)
        prepared = prepare(tool, args)
        if isinstance(prepared, Invalid):
            return ToolResult(prepared.message, 1, error_kind=prepared.kind)
        call = ToolCall(f"direct-{uuid.uuid4()}", name, "")
        kit = self.kits.direct()
        return await finish(kit, call, await execute(kit, Ready(call, tool, prepared.args, prepared.notes)))

    def asking(self, purpose: str) -> AskModel:
        """A way to ask the model beside the conversation: the caller's own act."""
        self.check_open()
        return functools.partial(ask_aside, self.kits.direct(), purpose)

    async def undo(self) -> ChangeSet | None:
        """Take back the last change set; None if there is none. Raises StaleEdit if the files were changed since."""
        return await self.review.take_back()

    async def rewind(self, to: str, *, files: bool = True, conversation: bool = True) -> Rewind:
        """Go back to just before a run or a call, or forth by the id of a rewind. A3SError while a run is going."""
        self._check_idle("rewind")
        return await self.rewinding.rewind(to, files=files, conversation=conversation)

    def _check_idle(self, verb: str) -> None:
        if self.current_run() is not None:
            raise A3SError(f"A run is going: stop it, or let it end, before you {verb}.")

    @property
    def model_name(self) -> str:
        return self.kits.model.name

    async def switch_model(self, name: str) -> None:
        """Use another model from the next run on. Raises ConfigError."""
        self.kits.model = await self.setup.open_model(name)
        self._journal.append(f.ModelSwitched(self.kits.model.name))

    def follow(self, other: Session) -> None:
        """Take over what was set on another session while it was open, and what keeps watch over it."""
        self.leave.policy = other.leave.policy
        self.kits.reviews_first, self.kits.unsaved = other.kits.reviews_first, other.kits.unsaved
        for hook in other.hooks:
            self.hooks.register(hook)

    def set_review(self, *, reviews_first: bool, unsaved: Unsaved) -> None:
        """Show changes before, or after, they are made, and treat unsaved text so, from the next run on."""
        self.kits.reviews_first, self.kits.unsaved = reviews_first, unsaved

    @property
    def tools(self) -> Registry:
        return self.setup.tools

    @property
    def workspace(self) -> Workspace:
        return self.setup.workspace

    # ------------------------------------------------------------ end

    async def close(self) -> None:
        """Stop what is going, write what is not written, and give the session back."""
        if self.closed:
            return
        await self.cancel()
        self.closed = True
        hooks = SessionHooks(self.hooks, self.id, self.review.record)
        await hookpoints.session_ended(hooks, self.state, self._opened)
        self.hooks.dismiss(self.id)
        await self.delegation.stop()
        await self.mcp.close()
        await self.harness.close()
        self.review.stop()
        await self._journal.settled_or_shown()
        await self._writer.give_back(self.id)

    async def suspend(self) -> None:
        """Stop what is going without ending it, and give the session back: resuming it goes on from there."""
        if self.closed:
            return
        self.closed = True
        self.hooks.dismiss(self.id)
        await self.delegation.stop()
        await self.mcp.close()
        await self.harness.close()
        self.review.stop()
        await asyncio.gather(*(run.suspend() for run in self._runs.values()))
        await self._journal.settled_or_shown()
        await self._writer.give_back(self.id)
