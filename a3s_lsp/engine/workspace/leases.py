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

from a3s_lsp.engine.errors import EditRefused

if TYPE_CHECKING:
    from filelock import BaseFileLock

_PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.05
_RECENT_SECONDS = 15 * 60.0


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
    """The leases that the sessions of one event loop share; with a `folder`, also with other processes."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._locks: dict[str, asyncio.Lock] = {}
        self._last: dict[str, Writer] = {}

    @contextlib.asynccontextmanager
    async def hold(self, paths: Iterable[Path], session: str) -> AsyncIterator[dict[Path, Writer]]:
        """Hold all these files; gives who else has changed them lately. Raises EditRefused if somebody holds one."""
        wanted = sorted({str(path) for path in paths})
        async with contextlib.AsyncExitStack() as stack:
            for path in wanted:
                await self._take(stack, path)
            others = {Path(path): last for path in wanted if (last := self._other(path, session)) is not None}
            yield others
            for path in wanted:
                self._note(path, Writer(session, os.getpid(), time.time()))

    async def _take(self, stack: contextlib.AsyncExitStack, path: str) -> None:
        lock = self._locks.setdefault(path, asyncio.Lock())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await stack.enter_async_context(lock)
                if self._folder is not None:
                    stack.callback((await self._lock_file(path)).release)
        except TimeoutError:
            holder = self._read(path)
            raise EditRefused(
                f"{path} is being changed by {holder or 'another session'} just now; try again when it is done.",
                {"type": "version_conflict", "path": path},
            ) from None

    async def _lock_file(self, path: str) -> BaseFileLock:
        from filelock import FileLock, Timeout

        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(place.with_suffix(".lock"), thread_local=False)
        while True:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return lock

    def _other(self, path: str, session: str) -> Writer | None:
        last = self._read(path)
        if last is None or last.session == session or time.time() - last.time > _RECENT_SECONDS:
            return None
        return last

    def _read(self, path: str) -> Writer | None:
        if self._folder is None:
            return self._last.get(path)
        try:
            return Writer(**json.loads(self._place(path).read_bytes()))
        except (OSError, ValueError, TypeError):  # nobody yet, or somebody was killed while writing it
            return None

    def _note(self, path: str, writer: Writer) -> None:
        if self._folder is None:
            self._last[path] = writer
            return
        with contextlib.suppress(OSError):  # who was last is told as a courtesy
            self._place(path).write_text(
                json.dumps({"session": writer.session, "pid": writer.pid, "time": writer.time})
            )

    def _place(self, path: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{hashlib.sha256(path.encode(errors='surrogateescape')).hexdigest()[:32]}.json"
