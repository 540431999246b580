"""Lanes: how many calls go on at once, and workers outside that execute them."""

from __future__ import annotations

from collections.abc import Mapping

from a3s_lsp.engine.lanes.config import DEFAULT_HANDLER_MS, Handler, LaneConfig, parse_mode
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.policy.confirmation import parse_lane
from a3s_lsp.engine.ports import Lane
from a3s_lsp.sdk.checks import count, lower, string
from a3s_lsp.sdk.faces import AsyncFace, Face

_DEAD_LETTERS = 1000
_FEATURES_TIMEOUT_MS = 60_000


class SessionQueueConfig:
    """How the lanes of a session are to be: query 4 calls at once, execute 2, generate 1."""

    def __init__(self) -> None:
        self._concurrency: dict[Lane, int] = {"control": 2, "query": 4, "execute": 2, "generate": 1}
        self._handlers: dict[Lane, Handler] = {}
        self._timeout: int | None = None
        self._dead_letters = 0
        self._metrics = self._alerts = False

    @property
    def query_max_concurrency(self) -> int:
        """How many calls of the query lane go on at once."""
        return self._concurrency["query"]

    def set_query_concurrency(self, n: int) -> None:
        """How many calls that read go on at once."""
        self._concurrency["query"] = max(1, count("n", n))

    def set_execute_concurrency(self, n: int) -> None:
        """How many calls that do something go on at once."""
        self._concurrency["execute"] = max(1, count("n", n))

    def set_generate_concurrency(self, n: int) -> None:
        """How many turns of the model go on at once, among the session and its children."""
        self._concurrency["generate"] = max(1, count("n", n))

    def set_timeout(self, timeout_ms: int) -> None:
        """How long a call may take, in milliseconds; 0 leaves it to the tools."""
        self._timeout = count("timeout_ms", timeout_ms) or None

    def enable_dlq(self, max_size: int | None = None) -> None:
        """Keep calls that failed for good."""
        self._dead_letters = _DEAD_LETTERS if max_size is None else max(1, count("max_size", max_size))

    def enable_metrics(self) -> None:
        """Count and time the calls."""
        self._metrics = True

    def enable_alerts(self) -> None:
        """Tell when the queue becomes long."""
        self._alerts = True

    def with_lane_features(self) -> SessionQueueConfig:
        """All of these, with calls bounded to a minute."""
        self.enable_dlq()
        self.enable_metrics()
        self.enable_alerts()
        self._timeout = _FEATURES_TIMEOUT_MS
        return self

    def set_lane_handler(self, lane: str, mode: str, timeout_ms: int = DEFAULT_HANDLER_MS) -> None:
        """Who executes the calls of a lane: internal, external, or hybrid (a worker outside, and without one the
        session). ValueError for another lane or mode."""
        handler = Handler(parse_mode(string("mode", mode)), max(1, count("timeout_ms", timeout_ms)))
        self._handlers[parse_lane(string("lane", lane))] = handler

    def to_engine(self) -> LaneConfig:
        """The frozen value of the engine."""
        return LaneConfig(
            dict(self._concurrency),
            dict(self._handlers),
            timeout_ms=self._timeout,
            dead_letters=self._dead_letters,
            metrics=self._metrics,
            alerts=self._alerts,
        )

    def __repr__(self) -> str:
        lanes = ", ".join(f"{lane}={self._concurrency[lane]}" for lane in ("query", "execute", "generate"))
        kept = f"dlq={lower(self._dead_letters > 0)}, metrics={lower(self._metrics)}"
        return f"SessionQueueConfig({lanes}, {kept})"


class AsyncQueue(AsyncFace):
    """The lanes of a session."""

    def has_queue(self) -> bool:
        """Whether calls wait for lanes."""
        return self.engine.lanes.configured

    def queue_stats(self) -> Json:
        """How many calls wait and go on: total_pending, total_active, external_pending, lanes."""
        return self.engine.lanes.stats()

    def queue_metrics(self) -> Json | None:
        """Counters, gauges and histograms (milliseconds), or None if they are not enabled."""
        return self.engine.lanes.measured()

    def dead_letters(self) -> list[Json]:
        """The calls that failed for good: command_id, command_type, lane_id, error, attempts, failed_at."""
        return self.engine.lanes.dead_letters()

    def pending_external_tasks(self) -> list[Json]:
        """The calls that wait for a worker outside: task_id, session_id, lane, command_type, payload, timeout_ms. From
        any thread."""
        return self.engine.lanes.pending_external()

    def complete_external_task(
        self,
        task_id: str,
        success: bool = True,
        result: Mapping[str, object] | None = None,
        error: str | None = None,
    ) -> bool:
        """Give the outcome of such a call, `{"output", "exit_code"}` or why it failed. From any thread; False if it
        does not wait any more."""
        if not isinstance(success, bool):
            raise TypeError(f"success must be true or false, not {type(success).__name__}")
        if result is not None and not isinstance(result, Mapping):
            raise TypeError(f"result must be a dict, not {type(result).__name__}")
        reason = None if error is None else string("error", error)
        return self.engine.lanes.bench.complete(string("task_id", task_id), success, result, reason)

    def set_lane_handler(self, lane: str, mode: str = "internal", timeout_ms: int = DEFAULT_HANDLER_MS) -> None:
        """Have the calls of a lane executed by somebody else from now on. ValueError for another lane or mode."""
        handler = Handler(parse_mode(string("mode", mode)), max(1, count("timeout_ms", timeout_ms)))
        self.engine.lanes.set_handler(parse_lane(string("lane", lane)), handler)


class Queue(Face):
    """The lanes of a session."""

    def has_queue(self) -> bool:
        """Whether calls wait for lanes."""
        return self._session.has_queue()

    def queue_stats(self) -> Json:
        """How many calls wait and go on: total_pending, total_active, external_pending, lanes."""
        return self._loop.here(self._session.queue_stats)

    def queue_metrics(self) -> Json | None:
        """Counters, gauges and histograms (milliseconds), or None if they are not enabled."""
        return self._loop.here(self._session.queue_metrics)

    def dead_letters(self) -> list[Json]:
        """The calls that failed for good: command_id, command_type, lane_id, error, attempts, failed_at."""
        return self._loop.here(self._session.dead_letters)

    def pending_external_tasks(self) -> list[Json]:
        """The calls that wait for a worker outside: task_id, session_id, lane, command_type, payload, timeout_ms."""
        return self._session.pending_external_tasks()

    def complete_external_task(
        self,
        task_id: str,
        success: bool = True,
        result: Mapping[str, object] | None = None,
        error: str | None = None,
    ) -> bool:
        """Give the outcome of such a call; see `AsyncSession.complete_external_task`."""
        return self._session.complete_external_task(task_id, success, result, error)

    def set_lane_handler(self, lane: str, mode: str = "internal", timeout_ms: int = DEFAULT_HANDLER_MS) -> None:
        """Have the calls of a lane executed by somebody else from now on. ValueError for another lane or mode."""
        self._loop.here(lambda: self._session.set_lane_handler(lane, mode, timeout_ms))
