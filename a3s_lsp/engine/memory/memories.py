"""Long-term memory: a thread that reads and writes the items, so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from a3s_lsp.engine.config.settings import Memory, Relevance
from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.memory.importing import OldFolder, read_old_folder
from a3s_lsp.engine.memory.items import MemoryItem
from a3s_lsp.engine.memory.tables import Found, ItemTables

T = TypeVar("T")
FILE_NAME = "memory.db"


class Memories:
    """The items of one folder, or of this object if `folder` is None. Any number of sessions and processes may share
    a folder. Methods raise StoreError."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._tables = ItemTables(None if folder is None else folder / FILE_NAME)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="a3s-memory")

    async def open(self) -> str:
        """Make the folder usable, with what a3s-code left in it; returns a warning about what could not be read."""
        return await self._call(self._open)

    def _open(self) -> str:
        if self._tables.marked("imported") is not None or self.folder is None:
            return ""
        old = _read(self.folder)
        self._tables.add_all(old.items, time.time_ns())
        return old.warning

    async def add(self, item: MemoryItem, settings: Memory) -> MemoryItem:
        """Keep an item, or join it to one that says the same; returns what is kept."""

        def work() -> MemoryItem:
            kept = self._tables.add(item)
            self._prune(settings)
            return kept

        return await self._call(work)

    def _prune(self, settings: Memory) -> None:
        interval = settings.prune_interval_secs
        if interval and time.time() - (self._tables.marked("pruned") or 0) >= interval:
            self._tables.prune(settings.prune, settings.relevance, time.time_ns())

    async def search(self, query: str, limit: int, weights: Relevance) -> list[Found]:
        """The items that answer the query, the most relevant first."""
        return await self._call(lambda: self._tables.search(query, limit, weights, time.time_ns()))

    async def by_tags(self, tags: Sequence[str], limit: int, weights: Relevance) -> list[MemoryItem]:
        """The items with any of these tags, the best first."""
        return await self._call(lambda: self._tables.by_tags(tags, limit, weights, time.time_ns()))

    async def recent(self, limit: int) -> list[MemoryItem]:
        """The newest items, newest first."""
        return await self._call(lambda: self._tables.recent(limit))

    async def these(self, ids: Sequence[str]) -> list[MemoryItem]:
        """The items with these ids, in that order; those that are gone are left out."""
        return await self._call(lambda: self._tables.these(ids))

    async def touch(self, items: Sequence[MemoryItem]) -> None:
        """Note that these items were recalled."""
        ids = [item.id for item in items]
        if ids:
            await self._call(lambda: self._tables.touch(ids, time.time_ns()))

    async def count(self) -> int:
        """How many items there are."""
        return await self._call(self._tables.count)

    async def forget(self, item_id: str) -> bool:
        """Drop one item. False if there is none with this id."""
        return await self._call(lambda: self._tables.forget(item_id))

    async def forget_all(self) -> int:
        """Drop everything; returns how many items that were."""
        return await self._call(self._tables.forget_all)

    async def import_folder(self, folder: Path) -> tuple[int, OldFolder]:
        """Take in a folder of a3s-code: how many items were new, and what was found."""

        def work() -> tuple[int, OldFolder]:
            old = _read(folder)
            return self._tables.add_all(old.items, time.time_ns()), old

        return await self._call(work)

    async def _call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _read(folder: Path) -> OldFolder:
    try:
        return read_old_folder(folder)
    except OSError as error:
        raise StoreError(f"The memories in {folder} cannot be read ({error.strerror}).") from error
