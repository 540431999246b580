"""What a session may spend, and what it has spent: tokens and money of all its model calls, also across restarts."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import LimitReached
from a3s_lsp.engine.messages import Json, Usage
from a3s_lsp.engine.models.loading import ready
from a3s_lsp.engine.ports import Chunk, Model, ModelRequest

UnknownPrice: TypeAlias = Literal["deny", "allow"]
Resource: TypeAlias = Literal["tokens", "cost_usd"]

_REMEDY = "Raise it with session.set_budget, or with another budget when the session is resumed."
_NO_PRICE = (
    "The price of {tokens} tokens is not known, so a limit in money cannot be kept: give the model's cost in "
    "agent.acl, limit tokens instead, or set unknown_price to 'allow'."
)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a session may spend in all; None is no limit. At `soft_limit`, a share of a limit, it is told. A model whose
    price is not known is not asked again under a limit in money, unless `unknown_price` is allow."""

    max_tokens: int | None = None
    max_cost_usd: float | None = None
    soft_limit: float = 0.8
    unknown_price: UnknownPrice = "deny"

    def __post_init__(self) -> None:
        if self.max_tokens is not None:
            _check("max_tokens", self.max_tokens, whole=True)
        if self.max_cost_usd is not None:
            _check("max_cost_usd", self.max_cost_usd)
        _check("soft_limit", self.soft_limit)
        if not 0 < self.soft_limit <= 1:
            raise ValueError(f"soft_limit is a share of the limit, above 0 and up to 1, not {self.soft_limit}")
        if self.unknown_price not in get_args(UnknownPrice):
            raise ValueError(f"unknown_price must be 'deny' or 'allow', not {self.unknown_price!r}")


def _check(name: str, value: float, *, whole: bool = False) -> None:
    """Raises TypeError, OverflowError or ValueError for what is no amount."""
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise TypeError(f"{name} must be a {'whole ' if whole else ''}number, not {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value}")
    if not 0 <= value < 2**63:
        raise OverflowError(f"{name} must not be negative, nor beyond 64 bits")


@dataclass(slots=True)
class Spending:
    """What a session has spent: a fold over its facts."""

    tokens: int = 0
    cost: float = 0.0
    unpriced_tokens: int = 0
    """Tokens whose price is not known; they are not in `cost`."""
    told: set[tuple[Resource, str, float]] = field(default_factory=set)
    """The limits that were told of, each with its kind and amount."""

    def apply(self, fact: f.Fact) -> None:
        """Fold one more fact in."""
        match fact:
            case f.TurnEnded(usage=usage) | f.AsideAnswered(usage=usage):
                self.tokens += usage.total_tokens
                self.cost += usage.cost or 0.0
                self.unpriced_tokens += usage.total_tokens if usage.cost is None else 0
            case f.BudgetHit(resource=resource, kind=kind, limit=limit):
                self.told.add((resource, kind, limit))
            case _:
                pass


def news(budget: Budget, spending: Spending) -> Iterator[f.BudgetHit]:
    """What is to be told of the budget now; each limit is told of once for each kind."""
    if budget.max_tokens is not None:
        yield from _hits("tokens", spending.tokens, budget.max_tokens, budget, spending)
    if budget.max_cost_usd is not None:
        yield from _hits("cost_usd", spending.cost, budget.max_cost_usd, budget, spending)
        if spending.unpriced_tokens and ("cost_usd", "soft", budget.max_cost_usd) not in spending.told:
            message = _NO_PRICE.format(tokens=spending.unpriced_tokens)
            yield f.BudgetHit("cost_usd", "soft", None, budget.max_cost_usd, message)


def _hits(resource: Resource, used: float, limit: float, budget: Budget, spending: Spending) -> Iterator[f.BudgetHit]:
    kinds: tuple[tuple[Literal["soft", "hard"], float], ...] = (("soft", limit * budget.soft_limit), ("hard", limit))
    for kind, threshold in kinds:
        if used >= threshold and (resource, kind, limit) not in spending.told:
            yield f.BudgetHit(resource, kind, used, limit, f"{_said(resource, used, limit)}.")


def denial(budget: Budget, spending: Spending) -> str | None:
    """Why no model may be asked any more; None if one may."""
    if budget.max_tokens is not None and spending.tokens >= budget.max_tokens:
        return f"Budget spent: {_said('tokens', spending.tokens, budget.max_tokens)}. {_REMEDY}"
    if budget.max_cost_usd is None:
        return None
    if spending.cost >= budget.max_cost_usd:
        return f"Budget spent: {_said('cost_usd', spending.cost, budget.max_cost_usd)}. {_REMEDY}"
    if spending.unpriced_tokens and budget.unknown_price == "deny":
        return f"Budget unknown: {_NO_PRICE.format(tokens=spending.unpriced_tokens)}"
    return None


def _said(resource: Resource, used: float, limit: float) -> str:
    if resource == "tokens":
        return f"this session has used {used:,.0f} of {limit:,.0f} tokens (max_tokens)"
    return f"this session has cost ${used:.4f} of ${limit:.4f} (max_cost_usd)"


def account(budget: Budget, spending: Spending, run: Usage) -> Json:
    """The budget as results show it. Money is None where nothing of it is known."""
    priced = spending.tokens > spending.unpriced_tokens or spending.cost > 0
    return {
        "max_tokens": budget.max_tokens,
        "max_cost_usd": budget.max_cost_usd,
        "soft_limit": budget.soft_limit,
        "used_tokens": spending.tokens,
        "used_cost_usd": spending.cost if priced or not spending.tokens else None,
        "unpriced_tokens": spending.unpriced_tokens,
        "run_tokens": run.total_tokens,
        "run_cost_usd": run.cost,
    }


class Purse:
    """The budget of one session and what was spent of it; the budget may be changed at any time."""

    def __init__(self, budget: Budget, spending: Spending) -> None:
        self.budget = budget
        self._spending = spending

    def guarded(self, model: Model) -> Model:
        """The model, which is only asked while the budget allows it."""
        return Budgeted(model, lambda: denial(self.budget, self._spending))

    def news(self) -> list[f.BudgetHit]:
        """What is to be told now."""
        return list(news(self.budget, self._spending))

    def account(self, run: Usage) -> Json:
        """The budget as results show it, with the part of one run."""
        return account(self.budget, self._spending, run)


class Budgeted:
    """A model that is only asked while the budget allows it. A `ports.Model`; `stream` also raises LimitReached."""

    def __init__(self, model: Model, denied: Callable[[], str | None]) -> None:
        self._model = model
        self._denied = denied

    @property
    def name(self) -> str:
        return self._model.name

    async def ready(self) -> None:
        """Return when what the first request needs is loaded."""
        await ready(self._model)

    def stream(self, request: ModelRequest) -> AsyncIterator[Chunk]:
        """One turn, as `ports.Model` says."""
        reason = self._denied()
        if reason is not None:
            raise LimitReached("budget", reason)
        return self._model.stream(request)
