"""A session store that forgets with the process."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from a3s_lsp.engine.errors import SessionNotFound
from a3s_lsp.engine.facts import Record
from a3s_lsp.engine.ports import SessionInfo
from a3s_lsp.engine.store.rows import missing
from a3s_lsp.engine.store.summary import summarise
from a3s_lsp.engine.tools.limits import MemoryShelf


class MemoryStore:
    """Logs in memory, with the behaviour of the SQLite store. Lives as long as it is referred to; with `outputs` the
    long outputs of sessions do so too, and not only as long as each session."""

    blocking = False

    def __init__(self, *, outputs: bool = False) -> None:
        self._shelves: dict[str, MemoryShelf] | None = {} if outputs else None
        self._logs: dict[str, list[Record]] = {}
        self._rows: dict[str, SessionInfo] = {}
        self._mutex = threading.Lock()

    def open(self, session_id: str) -> None:
        """Nobody else can hold a session of this process."""

    def release(self, session_id: str) -> None:
        """Nothing was taken."""

    def append(self, session_id: str, records: Sequence[Record], *, sync: bool) -> None:
        """Keep all records or none. Raises StoreError."""
        with self._mutex:
            log = self._logs.get(session_id, [])
            given = {record.position: record for record in records}
            stored = {position: log[position] for position in given if position < len(log)}
            new = missing(session_id, given, stored, known=session_id in self._logs)
            self._rows[session_id] = summarise(session_id, self._rows.get(session_id), new)
            self._logs.setdefault(session_id, []).extend(new)

    def read(self, session_id: str) -> Sequence[Record]:
        """All records in order. Raises SessionNotFound."""
        with self._mutex:
            if session_id not in self._logs:
                raise SessionNotFound(f"Session not found: {session_id}")
            return list(self._logs[session_id])

    def info(self, session_id: str) -> SessionInfo | None:
        """The session's row, None if there is no such session."""
        return self._rows.get(session_id)

    def sessions(self) -> Sequence[SessionInfo]:
        """Newest first."""
        with self._mutex:
            return sorted(self._rows.values(), key=lambda row: row.updated_ms, reverse=True)

    def shelf(self, session_id: str) -> MemoryShelf:
        """Where the long outputs of a session lie."""
        if self._shelves is None:
            return MemoryShelf()
        return self._shelves.setdefault(session_id, MemoryShelf())

    def delete(self, session_id: str) -> bool:
        """False if there was none."""
        with self._mutex:
            if self._shelves is not None:
                self._shelves.pop(session_id, None)
            self._rows.pop(session_id, None)
            return self._logs.pop(session_id, None) is not None
