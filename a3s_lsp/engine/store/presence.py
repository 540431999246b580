"""Whether a process still lives, as other processes can tell: it holds a lock on a file of its own.

The operating system gives the lock back when the process dies, in whatever way. One file for all sessions of a
process: a lock for each session would cost a thousand sessions a thousand open files.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from a3s_lsp.engine.errors import StoreError

if TYPE_CHECKING:
    from filelock import BaseFileLock


class Presence:
    """A process's sign of life in a folder that the others know too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: BaseFileLock | None = None
        self._mutex = threading.Lock()

    def show(self) -> str:
        """Be seen from now on; the name under which. Clears away what the dead have left, so call it while nobody else
        can. Raises StoreError."""
        from filelock import FileLock

        with self._mutex:
            if self._lock is None:
                lock = FileLock(self._folder / f"{uuid.uuid4().hex}.lock", thread_local=False)
                try:
                    self._folder.mkdir(exist_ok=True)
                    for left in self._folder.iterdir():
                        self.lives(left.name)
                    lock.acquire(timeout=0)
                except (OSError, NotImplementedError) as error:
                    raise StoreError(f"A lock in {self._folder} could not be made: {error}.") from error
                self._lock = lock
            return Path(self._lock.lock_file).name

    def lives(self, name: str) -> bool:
        """Whether the process of this name does. Ask while nobody else can: a question in the wrong moment looks like
        life."""
        from filelock import FileLock, Timeout

        path = self._folder / name
        if not path.exists():
            return False
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            return True
        _drop(lock)
        return False

    def end(self) -> None:
        """Not be seen any more."""
        with self._mutex:
            if self._lock is not None:
                _drop(self._lock)
                self._lock = None


def _drop(lock: BaseFileLock) -> None:
    lock.release()
    with contextlib.suppress(OSError):  # another process looks at it just now
        Path(lock.lock_file).unlink(missing_ok=True)


def this_host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def pid_lives(pid: int) -> bool:
    """Whether there is such a process on this machine."""
    from psutil import pid_exists

    return pid == os.getpid() or pid_exists(pid)
