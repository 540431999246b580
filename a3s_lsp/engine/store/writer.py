"""The thread that writes session logs, so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.facts import WEIGHTY, Record
from a3s_lsp.engine.ports import SessionStore

T = TypeVar("T")
logger = logging.getLogger(__name__)


class LogWriter:
    """One per store; appends of all its sessions go through one thread, in order."""

    def __init__(self, store: SessionStore) -> None:
        self.store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="a3s-log") if store.blocking else None

    async def append(self, session_id: str, records: Sequence[Record]) -> None:
        """Return when the records are in the log. Raises StoreError, and then none of them is."""
        sync = any(isinstance(record.fact, WEIGHTY) for record in records)
        await self.call(lambda: self.store.append(session_id, records, sync=sync))

    async def take(self, session_id: str) -> None:
        """Take the session for this process. Raises SessionBusy."""
        await self.call(lambda: self.store.open(session_id))

    async def give_back(self, session_id: str) -> None:
        """Give the session back. What goes wrong with that is only logged: it is given back with the process."""
        try:
            await self.call(lambda: self.store.release(session_id))
        except StoreError as error:
            logger.warning("session %s stays taken until this process ends: %s", session_id, error)

    async def call(self, work: Callable[[], T]) -> T:
        """Run `work`, which uses the store, where it may block."""
        if self._thread is None:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Wait for what is being written, then end the thread."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
