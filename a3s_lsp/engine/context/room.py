"""How much a model can see at once, and when a conversation is to be made shorter for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from a3s_lsp.engine.config.settings import Provider

DEFAULT_TOKENS = 200_000
"""What a model can see of which nothing else is known."""


@dataclass(frozen=True, slots=True)
class CompactionPolicy:
    """With `auto` a conversation is compacted before a turn for which at least this part of the room is taken.
    `max_tokens` is the room; None takes what is configured for the model."""

    auto: bool = False
    threshold: float = 0.8
    max_tokens: int | None = None


def configured_room(providers: Mapping[str, Provider], name: str) -> int | None:
    """The tokens that the configuration gives to the model `provider/model`."""
    provider, _, model = name.partition("/")
    known = providers.get(provider)
    spec = None if known is None else known.models.get(model)
    return None if spec is None else spec.context_limit


def room_unknown(name: str) -> int | None:
    """The room of models of which nothing is configured."""
    return None
