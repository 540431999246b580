"""The kits of a session: what its runs, its children and the program itself may use."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from a3s_lsp.engine import facts as f
from a3s_lsp.engine import hookpoints
from a3s_lsp.engine.context.instructions import FolderInstructions
from a3s_lsp.engine.hook_firing import SessionHooks
from a3s_lsp.engine.hook_trust import ask_leave
from a3s_lsp.engine.inner_calls import InnerCalls
from a3s_lsp.engine.journal import Journal
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.policy.taint import Taint
from a3s_lsp.engine.policy.verdicts import Allow
from a3s_lsp.engine.ports import Model
from a3s_lsp.engine.run import Run
from a3s_lsp.engine.seen import Seen

if TYPE_CHECKING:
    from a3s_lsp.engine.session import Session


class Kits:
    """Made by `Session`, of its parts. `model`, `reviews_first` and `unsaved` hold from the next run on."""

    def __init__(self, session: Session, journal: Journal) -> None:
        setup = session.setup
        self.model = setup.model
        self.reviews_first, self.unsaved = setup.reviews_first, setup.unsaved
        self._session = session
        self._journal = journal
        self._seen = Seen()
        self._taint = Taint(setup.security.marks_external, finds=setup.security.finds_injections)
        self._started = False

    async def of_run(self, run: Run) -> Kit:
        """The kit of a run of the session itself."""
        session, setup, state = self._session, self._session.setup, self._session.state

        def emit(fact: f.Fact) -> None:
            if not run.state.ended:  # a run that was slow to stop has nothing more to say
                session.review.record(fact, run.id)
                for hit in session.purse.news():
                    session.review.record(hit, run.id)

        await session.verification.begin(run.id)
        await session.mcp.ready()
        hooks = await self._hooks_of(run, emit)
        model = self.model if run.state.model is None else await setup.open_model(run.state.model)
        system = await session.context.resolve(run.state.prompt, emit, hooks)
        return replace(
            self.direct(),
            model=session.purse.guarded(model),
            planned=session.planning.of(run.state, model),
            system=session.sealer.redactor.text(system),
            judge=lambda call: session.leave.judge(call, run.state.allowed),
            learn=functools.partial(session.leave.learn, emit),
            taint=self._taint,
            approver=setup.approver,
            reviews_first=self.reviews_first,
            unsaved=self.unsaved,
            emit=emit,
            seen=self._seen,
            before_change=lambda call_id: session.rewinding.before_change(call_id, run.id),
            around_command=lambda call_id: session.rewinding.around_command(
                call_id, lambda: None if run.state.ended else run.id
            ),
            conversation=lambda: state.conversation(run.id),
            call_ids=lambda: state.call_ids,
            steering=lambda: tuple(run.state.steering),
            review=session.review.note,
            course=run.state.course,
            temperature=setup.temperature,
            thinking_budget=setup.thinking_budget,
            remember=lambda error: session.memory.remember_run(run.state, error),
            unverified=lambda: session.verification.demand(run.id),
            hooks=hooks,
            lanes=session.lanes,
            delegate=lambda kit, call, requests, together: session.delegation.answer(
                kit, call.id, requests, together=together
            ),
            use_skill=session.skills.use,
            instruct=self._instruct(run, hooks),
            make_room=lambda kit: session.compacting.make_room(kit, run.id),
            interrupted={call_id: session.review.done_by(call_id) for call_id in state.begun},
        )

    def direct(self) -> Kit:
        """The kit of a call that the program itself makes: no conversation, and nobody to ask."""
        session, setup = self._session, self._session.setup
        return Kit(
            model=session.purse.guarded(self.model),
            system="",
            tools=setup.tools,
            judge=lambda call: Allow(),
            approver=None,
            workspace=setup.workspace,
            artifacts=session.artifacts,
            environment=setup.environment,
            limits=setup.limits,
            emit=session.review.record,
            around_command=lambda call_id: session.rewinding.around_command(call_id, lambda: None),
            settled=self._journal.settled,
            sealer=session.sealer,
            taint=replace(self._taint, frames=False),
            conversation=tuple,
            inner=InnerCalls,
            delegate=lambda kit, call, requests, together: session.delegation.answer(
                None, "", requests, together=together
            ),
            use_skill=lambda kit, call, name, prompt: session.skills.use(None, call, name, prompt),
        )

    def own(self) -> Kit:
        """The kit of what concerns the whole conversation, while no run is going."""
        return replace(self.direct(), conversation=lambda: self._session.state.messages, hooks=self._outside_runs())

    def of_tasks(self) -> Kit:
        """The parent of the children that the program itself sends: the policy bounds them, where there is one."""
        session = self._session
        bounded = session.leave.policy is not None
        return replace(
            self.direct(),
            judge=session.leave.judge if bounded else lambda call: Allow(),
            approver=session.setup.approver,
            hooks=self._outside_runs(),
            lanes=session.lanes,
            taint=self._taint,
        )

    async def open_model(self, name: str) -> Model:
        """The model of another name, which spends from the same purse. Raises ConfigError."""
        return self._session.purse.guarded(await self._session.setup.open_model(name))

    def child_run(self, run_id: str, steps: int) -> Run:
        """A run of a child with so many turns, which waits for no other run."""
        limits = replace(self._session.setup.limits, max_tool_rounds=steps)
        return Run(run_id, self._journal, asyncio.Lock(), limits, self._session.purse)

    async def of_child(self, run: Run, instructions: str) -> Kit:
        """What belongs to a child by itself."""
        session, state, hooks = self._session, self._session.state, self._outside_runs()
        system = await session.context.resolve(
            run.state.prompt, lambda fact: session.review.record(fact, run.id), hooks, instructions
        )
        return replace(
            self.direct(),
            system=session.sealer.redactor.text(system),
            conversation=lambda: state.conversation(run.id),
            call_ids=lambda: state.call_ids,
            steering=lambda: tuple(run.state.steering),
            seen=Seen(),
            course=run.state.course,
            make_room=lambda kit: session.compacting.make_room(kit, run.id),
            instruct=self._instruct(run, hooks),
        )

    def _outside_runs(self) -> SessionHooks:
        return SessionHooks(self._session.hooks, self._session.id, self._session.review.record)

    async def _hooks_of(self, run: Run, emit: Callable[[f.Fact], None]) -> SessionHooks:
        """The hooks of a run; before the first one what waits for leave is asked about, and the session begins."""
        session, setup = self._session, self._session.setup
        hooks = SessionHooks(
            session.hooks, session.id, lambda fact: session.review.record(fact, None if run.state.ended else run.id)
        )
        if not self._started:
            held = setup.held_back
            if held and await ask_leave(held, session.hooks, setup.approver, emit, self._journal.settled):
                session.mcp.begin(held.servers)
                await session.harness.begin(held.harness)
                await session.mcp.ready()
            self._started = True
            await hookpoints.session_started(hooks, self.model.name)
        return hooks

    def _instruct(self, run: Run, hooks: SessionHooks) -> FolderInstructions:
        session = self._session
        known = functools.partial(session.state.conversation, run.id)
        redacted = session.sealer.redactor.text
        return FolderInstructions(session.instructions, run.state.in_play, hooks, known, redacted)
