"""How the lanes of a session are to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, get_args

from a3s_lsp.engine.config.settings import Queue
from a3s_lsp.engine.policy.confirmation import parse_lane
from a3s_lsp.engine.ports import Lane

HandlerMode: TypeAlias = Literal["internal", "external", "hybrid"]
LANES: tuple[Lane, ...] = get_args(Lane)
DEFAULT_HANDLER_MS = 60_000
_SECONDS = {"per_second": 1.0, "per_minute": 60.0, "per_hour": 3600.0}


@dataclass(frozen=True, slots=True)
class Handler:
    """Who executes the calls of a lane: the session, a worker outside, or first that and then the session."""

    mode: HandlerMode = "internal"
    timeout_ms: int = DEFAULT_HANDLER_MS


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a worker outside is asked again, and after which pauses."""

    most: int = 3
    strategy: Literal["exponential", "fixed", "none"] = "exponential"
    delay_ms: int = 100

    def pause_ms(self, attempt: int) -> int | None:
        """Before the attempt after this one; None if there is none."""
        if self.strategy == "none" or attempt > self.most:
            return None
        return self.delay_ms if self.strategy == "fixed" else self.delay_ms * 2 ** (attempt - 1)


@dataclass(frozen=True, slots=True)
class Rate:
    """How many calls may begin in a while."""

    most: int
    seconds: float


@dataclass(frozen=True, slots=True)
class LaneConfig:
    """The lanes of a session. Times are in milliseconds; None bounds nothing."""

    concurrency: Mapping[Lane, int] = field(
        default_factory=lambda: {"control": 2, "query": 4, "execute": 2, "generate": 1}
    )
    handlers: Mapping[Lane, Handler] = field(default_factory=dict)
    timeouts: Mapping[Lane, int] = field(default_factory=dict)
    timeout_ms: int | None = None
    retries: Retries = field(default_factory=Retries)
    rate: Rate | None = None
    dead_letters: int = 0
    """How many calls that failed for good are kept."""
    metrics: bool = False
    alerts: bool = False
    pressure: int = 50
    """From how many waiting calls on the queue counts as long."""

    def handler(self, lane: Lane) -> Handler:
        """Who executes the calls of this lane."""
        return self.handlers.get(lane, Handler())

    def limit_ms(self, lane: Lane) -> int | None:
        """How long a call of this lane may take."""
        return self.timeouts.get(lane, self.timeout_ms)

    def with_handler(self, lane: Lane, handler: Handler) -> LaneConfig:
        """The same with another handler of one lane."""
        return replace(self, handlers={**self.handlers, lane: handler})


def parse_mode(text: str) -> HandlerMode:
    """The mode that a text names, e.g. `External`. ValueError if it names none."""
    for mode in get_args(HandlerMode):
        if text.strip().lower() == mode:
            return mode  # type: ignore[no-any-return]  # get_args tells no types
    raise ValueError(f"Invalid handler mode '{text}'. Must be: internal, external, or hybrid")


def of_settings(queue: Queue) -> LaneConfig:
    """From the table of an `agent.acl`."""
    retry, rate = queue.retry_policy, queue.rate_limit
    fixed = retry.strategy == "fixed"
    named = {lane: getattr(queue.lane_timeouts, lane) for lane in LANES}
    return LaneConfig(
        {lane: getattr(queue, f"{lane}_max_concurrency") for lane in LANES},
        {parse_lane(name): Handler(row.mode, row.timeout_ms) for name, row in queue.lane_handlers.items()},
        {lane: limit for lane, limit in named.items() if limit is not None},
        queue.default_timeout_ms,
        Retries(retry.max_retries, retry.strategy, retry.fixed_delay_ms if fixed else retry.initial_delay_ms),
        Rate(rate.max_operations, _SECONDS[rate.limit_type])
        if rate.limit_type in _SECONDS and rate.max_operations
        else None,
        queue.dlq_max_size if queue.enable_dlq else 0,
        queue.enable_metrics,
        queue.enable_alerts,
        50 if queue.pressure_threshold is None else queue.pressure_threshold,
    )
