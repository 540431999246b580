"""The one place that starts processes: output as it comes, a limit in time, and nothing left when it is stopped.

A process gets a session of its own and an environment variable that marks all its descendants. Threads wait for it
and read from it, so that it works on every event loop and on every system.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.policy.secret_values import SECRET_NAME
from a3s_lsp.engine.workspace.dialogue import Dialogue
from a3s_lsp.engine.workspace.process_tree import MARK, adopt_orphans, kill_tree, reap_orphans
from a3s_lsp.engine.workspace.shielding import uninterrupted
from a3s_lsp.engine.workspace.spool import Spool

T = TypeVar("T")

logger = logging.getLogger(__name__)

OUTPUT_LIMIT = 64 * 1024 * 1024
"""Bytes of output that are kept at most; of more, the head is."""

_PIECE_BYTES = 64 * 1024
_PIECES_ON_THEIR_WAY = 64
_DRAIN_SECONDS = 0.1
_DRAIN_ROUNDS = 3
_KILL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended. `output` is what it wrote, as it came; `dropped` bytes of that were not kept."""

    exit_code: int
    timed_out: bool
    output: bytes
    dropped: int = 0


def safe_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables without those whose names say that they hold a secret."""
    return {name: value for name, value in environ.items() if not SECRET_NAME.search(name)}


async def run_process(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_ms: int | None = None,
    on_output: Callable[[bytes], None] | None = None,
    stdin: bytes = b"",
    errors: IO[bytes] | None = None,
    keep: int = OUTPUT_LIMIT,
) -> Finished:
    """Run a command to its end, and hand on its output piece by piece; of all of it the first `keep` bytes are kept.

    Its errors belong to its output, in the order in which they come, unless there is a file for `errors`.

    A background process that the command leaves behind does not hold the call up. On a timeout, a cancellation or an
    error in `on_output`, the process and all its descendants are killed before this returns or raises. Raises
    ToolError if the command cannot be started.
    """
    with Spool(keep) as spool:
        process = _Process(asyncio.get_running_loop(), on_output, spool)
        process.start(command, cwd, env, stdin, errors)
        timed_out = await _followed(process, timeout_ms)
        return Finished(await process.exited, timed_out, spool.content(), spool.dropped)


def start_dialogue(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Dialogue:
    """Start a process that is spoken to in lines. Raises ToolError if it cannot be started."""
    adopt_orphans()
    mark = uuid.uuid4().hex
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**env, MARK: mark},
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ToolError(f"Failed to start '{command[0]}' in {cwd}: {reason}.") from error
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    return Dialogue(process.pid, mark, process.stdin, process.stdout, process.stderr, process.wait)


async def _followed(process: _Process, timeout_ms: int | None) -> bool:
    """Follow a process to its end, or to the end of its time, which is True."""
    timed_out = False
    try:
        async with asyncio.timeout(None if timeout_ms is None else timeout_ms / 1000) as deadline:
            await process.follow()
    except TimeoutError:
        if not deadline.expired():
            raise
        timed_out = True
    finally:
        if not process.followed:
            await uninterrupted(process.kill())
    return timed_out


class _Process:
    """A running process. Its two threads speak to the loop through `_pieces`, which None ends, and `exited`."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_output: Callable[[bytes], None] | None, spool: Spool
    ) -> None:
        self.exited: asyncio.Future[int] = loop.create_future()
        self.followed = False
        self._spool = spool
        self._loop = loop
        self._on_output = on_output
        self._mark = uuid.uuid4().hex
        self._pid = 0
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = threading.Semaphore(_PIECES_ON_THEIR_WAY)
        self._received = 0
        self._over = False

    def start(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str], stdin: bytes, errors: IO[bytes] | None
    ) -> None:
        """Start the process and the threads that wait for it and read from it."""
        adopt_orphans()
        read_end, write_end = os.pipe()
        try:
            with _file_of(stdin) as given:
                process = subprocess.Popen(
                    command,
                    cwd=cwd,
                    env={**env, MARK: self._mark},
                    stdin=given,
                    stdout=write_end,
                    stderr=write_end if errors is None else errors,
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            os.close(read_end)
            reason = error.strerror if isinstance(error, OSError) else error
            raise ToolError(f"Failed to start '{command[0]}' in {cwd}: {reason}.") from error
        finally:
            os.close(write_end)
        self._pid = process.pid
        threading.Thread(target=self._wait, args=(process,), name="process-wait", daemon=True).start()
        threading.Thread(target=self._read, args=(read_end,), name="process-read", daemon=True).start()

    async def follow(self) -> None:
        """Hand on the output until there is no more, and wait for the end."""
        while (piece := await self._pieces.get()) is not None:
            self._room.release()
            self._spool.add(piece)
            if self._on_output is not None:
                self._on_output(piece)
        await asyncio.shield(self.exited)
        self.followed = True
        self._stop_listening()

    async def kill(self) -> None:
        """End the process with all its descendants; what it had written by then is kept."""
        await asyncio.to_thread(kill_tree, self._pid, self._mark)
        await asyncio.wait({self.exited}, timeout=_KILL_SECONDS)
        self._stop_listening()
        while not self._pieces.empty():
            self._spool.add(self._pieces.get_nowait() or b"")
        if not self.exited.done():
            logger.warning("process %d does not end although it was killed", self._pid)
            self.exited.set_result(-signal.SIGTERM)

    def _stop_listening(self) -> None:
        """From now on output is read, so that a background process does not choke on it, and thrown away."""
        self._over = True
        self._room.release()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        self._post(self._note_exit, process.wait())
        reap_orphans(process.pid, self._mark)

    def _note_exit(self, code: int) -> None:
        if not self.exited.done():
            self.exited.set_result(code)
            self._loop.call_later(_DRAIN_SECONDS, self._drain, self._received, _DRAIN_ROUNDS)

    def _drain(self, received: int, rounds: int) -> None:
        """End the output of a process that is gone when nothing more comes: a background process may hold the pipe."""
        if rounds == 0 or received == self._received:
            self._pieces.put_nowait(None)
        else:
            self._loop.call_later(_DRAIN_SECONDS, self._drain, self._received, rounds - 1)

    def _receive(self, piece: bytes) -> None:
        self._received += len(piece)
        self._pieces.put_nowait(piece)

    def _read(self, pipe: int) -> None:
        while piece := os.read(pipe, _PIECE_BYTES):
            if not self._over:
                self._room.acquire()
                self._post(self._receive, piece)
        os.close(pipe)
        self._post(self._pieces.put_nowait, None)

    def _post(self, callback: Callable[[T], None], value: T) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
            self._loop.call_soon_threadsafe(callback, value)


@contextmanager
def _file_of(text: bytes) -> Iterator[IO[bytes] | int]:
    """What a process reads as its input: a file, which no writer has to wait for."""
    if not text:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(text)
        file.seek(0)
        yield file
