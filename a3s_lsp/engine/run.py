"""A run: one prompt being answered, from its start to its one terminal fact."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from time import monotonic

from a3s_lsp.engine import facts as f
from a3s_lsp.engine import hookpoints
from a3s_lsp.engine.budget import Purse
from a3s_lsp.engine.errors import A3SError, RunCancelled
from a3s_lsp.engine.guards import Limits, account, in_time, limit_of
from a3s_lsp.engine.journal import Journal
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.loop import converse
from a3s_lsp.engine.messages import Json, ToolCall, Usage, unanswered
from a3s_lsp.engine.models.loading import ready
from a3s_lsp.engine.planning.closing import closing, open_apart
from a3s_lsp.engine.state import RunState, RunStatus
from a3s_lsp.engine.toolcalls import INTERRUPTED
from a3s_lsp.engine.verification import Summary

logger = logging.getLogger(__name__)

CANCELLED = "Operation cancelled by user"
STOPPED = "Stopped by the user while this call was running. Look at what it may have done before you repeat it."
NEVER_RAN = "Not run: the run ended before it was this call's turn."
_STOP_SECONDS = 0.4
"""How long a stopped run may take to tidy up before its end is told all the same."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended. `text` is the answer; `error` says why there is none."""

    run_id: str
    status: RunStatus
    text: str
    error: str | None
    usage: Usage
    tool_calls: int
    verification: Summary = field(default_factory=Summary)
    """What was reported while the run was going."""
    limits: Json | None = None
    budget: Json | None = None


