"""Which memories come first: by the words that they share with a question, by importance, and by age. Pure."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence

from a3s_lsp.engine.config.settings import Relevance

_DAY_NS = 86_400 * 1_000_000_000
_BY_WORDS = 0.6
"""The part of the relevance that the shared words decide; importance and recency decide the rest."""
_COMMON = 0.5
"""A word that more of the items have than this says nothing about any of them."""
_FEW_ITEMS = 8


def score(importance: float, time_ns: int, now_ns: int, weights: Relevance) -> float:
    """How much an item counts by itself, from 0 to 1."""
    whole = weights.importance_weight + weights.recency_weight
    if whole <= 0:
        return 0.0
    age_days = max(0, now_ns - time_ns) / _DAY_NS
    recency = math.exp(-age_days / weights.decay_days)
    return (importance * weights.importance_weight + recency * weights.recency_weight) / whole


def matched(asked: Iterable[str], words: Sequence[str]) -> tuple[str, ...]:
    """The asked words that are among these: the same, or the beginning of one."""
    ordered = sorted(words)
    return tuple(word for word in asked if _has(ordered, word))


def _has(ordered: Sequence[str], word: str) -> bool:
    at = bisect.bisect_left(ordered, word)
    if at == len(ordered):
        return False
    return ordered[at] == word or (is_beginning(word) and ordered[at].startswith(word))


def is_beginning(word: str) -> bool:
    """Whether the word also finds longer ones."""
    return len(word) >= 3


def weigh(holders: Mapping[str, int], items: int) -> dict[str, float]:
    """How much each word tells: the fewer items have it, the more."""
    return {word: math.log(1 + (items + 1) / (1 + count)) for word, count in holders.items()}


def relevance(shared: Iterable[str], weights: Mapping[str, float], own: float) -> float:
    """How well an item answers a question, from 0 to 1; `own` is its score."""
    whole = sum(weights.values())
    share = sum(weights[word] for word in shared) / whole if whole else 1.0
    return _BY_WORDS * share + (1 - _BY_WORDS) * own


def is_about(shared: Sequence[str], holders: Mapping[str, int], items: int) -> bool:
    """Whether an item is worth telling the model unasked: it shares two words that tell something with the prompt, or
    all that the prompt has."""
    if len(shared) == len(holders):
        return True
    telling = [word for word in shared if items < _FEW_ITEMS or holders[word] <= items * _COMMON]
    return len(telling) >= 2
