"""/model, /tools and /mcp: what the session can do, and with which model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.messages import Json

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
    """The MCP servers with their tools, also those that could not be reached."""
    servers = session.mcp.status()
    if not servers:
        return "No MCP servers connected."
    tools = {server: mcp_tools(session.tools.names(), server) for server in servers}
    rows = ["\n".join([_server(name, servers[name], its), *(f"    • {t}" for t in its)]) for name, its in tools.items()]
    return "\n\n".join([f"MCP: {len(servers)} server(s), {sum(map(len, tools.values()))} tool(s)", *rows])


def _server(name: str, status: Json, tools: list[str]) -> str:
    if status["connected"]:
        return f"  {name} ({len(tools)} tools)"
    return f"  {name} ({status['status']}{': ' if status['error'] else ''}{status['error'] or ''})"


def mcp_tools(names: Iterable[str], server: str) -> list[str]:
    """The tools of an MCP server, by the names `mcp__<server>__<tool>`."""
    prefix = f"{_MCP}{server}__"
    return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def _group(title: str, names: list[str]) -> str:
    return "\n".join([f"{title} ({len(names)}):", *(f"  • {name}" for name in names)])
