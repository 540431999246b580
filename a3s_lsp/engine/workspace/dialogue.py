"""A conversation with a running process, in lines: what MCP servers, harnesses and script workers are spoken to with.

Threads read, write and wait, so that it works on every event loop and on every system.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import IO, TypeVar

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.workspace.process_tree import kill_tree
from a3s_lsp.engine.workspace.shielding import uninterrupted

T = TypeVar("T")

LONGEST_LINE = 32 * 1024 * 1024
"""Bytes; a process that says more without an end of the line is broken."""

_ERRORS_KEPT = 8 * 1024
_PIECE_BYTES = 64 * 1024
_LINES_ON_THEIR_WAY = 64


class DialogueOver(A3SError):
    """The process is gone, or says what is no line."""


class Dialogue:
    """A process that is spoken to in lines. Made by `processes.start_dialogue`; to be ended with `close`."""

    def __init__(
        self, pid: int, mark: str, stdin: IO[bytes], stdout: IO[bytes], stderr: IO[bytes], wait: Callable[[], int]
    ) -> None:
        self.pid = pid
        self._mark = mark
        self._stdin = stdin
        self.loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = threading.Semaphore(_LINES_ON_THEIR_WAY)
        self._errors: deque[int] = deque(maxlen=_ERRORS_KEPT)
        self._writing = asyncio.Lock()
        self._over = False
        self.exited: asyncio.Future[int] = self.loop.create_future()
        for work, what in ((self._read, stdout), (self._listen, stderr)):
            threading.Thread(target=work, args=(what,), name=f"dialogue-{pid}", daemon=True).start()
        threading.Thread(target=self._wait, args=(wait,), name=f"dialogue-{pid}-wait", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether the process is still there, and not closed."""
        return not self._over and not self.exited.done()

    def complaints(self) -> str:
        """The end of what the process wrote to its errors."""
        return bytes(self._errors).decode(errors="replace").strip()

    async def send(self, line: bytes) -> None:
        """Write one line; its end is added. Raises DialogueOver if the process does not listen any more."""
        async with self._writing:
            try:
                await asyncio.to_thread(self._write, line)
            except (OSError, ValueError) as error:  # ValueError: the file was closed
                raise DialogueOver(f"The process {self.pid} does not listen any more.") from error

    async def receive(self) -> bytes:
        """The next line, without its end. Raises DialogueOver after the last one."""
        line = await self._lines.get()
        self._room.release()
        if line is None:
            self._lines.put_nowait(None)
            raise DialogueOver(f"The process {self.pid} has ended.")
        return line

    async def close(self) -> None:
        """End the process with all its descendants."""
        if self._over:
            return
        self._over = True
        for _ in range(_LINES_ON_THEIR_WAY):
            self._room.release()
        await uninterrupted(asyncio.to_thread(kill_tree, self.pid, self._mark))
        with suppress(OSError, ValueError):
            self._stdin.close()

    def _write(self, line: bytes) -> None:
        self._stdin.write(line + b"\n")
        self._stdin.flush()

    def _read(self, stdout: IO[bytes]) -> None:
        with stdout, suppress(OSError, ValueError):
            while line := stdout.readline(LONGEST_LINE):
                if not line.endswith(b"\n") and len(line) == LONGEST_LINE:
                    break
                self._room.acquire()
                if self._over:
                    break
                self._post(self._lines.put_nowait, line.rstrip(b"\r\n"))
        self._post(self._lines.put_nowait, None)

    def _listen(self, stderr: IO[bytes]) -> None:
        with stderr, suppress(OSError, ValueError):
            while piece := stderr.read1(_PIECE_BYTES):  # type: ignore[attr-defined]  # pipes are buffered readers
                self._errors.extend(piece)

    def _wait(self, wait: Callable[[], int]) -> None:
        self._post(self._note_exit, wait())

    def _note_exit(self, code: int) -> None:
        if not self.exited.done():
            self.exited.set_result(code)

    def _post(self, callback: Callable[[T], object], value: T) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
            self.loop.call_soon_threadsafe(callback, value)
