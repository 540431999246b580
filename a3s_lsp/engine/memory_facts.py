"""Facts about what a run is told beside the conversation, and about what is remembered."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from a3s_lsp.engine.memory.items import MemoryType
from a3s_lsp.engine.messages import Json

Tier: TypeAlias = Literal["long_term", "short_term", "working"]


@dataclass(frozen=True, slots=True)
class ContextItem:
    """One piece of the system prompt that comes from outside; `tokens` is an estimate."""

    provider: str
    source: str
    tokens: int


@dataclass(frozen=True, slots=True)
class ContextResolving:
    """Those who may know something about a prompt are asked."""

    providers: tuple[str, ...]
    type: Literal["context_resolving"] = "context_resolving"


@dataclass(frozen=True, slots=True)
class ContextResolved:
    """What they had to say is in the system prompt."""

    items: tuple[ContextItem, ...]
    type: Literal["context_resolved"] = "context_resolved"


@dataclass(frozen=True, slots=True)
class MemoriesSearched:
    """The memory was searched for what may help with a prompt."""

    query: str
    tags: tuple[str, ...]
    result_count: int
    type: Literal["memories_searched"] = "memories_searched"


@dataclass(frozen=True, slots=True)
class MemoryRecalled:
    """The model is told this memory; `relevance` goes from 0 to 1."""

    memory_id: str
    content: str
    relevance: float
    type: Literal["memory_recalled"] = "memory_recalled"


@dataclass(frozen=True, slots=True)
class MemoryStored:
    """Something is remembered from now on."""

    memory_id: str
    memory_type: MemoryType
    importance: float
    tags: tuple[str, ...]
    type: Literal["memory_stored"] = "memory_stored"


@dataclass(frozen=True, slots=True)
class MemoryCleared:
    """A tier of the session's memory was emptied; the long-term items stay."""

    tier: Tier
    count: int
    type: Literal["memory_cleared"] = "memory_cleared"


@dataclass(frozen=True, slots=True)
class MemoryFailed:
    """The memory could not be read or written; the run went on without it."""

    error: str
    type: Literal["memory_failed"] = "memory_failed"


MemoryFact: TypeAlias = (
    ContextResolving | ContextResolved | MemoriesSearched | MemoryRecalled | MemoryStored | MemoryCleared | MemoryFailed
)


def describe_memory(fact: object) -> tuple[str, Json] | None:
    """The event of such a fact; None for another one."""
    if isinstance(fact, ContextResolved):
        tokens = sum(item.tokens for item in fact.items)
        listed = [asdict(item) for item in fact.items]
        return fact.type, {"total_items": len(listed), "total_tokens": tokens, "items": listed}
    if isinstance(fact, MemoryFact):
        fields = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(fact).items()}
        return fact.type, {name: value for name, value in fields.items() if name != "type"}
    return None
