"""A session store that forgets with the process."""

from __future__ import annotations

from collections.abc import Sequence

from a3s_lsp.engine.errors import SessionNotFound
from a3s_lsp.engine.facts import Record
from a3s_lsp.engine.ports import SessionInfo
from a3s_lsp.engine.store.summary import summarise


class MemoryStore:
    """Logs in memory, with the behaviour of the SQLite store. Lives as long as it is referred to."""

    blocking = False

    def __init__(self) -> None:
        self._logs: dict[str, list[Record]] = {}

    def open(self, session_id: str) -> None:
        """Nobody else can hold a session of this process."""

    def release(self, session_id: str) -> None:
        """Nothing was taken."""

    def append(self, session_id: str, records: Sequence[Record], *, sync: bool) -> None:
        """Keep the records."""
        self._logs.setdefault(session_id, []).extend(records)

    def read(self, session_id: str) -> Sequence[Record]:
        """All records in order. Raises SessionNotFound."""
        if session_id not in self._logs:
            raise SessionNotFound(f"Session not found: {session_id}")
        return list(self._logs[session_id])

    def sessions(self) -> Sequence[SessionInfo]:
        """Newest first."""
        rows = [summarise(session_id, None, log) for session_id, log in self._logs.items()]
        return sorted(rows, key=lambda row: row.updated_ms, reverse=True)

    def delete(self, session_id: str) -> bool:
        """False if there was none."""
        return self._logs.pop(session_id, None) is not None
