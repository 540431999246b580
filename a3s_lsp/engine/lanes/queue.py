"""The queue of a session: calls wait for their lane, and are executed by whoever handles it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

from a3s_lsp.engine.lane_facts import (
    CommandDeadLettered,
    CommandRetried,
    ExternalTaskCompleted,
    ExternalTaskPending,
    LaneFact,
    QueueAlerted,
)
from a3s_lsp.engine.lanes.config import LANES, Handler, LaneConfig
from a3s_lsp.engine.lanes.external import Outcome, Workbench
from a3s_lsp.engine.lanes.metrics import Metrics
from a3s_lsp.engine.messages import Json, ToolCall
from a3s_lsp.engine.ports import Lane, ToolResult

_held: ContextVar[frozenset[Lane]] = ContextVar("held lanes", default=frozenset())
"""The lanes in which the call that is going on, or the one that made it, has a place."""


class Lanes:
    """All lanes of one session. Without a configuration calls go straight on."""

    def __init__(self, session_id: str, config: LaneConfig | None) -> None:
        self._session_id = session_id
        self._config = config or LaneConfig()
        self.configured = config is not None
        self._slots = {lane: asyncio.Semaphore(max(1, self._config.concurrency.get(lane, 1))) for lane in LANES}
        self._pending = dict.fromkeys(LANES, 0)
        self._active = dict.fromkeys(LANES, 0)
        self._begun: deque[float] = deque()
        self._gate = asyncio.Lock()
        self._dead: deque[Json] = deque(maxlen=self._config.dead_letters or None)
        self._alerted = False
        self.metrics = Metrics()
        self.bench = Workbench()

    def set_handler(self, lane: Lane, handler: Handler) -> None:
        """Have the calls of a lane executed by somebody else from now on."""
        self._config = self._config.with_handler(lane, handler)
        self.configured = True

    async def run(
        self,
        call: ToolCall,
        lane: Lane,
        args: Json,
        work: Callable[[], Awaitable[ToolResult]],
        emit: Callable[[LaneFact], None],
    ) -> ToolResult:
        """Execute a call when it is its turn. Raises TimeoutError never: the end of its time is a result."""
        if not self.configured:
            return await work()
        async with self.slot(lane, emit):
            handler = self._config.handler(lane)
            if handler.mode == "internal":
                return await self._inside(call.name, lane, work)
            outcome = await self._outside(call, lane, args, handler, emit)
            if outcome.result is not None:
                return outcome.result
            if handler.mode == "hybrid":
                result = await self._inside(call.name, lane, work)
                note = f"\n\n[Executed by the session itself: {outcome.error}.]"
                return ToolResult(result.output + note, result.exit_code, result.metadata, result.error_kind)
            text = f"Tool '{call.name}' failed outside: {outcome.error}. It was not executed here instead."
            return ToolResult(text, 1, error_kind={"type": "external_failure", "op": call.name})

    @asynccontextmanager
    async def slot(self, lane: Lane, emit: Callable[[LaneFact], None]) -> AsyncIterator[None]:
        """Hold a place in a lane."""
        if not self.configured or lane in _held.get():
            yield  # what a call that has a place does itself waits for no other one: it could wait for its own
            return
        began = time.monotonic()
        self._pending[lane] += 1
        self.metrics.count("submitted", lane)
        self._watch(emit)
        try:
            await self._slots[lane].acquire()
        finally:
            self._pending[lane] -= 1
        self._active[lane] += 1
        token = _held.set(_held.get() | {lane})
        try:
            await self._within_rate()
            started = time.monotonic()
            self.metrics.time("wait", lane, started - began)
            yield
            self.metrics.count("completed", lane)
            self.metrics.time("run", lane, time.monotonic() - started)
        finally:
            _held.reset(token)
            self._active[lane] -= 1
            self._slots[lane].release()

    async def _inside(self, name: str, lane: Lane, work: Callable[[], Awaitable[ToolResult]]) -> ToolResult:
        limit = self._config.limit_ms(lane)
        try:
            async with asyncio.timeout(None if limit is None else limit / 1000) as deadline:
                return await work()
        except TimeoutError:
            if not deadline.expired():
                raise
            self.metrics.count("timed_out", lane)
            kind: Json = {"type": "timeout", "op": name, "duration_ms": limit}
            text = f"Tool '{name}' timed out after {limit}ms, the limit of the lane {lane}."
            return ToolResult(text, 1, error_kind=kind)

    async def _outside(
        self, call: ToolCall, lane: Lane, args: Json, handler: Handler, emit: Callable[[LaneFact], None]
    ) -> Outcome:
        attempt = 0
        while True:
            attempt += 1
            outcome = await self._offered(call, lane, args, handler, emit)
            pause = None if outcome.result is not None else self._config.retries.pause_ms(attempt)
            if pause is None:
                break
            self.metrics.count("retried", lane)
            emit(CommandRetried(call.id, call.name, shown(lane), attempt + 1, pause))
            await asyncio.sleep(pause / 1000)
        if outcome.result is None:
            self._bury(call, lane, outcome.error, attempt, emit)
        return outcome

    async def _offered(
        self, call: ToolCall, lane: Lane, args: Json, handler: Handler, emit: Callable[[LaneFact], None]
    ) -> Outcome:
        task = ExternalTaskPending(f"ext-{uuid.uuid4()}", call.id, shown(lane), call.name, args, handler.timeout_ms)
        emit(task)
        outcome = Outcome(None, "it was stopped")
        try:
            outcome = await self.bench.offer(task)
        finally:
            emit(ExternalTaskCompleted(task.task_id, outcome.result is not None))
        return outcome

    def _bury(self, call: ToolCall, lane: Lane, error: str, attempts: int, emit: Callable[[LaneFact], None]) -> None:
        self.metrics.count("failed", lane)
        emit(CommandDeadLettered(call.id, call.name, shown(lane), error, attempts))
        if self._config.dead_letters:
            self._dead.append(
                {
                    "command_id": call.id,
                    "command_type": call.name,
                    "lane_id": shown(lane),
                    "error": error,
                    "attempts": attempts,
                    "failed_at": time.time_ns() // 1_000_000,
                }
            )

    async def _within_rate(self) -> None:
        """Wait until one more call may begin."""
        rate = self._config.rate
        if rate is None:
            return
        async with self._gate:  # first come, first served
            while True:
                now = time.monotonic()
                while self._begun and self._begun[0] <= now - rate.seconds:
                    self._begun.popleft()
                if len(self._begun) < rate.most:
                    self._begun.append(now)
                    return
                await asyncio.sleep(self._begun[0] + rate.seconds - now)

    def _watch(self, emit: Callable[[LaneFact], None]) -> None:
        """Tell once when the queue becomes long."""
        waiting = sum(self._pending.values())
        if not self._config.alerts or waiting < self._config.pressure:
            self._alerted = False
        elif not self._alerted:
            self._alerted = True
            emit(QueueAlerted("warning", "pressure", f"{waiting} calls wait for their lane."))

    # ------------------------------------------------------------ looking

    def stats(self) -> Json:
        """How many calls wait and go on, in all and by lane."""
        if not self.configured:
            return {"total_pending": 0, "total_active": 0, "external_pending": 0, "lanes": {}}
        rows: dict[str, Json] = {
            shown(lane): {
                "lane": shown(lane),
                "pending": self._pending[lane],
                "active": self._active[lane],
                "max_concurrency": self._config.concurrency.get(lane, 1),
                "handler_mode": self._config.handler(lane).mode.capitalize(),
            }
            for lane in LANES
        }
        return {
            "total_pending": sum(self._pending.values()),
            "total_active": sum(self._active.values()),
            "external_pending": len(self.bench.pending(self._session_id)),
            "lanes": rows,
        }

    def measured(self) -> Json | None:
        """The metrics, if they are wanted."""
        if not self._config.metrics:
            return None
        gauges: Json = {f"pending.{lane}": self._pending[lane] for lane in LANES}
        return self.metrics.snapshot({**gauges, **{f"active.{lane}": self._active[lane] for lane in LANES}})

    def dead_letters(self) -> list[Json]:
        """The calls that failed for good, oldest first."""
        return list(self._dead)

    def pending_external(self) -> list[Json]:
        """The calls that wait for a worker outside."""
        return self.bench.pending(self._session_id)


def shown(lane: Lane) -> str:
    """A lane as programs see it."""
    return lane.capitalize()
