"""Streams, sockets and processes between a client and the server: nothing may stall, leak or be lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from pygls.io_ import StdoutWriter, run_async
from pygls.lsp.server import LanguageServer
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from a3s_lsp.server.framing import MAX_BODY_BYTES, FrameReader, FramingError, frame
from a3s_lsp.server.language_server import A3SLanguageServer
from a3s_lsp.server.transport import serve_pipes, serve_tcp, serve_websocket
from a3s_lsp.server.writers import PipeWriter, TransportWriter

Message = dict[str, Any]
HELLO: Message = {"processId": None, "rootUri": None, "capabilities": {}}
WITHIN_S = 15


def make_server() -> A3SLanguageServer:
    server = A3SLanguageServer("test", "1")
    server.feature("a3s/echo")(lambda params: params)
    server.feature("a3s/much")(lambda params: "x" * params["bytes"])
    return server


def encoded(message: Message) -> bytes:
    return frame(json.dumps(message).encode())


class StreamClient:
    """A client at the other end of a stream."""

    def __init__(self, reader: asyncio.StreamReader, write: Callable[[bytes], object]) -> None:
        self.reader = reader
        self.write = write
        self._ids = count(1)

    def send(self, method: str, params: object = None, **more: object) -> None:
        self.write(encoded({"jsonrpc": "2.0", "method": method, "params": params, **more}))

    async def receive(self) -> Message:
        async with asyncio.timeout(WITHIN_S):
            header = await self.reader.readuntil(b"\r\n\r\n")
            length = next(line for line in header.split(b"\r\n") if line.startswith(b"Content-Length:"))
            message: Message = json.loads(await self.reader.readexactly(int(length.partition(b":")[2])))
            return message

    async def request(self, method: str, params: object = None) -> Message:
        msg_id = next(self._ids)
        self.send(method, params, id=msg_id)
        return await self.receive()

    async def greet(self) -> None:
        assert "result" in await self.request("initialize", HELLO)
        self.send("initialized", {})


class Piped:
    """A server that is served over two pipes of this process."""

    def __init__(self, server: A3SLanguageServer) -> None:
        incoming, self.to_server = os.pipe()
        self.from_server, outgoing = os.pipe()
        self.serving = asyncio.create_task(serve_pipes(server, incoming, outgoing))

    async def client(self) -> StreamClient:
        reader = asyncio.StreamReader(limit=2**24)
        self.reading, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self.from_server, "rb", buffering=0)
        )
        return StreamClient(reader, lambda data: os.write(self.to_server, data))

    async def exit_code(self) -> int:
        async with asyncio.timeout(WITHIN_S):
            return await self.serving

    def hang_up(self) -> None:
        os.close(self.to_server)


@asynccontextmanager
async def piped(server: A3SLanguageServer) -> AsyncIterator[tuple[Piped, StreamClient]]:
    """A client on pipes, which are gone afterwards whatever the test did."""
    pipes = Piped(server)
    client = await pipes.client()
    try:
        yield pipes, client
    finally:
        with contextlib.suppress(OSError):
            pipes.hang_up()
        pipes.reading.close()
        await pipes.exit_code()


# ---------------------------------------------------------------- framing


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_messages_are_found_whatever_the_pieces(piece: int) -> None:
    bodies = [b"{}", b"", b'{"a": "\r\n\r\n"}', b"x" * 300]
    stream = b"".join(map(frame, bodies))
    frames = FrameReader()
    found = [body for at in range(0, len(stream), piece) for body in frames.feed(stream[at : at + piece])]
    assert found == bodies


@pytest.mark.parametrize(
    "header",
    [
        b"content-length: 2",
        b"CONTENT-LENGTH:2",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2",
        b"Content-Length :  2 \r\nX-Other: 1",
    ],
)
def test_header_names_are_case_insensitive(header: bytes) -> None:
    assert list(FrameReader().feed(header + b"\r\n\r\n{}" + frame(b"[]"))) == [b"{}", b"[]"]


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (f"Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode(), "more than 256 MiB"),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", "more than 256 MiB"),
        (b"Content-Length: -1\r\n\r\n", "not a number"),
        (b"Content-Length: 1_0\r\n\r\n", "not a number"),
        (b"Content-Type: x\r\n\r\n", "without Content-Length"),
        (b"x" * 70_000, "header without end"),
    ],
)
def test_a_stream_that_cannot_be_cut_is_an_error(stream: bytes, reason: str) -> None:
    with pytest.raises(FramingError, match=reason):
        list(FrameReader().feed(stream))


async def test_stock_pygls_is_still_defective_lower_case_headers() -> None:
    server, reader, stop = LanguageServer("stock", "1"), asyncio.StreamReader(), threading.Event()
    received: list[bytes] = []

    class Writer:
        def write(self, data: bytes) -> None:
            received.append(data)

        def close(self) -> None: ...

    server.protocol.set_writer(Writer())
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}).encode()
    reader.feed_data(b"content-length: %d\r\n\r\n%b" % (len(body), body))
    reader.feed_eof()
    await run_async(stop, reader, server.protocol)
    assert received == []


# ---------------------------------------------------------------- pipes


async def test_a_conversation_over_pipes_ends_with_its_exit_code() -> None:
    async with piped(make_server()) as (pipes, client):
        await client.greet()
        assert (await client.request("a3s/echo", {"a": "é😀"}))["result"] == {"a": "é😀"}
        assert (await client.request("shutdown"))["result"] is None
        client.send("exit")
        assert await pipes.exit_code() == 0


async def test_a_client_that_dies_ends_the_server() -> None:
    async with piped(make_server()) as (pipes, client):
        await client.greet()
        pipes.hang_up()
        assert await pipes.exit_code() == 1


async def test_a_client_that_closes_only_its_reading_end_ends_the_server() -> None:
    async with piped(make_server()) as (pipes, client):
        await client.greet()
        pipes.reading.close()
        await asyncio.sleep(0)  # the transport closes the pipe in the next step
        client.send("a3s/echo", {}, id=5)
        assert await pipes.exit_code() == 1


async def test_malformed_json_is_answered_and_the_stream_goes_on() -> None:
    async with piped(make_server()) as (_, client):
        await client.greet()
        for body in (b"{", b"\xff\xfe", b"nonsense", b"[" * 50_000):
            client.write(frame(body))
            reply = await client.receive()
            assert (reply["id"], reply["error"]["code"]) == (None, -32700)
        assert (await client.request("a3s/echo", {"a": 1}))["result"] == {"a": 1}


async def test_an_absurd_length_ends_the_connection_with_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with piped(make_server()) as (pipes, client):
        await client.greet()
        client.write(b"Content-Length: 999999999999\r\n\r\n")
        assert await pipes.exit_code() == 1
    assert "announced a message of more than 256 MiB" in caplog.text


async def test_a_client_that_does_not_read_stalls_nothing() -> None:
    server, heard = make_server(), asyncio.Event()
    server.feature("textDocument/didOpen")(lambda params: heard.set())
    async with piped(server) as (pipes, client):
        await client.greet()
        pipes.reading.pause_reading()
        for msg_id in range(100, 110):
            client.send("a3s/much", {"bytes": 1_000_000}, id=msg_id)
        item = {"uri": "file:///a", "languageId": "x", "version": 1, "text": "still heard"}
        client.send("textDocument/didOpen", {"textDocument": item})
        async with asyncio.timeout(WITHIN_S):
            await heard.wait()
        pipes.reading.resume_reading()
        assert [(await client.receive())["id"] for _ in range(10)] == list(range(100, 110))


def test_stock_pygls_is_still_defective_writes_block() -> None:
    read_end, write_end = os.pipe()
    stdout = os.fdopen(write_end, "wb")
    writing = threading.Thread(target=StdoutWriter(stdout).write, args=(b"x" * 1_000_000,))
    writing.start()
    writing.join(0.2)
    assert writing.is_alive()
    with os.fdopen(read_end, "rb") as reader:
        reader.read(1_000_000)
    writing.join(WITHIN_S)
    stdout.close()


async def test_a_client_that_is_too_far_behind_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    lost = asyncio.Event()
    read_end, write_end = os.pipe()
    writer = PipeWriter(write_end, lost.set, limit=1_000_000)
    for _ in range(100):
        writer.write(b"x" * 100_000)
    assert lost.is_set()
    assert "too much waits for it; the connection is given up" in caplog.text
    writer.write(b"dropped")
    os.close(read_end)
    writer.close()
    await writer.wait_closed()


async def test_one_message_may_be_larger_than_the_bound() -> None:
    read_end, write_end = os.pipe()
    writer = PipeWriter(write_end, lambda: None, limit=10)
    writer.write(b"x" * 50_000)
    writer.close()
    await writer.wait_closed()
    with os.fdopen(read_end, "rb") as reader:
        assert reader.read() == b"x" * 50_000


async def test_a_file_can_be_the_input(tmp_path: Path) -> None:
    script = tmp_path / "input"
    echo = {"jsonrpc": "2.0", "id": 2, "method": "a3s/echo", "params": {"a": 1}}
    greeting = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
    script.write_bytes(encoded(greeting) + encoded(echo))
    incoming, outgoing = os.open(script, os.O_RDONLY), os.open(tmp_path / "output", os.O_WRONLY | os.O_CREAT)
    assert await serve_pipes(make_server(), incoming, outgoing) == 1
    os.close(incoming)
    replies = [json.loads(body) for body in FrameReader().feed((tmp_path / "output").read_bytes())]
    assert {"jsonrpc": "2.0", "id": 2, "result": {"a": 1}} in replies


async def test_one_socket_can_be_both_input_and_output() -> None:
    ours, theirs = socket.socketpair()
    serving = asyncio.create_task(serve_pipes(make_server(), os.dup(theirs.fileno()), os.dup(theirs.fileno())))
    theirs.close()
    reader, writer = await asyncio.open_connection(sock=ours, limit=2**24)
    client = StreamClient(reader, writer.write)
    await client.greet()
    assert len((await client.request("a3s/much", {"bytes": 3_000_000}))["result"]) == 3_000_000
    writer.close()
    async with asyncio.timeout(WITHIN_S):
        assert await serving == 1


# ---------------------------------------------------------------- TCP


@asynccontextmanager
async def over_tcp(server: A3SLanguageServer) -> AsyncIterator[tuple[asyncio.Task[int], int]]:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve_tcp(server, "127.0.0.1", 0, port.set_result))
    try:
        yield serving, await port
    finally:
        serving.cancel()
        await asyncio.wait({serving})


async def tcp_client(port: int) -> tuple[StreamClient, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    return StreamClient(reader, writer.write), writer


async def test_a_conversation_over_tcp_ends_with_its_exit_code() -> None:
    async with over_tcp(make_server()) as (serving, port):
        client, writer = await tcp_client(port)
        await client.greet()
        assert (await client.request("a3s/echo", {"a": 1}))["result"] == {"a": 1}
        await client.request("shutdown")
        client.send("exit")
        async with asyncio.timeout(WITHIN_S):
            assert await serving == 0
        assert await client.reader.read() == b""
        writer.close()


async def test_a_second_tcp_client_is_told_why_and_the_first_is_served_on() -> None:
    async with over_tcp(make_server()) as (_, port):
        first, first_writer = await tcp_client(port)
        await first.greet()
        second, second_writer = await tcp_client(port)
        second.send("initialize", HELLO, id="mine")
        reply = await second.receive()
        assert reply["id"] == "mine"
        assert reply["error"]["message"] == "This server has a client already; start another server."
        assert await second.reader.read() == b""
        assert (await first.request("a3s/echo", {"a": 1}))["result"] == {"a": 1}
        first_writer.close()
        second_writer.close()


async def test_a_tcp_client_that_goes_ends_the_server() -> None:
    async with over_tcp(make_server()) as (serving, port):
        client, writer = await tcp_client(port)
        await client.greet()
        writer.close()
        async with asyncio.timeout(WITHIN_S):
            assert await serving == 1


async def test_a_tcp_client_that_is_too_far_behind_is_given_up() -> None:
    lost, ours = asyncio.Event(), socket.create_server(("127.0.0.1", 0))
    idle = socket.create_connection(ours.getsockname())
    accepted, _ = ours.accept()
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=accepted)
    writer = TransportWriter(transport, lost.set, limit=1_000_000)
    for _ in range(400):
        writer.write(b"x" * 100_000)
    assert lost.is_set() and transport.is_closing()
    idle.close()
    ours.close()


# ---------------------------------------------------------------- WebSocket


@asynccontextmanager
async def over_websocket(server: A3SLanguageServer) -> AsyncIterator[tuple[asyncio.Task[int], str]]:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve_websocket(server, "127.0.0.1", 0, port.set_result, origins=["https://editor.example"])
    )
    try:
        yield serving, f"ws://127.0.0.1:{await port}"
    finally:
        serving.cancel()
        await asyncio.wait({serving})


async def ask(connection: ClientConnection, method: str, params: object = None, msg_id: object = 1) -> Message:
    await connection.send(json.dumps({"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params}))
    async with asyncio.timeout(WITHIN_S):
        message: Message = json.loads(await connection.recv(decode=True))
        return message


async def test_a_conversation_over_a_websocket_ends_with_its_exit_code() -> None:
    async with over_websocket(make_server()) as (serving, address), connect(address, max_size=None) as connection:
        assert "result" in await ask(connection, "initialize", HELLO)
        assert len((await ask(connection, "a3s/echo", {"a": "x" * 2_000_000}))["result"]["a"]) == 2_000_000
        assert (await ask(connection, "shutdown"))["result"] is None
        await connection.send(json.dumps({"jsonrpc": "2.0", "method": "exit"}))
        async with asyncio.timeout(WITHIN_S):
            assert await serving == 0


async def test_a_second_websocket_client_is_told_why() -> None:
    async with over_websocket(make_server()) as (_, address), connect(address) as first, connect(address) as second:
        assert "result" in await ask(first, "initialize", HELLO)
        reply = await ask(second, "initialize", HELLO, "mine")
        assert (reply["id"], reply["error"]["code"]) == ("mine", -32600)
        assert (await ask(first, "a3s/echo", {"a": 1}))["result"] == {"a": 1}


async def test_a_websocket_client_that_goes_ends_the_server() -> None:
    async with over_websocket(make_server()) as (serving, address):
        async with connect(address) as connection:
            assert "result" in await ask(connection, "initialize", HELLO)
        async with asyncio.timeout(WITHIN_S):
            assert await serving == 1


async def test_pages_of_other_origins_are_not_let_in() -> None:
    async with over_websocket(make_server()) as (_, address):
        with pytest.raises(InvalidStatus, match="403"):
            async with connect(address, origin=Origin("https://evil.example")):
                pass
        async with connect(address, origin=Origin("https://editor.example")) as connection:
            assert "result" in await ask(connection, "initialize", HELLO)


# ---------------------------------------------------------------- processes

OURS = """
    from a3s_lsp.server.language_server import A3SLanguageServer
    from a3s_lsp.server.transport import run_to_exit, serve_stdio

    server = A3SLanguageServer("test", "1")
    {features}
    run_to_exit(serve_stdio(server))
