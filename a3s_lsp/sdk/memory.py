"""What a session remembers from one time to the next, and where a program keeps that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.memory.items import CONTENT_LIMIT, MemoryItem, to_json
from a3s_lsp.engine.memory.memories import Memories
from a3s_lsp.engine.memory.recollection import Recollection
from a3s_lsp.engine.messages import Json
from a3s_lsp.sdk.checks import count, string, strings
from a3s_lsp.sdk.faces import AsyncFace, Face


class FileMemoryStore:
    """Memories in the file `memory.db` of a folder, which any number of sessions and processes may share. The folder is
    made when it is first needed; what a3s-code kept in it is taken over once."""

    def __init__(self, dir: str) -> None:
        self.dir = string("dir", dir)
        self.memories = Memories(Path(dir).absolute())

    def __repr__(self) -> str:
        return f'FileMemoryStore(dir="{self.dir}")'


class InProcessMemoryStore:
    """Memories that live as long as this object; sessions that are given the same one share them."""

    def __init__(self) -> None:
        self.memories = Memories(None)

    def __repr__(self) -> str:
        return "InProcessMemoryStore()"


class AsyncRemembering(AsyncFace):
    """Remembering and recalling. Without a memory store the methods raise A3SError (a RuntimeError)."""

    @property
    def has_memory(self) -> bool:
        """Whether the session has a memory."""
        return self.engine.memory.configured

    async def remember_success(self, task: str, tools: Sequence[str], result: str) -> None:
        """Keep what worked, and with which tools."""
        _bounded(task, result)
        await self._memory.remember_success(string("task", task), strings("tools", tools), string("result", result))

    async def remember_failure(self, task: str, error: str, tools: Sequence[str]) -> None:
        """Keep what did not work, and why."""
        _bounded(task, error)
        await self._memory.remember_failure(string("task", task), string("error", error), strings("tools", tools))

    async def recall_similar(self, query: str, limit: int = 5) -> list[Json]:
        """The memories that share words with the query, the most relevant first; "" gives the best of all."""
        return _rows(await self._memory.similar(string("query", query), count("limit", limit)))

    async def recall_by_tags(self, tags: Sequence[str], limit: int = 10) -> list[Json]:
        """The memories with any of these tags, the best first."""
        return _rows(await self._memory.by_tags(strings("tags", tags), count("limit", limit)))

    async def memory_recent(self, limit: int = 10) -> list[Json]:
        """The newest memories, newest first."""
        return _rows(await self._memory.recent(count("limit", limit)))

    async def memory_stats(self) -> dict[str, int]:
        """How much there is: long_term_count, short_term_count, working_count."""
        return await self._memory.counts()

    async def get_short_term(self) -> list[Json]:
        """What this session stored, oldest first."""
        return _rows(await self._memory.short_term())

    async def get_working(self) -> list[Json]:
        """What the model of this session was told, the most relevant first."""
        return _rows(await self._memory.working())

    async def clear_short_term(self) -> None:
        """Empty the short-term tier; the memories themselves stay."""
        await self._memory.clear_short_term()

    async def clear_working(self) -> None:
        """Empty the working tier; the memories themselves stay."""
        await self._memory.clear_working()

    @property
    def _memory(self) -> Recollection:
        if self.engine.closed:
            raise A3SError(f"Session {self.engine.id} is closed: resume it to go on.")
        return self.engine.memory


class Remembering(Face):
    """Remembering and recalling. Without a memory store the methods raise A3SError (a RuntimeError)."""

    @property
    def has_memory(self) -> bool:
        """Whether the session has a memory."""
        return self._session.has_memory

    def remember_success(self, task: str, tools: Sequence[str], result: str) -> None:
        """Keep what worked, and with which tools."""
        self._loop.call(self._session.remember_success(task, tools, result))

    def remember_failure(self, task: str, error: str, tools: Sequence[str]) -> None:
        """Keep what did not work, and why."""
        self._loop.call(self._session.remember_failure(task, error, tools))

    def recall_similar(self, query: str, limit: int = 5) -> list[Json]:
        """The memories that share words with the query, the most relevant first; "" gives the best of all."""
        return self._loop.call(self._session.recall_similar(query, limit))

    def recall_by_tags(self, tags: Sequence[str], limit: int = 10) -> list[Json]:
        """The memories with any of these tags, the best first."""
        return self._loop.call(self._session.recall_by_tags(tags, limit))

    def memory_recent(self, limit: int = 10) -> list[Json]:
        """The newest memories, newest first."""
        return self._loop.call(self._session.memory_recent(limit))

    def memory_stats(self) -> dict[str, int]:
        """How much there is: long_term_count, short_term_count, working_count."""
        return self._loop.call(self._session.memory_stats())

    def get_short_term(self) -> list[Json]:
        """What this session stored, oldest first."""
        return self._loop.call(self._session.get_short_term())

    def get_working(self) -> list[Json]:
        """What the model of this session was told, the most relevant first."""
        return self._loop.call(self._session.get_working())

    def clear_short_term(self) -> None:
        """Empty the short-term tier; the memories themselves stay."""
        self._loop.call(self._session.clear_short_term())

    def clear_working(self) -> None:
        """Empty the working tier; the memories themselves stay."""
        self._loop.call(self._session.clear_working())


def _rows(items: Iterable[MemoryItem]) -> list[Json]:
    return [to_json(item) for item in items]


def _bounded(*texts: str) -> None:
    size = sum(len(text) for text in texts if isinstance(text, str))
    if size > CONTENT_LIMIT:
        raise ValueError(f"A memory may have {CONTENT_LIMIT} characters, and this has {size}: remember the gist of it.")
