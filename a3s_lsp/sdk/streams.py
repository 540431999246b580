"""The events of one run, as a program reads them: `AsyncEventStream`, and its blocking twin."""

from __future__ import annotations

import asyncio
import queue
import weakref
from collections.abc import Awaitable, Callable
from types import TracebackType

from a3s_lsp.engine.events import TERMINAL
from a3s_lsp.sdk.loop_thread import STEP_SECONDS, LoopThread
from a3s_lsp.sdk.results import AgentEvent, Handle


class AsyncEventStream(Handle):
    """`async for event in stream`. Leaving `async with` early, `aclose`, or letting it go stops the run."""

    _queue: asyncio.Queue[AgentEvent | None]
    _stop: Callable[[], Awaitable[object]]
    _over: bool
    _abandoning: weakref.finalize[[asyncio.AbstractEventLoop, Callable[[], Awaitable[object]]], AsyncEventStream]
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
        self._abandoning = weakref.finalize(self, _abandoned, asyncio.get_running_loop(), stop)
        self._abandoning.atexit = False
        return self

    def __aiter__(self) -> AsyncEventStream:
        return self

    async def __anext__(self) -> AgentEvent:
        event = None if self._over else await self._queue.get()
        if event is None:
            self._over = True
            raise StopAsyncIteration
        self._over = event.event_type in TERMINAL
        if self._over:
            self._abandoning.detach()  # there is nothing left to stop
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


class EventStream(Handle):
    """`for event in stream`, or `async for`. Leaving `with` early, `close`, or letting it go stops the run."""

    _loop: LoopThread
    _source: AsyncEventStream
    _events: queue.SimpleQueue[AgentEvent | None]
    _over: bool

    @classmethod
    def of(cls, loop: LoopThread, open_stream: Callable[[], AsyncEventStream]) -> EventStream:
        """The blocking twin of the stream that `open_stream` opens on the loop."""
        self = object.__new__(cls)
        self._loop = loop
        self._events = queue.SimpleQueue()
        self._over = False
        self._source = loop.here(open_stream)
        pump = _pump(self._source, self._events)
        asyncio.run_coroutine_threadsafe(pump, loop.loop)
        weakref.finalize(self, _abandon, loop, self._source)
        return self

    def __iter__(self) -> EventStream:
        return self

    def __next__(self) -> AgentEvent:
        if self._over:
            raise StopIteration
        try:
            event = self._took(_next(self._events))
        except KeyboardInterrupt:
            self.close()
            raise
        if event is None:
            raise StopIteration
        return event

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> AgentEvent:
        if self._over:
            raise StopAsyncIteration
        try:
            event = self._took(self._events.get_nowait())
        except queue.Empty:
            event = self._took(await asyncio.to_thread(self._events.get))
        if event is None:
            raise StopAsyncIteration
        return event

    def _took(self, event: AgentEvent | None) -> AgentEvent | None:
        self._over = event is None or event.event_type in TERMINAL
        return event

    def __enter__(self) -> EventStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the run if it is still going; nothing more comes out."""
        if not self._over:
            self._over = True
            self._loop.call(self._source.aclose())


def _next(events: queue.SimpleQueue[AgentEvent | None]) -> AgentEvent | None:
    while True:
        try:
            return events.get(timeout=STEP_SECONDS)
        except queue.Empty:
            continue


async def _pump(source: AsyncEventStream, sink: queue.SimpleQueue[AgentEvent | None]) -> None:
    async for event in source:
        sink.put(event)
    sink.put(None)


def _abandon(loop: LoopThread, source: AsyncEventStream) -> None:
    asyncio.run_coroutine_threadsafe(source.aclose(), loop.loop)
