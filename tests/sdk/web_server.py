"""Web servers on the loopback: pages by their path, and what was asked of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answers with; without a `length` the body ends where the connection does."""

    body: bytes = b""
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: bool = True


@dataclass(frozen=True, slots=True)
class Site:
    """A running server. `asked` has the paths with their queries, and `hosts` the names that it was called by."""

    address: str
    pages: dict[str, Answer]
    asked: list[str]
    hosts: list[str]

    @property
    def place(self) -> str:
        """Its host and port."""
        return self.address.removeprefix("http://")

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


@contextmanager
def site(**pages: Answer) -> Iterator[Site]:
    """A server whose pages are named by the first part of their path."""
    served: dict[str, Answer] = dict(pages)
    asked: list[str] = []
    hosts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            hosts.append(self.headers["Host"])
            answer = served.get(self.path.partition("?")[0].strip("/").partition("/")[0], Answer(b"none", status=404))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.length:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            try:
                self.wfile.write(answer.body)
            except (BrokenPipeError, ConnectionResetError):
                return

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Site(f"http://127.0.0.1:{server.server_port}", served, asked, hosts)
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
