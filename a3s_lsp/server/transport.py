"""The ways in which a client reaches the server, each of which returns the exit code of the process.

One server object serves one client: a second one is told so and sent away.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

from pygls.exceptions import JsonRpcInvalidRequest

from a3s_lsp.server.framing import MAX_BODY_BYTES, FrameReader, FramingError, frame
from a3s_lsp.server.jsonrpc import Request, classify
from a3s_lsp.server.language_server import A3SLanguageServer
from a3s_lsp.server.writers import PipeWriter, TransportWriter, WebSocketWriter

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

_log = logging.getLogger(__name__)
_READ_BYTES = 64 * 1024
_REFUSAL_S = 10.0
_CLOSE_S = 1.0


class Inbound(asyncio.Protocol):
    """Hands on every message of a stream, and says when no more will come."""

    def __init__(self, receive: Callable[[bytes], None], over: Callable[[], None]) -> None:
        self._frames = FrameReader()
        self._receive = receive
        self._over = over

    def data_received(self, data: bytes) -> None:
        """Take a piece of the stream."""
        try:
            for body in self._frames.feed(data):
                self._receive(body)
        except FramingError as error:
            _log.error("%s The connection is closed.", error)
            self._over()

    def connection_lost(self, error: Exception | None) -> None:
        """Take the end of the stream."""
        self._over()


# ---------------------------------------------------------------- stdin and stdout


def take_stdio() -> tuple[int, int]:
    """Reserve stdin and stdout for the protocol, and return the descriptors to read from and to write to.

    From then on whatever prints, a library or a child process, prints to stderr, and whatever reads stdin gets nothing.
    """
    sys.stdout.flush()
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return incoming, outgoing


async def serve_stdio(server: A3SLanguageServer) -> int:
    """Serve the client that started this process."""
    return await serve_pipes(server, *take_stdio())


async def serve_pipes(server: A3SLanguageServer, incoming: int, outgoing: int) -> int:
    """Serve a client over two file descriptors, which are closed in the end."""
    protocol = server.protocol
    writer = PipeWriter(outgoing, protocol.ended.set)
    protocol.set_writer(writer)
    stop_reading = await _read_from(incoming, Inbound(protocol.receive, protocol.ended.set))
    try:
        await protocol.ended.wait()
    finally:
        stop_reading()
        code = await protocol.disconnected()
        writer.close()
        await writer.wait_closed()
    return code


async def _read_from(fd: int, inbound: Inbound) -> Callable[[], None]:
    """Feed what comes from a descriptor to `inbound`; the result stops that."""
    loop = asyncio.get_running_loop()
    kind = os.fstat(fd).st_mode
    if os.name == "posix" and (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
        transport, _ = await loop.connect_read_pipe(lambda: inbound, os.fdopen(fd, "rb", buffering=0))
        return transport.close
    # What the event loop cannot watch is read by a thread; as a daemon, since nothing can interrupt its read.
    threading.Thread(target=_read_blocking, args=(loop, fd, inbound), name="a3s-reader", daemon=True).start()
    return lambda: None


def _read_blocking(loop: asyncio.AbstractEventLoop, fd: int, inbound: Inbound) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended
        with contextlib.suppress(OSError):
            while data := os.read(fd, _READ_BYTES):
                loop.call_soon_threadsafe(inbound.data_received, data)
        loop.call_soon_threadsafe(inbound.connection_lost, None)


# ---------------------------------------------------------------- TCP


class _TcpClient(Inbound):
    """The client that is served."""

    def __init__(self, server: A3SLanguageServer) -> None:
        self.closed = asyncio.Event()
        self._protocol = server.protocol
        super().__init__(self._protocol.receive, self._protocol.ended.set)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer over the same connection."""
        assert isinstance(transport, asyncio.Transport)
        self.writer = TransportWriter(transport, self._protocol.ended.set)
        self._protocol.set_writer(self.writer)

    def connection_lost(self, error: Exception | None) -> None:
        """Take the end of the stream."""
        self.closed.set()
        super().connection_lost(error)

    async def close(self) -> None:
        """Close the connection once all is sent."""
        self.writer.close()
        await self.closed.wait()


