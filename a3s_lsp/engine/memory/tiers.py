"""The tiers of a session's own memory, folded from its facts: what it stored, and what it was told."""

from __future__ import annotations

from a3s_lsp.engine.memory_facts import MemoryCleared, MemoryRecalled, MemoryStored


class Tiers:
    """The ids of items; their contents are in the long-term memory, so that what is forgotten there is gone."""

    def __init__(self) -> None:
        self.short_term: dict[str, None] = {}
        """What the session has stored, oldest first."""
        self.working: dict[str, float] = {}
        """What its model was told, with the relevance."""

    def apply(self, fact: object) -> None:
        """Fold one more fact in."""
        match fact:
            case MemoryStored(memory_id=memory_id):
                self.short_term.pop(memory_id, None)
                self.short_term[memory_id] = None
            case MemoryRecalled(memory_id=memory_id, relevance=relevance):
                self.working[memory_id] = relevance
            case MemoryCleared(tier="short_term"):
                self.short_term.clear()
            case MemoryCleared(tier="working"):
                self.working.clear()
            case _:
                pass

    def latest(self, most: int) -> list[str]:
        """What was stored last, oldest first."""
        return list(self.short_term)[-most:] if most > 0 else []

    def most_relevant(self, most: int) -> list[str]:
        """What the model was told, the most relevant first."""
        return sorted(self.working, key=lambda one: self.working[one], reverse=True)[:most]
