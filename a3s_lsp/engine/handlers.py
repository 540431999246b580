"""Calls what the embedding program handed in: a plain function on a thread of its own, so that it may take its time and
use the session; a coroutine on the loop. Whatever it does, even `sys.exit`, becomes HandlerFailed."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.messages import Json

Handler: TypeAlias = Callable[[Json], object]
"""A function of an event that answers with a value, or with something to be awaited for one."""


class HandlerFailed(A3SError):
    """A function of the embedding program raised something, took too long, or answered what cannot be understood."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a function ended: as a value, since not every exception may be given to a future."""

    value: object = None
    error: BaseException | None = None


async def call_handler(handler: Handler, event: Json, timeout_ms: int | None) -> object:
    """What the handler answers. Raises HandlerFailed.

    One that takes too long, or whose caller is cancelled, is left to itself: a coroutine is cancelled, a thread ends
    when its function does, and what they answer then is dropped.
    """
    task = asyncio.get_running_loop().create_task(_outcome(handler, event))
    try:
        done, _ = await asyncio.wait({task}, timeout=None if timeout_ms is None else timeout_ms / 1000)
    finally:
        task.cancel()
    if not done:
        raise HandlerFailed(f"it gave no answer within {timeout_ms} ms")
    if task.cancelled():
        raise HandlerFailed("it was cancelled")
    outcome = task.result()
    if outcome.error is not None:
        raise HandlerFailed(_told(outcome.error)) from outcome.error
    return outcome.value


async def _outcome(handler: Handler, event: Json) -> _Outcome:
    try:
        if inspect.iscoroutinefunction(handler):
            value: object = handler(event)
        else:
            outcome = await _on_thread(lambda: handler(event))
            if outcome.error is not None:
                return outcome
            value = outcome.value
        return _Outcome(await value if inspect.isawaitable(value) else value)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # the guard around foreign code: here even an exit would end the engine's loop
        return _Outcome(error=error)


async def _on_thread(function: Callable[[], object]) -> _Outcome:
    """Call it on a thread that does not keep the program alive, with the context variables of the caller."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_Outcome] = loop.create_future()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            outcome = _Outcome(context.run(function))
        except BaseException as error:  # the guard around foreign code
            outcome = _Outcome(error=error)
        with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
            loop.call_soon_threadsafe(_settle, answer, outcome)

    threading.Thread(target=work, name="a3s-handler", daemon=True).start()
    return await answer


def _settle(answer: asyncio.Future[_Outcome], outcome: _Outcome) -> None:
    if not answer.done():
        answer.set_result(outcome)


def _told(error: BaseException) -> str:
    if isinstance(error, A3SError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
