"""What is known of a model beside its name: what a turn cost, and whether it sees images or thinks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from a3s_lsp.engine.config.settings import Cost
from a3s_lsp.engine.config.target import Target
from a3s_lsp.engine.messages import Usage

_MILLION = 1_000_000


def price_of(target: Target, listed: Mapping[str, Mapping[str, object]]) -> Cost:
    """The configured price, or the one on litellm's list, where 0 means that nobody knows it."""
    if target.cost != Cost():
        return target.cost
    if target.base_url and target.provider != "anthropic":
        return Cost()
    entry = _listed(target, listed)
    return Cost(
        _per_million(entry.get("input_cost_per_token")),
        _per_million(entry.get("output_cost_per_token")),
        _per_million(entry.get("cache_read_input_token_cost")),
        _per_million(entry.get("cache_creation_input_token_cost")),
    )


def with_cost(usage: Usage, price: Cost) -> Usage:
    """The usage with its cost; None where a price that matters is missing. Cached tokens count as read if need be."""
    fresh = usage.prompt_tokens - usage.cache_read_tokens - usage.cache_write_tokens
    parts = (
        (fresh, price.input),
        (usage.completion_tokens, price.output),
        (usage.cache_read_tokens, price.input if price.cache_read is None else price.cache_read),
        (usage.cache_write_tokens, price.input if price.cache_write is None else price.cache_write),
    )
    cost = 0.0
    for tokens, per_million in parts:
        if tokens and per_million is None:
            return usage
        cost += tokens * (per_million or 0.0) / _MILLION
    known = price.input is not None and price.output is not None
    return replace(usage, cost=cost) if known else usage


def sees_images(target: Target, listed: Mapping[str, Mapping[str, object]]) -> bool:
    """Whether it does, by the configuration or else by litellm's list; one that nobody knows may."""
    if target.images is not None:
        return target.images
    if target.base_url and target.provider != "anthropic":
        return True
    entry = _listed(target, listed)
    return not entry or bool(entry.get("supports_vision"))


def thinks(target: Target, listed: Mapping[str, Mapping[str, object]]) -> bool:
    """Whether it can think before it answers, by the configuration or else by litellm's list."""
    if target.reasoning or (target.base_url and target.provider != "anthropic"):
        return target.reasoning
    return bool(_listed(target, listed).get("supports_reasoning"))


def _listed(target: Target, listed: Mapping[str, Mapping[str, object]]) -> Mapping[str, object]:
    return listed.get(target.name) or listed.get(target.model) or {}


def _per_million(per_token: object) -> float | None:
    return per_token * _MILLION if isinstance(per_token, float | int) and per_token else None