class Run:
    """A handle on one run. It is driven by a task of its own; `wait` may be called by any number of tasks."""

    def __init__(
        self,
        run_id: str,
        journal: Journal,
        turnstile: asyncio.Lock,
        limits: Limits,
        purse: Purse,
        *,
        planned: bool = False,
    ) -> None:
        self.id = run_id
        self._limits = limits
        self._purse = purse
        self._planned = planned
        self._begun = monotonic()
        self._journal = journal
        self._turnstile = turnstile
        self._task: asyncio.Task[None] | None = None
        self._teller: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._suspended = False
        self._stopped_by: str | None = None

    def start(self, prompt: f.RunQueued, kit: Callable[[Run], Awaitable[Kit]]) -> None:
        """Begin at once. The prompt is in the journal before this returns."""
        self._begin(prompt)
        self._drive(None, kit)

    def queue(self, prompt: f.RunQueued, kit: Callable[[Run], Awaitable[Kit]]) -> None:
        """Begin when the runs before this one have ended. The prompt is in the journal before this returns."""
        self._journal.append(prompt, self.id)
        self._drive(prompt, kit)

    def resume(self, kit: Callable[[Run], Awaitable[Kit]]) -> None:
        """Go on with a run that the journal has and that did not end."""
        if self.state.queued is None:
            self._journal.append(f.RunResumed(), self.id)
        self._drive(self.state.queued, kit)

    def abandon(self) -> None:
        """End a run whose process is gone, without going on with it."""
        self._end(
            f.RunEnded("failed", error="Interrupted: the process that answered this prompt ended before it was done.")
        )
        self._tell()

    def _drive(self, prompt: f.RunQueued | None, kit: Callable[[Run], Awaitable[Kit]]) -> None:
        self._task = asyncio.get_running_loop().create_task(self._go(prompt, kit), name=f"run {self.id}")
        # From the callback, since a task that is cancelled before its first step never enters its body.
        self._task.add_done_callback(self._finished)

    @property
    def state(self) -> RunState:
        return self._journal.state.runs[self.id]

    @property
    def done(self) -> bool:
        """Whether it has ended, and everybody was told."""
        return self._ended.is_set()

    @property
    def active(self) -> bool:
        """Whether it goes on, or waits to."""
        return not self.done and not self.state.ended

    def steer(self, text: str) -> bool:
        """Give the model one more message between two of its turns. False if the run has ended."""
        if not self.active:
            return False
        self._journal.append(f.SteerQueued(text), self.id)
        return True

    async def cancel(self) -> bool:
        """Stop, and return when the terminal event was shown. False if the run has come to its own end."""
        if self._task is None or self.done:
            return False
        self._task.cancel(CANCELLED)
        await asyncio.wait({self._task}, timeout=_STOP_SECONDS)
        if not self._task.done():
            logger.warning("run %s is slow to stop; it is reported as stopped", self.id)
            self._end(f.RunEnded("cancelled", self.state.partial, CANCELLED, self.state.usage))
            self._tell()
        await self._ended.wait()
        return self.state.status == "cancelled"

    async def suspend(self) -> None:
        """Stop without an end: the run can be resumed from the log, by this process or another."""
        if self._task is None or self.done:
            return
        self._suspended = True
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=_STOP_SECONDS)

    async def wait(self) -> RunResult:
        """How the run ended."""
        await self._ended.wait()
        state = self.state
        answer = (state.status, state.text or "", state.error, state.usage, state.tool_calls)
        verified = self._journal.state.verifications.summary_of(self.id)
        return RunResult(self.id, *answer, verified, state.limits, state.budget)

    async def _go(self, prompt: f.RunQueued | None, kit_for: Callable[[Run], Awaitable[Kit]]) -> None:
        async with self._turnstile:
            if prompt is not None:
                self._begin(prompt)
            await self._journal.settled()
            kit = await kit_for(self)
            await ready(kit.model)
            begun = self._begun = monotonic()
            try:
                async with in_time(kit.limits.max_execution_time_ms, lambda: self.state.turns):
                    await hookpoints.before_run(kit, self.state)
                    text = await (converse(kit, self.state.turns) if kit.planned is None else kit.planned(kit))
                text = await hookpoints.after_run(kit, self.state, text, begun)
            except A3SError as error:
                await hookpoints.after_failure(kit, self.state, error)
                await kit.remember(str(error))
                raise
            await kit.remember(None)
            self._end(f.RunEnded("completed", text, usage=self.state.usage))

    def _begin(self, prompt: f.RunQueued) -> None:
        narrowed = prompt.model, prompt.allowed, prompt.parent, prompt.agent
        if self._planned:
            self._journal.append(f.PlanningStarted(prompt.prompt), self.id)
        self._journal.append(_mode(prompt.agent), self.id)
        self._journal.append(f.RunStarted(prompt.prompt, prompt.attachments, prompt.history, *narrowed), self.id)

    def _finished(self, task: asyncio.Task[None]) -> None:
        if self._suspended and not self.state.ended:
            self._ended.set()
            return
        if not self.state.ended:
            self._end(self._ending(task))
        self._tell()

    def _tell(self) -> None:
        """Let everybody who waits know, once the end is in the log and was shown."""
        if self._teller is None:
            self._teller = asyncio.get_running_loop().create_task(self._journal.settled_or_shown())
            self._teller.add_done_callback(lambda _: self._ended.set())

    def _ending(self, task: asyncio.Task[None]) -> f.RunEnded:
        usage = self.state.usage
        if task.cancelled():
            return f.RunEnded("cancelled", self.state.partial, CANCELLED, usage)
        error = task.exception()
        self._stopped_by = limit_of(error)
        if isinstance(error, RunCancelled):
            return f.RunEnded("cancelled", self.state.partial, str(error), usage)
        if isinstance(error, A3SError):
            return f.RunEnded("failed", self.state.partial, str(error), usage)
        # The guard around a run: a defect of ours ends this run, and nothing else.
        if error is not None:
            logger.error("run %s failed\n%s", self.id, self._journal.sealer.trace(error))
        return f.RunEnded("failed", self.state.partial, f"Internal error: {type(error).__name__}: {error}", usage)

    def _end(self, ending: f.RunEnded) -> None:
        """Append the end, after a result for each call that has none."""
        state = self.state
        if state.ended:
            return
        if state.status == "executing":
            begun = STOPPED if ending.status == "cancelled" else INTERRUPTED
            apart = open_apart(self._journal.state, state)
            for cut in (*apart, state):
                for call in unanswered(self._journal.state.conversation(cut.id)):
                    text = begun if call.id in self._journal.state.begun else NEVER_RAN
                    self._journal.append(_cut(call, text), cut.id)
            for cut in apart:
                self._journal.append(f.RunEnded(ending.status, cut.partial, ending.error, cut.usage), cut.id)
            for told in closing(self._journal.state, state, ending):
                self._journal.append(told, self.id)
        verified = self._journal.state.verifications.summary_of(self.id)
        limits = account(self._limits, state.course, state.turns, _since(self._begun), self._stopped_by)
        spent = self._purse.account(state.usage)
        self._journal.append(replace(ending, verification=verified, limits=limits, budget=spent), self.id)


def _mode(agent: str) -> f.AgentModeChanged:
    return f.AgentModeChanged("delegated", agent, "Works on one task, and reports") if agent else f.AgentModeChanged()


def _since(begun: float) -> int:
    return int((monotonic() - begun) * 1000)


def _cut(call: ToolCall, text: str) -> f.CallEnded:
    return f.CallEnded(call.id, call.name, text, 1, error_kind={"type": "cancelled", "op": call.name})
