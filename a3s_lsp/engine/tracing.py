"""What the tools of a session's runs have done, and which are at it: a fold over the facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.messages import Json

SCHEMA = "a3s.trace_event.v1"


@dataclass(frozen=True, slots=True)
class Active:
    """A call that is running, or waits for leave. `since_ms` is since the epoch."""

    id: str
    name: str
    since_ms: int


@dataclass(slots=True)
class Trace:
    """Apply records in order; read the attributes."""

    events: list[Json] = field(default_factory=list)
    """One for each call of the runs, in the order in which they ended."""
    active: dict[str, Active] = field(default_factory=dict)
    _begun: dict[str, int] = field(default_factory=dict)

    def apply(self, record: f.Record) -> None:
        """Fold one more record in."""
        if record.run_id is None:
            return
        match record.fact:
            case f.QuestionAsked(call_id=call_id, name=name):
                self.active.setdefault(call_id, Active(call_id, name, record.time_ms))
            case f.CallBegan(call_id=call_id, name=name):
                self._begun[call_id] = record.time_ms
                self.active.setdefault(call_id, Active(call_id, name, record.time_ms))
            case f.CallEnded():
                self._ended(record.fact, record.time_ms)
            case _:
                pass

    def _ended(self, fact: f.CallEnded, time_ms: int) -> None:
        self.active.pop(fact.call_id, None)
        metadata = fact.metadata or {}
        row: Json = {
            "schema": SCHEMA,
            "kind": "tool_execution",
            "name": fact.name,
            "success": fact.exit_code == 0,
            "exit_code": fact.exit_code,
            "duration_ms": time_ms - self._begun.pop(fact.call_id, time_ms),
            "output_bytes": len(fact.output.encode(errors="replace")),
            "metadata_keys": sorted(metadata),
        }
        uris = sorted(set(_artifacts(metadata)))
        self.events.append({**row, "artifact_uris": uris} if uris else row)


def _artifacts(value: object) -> Iterator[str]:
    """The addresses of artifacts anywhere in a value."""
    match value:
        case dict():
            for key, each in value.items():
                if key == "artifact_uri" and isinstance(each, str):
                    yield each
                else:
                    yield from _artifacts(each)
        case list() | tuple():
            for each in value:
                yield from _artifacts(each)
        case _:
            pass