class _RefusedTcpClient(asyncio.Protocol):
    """A client that came while another one is served: its first message gets an error for an answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give it a short time to say something."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._frames = FrameReader()
        asyncio.get_running_loop().call_later(_REFUSAL_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Refuse the first message."""
        with contextlib.suppress(FramingError):
            for body in self._frames.feed(data):
                self._transport.write(frame(_refusal(body)))
                self._transport.close()
                return


async def serve_tcp(
    server: A3SLanguageServer, host: str, port: int, listening: Callable[[int], None] | None = None
) -> int:
    """Serve the first client that connects, until it goes. `listening` is told the port, which matters for port 0."""
    protocol = server.protocol
    clients: list[_TcpClient] = []

    def accept() -> asyncio.Protocol:
        if clients:
            return _RefusedTcpClient()
        clients.append(_TcpClient(server))
        return clients[0]

    listener = await asyncio.get_running_loop().create_server(accept, host, port)
    _announce(listener.sockets, listening)
    try:
        await protocol.ended.wait()
    finally:
        listener.close()
        code = await protocol.disconnected()
        for client in clients:
            await client.close()
    return code


# ---------------------------------------------------------------- WebSocket


async def serve_websocket(
    server: A3SLanguageServer,
    host: str,
    port: int,
    listening: Callable[[int], None] | None = None,
    origins: Sequence[str] = (),
) -> int:
    """Serve the first client that connects, until it goes.

    A browser lets every page connect to this machine; only pages from `origins` are let in.
    """
    from websockets.asyncio.server import serve
    from websockets.typing import Origin

    protocol = server.protocol
    writers: list[WebSocketWriter] = []

    async def talk(connection: ServerConnection) -> None:
        if writers:
            await _refuse(connection)
            return
        writers.append(WebSocketWriter(connection, protocol.ended.set))
        protocol.set_writer(writers[0], include_headers=False)
        try:
            async for message in connection:
                protocol.receive(message)
        finally:
            protocol.ended.set()

    async with serve(
        talk,
        host,
        port,
        origins=[None, *map(Origin, origins)],
        max_size=MAX_BODY_BYTES,
        compression=None,
        ping_interval=None,
        close_timeout=_CLOSE_S,
    ) as listener:
        _announce(listener.sockets, listening)
        try:
            await protocol.ended.wait()
        finally:
            code = await protocol.disconnected()
            for writer in writers:
                writer.close()
                await writer.wait_closed()
    return code


async def _refuse(connection: ServerConnection) -> None:
    from websockets.exceptions import ConnectionClosed

    with contextlib.suppress(TimeoutError, ConnectionClosed):
        async with asyncio.timeout(_REFUSAL_S):
            await connection.send(_refusal(await connection.recv()).decode())


# ---------------------------------------------------------------- what they share


def run_to_exit(serving: Coroutine[object, object, int]) -> NoReturn:
    """Run one of the above, and end the process with its exit code, whatever its threads are still doing.

    SIGTERM and Ctrl-C end it as the client's going would.
    """

    async def interruptible() -> int:
        task = asyncio.current_task()
        if task is not None and os.name == "posix":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await serving

    try:
        # Not closed: that would wait for threads, and so would an ordinary exit.
        code = asyncio.Runner().run(interruptible())
    except asyncio.CancelledError:
        code = 128 + signal.SIGTERM
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


def _announce(sockets: Iterable[socket.socket], listening: Callable[[int], None] | None) -> None:
    for name in (one.getsockname() for one in sockets):
        _log.info("Waiting for a client on %s, port %d.", name[0], name[1])
        if listening is not None:
            listening(name[1])
            return


def _refusal(body: bytes | str) -> bytes:
    """The answer to the first message of a client that cannot be served."""
    try:
        message = classify(json.loads(body))
    except (ValueError, RecursionError):
        message = classify(None)
    error = {"code": JsonRpcInvalidRequest.CODE, "message": "This server has a client already; start another server."}
    msg_id = message.id if isinstance(message, Request) else None
    return json.dumps({"jsonrpc": "2.0", "id": msg_id, "error": error}).encode()
