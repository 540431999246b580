"""One SQLite file: made when it is first needed, used in transactions, and what is wrong with it in a sentence."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from a3s_lsp.engine.errors import StoreError

_BUSY_SECONDS = 5.0
_SHARED_SYSTEMS = ("nfs", "cifs", "smb", "afs", "9p", "ceph", "glusterfs", "lustre", "fuse.sshfs", "davfs", "webdav")
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SQLiteFile:
    """The file `path`, made with its folder when it is first needed, for its owner alone.

    `prepare` gets each new connection, to make tables. `elsewhere` says how another place is named. Methods block, up
    to five seconds when another process is writing; any thread may call them. All raise StoreError.
    """

    def __init__(self, path: Path, prepare: Callable[[sqlite3.Connection], None], elsewhere: str) -> None:
        self.path = path
        self._prepare = prepare
        self._elsewhere = elsewhere
        self._connection: sqlite3.Connection | None = None
        self._mutex = threading.RLock()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """See one state of the file."""
        with self._guarded() as db:
            yield db

    @contextlib.contextmanager
    def writing(self, *, sync: bool = False) -> Iterator[sqlite3.Connection]:
        """Do all that is inside, or nothing, while no other process writes. With `sync` it survives a loss of power."""
        with self._guarded() as db:
            db.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file; it is opened again when it is needed again."""
        with self._mutex:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            try:
                yield self._connected()
            except (sqlite3.Error, OSError) as error:
                raise StoreError(self._sentence(error)) from error

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Conversations are nobody else's business; SQLite gives its other files the mode of this one.
            self.path.touch(mode=0o600)
            db = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
            try:
                # A write-ahead log needs memory that all its users share, which those of a network folder do not.
                db.execute(f"PRAGMA journal_mode = {'DELETE' if on_network(self.path, mounts()) else 'WAL'}")
                self._prepare(db)
            except BaseException:
                db.close()
                raise
            self._connection = db
        return self._connection

    def _sentence(self, error: sqlite3.Error | OSError) -> str:
        log = f"The session log {self.path}"
        match _kind(error):
            case "full":
                remedy = "could not be written, the disk may be full: free some space; until then it is kept in memory."
            case "locked":
                remedy = "is locked by another process: try again; until then it is kept in memory."
            case "read-only":
                remedy = f"cannot be written: give the folder write permission, or {self._elsewhere}."
            case "damaged":
                remedy = f"cannot be used ({error}): move it away, or {self._elsewhere}."
        return f"{log} {remedy}"


def _kind(error: sqlite3.Error | OSError) -> str:
    if isinstance(error, OSError):
        return "full" if error.errno in _FULL else "read-only" if error.errno in _READ_ONLY else "damaged"
    # The low byte is the primary code; errors of the Python module itself have none.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return "full"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "locked"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return "read-only"
        case _:
            return "damaged"


def mounts() -> list[tuple[str, str]]:
    """The folders where file systems are mounted, and the kinds of those."""
    from psutil import disk_partitions

    return [(part.mountpoint, part.fstype) for part in disk_partitions(all=True)]


def on_network(path: Path, mounted: list[tuple[str, str]]) -> bool:
    """Whether the path lies on a file system that other machines use too."""
    real = Path(os.path.realpath(path))
    under = [(len(Path(point).parts), kind) for point, kind in mounted if real.is_relative_to(point)]
    return max(under, default=(0, ""))[1].lower().startswith(_SHARED_SYSTEMS)
