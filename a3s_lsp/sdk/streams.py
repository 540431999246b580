"""The events of one prompt, as a program reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType

from a3s_lsp.engine.events import TERMINAL
from a3s_lsp.sdk.results import AgentEvent, Handle


class AsyncEventStream(Handle):
    """`async for event in stream`. Leaving `async with` early, or `aclose`, stops the run."""

    _queue: asyncio.Queue[AgentEvent]
    _stop: Callable[[], Awaitable[object]]
    _over: bool

    @classmethod
    def of(cls, stop: Callable[[], Awaitable[object]]) -> AsyncEventStream:
        """A stream that is filled with `put`, and whose run `stop` stops."""
        self = object.__new__(cls)
        self._queue = asyncio.Queue()
        self._stop = stop
        self._over = False
        return self

    def put(self, event: AgentEvent) -> None:
        """Add an event; the terminal one ends the stream."""
        self._queue.put_nowait(event)

    def __aiter__(self) -> AsyncEventStream:
        return self

    async def __anext__(self) -> AgentEvent:
        if self._over:
            raise StopAsyncIteration
        event = await self._queue.get()
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
            await self._stop()
