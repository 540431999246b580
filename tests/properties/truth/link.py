"""What lies between an editor and a server: messages in order, each with a delay of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from a3s_lsp.engine.messages import Json
from a3s_lsp.server.framing import FrameReader
from tests.properties.truth.clock import Process

_DELAYS_MS = (0, 0, 0, 1, 1, 2, 5, 12, 40)


class Lane:
    """Keeps order: what is sent later arrives later, however the delays fall."""

    def __init__(self, process: Process, random: Random) -> None:
        self._process = process
        self._random = random
        self._last = 0.0

    def send(self, work: Callable[[], None], delay_ms: int | None = None) -> None:
        """Do something after a delay, and after all that was sent before."""
        chosen = self._random.choice(_DELAYS_MS) if delay_ms is None else delay_ms
        self._last = max(self._last, self._process.time() + chosen / 1000)
        self._process.call_at(self._last, work)


class Link:
    """The pipes between one editor and one server. `receive_*` take messages at either end."""

    def __init__(self, editor: Process, server: Process, random: Random) -> None:
        self.receive_at_server: Callable[[bytes], None] = lambda body: None
        self.receive_at_editor: Callable[[Json], None] = lambda message: None
        self._there = Lane(server, random)
        self._back = Lane(editor, random)
        self._frames = FrameReader()

    def to_server(self, message: Json) -> None:
        """Send from the editor."""
        body = json.dumps(message).encode()
        self._there.send(lambda: self.receive_at_server(body))

    def write(self, data: bytes) -> None:
        """Send from the server."""
        for body in self._frames.feed(data):
            message: Json = json.loads(body)
            self._back.send(lambda message=message: self.receive_at_editor(message))  # type: ignore[misc]  # mypy knows no defaults of lambdas

    def cut(self) -> None:
        """Nothing more arrives."""
        self.receive_at_server = lambda body: None
        self.receive_at_editor = lambda message: None

    def close(self) -> None:
        """Nothing is open."""
