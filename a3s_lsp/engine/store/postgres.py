"""Session logs in a PostgreSQL database, for programs on many machines.

One process at a time holds a session: a row says which, and an advisory lock that the server drops with the connection
says that it still lives. What is appended goes through the connection that has the lock, so whoever lost the one has
lost the other, and finds out whether somebody else has taken the session before anything more is written.
"""

from __future__ import annotations

import os
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from a3s_lsp.engine.errors import SessionBusy, SessionNotFound, StoreError
from a3s_lsp.engine.facts import Record
from a3s_lsp.engine.ports import SessionInfo
from a3s_lsp.engine.store.owners import Owner
from a3s_lsp.engine.store.postgres_artifacts import TABLE, PostgresShelf
from a3s_lsp.engine.store.postgres_link import PostgresLink
from a3s_lsp.engine.store.presence import this_host
from a3s_lsp.engine.store.rows import missing, records_of, row_of
from a3s_lsp.engine.store.summary import summarise

if TYPE_CHECKING:
    from a3s_lsp.engine.store.postgres_link import Connection

_TABLES = """
CREATE TABLE meta (version integer NOT NULL);
CREATE TABLE sessions (
    id text PRIMARY KEY, workspace text NOT NULL, title text NOT NULL, updated_ms bigint NOT NULL,
    status text NOT NULL, messages integer NOT NULL, origin text NOT NULL
);
CREATE INDEX newest_sessions ON sessions (updated_ms DESC, id);
CREATE TABLE facts (
    session_id text NOT NULL, position bigint NOT NULL, run_id text, seq bigint, time_ms bigint NOT NULL,
    fact text NOT NULL, PRIMARY KEY (session_id, position)
);
CREATE TABLE owners (
    session_id text PRIMARY KEY, pid bigint NOT NULL, host text NOT NULL, since_ms bigint NOT NULL, sign text NOT NULL
);
"""
_VERSION = 1
_COLUMNS = "s.id, s.workspace, s.title, s.updated_ms, s.status, s.messages, s.origin"
_INFO = f"""
SELECT {_COLUMNS}, s.status = 'running' AND NOT EXISTS (
    SELECT FROM owners o JOIN pg_locks l ON l.locktype = 'advisory' AND l.objsubid = 1
        AND (l.classid::bigint << 32 | l.objid::bigint)::text = o.sign
    WHERE o.session_id = s.id
) FROM sessions s
"""
_UPSERT = """
INSERT INTO sessions (id, workspace, title, updated_ms, status, messages, origin) VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET workspace = excluded.workspace, title = excluded.title, updated_ms = excluded.updated_ms,
    status = excluded.status, messages = excluded.messages, origin = excluded.origin
"""


