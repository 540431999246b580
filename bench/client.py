"""A client that only measures: blocking, and with nothing between it and the pipe."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import IO

Message = dict[str, object]


class Client:
    """A server process and its pipes."""

    def __init__(self, module: str) -> None:
        command = [sys.executable, "-m", *module.split()]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in: IO[bytes] = self._process.stdin
        self._out: IO[bytes] = self._process.stdout
        self._id = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._in.close()
        self._out.close()

    def send(self, method: str, params: object, *, ask: bool) -> int:
        """Send one message, and return its id."""
        message: Message = {"jsonrpc": "2.0", "method": method, "params": params}
        if ask:
            self._id += 1
            message["id"] = self._id
        self._in.write(framed(message))
        self._in.flush()
        return self._id

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._in.write(data)
        self._in.flush()

    def receive(self) -> Message:
        """The next message; requests of the server are answered with null."""
        length = 0
        while (line := self._out.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length"):
                length = int(line.split(b":")[1])
        message: Message = json.loads(self._out.read(length))
        if "method" in message and "id" in message:
            self.write(framed({"jsonrpc": "2.0", "id": message["id"], "result": None}))
        return message

    def request(self, method: str, params: object) -> Message:
        """Ask, and wait for the answer."""
        number = self.send(method, params, ask=True)
        while (message := self.receive()).get("id") != number or "method" in message:
            pass
        return message

    def hello(self, options: object = None) -> None:
        """The handshake."""
        folder = "file:///tmp"
        params = {"processId": None, "rootUri": folder, "capabilities": {}, "initializationOptions": options}
        self.request("initialize", {**params, "workspaceFolders": [{"uri": folder, "name": "t"}]})
        self.send("initialized", {}, ask=False)


def framed(message: Message) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
