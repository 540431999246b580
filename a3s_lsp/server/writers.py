"""Ways to send that never make the event loop wait for a client which does not read.

Each is bounded: a client that is too far behind is given up, so that it cannot fill the memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

MAX_UNSENT_BYTES = 64 * 1024 * 1024
_DRAIN_S = 1.0

_log = logging.getLogger(__name__)


class PipeWriter:
    """Writes to a file descriptor from a thread of its own; the descriptor is closed in the end.

    `lost` is called on the event loop when nothing more can be sent.
    """

    def __init__(self, fd: int, lost: Callable[[], None], limit: int = MAX_UNSENT_BYTES) -> None:
        self._fd = fd
        self._lost = lost
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._drained = asyncio.Event()
        self._changed = threading.Condition()
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._open = True
        # A daemon, because a client that never reads would hold it, and the exit of the process, for ever.
        threading.Thread(target=self._run, name="a3s-writer", daemon=True).start()

    def write(self, data: bytes) -> None:
        """Send this after all that came before; it is dropped if the client is lost or the writer closed."""
        with self._changed:
            if not self._open:
                return
            if self._unsent and self._unsent_bytes + len(data) > self._limit:
                self._open = False
                self._unsent.clear()
                _give_up(self._lost)
                return
            self._unsent.append(data)
            self._unsent_bytes += len(data)
            self._changed.notify()

    def close(self) -> None:
        """Take nothing more; what was given is still sent."""
        with self._changed:
            self._open = False
            self._changed.notify()

    async def wait_closed(self) -> None:
        """Wait until all is sent, but not for a client that does not read."""
        try:
            async with asyncio.timeout(_DRAIN_S):
                await self._drained.wait()
        except TimeoutError:
            _log.warning("The client did not read the last messages.")

    def _run(self) -> None:
        try:
            while data := self._take():
                _write_all(self._fd, data)
        except OSError as error:
            _log.info("The client reads no more: %s", error)
            self.close()
            self._on_loop(self._lost)
        with contextlib.suppress(OSError):
            os.close(self._fd)
        self._on_loop(self._drained.set)

    def _take(self) -> bytes:
        """All that waits; empty when there will be nothing more."""
        with self._changed:
            while self._open and not self._unsent:
                self._changed.wait()
            data = b"".join(self._unsent)
            self._unsent.clear()
            self._unsent_bytes = 0
            return data

    def _on_loop(self, callback: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(callback)


class TransportWriter:
    """Writes to a socket of the event loop."""

    def __init__(self, transport: asyncio.Transport, lost: Callable[[], None], limit: int = MAX_UNSENT_BYTES) -> None:
        self._transport = transport
        self._lost = lost
        self._limit = limit

    def write(self, data: bytes) -> None:
        """Send this after all that came before; it is dropped if the connection is closing."""
        if self._transport.is_closing():
            return
        behind = self._transport.get_write_buffer_size()
        if behind and behind + len(data) > self._limit:
            self._transport.abort()
            _give_up(self._lost)
            return
        self._transport.write(data)

    def close(self) -> None:
        """Close the connection once all is sent, or the client has had its time to read it."""
        self._transport.close()
        asyncio.get_running_loop().call_later(_DRAIN_S, self._transport.abort)


class WebSocketWriter:
    """Writes text messages to a WebSocket."""

    def __init__(self, socket: ServerConnection, lost: Callable[[], None], limit: int = MAX_UNSENT_BYTES) -> None:
        self._socket = socket
        self._lost = lost
        self._limit = limit
        self._unsent: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._unsent_bytes = 0
        self._sending = asyncio.create_task(self._send(), name="a3s-writer")

    def write(self, data: bytes) -> None:
        """Send this after all that came before."""
        if self._unsent_bytes and self._unsent_bytes + len(data) > self._limit:
            self._sending.cancel()
            _give_up(self._lost)
            return
        self._unsent.put_nowait(data)
        self._unsent_bytes += len(data)

    def close(self) -> None:
        """Take nothing more; what was given is still sent."""
        self._unsent.put_nowait(None)

    async def wait_closed(self) -> None:
        """Wait until all is sent, but not for a client that does not read."""
        await asyncio.wait({self._sending}, timeout=_DRAIN_S)
        self._sending.cancel()

    async def _send(self) -> None:
        from websockets.exceptions import ConnectionClosed

        with contextlib.suppress(ConnectionClosed):
            while (data := await self._unsent.get()) is not None:
                await self._socket.send(data.decode())
                self._unsent_bytes -= len(data)


def _give_up(lost: Callable[[], None]) -> None:
    _log.error("The client does not read, and too much waits for it; the connection is given up.")
    lost()


def _write_all(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(fd, left) :]
        except BlockingIOError:  # a socket that is also stdin, which asyncio has made non-blocking
            select.select([], [fd], [])