"""
STOCK = """
    from pygls.lsp.server import LanguageServer

    server = LanguageServer("test", "1")
    {features}
    server.start_io()
"""
BUSY_THREAD = """
    import time

    @server.thread()
    @server.feature("a3s/busy")
    def busy(params: dict):
        server.protocol.notify("a3s/started", {})
        time.sleep(60)
"""
ASKING_THREADS = """
    @server.thread()
    @server.feature("a3s/wait")
    def wait(params: dict):
        server.protocol.send_request("a3s/ask", {}).result(timeout=60)
        return "answered"
"""
PRINTING = """
    import subprocess, sys

    @server.feature("a3s/print")
    def say(params: dict):
        print("printed by a library", flush=True)
        sys.__stdout__.write("written to the original stdout")
        subprocess.run(["echo", "printed by a child"])
        return [sys.stdin.read(), subprocess.run(["cat"], capture_output=True).stdout.decode()]
"""


@asynccontextmanager
async def process(
    kind: str, features: str = "", **options: Any
) -> AsyncIterator[tuple[asyncio.subprocess.Process, StreamClient]]:
    """A greeted server process, which is gone afterwards."""
    script = dedent(kind).format(features=dedent(features))
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**24,
        **options,
    )
    assert started.stdin is not None and started.stdout is not None
    client = StreamClient(started.stdout, started.stdin.write)
    try:
        await client.greet()
        yield started, client
    finally:
        with contextlib.suppress(ProcessLookupError):
            started.kill()
        await started.communicate()


async def exit_code(running: asyncio.subprocess.Process, within: float = WITHIN_S) -> int:
    async with asyncio.timeout(within):
        return await running.wait()


@pytest.mark.e2e
async def test_the_process_exits_with_zero_only_after_shutdown() -> None:
    async with process(OURS) as (running, client):
        await client.request("shutdown")
        client.send("exit")
        assert await exit_code(running) == 0
    async with process(OURS) as (running, client):
        client.send("exit")
        assert await exit_code(running) == 1


@pytest.mark.e2e
async def test_stock_pygls_is_still_defective_exit_code() -> None:
    async with process(STOCK) as (running, client):
        client.send("exit")
        assert await exit_code(running) == 0


@pytest.mark.e2e
async def test_a_busy_thread_does_not_delay_the_exit() -> None:
    async with process(OURS, BUSY_THREAD) as (running, client):
        client.send("a3s/busy", {}, id=5)
        assert (await client.receive())["method"] == "a3s/started"
        await client.request("shutdown")
        client.send("exit")
        assert await exit_code(running) == 0


@pytest.mark.e2e
async def test_stock_pygls_is_still_defective_busy_threads_delay_the_exit() -> None:
    async with process(STOCK, BUSY_THREAD) as (running, client):
        client.send("a3s/busy", {}, id=5)
        assert (await client.receive())["method"] == "a3s/started"
        client.send("exit")
        with pytest.raises(TimeoutError):
            await exit_code(running, within=1)


async def answers_from_asking_threads(client: StreamClient, threads: int) -> int:
    """Start handlers which each block a thread until the client has answered them, and count their replies."""
    for number in range(threads):
        client.send("a3s/wait", {}, id=f"wait-{number}")
    answered = 0
    while answered < threads:
        message = await client.receive()
        if message.get("method") == "a3s/ask":
            client.write(encoded({"jsonrpc": "2.0", "id": message["id"], "result": {}}))
        else:
            answered += message["result"] == "answered"
    return answered


@pytest.mark.e2e
async def test_threads_that_wait_for_the_client_do_not_keep_the_server_from_reading() -> None:
    async with process(OURS, ASKING_THREADS) as (_, client):
        assert await answers_from_asking_threads(client, 40) == 40


@pytest.mark.e2e
async def test_stock_pygls_is_still_defective_waiting_threads_starve_the_reader() -> None:
    async with process(STOCK, ASKING_THREADS) as (_, client):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await answers_from_asking_threads(client, 40)


@pytest.mark.e2e
async def test_whatever_prints_cannot_reach_the_client() -> None:
    async with process(OURS, PRINTING) as (running, client):
        assert (await client.request("a3s/print", {}))["result"] == ["", ""]
        assert (await client.request("shutdown"))["result"] is None
        client.send("exit")
        await exit_code(running)
        assert running.stderr is not None
        errors = (await running.stderr.read()).decode()
    assert "printed by a library" in errors and "printed by a child" in errors


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_says_farewell_and_ends_the_process(number: signal.Signals, tmp_path: Path) -> None:
    farewell = f"""
    from pathlib import Path

    async def farewell():
        Path({str(tmp_path / "said")!r}).write_text("yes")

    server.on_disconnect(farewell)
    """
    async with process(OURS, farewell) as (running, _):
        running.send_signal(number)
        assert await exit_code(running) == 128 + number
    assert (tmp_path / "said").read_text() == "yes"


@pytest.mark.e2e
async def test_an_editor_that_dies_takes_the_process_along() -> None:
    async with process(OURS) as (running, _):
        assert running.stdin is not None
        running.stdin.close()
        assert await exit_code(running) == 1
