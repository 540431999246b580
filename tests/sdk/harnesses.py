"""A harness for tests, on each of the four transports. It decides what the test says, and keeps what it was sent.

As a program it is a harness on standard input and output, with its decisions in a file, and its messages in another.
"""

from __future__ import annotations

import json
import os
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeAlias, cast

Message: TypeAlias = dict[str, object]
Decide: TypeAlias = Callable[[Message], object]

GREETING: Message = {"protocol_version": "2.4", "harness_info": {"name": "test", "version": "1", "capabilities": []}}
ALLOW: Message = {"decision": "allow"}


class Harness:
    """What the servers below have in common. `decisions` by event type: a decision, or a function of the event."""

    def __init__(self, decisions: Mapping[str, object] | None = None, greeting: object = GREETING) -> None:
        self.decisions: dict[str, object] = dict(decisions or {})
        self.greeting = greeting
        self.tokens: list[str | None] = []
        self._messages: list[Message] = []
        self._changed = threading.Condition()

    def answer(self, data: bytes | str) -> bytes | None:
        """The answer to one message, None for a notification."""
        message = cast("Message", json.loads(data))
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()
        if "id" not in message:
            return None
        result = self._result(message)
        if isinstance(result, Raw):
            return result.data
        return json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()

    def _result(self, message: Message) -> object:
        if message["method"] == "ahp/handshake":
            return self.greeting
        params = cast("Message", message["params"])
        if message["method"] == "ahp/batch":
            return {"decisions": [ALLOW for _ in cast("list[object]", params["events"])]}
        decision = self.decisions.get(str(params.get("event_type", message["method"])), ALLOW)
        return decision(params) if callable(decision) else decision

    def messages(self, method: str) -> list[Message]:
        """The parameters of all messages of a method."""
        with self._changed:
            return [cast("Message", each["params"]) for each in self._messages if each["method"] == method]

    def events(self, event_type: str) -> list[Message]:
        """All events of a type so far, also those that came in batches."""
        batches = [cast("list[Message]", each["events"]) for each in self.messages("ahp/batch")]
        events = [*self.messages("ahp/event"), *(event for batch in batches for event in batch)]
        return [event for event in events if event["event_type"] == event_type]

    def payloads(self, event_type: str) -> list[Message]:
        """The payloads of all events of a type so far."""
        return [cast("Message", event["payload"]) for event in self.events(event_type)]

    def is_asked(self, event_type: str) -> bool:
        """Whether events of this type wait for an answer."""
        with self._changed:
            events = [each for each in self._messages if each["method"] == "ahp/event"]
        return any("id" in each for each in events if cast("Message", each["params"])["event_type"] == event_type)

    def wait_for(self, met: Callable[[], bool]) -> None:
        """Return when the condition holds. Fails after ten seconds."""
        with self._changed:
            assert self._changed.wait_for(met, timeout=10), "the harness was not told in time"


class Raw:
    """An answer that is sent as it is."""

    def __init__(self, data: bytes) -> None:
        self.data = data


@contextmanager
def over_http(harness: Harness, status: int = 200) -> Iterator[str]:
    """Serve it; the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            harness.tokens.append(self.headers.get("Authorization"))
            answer = harness.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0))) or b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _served(server):
        yield f"http://127.0.0.1:{server.server_address[1]}/ahp"


@contextmanager
def over_unix(harness: Harness, path: Path) -> Iterator[str]:
    """Serve it; the path."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                if (answer := harness.answer(line)) is not None:
                    self.wfile.write(answer + b"\n")

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        block_on_close = False

    with _served(Server(str(path), Handler)):
        yield str(path)


@contextmanager
def over_websocket(harness: Harness) -> Iterator[str]:
    """Serve it; the address."""
    from websockets.sync.server import ServerConnection, serve

    def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        harness.tokens.append(connection.request.headers.get("Authorization"))
        for message in connection:
            if (answer := harness.answer(message)) is not None:
                connection.send(answer.decode())

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join(5)


@contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def main(decisions: Path, log: Path) -> None:
    """Be a harness on standard input and output; the decision "die" ends the process."""
    for line in sys.stdin:
        harness = Harness(json.loads(decisions.read_text()))
        message = json.loads(line)
        with log.open("a") as file:
            file.write(line)
        if harness.decisions.get(str(message["params"].get("event_type"))) == "die":
            os._exit(3)
        if (answer := harness.answer(line)) is not None:
            print(answer.decode(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
