"""The MCP servers of one session: added and removed while it lives, each with a status that everybody can see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.mcp.connection import Connection, McpFailed
from a3s_lsp.engine.mcp.servers_spec import ServerSpec
from a3s_lsp.engine.mcp.tools import McpTool
from a3s_lsp.engine.mcp_facts import McpServerChanged
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.tools.registry import Registry

_FIRST_RUN_WAITS = 5.0
"""Seconds that a run waits for servers of the configuration that are still being connected."""


class Servers:
    """`tell` makes a change of status a fact."""

    def __init__(
        self,
        root: Path,
        environment: Mapping[str, str],
        tools: Registry,
        tell: Callable[[McpServerChanged], None],
    ) -> None:
        self._root = root
        self._environment = environment
        self._tools = tools
        self._tell = tell
        self._connections: dict[str, Connection] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._opening: set[asyncio.Task[None]] = set()

    def begin(self, specs: Iterable[ServerSpec]) -> None:
        """Connect the servers of the configuration, without waiting; one that fails is told, and holds nothing up."""
        for spec in specs:
            task = asyncio.get_running_loop().create_task(self._try(spec), name=f"mcp {spec.name}")
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def ready(self) -> None:
        """Wait, but not for long, for those that are still being connected."""
        if self._opening:
            await asyncio.wait(self._opening, timeout=_FIRST_RUN_WAITS)

    async def add(self, spec: ServerSpec) -> int:
        """Connect a server, instead of the one of this name if there is one; the number of its tools. Raises
        McpFailed."""
        await self._close(spec.name)
        connection = Connection(spec, self._root, self._environment, self._changed)
        self._connections[spec.name] = connection
        try:
            await connection.open()
        except McpFailed as error:
            raise McpFailed(f"add_mcp_server failed: Tool error: {spec.name}: {error}") from error
        return len(connection.tools)

    async def remove(self, name: str) -> bool:
        """Disconnect a server. False if there is none of this name."""
        known = name in self._connections
        await self._close(name)
        return known

    async def refresh(self) -> None:
        """Connect again what is not connected."""
        for connection in tuple(self._connections.values()):
            if connection.status == "failed":
                await self._try(connection.spec)

    async def close(self) -> None:
        """Disconnect all."""
        for task in tuple(self._opening):
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        await asyncio.gather(*(self._close(name) for name in tuple(self._connections)))

    def status(self) -> dict[str, Json]:
        """By name: connected, tool_count, error, status."""
        return {
            name: {
                "connected": connection.status == "connected",
                "tool_count": len(connection.tools) if connection.status == "connected" else 0,
                "error": connection.error,
                "status": connection.status,
            }
            for name, connection in self._connections.items()
        }

    async def _try(self, spec: ServerSpec) -> None:
        try:
            await self.add(spec)
        except A3SError:
            return  # it was told, and /mcp shows it

    async def _close(self, name: str) -> None:
        connection = self._connections.pop(name, None)
        if connection is not None:
            await connection.close()
            self._withdraw(name)

    def _changed(self, connection: Connection) -> None:
        name = connection.spec.name
        if connection.status == "connected":
            self._withdraw(name)
            made = [McpTool(connection, offered) for offered in connection.tools]
            for tool in made:
                self._tools.register(tool)
            self._names[name] = tuple(tool.spec.name for tool in made)
        elif connection.status in ("failed", "closed"):
            self._withdraw(name)
        self._tell(McpServerChanged(name, connection.status, connection.error, len(self._names.get(name, ()))))

    def _withdraw(self, name: str) -> None:
        for tool in self._names.pop(name, ()):
            self._tools.unregister(tool)
