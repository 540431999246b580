"""MCP servers of a session: their tools join it under `mcp__<server>__<tool>`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from a3s_lsp.engine.mcp.servers_spec import parse_server
from a3s_lsp.engine.messages import Json
from a3s_lsp.sdk.faces import AsyncFace, Face


class AsyncServers(AsyncFace):
    """The MCP servers of this session, and of no other."""

    async def add_mcp(self, config: Mapping[str, object]) -> int:
        """Connect `{"name", "transport": {"type": "stdio", "command", "args"}, "env"?, "timeout_ms"?}`, or with
        `{"type": "http" or "sse", "url", "headers"?}`; the number of its tools. RuntimeError if that cannot be done."""
        if not isinstance(config, Mapping):
            raise TypeError(f"MCP server config must be a dict, not {type(config).__name__}")
        return await self.engine.mcp.add(parse_server(config))

    async def add_mcp_server_config(self, config: Mapping[str, object]) -> int:
        """The same as `add_mcp`."""
        return await self.add_mcp(config)

    async def add_mcp_server(
        self,
        name: str,
        transport: str = "stdio",
        command: str | None = None,
        args: Sequence[str] | None = None,
        url: str | None = None,
        headers: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> int:
        """Connect a server; the number of its tools."""
        reached: Json = {"type": transport, "command": command, "args": args, "url": url, "headers": headers}
        return await self.add_mcp({"name": name, "transport": reached, "env": env, "timeout_ms": timeout_ms})

    async def remove_mcp(self, name: str) -> None:
        """Disconnect a server, if there is one of this name."""
        await self.engine.mcp.remove(name)

    async def remove_mcp_server(self, name: str) -> None:
        """The same as `remove_mcp`."""
        await self.remove_mcp(name)

    def mcps(self) -> dict[str, Json]:
        """By name: connected, tool_count, error, status."""
        return self.engine.mcp.status()

    def mcp_status(self) -> dict[str, Json]:
        """The same as `mcps`."""
        return self.mcps()


class McpServers(Face):
    """The MCP servers of this session, and of no other."""

    def add_mcp(self, config: Mapping[str, object]) -> int:
        """Connect a server: see `AsyncSession.add_mcp`."""
        return self._loop.call(self._session.add_mcp(config))

    def add_mcp_server_config(self, config: Mapping[str, object]) -> int:
        """The same as `add_mcp`."""
        return self.add_mcp(config)

    def add_mcp_server(
        self,
        name: str,
        transport: str = "stdio",
        command: str | None = None,
        args: Sequence[str] | None = None,
        url: str | None = None,
        headers: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
    ) -> int:
        """Connect a server; the number of its tools."""
        work = self._session.add_mcp_server(name, transport, command, args, url, headers, env, timeout_ms)
        return self._loop.call(work)

    def remove_mcp(self, name: str) -> None:
        """Disconnect a server, if there is one of this name."""
        self._loop.call(self._session.remove_mcp(name))

    def remove_mcp_server(self, name: str) -> None:
        """The same as `remove_mcp`."""
        self.remove_mcp(name)

    def mcps(self) -> dict[str, Json]:
        """By name: connected, tool_count, error, status."""
        return self._loop.here(self._session.mcps)

    def mcp_status(self) -> dict[str, Json]:
        """The same as `mcps`."""
        return self.mcps()
