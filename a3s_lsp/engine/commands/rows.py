"""The names of the commands that every session has: what editors are told before anything of a session is loaded."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A command as it is listed; `usage` is the line to type."""

    name: str
    description: str
    usage: str


BUILTIN = (
    Row("clear", "Forget the conversation so far, or bring it back", "/clear [undo]"),
    Row("compact", "Put a summary in the place of the older messages", "/compact [undo]"),
    Row("cost", "Show tokens and cost of this session", "/cost"),
    Row("export", "Write the conversation into a file", "/export [md | json] [path]"),
    Row("fork", "Go on in a copy of a session", "/fork [id | point]"),
    Row("help", "List the commands", "/help"),
    Row("history", "Count the messages and tokens", "/history"),
    Row("init", "Write a first AGENTS.md from what is in the project", "/init"),
    Row("mcp", "List the MCP servers and their tools", "/mcp"),
    Row("model", "Show the model, or switch to another", "/model [provider/model]"),
    Row("permissions", "Show what needs leave, or remove a rule", "/permissions [remove N]"),
    Row("resume", "Open an earlier session", "/resume <id>"),
    Row("rewind", "Go back to before a prompt or a call", "/rewind [id | redo]"),
    Row("sessions", "List the stored sessions", "/sessions"),
    Row("tools", "List the tools", "/tools"),
    Row("undo", "Take back the last change of files", "/undo"),
)
"""In alphabetical order."""
