"""The SQLite file behind checkpoints: contents by their digest, and one row for each checkpoint.

It knows nothing of folders and files; what a content means, and which contents belong together, is for
`workspace/checkpoints` to say.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from a3s_lsp.engine.errors import StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS contents (
    number INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, packed INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS checkpoints (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, root BLOB NOT NULL, taken_ms INTEGER NOT NULL,
    mode INTEGER NOT NULL, tree INTEGER NOT NULL, left_out TEXT NOT NULL, buffers TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS newest_of_root ON checkpoints (root, sequence);
"""
_SCHEMA_VERSION = 1
_COLUMNS = "id, root, taken_ms, mode, tree, left_out, buffers"
_BUSY_SECONDS = 30.0
_PAGE_BYTES = 16 * 1024
_WAL_PAGES = 4096
_WORTH_PACKING = 128
_SAMPLE_BYTES = 64 * 1024


class Content(NamedTuple):
    """Bytes as they are stored; `digest` is that of the bytes themselves."""

    digest: bytes
    packed: bool
    data: bytes


class Row(NamedTuple):
    """One checkpoint: the mode of its root, the content that lists the root, and two JSON texts."""

    id: str
    root: bytes
    taken_ms: int
    mode: int
    tree: int
    left_out: str
    buffers: str


def digest_of(data: bytes) -> bytes:
    """What the bytes are known by."""
    return hashlib.sha256(data).digest()


def packed(data: bytes, digest: bytes) -> Content:
    """The bytes as they are to be stored: compressed where that saves a tenth."""
    if len(data) < _WORTH_PACKING:
        return Content(digest, False, data)
    if len(data) > _SAMPLE_BYTES and not _shrinks(data[:_SAMPLE_BYTES]):
        return Content(digest, False, data)
    short = zlib.compress(data, 1)
    return Content(digest, True, short) if len(short) < len(data) * 0.9 else Content(digest, False, data)


def _shrinks(sample: bytes) -> bool:
    return len(zlib.compress(sample, 1)) < len(sample) * 0.9


