"""Work that must not be cut in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


async def uninterrupted(work: Coroutine[object, object, T], grace: float | None = None) -> T:
    """Await `work` to its end even if the caller is cancelled meanwhile; the cancellation is raised after it.

    `grace` bounds, in seconds, how long the work may go on after a cancellation; then it is cancelled too, and its
    own clean-up is awaited.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task}, timeout=None if cancelled is None else grace)
        except asyncio.CancelledError as error:
            cancelled = error
            continue
        if not task.done():
            task.cancel()
            grace = None
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # seen: what the caller hears of is the cancellation
    raise cancelled
