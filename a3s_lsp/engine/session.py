"""A session: one workspace, one conversation, one run at a time."""

from __future__ import annotations

import asyncio
import functools
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
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
from a3s_lsp.engine.context.instructions import FolderInstructions, Instructions
from a3s_lsp.engine.context.resolving import Context
from a3s_lsp.engine.delegation.delegation import Delegation, Household
from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.events import Event, project
from a3s_lsp.engine.hook_firing import SessionHooks, check_not_answering
from a3s_lsp.engine.hook_trust import ask_leave
from a3s_lsp.engine.inner_calls import InnerCalls
from a3s_lsp.engine.journal import Journal, Listener
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.lanes.queue import Lanes
from a3s_lsp.engine.leave import Leave
from a3s_lsp.engine.mcp.servers import Servers
from a3s_lsp.engine.memory.recollection import Recollection
from a3s_lsp.engine.messages import Json, ToolCall
from a3s_lsp.engine.planning.execution import Rooms
from a3s_lsp.engine.planning.planning import Planning
from a3s_lsp.engine.policy.taint import Taint
from a3s_lsp.engine.policy.verdicts import Allow
from a3s_lsp.engine.ports import AskModel, Model, SessionStore, ToolResult, Unsaved, Workspace
from a3s_lsp.engine.review import Review
from a3s_lsp.engine.rewinding import Rewind, Rewinding
from a3s_lsp.engine.run import Run
from a3s_lsp.engine.sealing import Sealer
from a3s_lsp.engine.seen import Seen
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
        self._taint = Taint(setup.security.marks_external, finds=setup.security.finds_injections)
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
        self.delegation = Delegation(
            self._journal,
            setup.agents,
            Household(self.review.record, self._child_run, self._child_kit, setup.open_model, self._task_kit),
            setup.max_parallel_tasks,
        )
        self.skills = SkillUse(setup.skills, self.delegation, state, self._task_kit)
        self.lanes = Lanes(session_id, setup.lanes)
        self._opened = monotonic()
        self._started = False
        self.purse = Purse(setup.budget, state.spending)
        self._turnstile = asyncio.Lock()
        self._runs: dict[str, Run] = {}
        self._model = setup.model
        self._seen = Seen()
        self._reviews_first, self._unsaved = setup.reviews_first, setup.unsaved
        self.compacting = Compacting(
            state, setup.compaction, setup.room, self._own_kit, self._check_idle, self._turnstile
        )
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
        begin(prompt, self._kit)
        return run

    def resume(self) -> Run | None:
        """Go on with the runs that were cut when the process that had them was gone; the first one, or None."""
        self.check_open()
        self.delegation.settle()
        cut = [run for run in self.state.open_runs if run.id not in self._runs]
        for run in cut:
            self._new_run(run.id).resume(self._kit)
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

    async def _kit(self, run: Run) -> Kit:
        def emit(fact: f.Fact) -> None:
            if not run.state.ended:  # a run that was slow to stop has nothing more to say
                self.review.record(fact, run.id)
                for hit in self.purse.news():
                    self.review.record(hit, run.id)

        await self.verification.begin(run.id)
        await self.mcp.ready()
        hooks = await self._hooks_of(run, emit)
        model = await self._model_of(run)
        return replace(
            self._direct_kit(),
            model=self.purse.guarded(model),
            planned=self.planning.of(run.state, model),
            system=self.sealer.redactor.text(await self.context.resolve(run.state.prompt, emit, hooks)),
            judge=lambda call: self.leave.judge(call, run.state.allowed),
            learn=functools.partial(self.leave.learn, emit),
            taint=self._taint,
            approver=self.setup.approver,
            reviews_first=self._reviews_first,
            unsaved=self._unsaved,
            emit=emit,
            seen=self._seen,
            before_change=lambda call_id: self.rewinding.before_change(call_id, run.id),
            around_command=lambda call_id: self.rewinding.around_command(
                call_id, lambda: None if run.state.ended else run.id
            ),
            conversation=lambda: self.state.conversation(run.id),
            call_ids=lambda: self.state.call_ids,
            steering=lambda: tuple(run.state.steering),
            review=self.review.note,
            course=run.state.course,
            temperature=self.setup.temperature,
            thinking_budget=self.setup.thinking_budget,
            remember=lambda error: self.memory.remember_run(run.state, error),
            unverified=lambda: self.verification.demand(run.id),
            hooks=hooks,
            lanes=self.lanes,
            delegate=lambda kit, call, requests, together: self.delegation.answer(
                kit, call.id, requests, together=together
            ),
            use_skill=self.skills.use,
            instruct=self._instruct(run, hooks),
            make_room=lambda kit: self.compacting.make_room(kit, run.id),
            interrupted={call_id: self.review.done_by(call_id) for call_id in self.state.begun},
        )

    async def _model_of(self, run: Run) -> Model:
        return self._model if run.state.model is None else await self.setup.open_model(run.state.model)

    async def _hooks_of(self, run: Run, emit: Callable[[f.Fact], None]) -> SessionHooks:
        hooks = SessionHooks(
            self.hooks, self.id, lambda fact: self.review.record(fact, None if run.state.ended else run.id)
        )
        if not self._started:
            if self.setup.held_back is not None:
                held = self.setup.held_back
                if await ask_leave(held, self.hooks, self.setup.approver, emit, self._journal.settled):
                    self.mcp.begin(held.servers)
                    await self.harness.begin(held.harness)
                    await self.mcp.ready()
            self._started = True
            await hookpoints.session_started(hooks, self._model.name)
        return hooks

    def _direct_kit(self) -> Kit:
        """The kit of a call that the program itself makes: no conversation, and nobody to ask."""
        setup = self.setup
        return Kit(
            model=self.purse.guarded(self._model),
            system="",
            tools=setup.tools,
            judge=lambda call: Allow(),
            approver=None,
            workspace=setup.workspace,
            artifacts=self.artifacts,
            environment=setup.environment,
            limits=setup.limits,
            emit=self.review.record,
            around_command=lambda call_id: self.rewinding.around_command(call_id, lambda: None),
            settled=self._journal.settled,
            sealer=self.sealer,
            taint=replace(self._taint, frames=False),
            conversation=tuple,
            inner=InnerCalls,
            delegate=lambda kit, call, requests, together: self.delegation.answer(
                None, "", requests, together=together
            ),
            use_skill=lambda kit, call, name, prompt: self.skills.use(None, call, name, prompt),
        )

    def _task_kit(self) -> Kit:
        """The parent of the children that the program itself sends: the policy bounds them, where there is one."""
        bounded = self.leave.policy is not None
        return replace(
            self._direct_kit(),
            judge=self.leave.judge if bounded else lambda call: Allow(),
            approver=self.setup.approver,
            hooks=SessionHooks(self.hooks, self.id, self.review.record),
            lanes=self.lanes,
            taint=self._taint,
        )

    def _child_run(self, run_id: str, steps: int) -> Run:
        limits = replace(self.setup.limits, max_tool_rounds=steps)
        return Run(run_id, self._journal, asyncio.Lock(), limits, self.purse)

    async def _child_kit(self, run: Run, instructions: str) -> Kit:
        """What belongs to a child by itself."""
        hooks = SessionHooks(self.hooks, self.id, self.review.record)
        system = await self.context.resolve(
            run.state.prompt, lambda fact: self.review.record(fact, run.id), hooks, instructions
        )
        return replace(
            self._direct_kit(),
            system=self.sealer.redactor.text(system),
            conversation=lambda: self.state.conversation(run.id),
            call_ids=lambda: self.state.call_ids,
            steering=lambda: tuple(run.state.steering),
            seen=Seen(),
            course=run.state.course,
            make_room=lambda kit: self.compacting.make_room(kit, run.id),
            instruct=self._instruct(run, hooks),
        )

    def _instruct(self, run: Run, hooks: SessionHooks) -> FolderInstructions:
        known = functools.partial(self.state.conversation, run.id)
        redacted = self.sealer.redactor.text
        return FolderInstructions(self.instructions, run.state.in_play, hooks, known, redacted)

    def _own_kit(self) -> Kit:
        """The kit of what concerns the whole conversation, while no run is going."""
        hooks = SessionHooks(self.hooks, self.id, self.review.record)
        return replace(self._direct_kit(), conversation=lambda: self.state.messages, hooks=hooks)

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
        kit = self._direct_kit()
        return await finish(kit, call, await execute(kit, Ready(call, tool, prepared.args, prepared.notes)))

    def asking(self, purpose: str) -> AskModel:
        """A way to ask the model beside the conversation: the caller's own act."""
        self.check_open()
        return functools.partial(ask_aside, self._direct_kit(), purpose)

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
        return self._model.name

    async def switch_model(self, name: str) -> None:
        """Use another model from the next run on. Raises ConfigError."""
        self._model = await self.setup.open_model(name)
        self._journal.append(f.ModelSwitched(self._model.name))

    def follow(self, other: Session) -> None:
        """Take over what was set on another session while it was open, and what keeps watch over it."""
        self.leave.policy = other.leave.policy
        self._reviews_first, self._unsaved = other._reviews_first, other._unsaved
        for hook in other.hooks:
            self.hooks.register(hook)

    def set_review(self, *, reviews_first: bool, unsaved: Unsaved) -> None:
        """Show changes before, or after, they are made, and treat unsaved text so, from the next run on."""
        self._reviews_first, self._unsaved = reviews_first, unsaved

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
