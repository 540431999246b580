"""Session logs in one SQLite file, shared by any number of processes.

Records are appended in transactions in WAL mode: committed records survive the death of the process at once, and a
loss of power when the append asked for it. One process at a time holds a session, by a lock file that the
operating system gives back when the process dies.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from a3s_lsp.engine.errors import SessionBusy, SessionNotFound, StoreError
from a3s_lsp.engine.facts import Record, decode, encode
from a3s_lsp.engine.ports import SessionInfo
from a3s_lsp.engine.store.summary import summarise

if TYPE_CHECKING:
    from filelock import BaseFileLock

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, workspace TEXT NOT NULL, title TEXT NOT NULL, updated_ms INTEGER NOT NULL,
    status TEXT NOT NULL, messages INTEGER NOT NULL, owner_pid INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (
    session_id TEXT NOT NULL, position INTEGER NOT NULL, run_id TEXT, seq INTEGER, time_ms INTEGER NOT NULL,
    fact TEXT NOT NULL, PRIMARY KEY (session_id, position)
) WITHOUT ROWID;
"""
_SCHEMA_VERSION = 1
_BUSY_SECONDS = 5.0


class SQLiteStore:
    """Session logs in the file `path`, which is made with its folder when it is first needed.

    Methods block, up to five seconds when another process is writing; any thread may call them.
    """

    blocking = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._mutex = threading.RLock()
        self._locks: dict[str, list[BaseFileLock]] = {}

    def open(self, session_id: str) -> None:
        """Take the session for this process. Raises SessionBusy."""
        from filelock import FileLock, Timeout

        with self._transaction():  # makes the folder, and says what is wrong with it
            pass
        folder = self.path.with_name(f"{self.path.name}.locks")
        name = hashlib.sha256(session_id.encode()).hexdigest()[:32]
        try:
            folder.mkdir(exist_ok=True)
            # A singleton, so that two session objects of one process share the lock.
            lock = FileLock(folder / f"{name}.lock", thread_local=False, is_singleton=True)
            lock.acquire(timeout=0)
        except Timeout:
            raise SessionBusy(self._busy(session_id)) from None
        except OSError as error:
            raise StoreError(f"The session lock in {folder} could not be made: {error.strerror}.") from error
        self._locks.setdefault(session_id, []).append(lock)
        with self._transaction() as db:
            db.execute("UPDATE sessions SET owner_pid = ? WHERE id = ?", (os.getpid(), session_id))

    def release(self, session_id: str) -> None:
        """Give the session back; nothing happens if it was not taken."""
        locks = self._locks.get(session_id)
        if locks:
            locks.pop().release()

    def append(self, session_id: str, records: Sequence[Record], *, sync: bool) -> None:
        """Write all records or none. Raises StoreError."""
        rows = [(session_id, r.position, r.run_id, r.seq, r.time_ms, encode(r.fact).decode()) for r in records]
        with self._transaction(sync=sync) as db:
            db.executemany("INSERT INTO facts VALUES (?, ?, ?, ?, ?, ?)", rows)
            row = summarise(session_id, self._row(db, session_id), records)
            db.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                "workspace = excluded.workspace, title = excluded.title, updated_ms = excluded.updated_ms, "
                "status = excluded.status, messages = excluded.messages, owner_pid = excluded.owner_pid",
                (row.id, row.workspace, row.title, row.updated_ms, row.status, row.messages, os.getpid()),
            )

    def read(self, session_id: str) -> Sequence[Record]:
        """All records in order. Raises SessionNotFound."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT position, run_id, seq, time_ms, fact FROM facts WHERE session_id = ? ORDER BY position",
                (session_id,),
            ).fetchall()
        if not rows:
            raise SessionNotFound(f"Session not found: {session_id}")
        try:
            return [Record(position, run, seq, time, decode(fact)) for position, run, seq, time, fact in rows]
        except ValueError as error:
            raise StoreError(
                f"Session {session_id} in {self.path} holds a record that this version cannot read; "
                "update a3s-lsp, or delete the session."
            ) from error

    def sessions(self) -> Sequence[SessionInfo]:
        """Newest first."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT id, workspace, title, updated_ms, status, messages, owner_pid FROM sessions "
                "ORDER BY updated_ms DESC, id"
            ).fetchall()
        return [replace(SessionInfo(*row[:6]), status=_status(row[4], row[6])) for row in rows]

    def delete(self, session_id: str) -> bool:
        """False if there was none. Raises SessionBusy when another process holds it."""
        self.open(session_id)
        try:
            with self._transaction(sync=True) as db:
                db.execute("DELETE FROM facts WHERE session_id = ?", (session_id,))
                return db.execute("DELETE FROM sessions WHERE id = ?", (session_id,)).rowcount > 0
        finally:
            self.release(session_id)

    def close(self) -> None:
        """Close the file and give back every session."""
        for session_id, locks in self._locks.items():
            for _ in range(len(locks)):
                self.release(session_id)
        with self._mutex:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _row(self, db: sqlite3.Connection, session_id: str) -> SessionInfo | None:
        found = db.execute(
            "SELECT id, workspace, title, updated_ms, status, messages FROM sessions WHERE id = ?", (session_id,)
        ).fetchone()
        return None if found is None else SessionInfo(*found)

    def _busy(self, session_id: str) -> str:
        with self._transaction() as db:
            row = db.execute("SELECT owner_pid FROM sessions WHERE id = ?", (session_id,)).fetchone()
        who = f" (process {row[0]})" if row and row[0] else ""
        return (
            f"Session {session_id} is open in another window or program{who}; close it there, or start a new session."
        )

    @contextlib.contextmanager
    def _transaction(self, *, sync: bool = False) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            try:
                db = self._connected()
                db.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
                with db:
                    yield db
            except sqlite3.IntegrityError as error:
                raise StoreError(
                    "The session was continued elsewhere in this program; open it again to go on from there."
                ) from error
            except (sqlite3.Error, OSError) as error:
                raise StoreError(self._sentence(error)) from error

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Conversations are nobody else's business; SQLite gives its other files the mode of this one.
            self.path.touch(mode=0o600)
            db = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, check_same_thread=False)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(_SCHEMA)
                version = db.execute("PRAGMA user_version").fetchone()[0]
                if version > _SCHEMA_VERSION:
                    raise StoreError(f"The session log {self.path} was written by a newer a3s-lsp; update this one.")
                db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
                db.commit()
            except BaseException:
                db.close()
                raise
            self._connection = db
        return self._connection

    def _sentence(self, error: Exception) -> str:
        text = str(error)
        log = f"The session log {self.path}"
        if "full" in text or "I/O" in text or "No space" in text:
            return (
                f"{log} could not be written, the disk may be full: free some space; until then it is kept in memory."
            )
        if "locked" in text:
            return f"{log} is locked by another process: try again; until then it is kept in memory."
        if "readonly" in text or "unable to open" in text or isinstance(error, PermissionError):
            return f"{log} cannot be written: give the folder write permission, or set A3S_STATE_DIR."
        return f"{log} cannot be used ({text}): move it away, or set A3S_STATE_DIR."


def _status(stored: str, owner: int | None) -> str:
    """A session that was running in a process that is gone was interrupted."""
    from psutil import pid_exists

    return "interrupted" if stored == "running" and owner and not pid_exists(owner) else stored
