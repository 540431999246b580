"""The commands that every session has."""

from __future__ import annotations

from a3s_lsp.engine.commands.abilities import mcp, model, tools
from a3s_lsp.engine.commands.command import Command, Handler
from a3s_lsp.engine.commands.conversation import clear, compact, cost, history
from a3s_lsp.engine.commands.files import export, init, rewind, undo
from a3s_lsp.engine.commands.help import show_help
from a3s_lsp.engine.commands.permissions import permissions
from a3s_lsp.engine.commands.rows import BUILTIN
from a3s_lsp.engine.commands.sessions import fork, resume, sessions

_RUN: dict[str, Handler] = {
    "clear": clear,
    "compact": compact,
    "cost": cost,
    "export": export,
    "fork": fork,
    "help": show_help,
    "history": history,
    "init": init,
    "mcp": mcp,
    "model": model,
    "permissions": permissions,
    "resume": resume,
    "rewind": rewind,
    "sessions": sessions,
    "tools": tools,
    "undo": undo,
}


def builtin_commands() -> tuple[Command, ...]:
    """In alphabetical order."""
    return tuple(Command(row.name, row.description, row.usage, _RUN[row.name]) for row in BUILTIN)
