"""Commands whose work waits for the client, for clients that wait for their commands."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.server.language_server import A3SLanguageServer
from a3s_lsp.server.notices import show_error

T = TypeVar("T")

ANSWER_SECONDS = 0.5
"""How long an answer may wait for an edit. Emacs tells of no change before it has the answer to its command, and an
edit is not done before the change is told."""


async def in_time(server: A3SLanguageServer, work: Coroutine[object, object, T], name: str) -> T | None:
    """What the work gives; None if it goes on for longer than such a client can wait. If it fails after that, the
    person is shown why."""
    going = server.run_task(_outcome(work), name)
    await asyncio.wait([going], timeout=ANSWER_SECONDS)
    if not going.done():
        going.add_done_callback(lambda task: _tell(server, task))
        return None
    outcome = going.result()
    if isinstance(outcome, A3SError):
        raise outcome
    return outcome


async def _outcome(work: Coroutine[object, object, T]) -> T | A3SError:
    """What the work gives, or why it could not be done, which is no failure of ours."""
    try:
        return await work
    except A3SError as error:
        return error


def _tell(server: A3SLanguageServer, task: asyncio.Task[T | A3SError]) -> None:
    if task.cancelled() or task.exception() is not None:
        return
    outcome = task.result()
    if isinstance(outcome, A3SError):
        show_error(server, str(outcome))
