"""Notifications on their way to a harness: in order, and nobody waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from a3s_lsp.engine.ahp.link import Link
from a3s_lsp.engine.ahp.protocol import HarnessFailed
from a3s_lsp.engine.messages import Json

_MOST_WAITING = 1000
_LAST_SECONDS = 2.0
"""How long the last ones may take when the session ends."""


class Telling:
    """Sends what it is given, several events at once where the harness takes that. `failed` hears of the first of each
    row of failures."""

    def __init__(self, link: Link, failed: Callable[[HarnessFailed], None]) -> None:
        self._link = link
        self._failed = failed
        self._waiting: asyncio.Queue[Json] = asyncio.Queue(_MOST_WAITING)
        self._failing = False
        self._task = asyncio.get_running_loop().create_task(self._work(), name="harness notifications")

    def put(self, event: Json) -> None:
        """Let the harness know."""
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self._note(HarnessFailed(f"The harness is too slow: more than {_MOST_WAITING} events wait for it."))

    async def close(self) -> None:
        """Send what still waits, as far as that goes."""
        joined = asyncio.get_running_loop().create_task(self._waiting.join())
        await asyncio.wait({joined}, timeout=_LAST_SECONDS)
        for task in (joined, self._task):
            task.cancel()

    async def _work(self) -> None:
        while True:
            events = [await self._waiting.get()]
            while len(events) < self._link.greeting.batch and not self._waiting.empty():
                events.append(self._waiting.get_nowait())
            try:
                await self._send(events)
                self._failing = False
            except HarnessFailed as error:
                self._note(error)
            finally:
                for _ in events:
                    self._waiting.task_done()

    async def _send(self, events: list[Json]) -> None:
        if len(events) == 1:
            await self._link.tell("ahp/event", events[0])
        else:
            await self._link.ask("ahp/batch", {"events": events})

    def _note(self, error: HarnessFailed) -> None:
        if not self._failing:
            self._failing = True
            self._failed(error)
