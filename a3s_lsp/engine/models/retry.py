"""Asks again when asking again can help."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from a3s_lsp.engine.errors import ModelError, ModelRefused
from a3s_lsp.engine.ports import Chunk, Waiting


class Transient(ModelError):
    """The same request may well be answered a little later; `after` is how many seconds the provider asks for, `reason`
    one of those of `ports.Waiting`."""

    def __init__(self, message: str, after: float | None = None, reason: str = "connection") -> None:
        super().__init__(message)
        self.after = after
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Retry:
    """At most `tries` requests, with pauses that double from `first` seconds on and never exceed `longest`."""

    tries: int = 4
    first: float = 1.0
    longest: float = 60.0
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    def pause(self, tried: int, after: float | None) -> float:
        """Seconds until the next try. A provider's wish is kept; else up to a quarter is added by chance."""
        if after is not None:
            return after
        return min(self.first * 2.0 ** (tried - 1) * (1 + self.jitter() / 4), self.longest)


async def retried(attempt: Callable[[], AsyncGenerator[Chunk]], retry: Retry) -> AsyncGenerator[Chunk]:
    """The chunks of the first attempt that works, with a `Waiting` before each pause.

    Once a chunk was yielded the turn cannot be taken back here: a failure after that is a plain ModelError, and it is
    the caller that may ask for the whole turn again.
    """
    tried = 0
    while True:
        yielded = False
        try:
            async with aclosing(attempt()) as stream:
                async for chunk in stream:
                    yielded = True
                    yield chunk
            return
        except Transient as error:
            tried += 1
            pause = retry.pause(tried, error.after)
            if pause > retry.longest:
                raise ModelRefused(f"{error}; it asks for a pause of {pause:.0f} s", tried) from None
            if yielded or tried >= retry.tries:
                raise ModelError(str(error), tried) from None
            waiting = Waiting(error.reason, round(pause * 1000), tried, str(error))
        yield waiting
        await retry.sleep(pause)
