"""A client in the same event loop: messages go in and come out as dictionaries, without a pipe between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import count
from typing import TypeAlias

from a3s_lsp.server.language_server import A3SLanguageServer

Message: TypeAlias = dict[str, object]


class MemoryClient:
    """Talks to a server; `received` has everything that the server has sent."""

    def __init__(self, server: A3SLanguageServer) -> None:
        self.received: list[Message] = []
        self._protocol = server.protocol
        self._protocol.set_writer(self, include_headers=False)
        self._ids = count(1)
        self._news = asyncio.Event()

    def send(self, message: object) -> None:
        """Send a message as it is."""
        self._protocol.receive(json.dumps(message))

    def notify(self, method: str, params: object = None) -> None:
        """Send a notification."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    async def request(self, method: str, params: object = None) -> Message:
        """Send a request and wait for the reply, which has a result or an error."""
        msg_id = f"client-{next(self._ids)}"
        self.send({"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params})
        return await self.expect(lambda message: message.get("id") == msg_id and "method" not in message)

    async def expect(self, wanted: Callable[[Message], bool], within: float = 5.0) -> Message:
        """The first message of that kind, whether it has come already or not. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while True:
                for message in self.received:
                    if wanted(message):
                        return message
                self._news.clear()
                await self._news.wait()

    async def disconnect(self) -> int:
        """Be gone; the result is the exit code that the server's process would have."""
        return await self._protocol.disconnected()

    def write(self, data: bytes) -> None:
        """Take what the server sends."""
        self.received.append(json.loads(data))
        self._news.set()

    def close(self) -> None:
        """Nothing to close."""