class CheckpointTables:
    """The file `path`, made with its folder when it is first needed. Methods block; any thread may call them.

    All raise StoreError when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._mutex = threading.RLock()

    def close(self) -> None:
        """Close the file; it is opened again when it is needed again."""
        with self._mutex:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def writing(self, *, sync: bool = False) -> Iterator[None]:
        """All that is done inside is done, or nothing. With `sync` it survives a loss of power."""
        with self._database() as db:
            if db.in_transaction:
                yield
                return
            db.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield
                db.commit()
            finally:
                if db.in_transaction:
                    db.rollback()

    def number(self, digest: bytes) -> int | None:
        """The number of a content, None if it is not here."""
        with self._database() as db:
            found = db.execute("SELECT number FROM contents WHERE digest = ?", (digest,)).fetchone()
        return None if found is None else int(found[0])

    def put(self, contents: Collection[Content]) -> list[int]:
        """Keep the contents, each once; returns their numbers."""
        with self.writing(), self._database() as db:
            db.executemany("INSERT OR IGNORE INTO contents (digest, packed, data) VALUES (?, ?, ?)", contents)
            select = "SELECT number FROM contents WHERE digest = ?"
            return [int(db.execute(select, (content.digest,)).fetchone()[0]) for content in contents]

    def get(self, number: int) -> bytes:
        """The bytes of a content."""
        with self._database() as db:
            row = db.execute("SELECT digest, packed, data FROM contents WHERE number = ?", (number,)).fetchone()
        if row is None:
            raise StoreError(
                f"A part of a checkpoint in {self.path} is missing; later checkpoints are not touched by it."
            )
        digest, is_packed, data = row
        try:
            plain = zlib.decompress(data) if is_packed else bytes(data)
        except zlib.error:
            plain = b""
        if digest_of(plain) != digest:
            raise StoreError(
                f"A part of a checkpoint is damaged in {self.path}: move the file away, or set A3S_STATE_DIR."
            )
        return plain

    def holds(self, numbers: Collection[int], checkpoint: str | None) -> bool:
        """Whether these contents and this checkpoint are all here."""
        with self._database() as db:
            found = db.execute(
                "SELECT COUNT(*) FROM contents WHERE number IN (SELECT value FROM json_each(?))",
                (json.dumps(list(numbers)),),
            ).fetchone()[0]
            return found == len(numbers) and (checkpoint is None or self._row(db, checkpoint) is not None)

    def add(self, row: Row) -> None:
        """Keep a checkpoint; it is the newest of its root."""
        with self.writing(), self._database() as db:
            db.execute(f"INSERT INTO checkpoints ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def row(self, checkpoint: str) -> Row | None:
        """The checkpoint with this id."""
        with self._database() as db:
            return self._row(db, checkpoint)

    def newest(self, root: bytes) -> Row | None:
        """The checkpoint of this root that was taken last."""
        with self._database() as db:
            query = f"SELECT {_COLUMNS} FROM checkpoints WHERE root = ? ORDER BY sequence DESC LIMIT 1"
            found = db.execute(query, (root,)).fetchone()
        return None if found is None else Row(*found)

    def rows(self) -> list[Row]:
        """All checkpoints, the newest first."""
        with self._database() as db:
            return [Row(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM checkpoints ORDER BY sequence DESC")]

    def sizes(self) -> dict[int, int]:
        """How many bytes each content takes here."""
        with self._database() as db:
            return dict(db.execute("SELECT number, length(data) FROM contents"))

    def keep_only(self, checkpoints: Iterable[str], numbers: Iterable[int]) -> None:
        """Drop all other checkpoints and contents."""
        with self.writing(), self._database() as db:
            ids, kept = json.dumps(list(checkpoints)), json.dumps(list(numbers))
            db.execute("DELETE FROM checkpoints WHERE id NOT IN (SELECT value FROM json_each(?))", (ids,))
            db.execute("DELETE FROM contents WHERE number NOT IN (SELECT value FROM json_each(?))", (kept,))

    def shrink(self) -> None:
        """Give the room of what was dropped back to the disk."""
        with self._database() as db:
            db.executescript("PRAGMA incremental_vacuum")  # `execute` would do one page of it

    @staticmethod
    def _row(db: sqlite3.Connection, checkpoint: str) -> Row | None:
        found = db.execute(f"SELECT {_COLUMNS} FROM checkpoints WHERE id = ?", (checkpoint,)).fetchone()
        return None if found is None else Row(*found)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            try:
                yield self._connected()
            except sqlite3.Error as error:
                raise StoreError(self._sentence(str(error))) from error

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                # The work tree is nobody else's business; SQLite gives its other files the mode of this one.
                self.path.touch(mode=0o600)
            except OSError as error:
                raise StoreError(self._sentence(os.strerror(error.errno or 0))) from error
            self._connection = _opened(self.path)
        return self._connection

    def _sentence(self, reason: str) -> str:
        store = f"The store of checkpoints {self.path}"
        if "full" in reason or "I/O" in reason or "No space" in reason:
            return f"{store} could not be written, the disk may be full: free some space and try again."
        if "locked" in reason:
            return f"{store} is locked by another process: try again when that is done."
        if "readonly" in reason or "unable to open" in reason or "denied" in reason:
            return f"{store} cannot be written: give the folder write permission, or set A3S_STATE_DIR."
        return f"{store} cannot be used ({reason}): move it away, or set A3S_STATE_DIR."


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
    try:
        # The first two count only while the file is empty.
        db.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        db.execute(f"PRAGMA journal_size_limit = {_WAL_PAGES * _PAGE_BYTES}")
        db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > _SCHEMA_VERSION:
            raise StoreError(f"The store of checkpoints {path} was written by a newer a3s-lsp; update this one.")
        db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    except BaseException:
        db.close()
        raise
    return db
