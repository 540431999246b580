"""A log that is not the trace of a session as it goes on, but made at once: of a fork, or of what is imported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.events import is_shown
from a3s_lsp.engine.messages import Json, unanswered
from a3s_lsp.engine.ports import SessionStore
from a3s_lsp.engine.session_ids import check_id
from a3s_lsp.engine.state import State, merged


class LogBuilder:
    """Takes records and facts in order, and gives each its place; `records` is the log so far."""

    def __init__(self) -> None:
        self.records: list[f.Record] = []
        self.state = State()
        self._seqs: dict[str | None, int] = {}

    def take(self, records: Iterable[f.Record]) -> None:
        """Go on with the records of another log. They close up where some of them were left out."""
        for record in records:
            seq = None if record.seq is None else self._seqs.get(record.run_id, 0)
            self._add(replace(record, position=len(self.records), seq=seq))

    def add(self, fact: f.Fact, run_id: str | None, time_ms: int) -> None:
        """Go on with a fact. Pieces of one stream become one record."""
        last = self.records[-1] if self.records else None
        joined = merged(last.fact, fact) if last is not None and last.run_id == run_id else None
        if last is not None and joined is not None:
            self.records[-1] = replace(last, fact=joined)
            self.state.apply(replace(last, fact=fact, seq=None))
            return
        seq = self._seqs.get(run_id, 0) if is_shown(fact, run_id) else None
        self._add(f.Record(len(self.records), run_id, seq, time_ms, fact))

    def end_runs(self, error: str, call_output: str, time_ms: int) -> None:
        """End the runs that have no end, after a result for each call that has none."""
        for run in self.state.open_runs:
            for call in unanswered(self.state.conversation(run.id)):
                kind: Json = {"type": "cancelled", "op": call.name}
                self.add(f.CallEnded(call.id, call.name, call_output, 1, error_kind=kind), run.id, time_ms)
            self.add(f.RunEnded("cancelled", run.partial, error, run.usage), run.id, time_ms)

    def _add(self, record: f.Record) -> None:
        self.records.append(record)
        self.state.apply(record)
        if record.seq is not None:
            self._seqs[record.run_id] = record.seq + 1


def add(store: SessionStore, session_id: str, records: Sequence[f.Record]) -> None:
    """Store a whole log as a new session. Raises A3SError if the id is taken, or none."""
    check_id(session_id)
    store.open(session_id)
    try:
        if store.info(session_id) is not None:
            raise A3SError(f"Session {session_id} exists already: choose another id.")
        store.append(session_id, records, sync=True)
    finally:
        store.release(session_id)
