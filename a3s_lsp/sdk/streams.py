"""The events of one prompt, as a program reads them."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from types import TracebackType

from a3s_lsp.engine.events import TERMINAL
from a3s_lsp.sdk.results import AgentEvent, Handle


class AsyncEventStream(Handle):
    """`async for event in stream`. Leaving `async with` early, `aclose`, or letting it go stops the run."""

    _queue: asyncio.Queue[AgentEvent | None]
    _stop: Callable[[], Awaitable[object]]
    _over: bool
    put: Callable[[AgentEvent | None], None]
    """Add an event; the terminal one ends the stream, and so does None. It does not keep the stream alive."""

    @classmethod
    def of(cls, stop: Callable[[], Awaitable[object]]) -> AsyncEventStream:
        """A stream that is filled with `put`, and whose run `stop` stops."""
        self = object.__new__(cls)
        self._queue = asyncio.Queue()
        self.put = self._queue.put_nowait
        self._stop = stop
        self._over = False
        weakref.finalize(self, _abandoned, asyncio.get_running_loop(), stop).atexit = False
        return self

    def __aiter__(self) -> AsyncEventStream:
        return self

    async def __anext__(self) -> AgentEvent:
        event = None if self._over else await self._queue.get()
        if event is None:
            self._over = True
            raise StopAsyncIteration
        self._over = event.event_type in TERMINAL
        return event

    async def __aenter__(self) -> AsyncEventStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop the run if it is still going; nothing more comes out."""
        if not self._over:
            self._over = True
            self.put(None)
            await self._stop()


def _abandoned(loop: asyncio.AbstractEventLoop, stop: Callable[[], Awaitable[object]]) -> None:
    """Stop what nobody can read any more; it is harmless if that has ended."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(lambda: asyncio.ensure_future(stop(), loop=loop))