class PostgresStore:
    """Session logs in the tables of a schema, which are made when they are first needed.

    Methods block, up to five seconds when the server is away; any thread may call them.
    """

    blocking = True

    def __init__(self, dsn: str, schema: str = "a3s") -> None:
        self.schema = schema
        self._sign = secrets.randbelow(2**63)
        self._held: Counter[str] = Counter()
        self._taken: dict[str, Owner] = {}
        """Sessions that others took while the connection was lost."""
        self._link = PostgresLink(dsn, self._prepare)

    @property
    def place(self) -> str:
        """Where the server is, without any secret."""
        return self._link.place

    def open(self, session_id: str) -> None:
        """Take the session for this process. Raises SessionBusy."""
        self._link.do(lambda db: self._take(db, session_id))
        self._held[session_id] += 1
        self._taken.pop(session_id, None)

    def release(self, session_id: str) -> None:
        """Give the session back; nothing happens if it was not taken."""
        if self._held[session_id] > 1:
            self._held[session_id] -= 1
        elif self._held.pop(session_id, 0):
            mine = session_id, str(self._sign)
            self._link.do(
                lambda db: db.execute("DELETE FROM owners WHERE session_id = %s AND sign = %s", mine), sync=False
            )

    def append(self, session_id: str, records: Sequence[Record], *, sync: bool) -> None:
        """Write all records or none. Raises StoreError."""
        rows = {record.position: row_of(record) for record in records}

        def work(db: Connection) -> None:
            if session_id in self._taken:
                raise SessionBusy(self._taken[session_id].busy(session_id))
            found = db.execute(
                "SELECT position, run_id, seq, time_ms, fact FROM facts "
                "WHERE session_id = %s AND position BETWEEN %s AND %s",
                (session_id, min(rows, default=0), max(rows, default=-1)),
            ).fetchall()
            known = db.execute(f"SELECT {_COLUMNS} FROM sessions s WHERE id = %s", (session_id,)).fetchone()
            new = missing(session_id, rows, {row[0]: row for row in found}, known=known is not None)
            insert = "INSERT INTO facts VALUES (%s, %s, %s, %s, %s, %s)"
            db.cursor().executemany(insert, [(session_id, *row) for row in new])
            added = {row[0] for row in new}
            before = None if known is None else SessionInfo(*known)
            row = summarise(session_id, before, [record for record in records if record.position in added])
            shown = (row.id, row.workspace, row.title, row.updated_ms, row.status, row.messages, row.origin)
            db.execute(_UPSERT, shown)

        self._link.do(work, sync=sync)

    def read(self, session_id: str) -> Sequence[Record]:
        """All records in order. Raises SessionNotFound."""
        select = "SELECT position, run_id, seq, time_ms, fact FROM facts WHERE session_id = %s ORDER BY position"
        rows = self._link.do(lambda db: db.execute(select, (session_id,)).fetchall())
        if not rows:
            raise SessionNotFound(f"Session not found: {session_id}")
        return records_of(rows, f"Session {session_id} in PostgreSQL")

    def info(self, session_id: str) -> SessionInfo | None:
        """The session's row, None if there is no such session."""
        row = self._link.do(lambda db: db.execute(f"{_INFO} WHERE s.id = %s", (session_id,)).fetchone())
        return None if row is None else _info(row)

    def sessions(self) -> Sequence[SessionInfo]:
        """Newest first."""
        rows = self._link.do(lambda db: db.execute(f"{_INFO} ORDER BY s.updated_ms DESC, s.id").fetchall())
        return [_info(row) for row in rows]

    def delete(self, session_id: str) -> bool:
        """False if there was none. Raises SessionBusy when another process holds it."""

        def work(db: Connection) -> bool:
            for table in ("facts", "artifacts"):
                db.execute(f"DELETE FROM {table} WHERE session_id = %s".encode(), (session_id,))
            return db.execute("DELETE FROM sessions WHERE id = %s", (session_id,)).rowcount > 0

        self.open(session_id)
        try:
            return self._link.do(work)
        finally:
            self.release(session_id)

    def shelf(self, session_id: str) -> PostgresShelf:
        """Where the long outputs of a session lie."""
        return PostgresShelf(self._link, session_id)

    def close(self) -> None:
        """Give back every session, and close the connection."""
        for session_id in tuple(self._held):
            self._held[session_id] = 1
            self.release(session_id)
        self._link.close()

    # ------------------------------------------------------------ who has a session

    def _take(self, db: Connection, session_id: str) -> None:
        db.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{self.schema} {session_id}",))
        owner = self._owner(db, session_id)
        if owner is not None and _ours(owner):
            return
        if owner is not None and not self._free(db, owner):
            raise SessionBusy(owner.busy(session_id))
        self._enter(db, session_id)

    def _enter(self, db: Connection, session_id: str) -> None:
        db.execute(
            "INSERT INTO owners VALUES (%s, %s, %s, %s, %s) ON CONFLICT (session_id) DO UPDATE SET "
            "pid = excluded.pid, host = excluded.host, since_ms = excluded.since_ms, sign = excluded.sign",
            (session_id, os.getpid(), this_host(), time.time_ns() // 1_000_000, str(self._sign)),
        )

    def _owner(self, db: Connection, session_id: str) -> Owner | None:
        select = "SELECT pid, host, since_ms, sign FROM owners WHERE session_id = %s"
        row = db.execute(select, (session_id,)).fetchone()
        return None if row is None else Owner(*row)

    def _free(self, db: Connection, owner: Owner) -> bool:
        """Whether nobody has the owner's lock. If so we have it until the end of the transaction, so that an owner who
        comes back has to wait for what we say."""
        row = db.execute("SELECT pg_try_advisory_xact_lock(%s)", (int(owner.sign),)).fetchone()
        return row is not None and bool(row[0])

    # ------------------------------------------------------------ a new connection

    def _prepare(self, db: Connection) -> None:
        from psycopg import sql

        db.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(self.schema)))
        db.execute("SELECT pg_advisory_lock(%s)", (self._sign,))
        with db.transaction():
            self._make_tables(db)
        with db.transaction():
            self._come_back(db)

    def _make_tables(self, db: Connection) -> None:
        from psycopg import sql

        if not self._has_tables(db):
            db.execute("SELECT pg_advisory_xact_lock(hashtextextended('a3s-lsp', 0))")  # others may be at it too
            if not self._has_tables(db):
                db.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self.schema)))
                for statement in (_TABLES + TABLE).split(";\n"):
                    db.execute(statement.encode())
                db.execute("INSERT INTO meta VALUES (%s)", (_VERSION,))
        row = db.execute("SELECT version FROM meta").fetchone()
        if row is None or row[0] != _VERSION:
            raise StoreError(f"The sessions in PostgreSQL ({self.place}) were written by a newer a3s-lsp; update this.")

    def _has_tables(self, db: Connection) -> bool:
        row = db.execute(
            "SELECT FROM information_schema.tables WHERE table_schema = %s AND table_name = 'meta'", (self.schema,)
        ).fetchone()
        return row is not None

    def _come_back(self, db: Connection) -> None:
        """See which of our sessions others took while there was no connection."""
        for session_id in self._held:
            owner = self._owner(db, session_id)
            if owner is None:
                self._enter(db, session_id)
            elif not _ours(owner):
                self._taken[session_id] = owner


def _ours(owner: Owner) -> bool:
    return owner.pid == os.getpid() and owner.host == this_host()


def _info(row: tuple[Any, ...]) -> SessionInfo:
    """A session that was running in a process that is gone was interrupted."""
    *columns, cut = row
    info = SessionInfo(*columns)
    return replace(info, status="interrupted") if cut else info
