"""Session logs in one SQLite file, shared by any number of processes.

Records are appended in transactions: committed records survive the death of the process at once, and a loss of power
when the append asked for it. One process at a time holds a session: the file says which, and `presence` whether that
one still lives.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from a3s_lsp.engine.errors import SessionBusy, SessionNotFound, StoreError
from a3s_lsp.engine.facts import Record
from a3s_lsp.engine.ports import SessionInfo
from a3s_lsp.engine.store.artifacts import FolderShelf
from a3s_lsp.engine.store.owners import Owner
from a3s_lsp.engine.store.presence import Presence, pid_lives, this_host
from a3s_lsp.engine.store.rows import missing, records_of, row_of
from a3s_lsp.engine.store.sqlite_file import SQLiteFile
from a3s_lsp.engine.store.summary import summarise

_FIRST_TABLES = (
    """CREATE TABLE IF NOT EXISTS sessions (
        id TEXT PRIMARY KEY, workspace TEXT NOT NULL, title TEXT NOT NULL, updated_ms INTEGER NOT NULL,
        status TEXT NOT NULL, messages INTEGER NOT NULL, owner_pid INTEGER
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS facts (
        session_id TEXT NOT NULL, position INTEGER NOT NULL, run_id TEXT, seq INTEGER, time_ms INTEGER NOT NULL,
        fact TEXT NOT NULL, PRIMARY KEY (session_id, position)
    ) WITHOUT ROWID""",
)
_STEPS = {
    2: (
        "ALTER TABLE sessions ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
        """CREATE TABLE owners (
            session_id TEXT PRIMARY KEY, pid INTEGER NOT NULL, host TEXT NOT NULL, since_ms INTEGER NOT NULL,
            sign TEXT NOT NULL
        ) WITHOUT ROWID""",
    )
}
"""What makes a file of the version before one of this version."""
_SCHEMA_VERSION = 2
_COLUMNS = "id, workspace, title, updated_ms, status, messages, origin"


class SQLiteStore:
    """Session logs in the file `path`, which is made with its folder when it is first needed.

    Methods block, up to five seconds when another process is writing; any thread may call them.
    """

    blocking = True

    def __init__(self, path: Path, elsewhere: str = "set A3S_STATE_DIR") -> None:
        self.path = path
        self._file = SQLiteFile(path, self._prepare, elsewhere)
        self._presence = Presence(path.with_name(f"{path.name}.locks"))
        self._held: Counter[str] = Counter()

    def open(self, session_id: str) -> None:
        """Take the session for this process. Raises SessionBusy."""
        with self._file.writing() as db:
            owner = self._owner(db, session_id)
            if owner is not None and not _ours(owner) and self._presence.lives(owner.sign):
                raise SessionBusy(owner.busy(session_id))
            mine = (session_id, os.getpid(), this_host(), time.time_ns() // 1_000_000, self._presence.show())
            if owner is None or not _ours(owner):
                db.execute("INSERT OR REPLACE INTO owners VALUES (?, ?, ?, ?, ?)", mine)
        self._held[session_id] += 1

    def release(self, session_id: str) -> None:
        """Give the session back; nothing happens if it was not taken."""
        if self._held[session_id] > 1:
            self._held[session_id] -= 1
        elif self._held.pop(session_id, 0):
            mine = session_id, self._presence.show()
            with self._file.writing() as db:
                db.execute("DELETE FROM owners WHERE session_id = ? AND sign = ?", mine)

    def append(self, session_id: str, records: Sequence[Record], *, sync: bool) -> None:
        """Write all records or none. Raises StoreError."""
        rows = {record.position: row_of(record) for record in records}
        with self._file.writing(sync=sync) as db:
            found = db.execute(
                "SELECT position, run_id, seq, time_ms, fact FROM facts "
                "WHERE session_id = ? AND position BETWEEN ? AND ?",
                (session_id, min(rows, default=0), max(rows, default=-1)),
            ).fetchall()
            known = self._info(db, session_id)
            new = missing(session_id, rows, {row[0]: row for row in found}, known=known is not None)
            db.executemany("INSERT INTO facts VALUES (?, ?, ?, ?, ?, ?)", [(session_id, *row) for row in new])
            added = {row[0] for row in new}
            row = summarise(session_id, known, [record for record in records if record.position in added])
            db.execute(
                f"INSERT INTO sessions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                "workspace = excluded.workspace, title = excluded.title, updated_ms = excluded.updated_ms, "
                "status = excluded.status, messages = excluded.messages, origin = excluded.origin",
                (row.id, row.workspace, row.title, row.updated_ms, row.status, row.messages, row.origin),
            )

    def read(self, session_id: str) -> Sequence[Record]:
        """All records in order. Raises SessionNotFound."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT position, run_id, seq, time_ms, fact FROM facts WHERE session_id = ? ORDER BY position",
                (session_id,),
            ).fetchall()
        if not rows:
            raise SessionNotFound(f"Session not found: {session_id}")
        return records_of(rows, f"Session {session_id} in {self.path}")

    def info(self, session_id: str) -> SessionInfo | None:
        """The session's row, None if there is no such session."""
        with self._file.reading() as db:
            row = self._info(db, session_id)
            return None if row is None else replace(row, status=_status(row.status, self._owner(db, session_id)))

    def sessions(self) -> Sequence[SessionInfo]:
        """Newest first."""
        with self._file.reading() as db:
            rows = [
                SessionInfo(*row)
                for row in db.execute(f"SELECT {_COLUMNS} FROM sessions ORDER BY updated_ms DESC, id").fetchall()
            ]
            return [
                replace(row, status=_status(row.status, self._owner(db, row.id))) if row.status == "running" else row
                for row in rows
            ]

    def delete(self, session_id: str) -> bool:
        """False if there was none. Raises SessionBusy when another process holds it."""
        self.open(session_id)
        try:
            with self._file.writing(sync=True) as db:
                db.execute("DELETE FROM facts WHERE session_id = ?", (session_id,))
                deleted = db.execute("DELETE FROM sessions WHERE id = ?", (session_id,)).rowcount > 0
            self.shelf(session_id).clear()
            return deleted
        finally:
            self.release(session_id)

    def shelf(self, session_id: str) -> FolderShelf:
        """Where the long outputs of a session lie: in files beside this one."""
        return FolderShelf(self.path.with_name("artifacts"), session_id)

    def close(self) -> None:
        """Give back every session, and close the file."""
        for session_id in tuple(self._held):
            self._held[session_id] = 1
            self.release(session_id)
        self._presence.end()
        self._file.close()

    def _info(self, db: sqlite3.Connection, session_id: str) -> SessionInfo | None:
        found = db.execute(f"SELECT {_COLUMNS} FROM sessions WHERE id = ?", (session_id,)).fetchone()
        return None if found is None else SessionInfo(*found)

    def _owner(self, db: sqlite3.Connection, session_id: str) -> Owner | None:
        found = db.execute("SELECT pid, host, since_ms, sign FROM owners WHERE session_id = ?", (session_id,))
        row = found.fetchone()
        return None if row is None else Owner(*row)

    def _prepare(self, db: sqlite3.Connection) -> None:
        if self._version(db) == _SCHEMA_VERSION:
            return
        db.execute("BEGIN IMMEDIATE")  # another process may be at it too
        for statement in _FIRST_TABLES:
            db.execute(statement)
        for version in range(max(self._version(db), 1) + 1, _SCHEMA_VERSION + 1):
            for statement in _STEPS[version]:
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        db.execute("COMMIT")

    def _version(self, db: sqlite3.Connection) -> int:
        version: int = db.execute("PRAGMA user_version").fetchone()[0]
        if version > _SCHEMA_VERSION:
            raise StoreError(f"The session log {self.path} was written by a newer a3s-lsp; update this one.")
        return version


def _ours(owner: Owner) -> bool:
    return owner.pid == os.getpid() and owner.host == this_host()


def _status(stored: str, owner: Owner | None) -> str:
    """A session that was running in a process that is gone was interrupted."""
    gone = owner is None or (owner.host == this_host() and not pid_lives(owner.pid))
    return "interrupted" if stored == "running" and gone else stored
