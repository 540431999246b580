"""What bounds the runs of a session, and what the session may spend."""

from __future__ import annotations

from dataclasses import asdict

from a3s_lsp.engine.budget import Budget
from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.guards import Limits
from a3s_lsp.engine.messages import Json
from a3s_lsp.sdk.faces import AsyncFace, Face
from a3s_lsp.sdk.options import SessionOptions


def limits_of(options: SessionOptions, settings: Settings) -> Limits:
    """The limits that a program wants, or that are configured."""
    default = Limits()
    rounds = (options.max_tool_rounds, settings.max_tool_rounds, default.max_tool_rounds)
    continuations = 0 if options.continuation_enabled is False else options.max_continuation_turns
    return Limits(
        max_tool_rounds=next(number for number in rounds if number is not None),
        max_parse_retries=_or(options.max_parse_retries, default.max_parse_retries),
        tool_timeout_ms=options.tool_timeout_ms or None,
        circuit_breaker_threshold=_or(options.circuit_breaker_threshold, default.circuit_breaker_threshold),
        max_continuation_turns=_or(continuations, default.max_continuation_turns),
        max_execution_time_ms=options.max_execution_time_ms,
    )


def _or(wanted: int | None, default: int) -> int:
    return default if wanted is None else wanted


class AsyncBounds(AsyncFace):
    """What bounds the runs of a session, and what the session may spend."""

    @property
    def limits(self) -> Json:
        """The limits of each run, by the names of the options."""
        return asdict(self.engine.setup.limits)

    @property
    def budget(self) -> Json:
        """What the session may spend, and what it has spent."""
        return self.engine.purse.account(self.engine.state.usage)

    def set_budget(self, budget: Budget | None) -> None:
        """Have another budget hold from the next request on; None is no limit. What was spent stays spent."""
        if budget is not None and not isinstance(budget, Budget):
            raise TypeError(f"budget must be a Budget, not {type(budget).__name__}")
        self.engine.purse.budget = budget or Budget()


class Bounds(Face):
    """What bounds the runs of a session, and what the session may spend."""

    @property
    def limits(self) -> Json:
        """The limits of each run, by the names of the options."""
        return self._session.limits

    @property
    def budget(self) -> Json:
        """What the session may spend, and what it has spent."""
        return self._loop.here(lambda: self._session.budget)

    def set_budget(self, budget: Budget | None) -> None:
        """Have another budget hold from the next request on; None is no limit. What was spent stays spent."""
        self._loop.here(lambda: self._session.set_budget(budget))
