"""/model, /tools and /mcp: what the session can do, and with which model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from a3s_lsp.engine.errors import A3SError

if TYPE_CHECKING:
    from a3s_lsp.engine.session import Session

_MCP = "mcp__"


async def model(args: str, session: Session) -> str:
    """The model, or another one from the next run on."""
    if not args:
        return f"Current model: {session.model_name}"
    provider, slash, name = args.partition("/")
    if not (provider and slash and name):
        return "Usage: /model provider/model (e.g., openai/gpt-4o)"
    try:
        await session.switch_model(args)
    except A3SError as error:
        return f"The model stays {session.model_name}: {error}"
    return f"Switching model to: {session.model_name}"


async def tools(args: str, session: Session) -> str:
    """The names of all tools."""
    names = sorted(session.tools.names())
    remote = [name for name in names if name.startswith(_MCP)]
    groups = [_group("Builtin", [name for name in names if not name.startswith(_MCP)])]
    if remote:
        groups.append(_group("MCP", remote))
    return "\n\n".join([f"Tools: {len(names)} total", *groups])


async def mcp(args: str, session: Session) -> str:
    """The MCP servers with their tools."""
    servers = mcp_tools(session.tools.names())
    if not servers:
        return "No MCP servers connected."
    total = sum(len(names) for names in servers.values())
    rows = [
        "\n".join([f"  {name} ({len(its)} tools)", *(f"    • {tool}" for tool in its)]) for name, its in servers.items()
    ]
    return "\n\n".join([f"MCP: {len(servers)} server(s), {total} tool(s)", *rows])


def mcp_tools(names: Iterable[str]) -> dict[str, list[str]]:
    """The tools of each MCP server, by the names `mcp__<server>__<tool>`."""
    servers: dict[str, list[str]] = {}
    for name in sorted(names):
        if name.startswith(_MCP):
            server, _, tool = name.removeprefix(_MCP).partition("__")
            servers.setdefault(server, []).append(tool)
    return servers


def _group(title: str, names: list[str]) -> str:
    return "\n".join([f"{title} ({len(names)}):", *(f"  • {name}" for name in names)])
