"""A stored run as a stream of its events, and of those that are still to come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from a3s_lsp.engine.events import TERMINAL, Event
from a3s_lsp.engine.session import Session as EngineSession
from a3s_lsp.sdk.results import AgentEvent
from a3s_lsp.sdk.streams import AsyncEventStream


def replay(engine: EngineSession, run_id: str) -> AsyncEventStream:
    """The stream; closing it stops nothing but the stream."""

    async def stop() -> None:
        feeding.cancel()

    stream = AsyncEventStream.of(stop)
    feeding = asyncio.get_running_loop().create_task(_feed(engine, run_id, stream.put), name=f"replay {run_id}")
    return stream


async def _feed(engine: EngineSession, run_id: str, put: Callable[[AgentEvent | None], None]) -> None:
    news: asyncio.Queue[Event] = asyncio.Queue()
    stop = engine.subscribe(lambda event: news.put_nowait(event) if event.run_id == run_id else None)
    try:
        last: Event | None = None
        for last in await engine.past_events(run_id):
            put(AgentEvent.of(last))
        while engine.run(run_id) is not None and (last is None or last.type not in TERMINAL):
            event = await news.get()
            if last is None or event.seq > last.seq:
                last = event
                put(AgentEvent.of(event))
    finally:
        stop()
        put(None)  # a run that was cut has no end
