"""What the MCP library speaks through: our own processes for standard input and output, its own clients for HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from a3s_lsp.engine.mcp.servers_spec import Remote, Stdio, Transport
from a3s_lsp.engine.workspace.addresses import local_folder
from a3s_lsp.engine.workspace.dialogue import Dialogue, DialogueOver
from a3s_lsp.engine.workspace.processes import start_dialogue

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams
    from mcp.shared.message import SessionMessage


def streams(
    transport: Transport, root: Path, environment: Mapping[str, str], over: Callable[[], None]
) -> AbstractAsyncContextManager[TransportStreams]:
    """The two streams of a connection to this server, for as long as they are entered; `over` is called when a process
    ends by itself. Raises ToolError."""
    match transport:
        case Stdio():
            return _spoken_to(transport, root, environment, over)
        case Remote(kind="sse"):
            from mcp.client.sse import sse_client

            return sse_client(transport.url, headers=dict(transport.headers))
        case Remote():
            return _over_http(transport)


@asynccontextmanager
async def _over_http(remote: Remote) -> AsyncIterator[TransportStreams]:
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    async with (
        create_mcp_http_client(headers=dict(remote.headers)) as client,
        streamable_http_client(remote.url, http_client=client) as opened,
    ):
        yield opened


@asynccontextmanager
async def _spoken_to(
    stdio: Stdio, root: Path, environment: Mapping[str, str], over: Callable[[], None]
) -> AsyncIterator[TransportStreams]:
    import anyio
    from mcp.shared.message import SessionMessage

    dialogue = start_dialogue([stdio.command, *stdio.args], cwd=local_folder(root), env={**environment, **stdio.env})
    said, heard = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    asked, asking = anyio.create_memory_object_stream[SessionMessage](0)

    async def listen() -> None:
        async with said:
            while True:
                try:
                    line = await dialogue.receive()
                except DialogueOver:
                    over()
                    return
                if line.strip():
                    await said.send(_parsed(line))

    async def speak() -> None:
        async with asking:
            async for message in asking:
                await dialogue.send(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode())

    tasks = [asyncio.ensure_future(work()) for work in (listen, speak)]
    try:
        yield heard, asked
    finally:
        await _ended(dialogue, tasks)


async def _ended(dialogue: Dialogue, tasks: Sequence[asyncio.Future[None]]) -> None:
    await dialogue.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _parsed(line: bytes) -> SessionMessage | Exception:
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error
