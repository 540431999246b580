"""What is counted and timed in the lanes."""

from __future__ import annotations

from collections import Counter, deque

from a3s_lsp.engine.messages import Json

_SAMPLES = 1000


class Metrics:
    """Counters since the session was opened, and the last samples of each time, in milliseconds."""

    def __init__(self) -> None:
        self._counters: Counter[str] = Counter()
        self._times: dict[str, deque[float]] = {}

    def count(self, name: str, lane: str) -> None:
        """One more of these in a lane."""
        self._counters[f"{name}.{lane.lower()}"] += 1

    def time(self, name: str, lane: str, seconds: float) -> None:
        """It took so long in a lane."""
        self._times.setdefault(f"{name}_ms.{lane.lower()}", deque(maxlen=_SAMPLES)).append(seconds * 1000)

    def snapshot(self, gauges: Json) -> Json:
        """All of it, with what the gauges show now."""
        return {
            "counters": dict(sorted(self._counters.items())),
            "gauges": gauges,
            "histograms": {name: _summary(list(values)) for name, values in sorted(self._times.items())},
        }


def _summary(values: list[float]) -> Json:
    ordered = sorted(values)

    def at(part: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 3)

    mean = round(sum(ordered) / len(ordered), 3)
    return {"count": len(ordered), "min": at(0), "mean": mean, "p50": at(0.5), "p95": at(0.95), "max": at(1)}
