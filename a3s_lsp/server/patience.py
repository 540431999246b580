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
    going = server.run_task(work, name)
    await asyncio.wait([going], timeout=ANSWER_SECONDS)
    if going.done():
        return going.result()
    going.add_done_callback(lambda task: _tell(server, task))
    return None


def _tell(server: A3SLanguageServer, task: asyncio.Task[T]) -> None:
    error = None if task.cancelled() else task.exception()
    if isinstance(error, A3SError):
        show_error(server, str(error))
