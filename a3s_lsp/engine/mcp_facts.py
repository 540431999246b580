"""What happens to the MCP servers of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class McpServerChanged:
    """A server has another status: connecting, connected, lost (it is tried again), failed, closed."""

    name: str
    status: str
    error: str | None = None
    tools: int = 0
    type: Literal["mcp_server_changed"] = "mcp_server_changed"
