"""Time without waiting: event loops that share one clock, which jumps to whatever is due next."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import Context
from itertools import count
from random import Random
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LIMIT = 200_000
"""How many callbacks a schedule may take; beyond that it does not come to rest."""


class Restless(Exception):
    """Something goes on for ever."""


class Clock:
    """What is due in all processes, in one order. `now` is in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Process, asyncio.Handle]] = []
        self._order = count()

    def process(self, random: Random) -> Process:
        """A new process on this clock."""
        return Process(self, random)  # type: ignore[abstract]  # nobody calls the methods that it leaves out

    def put(self, when: float, process: Process, handle: asyncio.Handle) -> None:
        """Have the handle run at that time."""
        heapq.heappush(self._due, (when, next(self._order), process, handle))

    def run(self, until: float | None = None) -> None:
        """Let everything happen that is due until then; without a time, until nothing is left to do."""
        while self._due and (until is None or self._due[0][0] <= until):
            when, number, process, handle = heapq.heappop(self._due)
            if handle.cancelled():
                continue
            if number > LIMIT:
                raise Restless(f"after {LIMIT} callbacks something still goes on: {handle!r}")
            self.now = max(self.now, when)
            process.run(handle)
        self.now = max(self.now, until or 0.0)


class Process(asyncio.AbstractEventLoop):
    """The event loop of one process. What it gives to threads is done on the clock, after a delay from the seed."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self.clock = clock
        self.faults: list[str] = []
        """What asyncio complained of."""
        self.after_thread: Callable[[], None] = lambda: None
        """Called after each piece of work that a thread would do."""
        self._random = random
        self._killed: list[asyncio.Handle] | None = None

    def run(self, handle: asyncio.Handle) -> None:
        """Run one callback, or keep it for the burial of a process that was killed."""
        if self._killed is not None:
            self._killed.append(handle)
            return
        asyncio._set_running_loop(self)
        try:
            handle._run()
        finally:
            asyncio._set_running_loop(None)

    def enter(self, work: Callable[[], T]) -> T:
        """Call something as if this loop were running."""
        asyncio._set_running_loop(self)
        try:
            return work()
        finally:
            asyncio._set_running_loop(None)

    def kill(self) -> None:
        """As `kill -9`: not one more callback runs, no clean-up either."""
        self._killed = []

    def bury(self) -> None:
        """End what a killed process left, so that nothing of it is found later; to be called when nobody looks."""
        handles, self._killed = self._killed or [], None
        for handle in handles:
            self.clock.put(self.clock.now, self, handle)
        while tasks := asyncio.all_tasks(self):  # some clean up first, and ask for more
            for task in tasks:
                task.cancel()
            self.clock.run()

    # ------------------------------------------------------------ what asyncio asks of a loop

    def time(self) -> float:
        return self.clock.now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self.clock.put(self.clock.now, self, handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.clock.now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self.clock.put(when, self, handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """The clock passes over it."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()

        def work() -> None:
            if future.cancelled():
                return
            try:
                result = func(*args)
            except Exception as error:  # as an executor: whatever it is, it belongs to who waits for it
                future.set_exception(error)
            else:
                future.set_result(result)
            self.after_thread()

        self.call_later(self._random.choice((0.0, 0.0, 0.001, 0.004)), work)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.faults.append(f"{context.get('message')} {context.get('exception')!r}")
