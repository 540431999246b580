"""The memory of one session: what it stores and recalls, and what of it a run is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from a3s_lsp.engine import memory_facts as mf
from a3s_lsp.engine.config.settings import Memory, Settings
from a3s_lsp.engine.errors import A3SError, StoreError
from a3s_lsp.engine.journal import Journal
from a3s_lsp.engine.memory.items import MemoryItem, failure, success
from a3s_lsp.engine.memory.memories import Memories
from a3s_lsp.engine.memory.tables import Found
from a3s_lsp.engine.state import RunState

logger = logging.getLogger(__name__)

TOLD = 5
"""How many memories one run is told."""
_SEARCHED = 20
_REMEMBERED_CHARACTERS = 1000
"""How much of a prompt, of a result and of an error a finished run leaves behind."""
_QUERY_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class MemorySetup:
    """Where a session remembers, and by which rules; without `memories` it remembers nothing, and `why` says why."""

    memories: Memories | None = None
    settings: Memory = field(default_factory=Memory)
    why: str = ""
    warning: str = ""
    """What of the memories is missing, in a sentence."""


def memory_folder(settings: Settings, root: Path) -> Path | None:
    """The folder that the configuration names for the memories of sessions on `root`; None if it names none."""
    named = settings.memory.dir or settings.memory_dir
    return (root / Path(named).expanduser()).resolve() if named else None


async def configured_memory(settings: Settings, root: Path, *, confined: bool = False) -> MemorySetup:
    """The memory that the configuration wants. That of a project which was only opened is `confined` to its folder, so
    that it can neither read nor write what is known of others."""
    folder = memory_folder(settings, root)
    if folder is None:
        return MemorySetup(settings=settings.memory)
    if confined and not _is_in(folder, root):
        why = f"the agent.acl of the project names {folder}, outside of it; name that folder in your own agent.acl."
        return _without(settings.memory, why)
    return await open_memory(Memories(folder), settings.memory)


def _is_in(folder: Path, root: Path) -> bool:
    return folder.is_relative_to(root.resolve())


async def open_memory(memories: Memories, settings: Memory) -> MemorySetup:
    """The memory for a session. One that cannot be used is left out, with a warning."""
    try:
        warning = await memories.open()
    except StoreError as error:
        return _without(settings, str(error))
    if warning:
        logger.warning(warning)
    return MemorySetup(memories, settings, warning=warning)


def _without(settings: Memory, why: str) -> MemorySetup:
    setup = MemorySetup(None, settings, why, f"The session has no memory: {why}")
    logger.warning(setup.warning)
    return setup


class Recollection:
    """Methods raise A3SError if no memory is configured, StoreError if it cannot be used."""

    def __init__(self, journal: Journal, setup: MemorySetup, redact: Callable[[str], str]) -> None:
        self._journal = journal
        self._redact = redact
        self._setup = setup
        self._settings = setup.settings

    @property
    def configured(self) -> bool:
        """Whether there is a memory."""
        return self._setup.memories is not None

    @property
    def _memories(self) -> Memories:
        if self._setup.memories is None:
            why = f": {self._setup.why}" if self._setup.why else "; set memory_store in SessionOptions."
            raise A3SError(f"Memory not configured for this session{why}")
        return self._setup.memories

    # ------------------------------------------------------------ storing

    async def remember_success(self, task: str, tools: Sequence[str], result: str) -> None:
        """Keep what worked."""
        await self._store(success(self._redact(task), tools, self._redact(result)), None)

    async def remember_failure(self, task: str, error: str, tools: Sequence[str]) -> None:
        """Keep what did not work."""
        await self._store(failure(self._redact(task), self._redact(error), tools), None)

    async def remember_run(self, run: RunState, error: str | None) -> None:
        """Keep how a run came out, if it used tools. A memory that cannot be written does not fail the run."""
        if not self.configured or not run.used_tools:
            return
        prompt = _short(run.prompt)
        if error is None:
            item = success(prompt, run.used_tools, _short(run.last_output))
        else:
            item = failure(prompt, _short(self._redact(error)), run.used_tools)
        try:
            await self._store(item, None if run.ended else run.id)
        except StoreError as lost:
            self._journal.append(mf.MemoryFailed(str(lost)), run.id)

    async def _store(self, item: MemoryItem, run_id: str | None) -> None:
        kept = await self._memories.add(item, self._settings)
        self._journal.append(mf.MemoryStored(kept.id, kept.memory_type, kept.importance, kept.tags), run_id)

    # ------------------------------------------------------------ recalling

    async def similar(self, query: str, limit: int) -> list[MemoryItem]:
        """The items that answer the query best."""
        found = await self._memories.search(query, limit, self._settings.relevance) if limit else []
        return await self._recalled([one.item for one in found])

    async def by_tags(self, tags: Sequence[str], limit: int) -> list[MemoryItem]:
        """The items with any of the tags, the best first."""
        return await self._recalled(await self._memories.by_tags(tags, limit, self._settings.relevance))

    async def _recalled(self, items: list[MemoryItem]) -> list[MemoryItem]:
        await self._memories.touch(items)
        return items

    async def recent(self, limit: int) -> list[MemoryItem]:
        """The newest items, newest first."""
        return await self._memories.recent(limit)

    async def tell(self, prompt: str, emit: Callable[[mf.MemoryFact], None]) -> list[Found]:
        """What a run with this prompt should know, the most relevant first."""
        query = prompt[:_QUERY_CHARACTERS]
        found = await self._memories.search(query, _SEARCHED, self._settings.relevance)
        told = [one for one in found if one.about][:TOLD]
        await self._memories.touch([one.item for one in told])
        emit(mf.MemoriesSearched(query, (), len(told)))
        for one in told:
            emit(mf.MemoryRecalled(one.item.id, one.item.content, round(one.relevance, 4)))
        return told

    # ------------------------------------------------------------ tiers

    async def short_term(self) -> list[MemoryItem]:
        """What this session stored, oldest first."""
        return await self._memories.these(self._journal.state.memory.latest(self._settings.max_short_term))

    async def working(self) -> list[MemoryItem]:
        """What the model of this session was told, the most relevant first."""
        return await self._memories.these(self._journal.state.memory.most_relevant(self._settings.max_working))

    async def clear_short_term(self) -> None:
        """Empty that tier; the items stay."""
        self._clear("short_term", len(await self.short_term()))

    async def clear_working(self) -> None:
        """Empty that tier; the items stay."""
        self._clear("working", len(await self.working()))

    def _clear(self, tier: mf.Tier, count: int) -> None:
        self._journal.append(mf.MemoryCleared(tier, count))

    async def counts(self) -> dict[str, int]:
        """How many items each tier has."""
        return {
            "long_term_count": await self._memories.count(),
            "short_term_count": len(await self.short_term()),
            "working_count": len(await self.working()),
        }


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _REMEMBERED_CHARACTERS else f"{text[:_REMEMBERED_CHARACTERS]}…"
