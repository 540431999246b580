"""The four ways in which messages go to a harness and come back: HTTP, WebSocket, Unix socket, standard input and
output. All failures are HarnessFailed, and say what went wrong in words that follow "The harness at …: "."""

from __future__ import annotations

import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from a3s_lsp.engine.ahp.protocol import LONGEST, HarnessFailed, decoded, encoded
from a3s_lsp.engine.ahp.targets import Http, Stdio, Target, UnixSocket, WebSocket
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.workspace.dialogue import Dialogue, DialogueOver
from a3s_lsp.engine.workspace.processes import start_dialogue

if TYPE_CHECKING:
    import httpx
    from websockets.asyncio.client import ClientConnection

_GONE = "the connection was lost"
_SHOWN = 200


class Wire(ABC):
    """An open connection."""

    alive = True
    """Whether it can still be used."""

    @abstractmethod
    async def ask(self, message: Json) -> Json:
        """Send a request, and return the message that answers it. Raises HarnessFailed."""

    @abstractmethod
    async def tell(self, message: Json) -> None:
        """Send a notification. Raises HarnessFailed."""

    @abstractmethod
    async def close(self) -> None:
        """End the connection; what waits for an answer fails."""


async def open_wire(target: Target, environment: Mapping[str, str]) -> Wire:
    """A connection to the harness. Raises HarnessFailed."""
    match target:
        case Http():
            return await _Posts.opened(target)
        case WebSocket():
            return Answered(await _Frames.opened(target))
        case UnixSocket():
            return Answered(await _SocketLines.opened(target))
        case Stdio():
            return Answered(_ProcessLines.opened(target, environment))


# ---------------------------------------------------------------- HTTP


class _Posts(Wire):
    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url
        self._client = client

    @classmethod
    async def opened(cls, target: Http) -> _Posts:
        import httpx

        headers = {"Content-Type": "application/json", **_authorization(target.token)}
        # Its own time is that of whoever asks; making it reads certificates, which takes a while.
        client = await asyncio.to_thread(lambda: httpx.AsyncClient(headers=headers, timeout=None))
        return cls(target.url, client)

    async def ask(self, message: Json) -> Json:
        return decoded(await self._post(message))

    async def tell(self, message: Json) -> None:
        await self._post(message)

    async def close(self) -> None:
        self.alive = False
        await self._client.aclose()

    async def _post(self, message: Json) -> bytes:
        import httpx

        try:
            async with self._client.stream("POST", self._url, content=encoded(message)) as response:
                if not response.is_success:
                    raise HarnessFailed(f"it answered with the HTTP status {response.status_code}")
                return await _bounded(response)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, RuntimeError) as error:
            # RuntimeError: the client was closed.
            raise HarnessFailed(f"it cannot be reached ({_reason(error)})") from None


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > LONGEST:
            raise HarnessFailed(f"its answer is longer than {LONGEST} bytes")
    return bytes(body)


# ---------------------------------------------------------------- connections that carry messages both ways


class Stream(ABC):
    """What carries whole messages both ways."""

    @abstractmethod
    async def send(self, data: bytes) -> None:
        """Send one message. Raises HarnessFailed."""

    @abstractmethod
    async def receive(self) -> bytes | str:
        """The next message. Raises HarnessFailed when there will be no more."""

    @abstractmethod
    async def close(self) -> None:
        """End it."""


class Answered(Wire):
    """Requests and answers over a stream, matched by their ids; answers that nobody waits for are dropped."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._waiting: dict[object, asyncio.Future[Json | HarnessFailed]] = {}
        self._reader = asyncio.get_running_loop().create_task(self._read(), name="harness reader")

    async def ask(self, message: Json) -> Json:
        answer: asyncio.Future[Json | HarnessFailed] = asyncio.get_running_loop().create_future()
        self._waiting[message["id"]] = answer
        try:
            await self.tell(message)
            said = await answer
        finally:
            del self._waiting[message["id"]]
        if isinstance(said, HarnessFailed):
            raise said
        return said

    async def tell(self, message: Json) -> None:
        if not self.alive:
            raise HarnessFailed(_GONE)
        await self._stream.send(encoded(message))

    async def close(self) -> None:
        self._end(HarnessFailed("the session was closed"))
        self._reader.cancel()
        await self._stream.close()

    async def _read(self) -> None:
        try:
            while True:
                message = decoded(await self._stream.receive())
                waiting = self._waiting.get(message.get("id"))
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
        except HarnessFailed as error:  # also for what is no message: nobody knows which request it answers
            self._end(error)
        finally:
            self._end(HarnessFailed(_GONE))

    def _end(self, error: HarnessFailed) -> None:
        self.alive = False
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(error)  # as a value, since nobody may wait for it any more


class _Frames(Stream):
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def opened(cls, target: WebSocket) -> _Frames:
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        headers = _authorization(target.token)
        try:
            return cls(await connect(target.url, additional_headers=headers, max_size=LONGEST, open_timeout=None))
        except (OSError, ValueError, WebSocketException) as error:
            raise HarnessFailed(f"it cannot be reached ({_reason(error)})") from None

    async def send(self, data: bytes) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            await self._connection.send(data.decode())
        except ConnectionClosed:
            raise HarnessFailed(_GONE) from None

    async def receive(self) -> bytes | str:
        from websockets.exceptions import ConnectionClosed

        try:
            return await self._connection.recv()
        except ConnectionClosed:
            raise HarnessFailed(_GONE) from None

    async def close(self) -> None:
        self._connection.transport.abort()


class _SocketLines(Stream):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def opened(cls, target: UnixSocket) -> _SocketLines:
        if sys.platform == "win32":
            raise HarnessFailed("there are no Unix sockets on this system")
        try:
            return cls(*await asyncio.open_unix_connection(target.path, limit=LONGEST))
        except OSError as error:
            raise HarnessFailed(f"it cannot be reached ({_reason(error)})") from None

    async def send(self, data: bytes) -> None:
        try:
            self._writer.write(data + b"\n")
            await self._writer.drain()
        except OSError:
            raise HarnessFailed(_GONE) from None

    async def receive(self) -> bytes | str:
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            raise HarnessFailed(f"its answer is longer than {LONGEST} bytes") from None
        except (OSError, EOFError):
            raise HarnessFailed(_GONE) from None

    async def close(self) -> None:
        self._writer.transport.abort()


class _ProcessLines(Stream):
    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    @classmethod
    def opened(cls, target: Stdio, environment: Mapping[str, str]) -> _ProcessLines:
        try:
            return cls(start_dialogue([target.program, *target.args], cwd=Path.cwd(), env=environment))
        except ToolError as error:
            raise HarnessFailed(str(error)) from None

    async def send(self, data: bytes) -> None:
        try:
            await self._dialogue.send(data)
        except DialogueOver:
            raise HarnessFailed(self._ended()) from None

    async def receive(self) -> bytes | str:
        try:
            while not (line := await self._dialogue.receive()).strip():
                pass
            return line
        except DialogueOver:
            raise HarnessFailed(self._ended()) from None

    async def close(self) -> None:
        await self._dialogue.close()

    def _ended(self) -> str:
        last = self._dialogue.complaints().rpartition("\n")[2][:_SHOWN]
        return f"its process has ended{last and f' ({last})'}"


def _authorization(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
