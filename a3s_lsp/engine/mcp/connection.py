"""A connection to one MCP server, held open by a task of its own, and made again when it is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from a3s_lsp.engine.errors import A3SError, ToolError
from a3s_lsp.engine.mcp.servers_spec import ServerSpec
from a3s_lsp.engine.mcp.transports import streams
from a3s_lsp.engine.messages import Json

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, Tool

logger = logging.getLogger(__name__)

Status: TypeAlias = Literal["connecting", "connected", "lost", "failed", "closed"]
_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each attempt to connect again."""
_MOST_PAGES = 100


class McpFailed(A3SError):
    """A server cannot be reached, or does not answer."""


@dataclass(frozen=True, slots=True)
class RemoteTool:
    """A tool as its server offers it."""

    name: str
    description: str
    parameters: Json
    read_only: bool = False


class Connection:
    """Made by `Servers`. `changed` is called whenever the status or the tools are others."""

    def __init__(
        self, spec: ServerSpec, root: Path, environment: Mapping[str, str], changed: Callable[[Connection], None]
    ) -> None:
        self.spec = spec
        self.status: Status = "connecting"
        self.error: str | None = None
        self.tools: tuple[RemoteTool, ...] = ()
        self._root = root
        self._environment = environment
        self._changed = changed
        self._client: Client | None = None
        self._holder: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._lost = asyncio.Event()
        self._wanted = asyncio.Event()
        self._settled = asyncio.Event()
        """Set while it is known whether there is a connection, one way or the other."""

    async def open(self) -> None:
        """Connect. Raises McpFailed; what fails at first is not tried again by itself."""
        loop = asyncio.get_running_loop()
        self._first = loop.create_future()
        self._holder = loop.create_task(self._hold(), name=f"mcp {self.spec.name}")
        await asyncio.shield(self._first)

    async def close(self) -> None:
        """End the connection, and the server if it was started here."""
        holder, self._holder = self._holder, None
        if holder is not None:
            holder.cancel()
            await asyncio.gather(holder, return_exceptions=True)
        self._set("closed", None)

    async def call(self, name: str, args: Json, told: Callable[[str], None]) -> CallToolResult:
        """Use a tool. Raises ToolError: the server is gone, it takes too long, or it says that it cannot."""
        from mcp import MCPError

        client = await self._connected()
        limit = self.spec.timeout_ms / 1000

        async def show(progress: float, total: float | None, message: str | None) -> None:
            of = "" if total is None else f" of {total:g}"
            told(f"{message or 'progress'}: {progress:g}{of}\n")

        try:
            async with asyncio.timeout(limit) as deadline:
                return await client.call_tool(name, args, progress_callback=show)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise ToolError(
                f"MCP tool error: MCP request timed out after {_seconds(limit)}; the server {self.spec.name} goes on.",
                {"type": "timeout", "op": name, "duration_ms": self.spec.timeout_ms},
            ) from None
        except MCPError as error:
            if self._lost.is_set():
                raise ToolError(f"MCP tool error: the server {self.spec.name} ended during the call.") from None
            raise ToolError(f"MCP tool error: {error.message}") from None

    async def _connected(self) -> Client:
        if not self._settled.is_set():
            self._wanted.set()  # do not wait for the end of the pause
            with suppress(TimeoutError):
                async with asyncio.timeout(self.spec.timeout_ms / 1000):
                    await self._settled.wait()
        if self._client is None:
            why = f": {self.error}" if self.error else ""
            raise ToolError(f"MCP tool error: the server {self.spec.name} is not connected{why}.")
        return self._client

    async def _hold(self) -> None:
        """Keep connected until closed; lost connections are made again after ever longer pauses."""
        attempt = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._once()
                why = "the server ended"
            except A3SError as error:
                why = str(error)
            finally:
                self._client = None
            if self._first is not None and not self._first.done():
                self._set("failed", why)
                self._first.set_exception(McpFailed(why))
                return
            lasted = asyncio.get_running_loop().time() - began
            attempt = 0 if lasted > _PAUSES[-1] else attempt
            if attempt == len(_PAUSES):
                self._set("failed", f"{why}; it was tried again {attempt} times")
                return
            self._set("lost", why)
            self._wanted.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_PAUSES[attempt]):
                    await self._wanted.wait()
            attempt += 1

    async def _once(self) -> None:
        """Connect, and stay until the connection is lost. Raises McpFailed where none can be made."""
        from mcp import Client, MCPError

        self._lost.clear()
        opened = streams(self.spec.transport, self._root, self._environment, self._lose)
        client = Client(opened, mode="legacy", message_handler=self._heard, cache=None)
        limit = self.spec.timeout_ms / 1000
        entered = False
        try:
            async with asyncio.timeout(limit) as deadline:
                await client.__aenter__()
                entered = True
                await self._list(client)
            self._client = client
            self._set("connected", None)
            if self._first is not None and not self._first.done():
                self._first.set_result(None)
            await self._lost.wait()
        except TimeoutError:
            if not deadline.expired():
                raise
            raise McpFailed(f"MCP request timed out after {_seconds(limit)}") from None
        except (MCPError, OSError, ToolError, ValueError, BaseExceptionGroup) as error:
            raise McpFailed(_reason(error)) from error
        finally:
            if entered:
                with suppress(MCPError, OSError, BaseExceptionGroup):
                    await client.__aexit__(None, None, None)

    async def _list(self, client: Client) -> None:
        found: list[Tool] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            found += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
        self.tools = tuple(_offered(tool) for tool in found)

    async def _heard(self, message: object) -> None:
        method = getattr(getattr(message, "root", message), "method", None)
        if method == "notifications/tools/list_changed" and self._client is not None:
            asyncio.get_running_loop().create_task(self._list_again(self._client))  # its answer comes over this reader

    async def _list_again(self, client: Client) -> None:
        from mcp import MCPError

        with suppress(MCPError):
            await self._list(client)
            self._changed(self)

    def _lose(self) -> None:
        self._client = None
        self._settled.clear()
        self._lost.set()

    def _set(self, status: Status, error: str | None) -> None:
        if (self.status, self.error) != (status, error):
            self.status, self.error = status, error
            if status in ("connected", "failed", "closed"):
                self._settled.set()
            self._changed(self)


def _offered(tool: Tool) -> RemoteTool:
    read_only = tool.annotations is not None and tool.annotations.read_only_hint is True
    return RemoteTool(tool.name, tool.description or "MCP tool", dict(tool.input_schema), read_only)


def _reason(error: BaseException) -> str:
    """The first plain error in what the library raised."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


def _seconds(limit: float) -> str:
    return f"{limit:g}s"
