"""Write leases: who may change a file at this moment, among the sessions of this process and of others.

A lease is held while one change set is applied, so it is short; who comes second waits a little, and is then told who
has it. What the first one did is there to be carried over when the second one's turn comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from a3s_lsp.engine.errors import EditRefused

if TYPE_CHECKING:
    from filelock import BaseFileLock

_PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.05
_RECENT_SECONDS = 15 * 60.0
_DAY_SECONDS = 24 * 60 * 60.0


@dataclass(frozen=True, slots=True)
class Writer:
    """Who changed a file last: a session, its process, and when (seconds since the epoch)."""

    session: str
    pid: int
    time: float

    def __str__(self) -> str:
        window = "" if self.pid == os.getpid() else f" in another window (process {self.pid})"
        return f"session {self.session[:8]}{window}"


class Leases:
    """The leases that the sessions of one event loop share; with a `folder`, also with other processes.

    The folder has one lock for many paths, so that it does not grow; who changed a file last is kept for a day.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._holders: dict[str, Writer] = {}
        self._last: dict[str, Writer] = {}

    @contextlib.asynccontextmanager
    async def hold(self, paths: Iterable[Path], session: str) -> AsyncIterator[dict[Path, Writer]]:
        """Hold all these files; gives who else has changed them lately. Raises EditRefused if somebody holds one."""
        wanted = sorted({str(path) for path in paths})
        me = Writer(session, os.getpid(), time.time())
        async with contextlib.AsyncExitStack() as stack:
            for path in wanted:
                await self._take(stack, path, me)
            if self._folder is not None:
                await self._take_locks(stack, self._folder, wanted, me)
            others = {Path(path): last for path in wanted if (last := self._other(path, session)) is not None}
            yield others
            for path in wanted:
                self._note(path, Writer(session, os.getpid(), time.time()))

    async def _take(self, stack: contextlib.AsyncExitStack, path: str, me: Writer) -> None:
        """Wait for the other sessions of this process."""
        lock = self._locks.setdefault(path, asyncio.Lock())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await stack.enter_async_context(lock)
        except TimeoutError:
            raise _refusal(path, self._holders.get(path)) from None
        self._holders[path] = me
        stack.callback(self._holders.pop, path)

    async def _take_locks(
        self, stack: contextlib.AsyncExitStack, folder: Path, paths: Iterable[str], me: Writer
    ) -> None:
        """Wait for other processes."""
        _tidy(folder)
        for name, path in sorted({_digest(path)[:2]: path for path in paths}.items()):
            holder = folder / f"{name}.holder"
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    stack.callback((await _locked(folder / f"{name}.lock")).release)
            except TimeoutError:
                raise _refusal(path, _read(holder)) from None
            _write(holder, me)

    def _other(self, path: str, session: str) -> Writer | None:
        last = self._last.get(path) if self._folder is None else _read(self._folder / f"{_digest(path)}.last")
        if last is None or last.session == session or time.time() - last.time > _RECENT_SECONDS:
            return None
        return last

    def _note(self, path: str, writer: Writer) -> None:
        if self._folder is None:
            self._last[path] = writer
        else:
            _write(self._folder / f"{_digest(path)}.last", writer)


def _refusal(path: str, holder: Writer | None) -> EditRefused:
    return EditRefused(
        f"{path} is being changed by {holder or 'another session'} just now; try again when it is done.",
        {"type": "version_conflict", "path": path},
    )


async def _locked(place: Path) -> BaseFileLock:
    from filelock import FileLock, Timeout

    lock = FileLock(place, thread_local=False)
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return lock


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()[:32]


def _read(place: Path) -> Writer | None:
    try:
        return Writer(**json.loads(place.read_bytes()))
    except (OSError, ValueError, TypeError):  # nobody yet, or somebody was killed while writing it
        return None


def _write(place: Path, writer: Writer) -> None:
    with contextlib.suppress(OSError):  # who it was is told as a courtesy
        place.write_text(json.dumps({"session": writer.session, "pid": writer.pid, "time": writer.time}))


def _tidy(folder: Path) -> None:
    """Make the folder, and throw away about once a day who changed files before that."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = folder / "tidied"
    with contextlib.suppress(OSError):
        if mark.exists() and time.time() - mark.stat().st_mtime < _DAY_SECONDS:
            return
        mark.touch()
        for place in folder.glob("*.last"):
            if time.time() - place.stat().st_mtime > _DAY_SECONDS:
                place.unlink()
