"""The thread on which the asynchronous engine runs for callers that block.

A blocking call waits in small steps, so that Ctrl-C gets through on every system; it then stops what it waited for.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import TypeVar

from a3s_lsp.engine.errors import A3SError

T = TypeVar("T")
STEP_SECONDS = 0.1
"""How long a blocking wait may hold back Ctrl-C."""
_TIDY_SECONDS = 0.5


class LoopThread:
    """An event loop on a thread of its own, which ends when nothing refers to this object any more."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_serve, args=(self.loop,), name="a3s-engine", daemon=True)
        thread.start()
        self._thread = thread.ident
        weakref.finalize(self, self.loop.call_soon_threadsafe, self.loop.stop)

    def call(self, work: Coroutine[object, object, T]) -> T:
        """Run it, and wait for it. Ctrl-C cancels it, and waits for a moment until it has tidied up."""
        if threading.get_ident() == self._thread:
            work.close()
            raise A3SError("A coroutine on a session's own thread cannot use the blocking face; use a plain function.")
        tasks: list[asyncio.Task[T]] = []

        async def watched() -> T:
            tasks.append(asyncio.ensure_future(work))
            await asyncio.wait(tasks)
            return tasks[0].result()

        future = asyncio.run_coroutine_threadsafe(watched(), self.loop)
        try:
            return _patiently(future)
        except KeyboardInterrupt:
            for task in tasks:
                self.loop.call_soon_threadsafe(task.cancel)
            concurrent.futures.wait([future], timeout=_TIDY_SECONDS)
            raise

    def here(self, work: Callable[[], T]) -> T:
        """Run a plain function on the loop, and wait for it."""

        async def call() -> T:
            return work()

        return self.call(call())


def _patiently(future: concurrent.futures.Future[T]) -> T:
    while True:
        try:
            return future.result(STEP_SECONDS)
        except TimeoutError:
            if future.done():
                return future.result()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    while left := asyncio.all_tasks(loop):  # what is ended may begin something in turn
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
