"""The commands that every session has."""

from __future__ import annotations

from a3s_lsp.engine.commands.abilities import mcp, model, tools
from a3s_lsp.engine.commands.command import Command
from a3s_lsp.engine.commands.conversation import clear, compact, cost, history
from a3s_lsp.engine.commands.files import export, init, rewind, undo
from a3s_lsp.engine.commands.help import show_help
from a3s_lsp.engine.commands.permissions import permissions
from a3s_lsp.engine.commands.sessions import fork, resume, sessions


def builtin_commands() -> tuple[Command, ...]:
    """In alphabetical order."""
    return (
        Command("clear", "Forget the conversation so far, or bring it back", "/clear [undo]", clear),
        Command("compact", "Put a summary in the place of the older messages", "/compact [undo]", compact),
        Command("cost", "Show tokens and cost of this session", "/cost", cost),
        Command("export", "Write the conversation into a file", "/export [md | json] [path]", export),
        Command("fork", "Go on in a copy of a session", "/fork [id | point]", fork),
        Command("help", "List the commands", "/help", show_help),
        Command("history", "Count the messages and tokens", "/history", history),
        Command("init", "Write a first AGENTS.md from what is in the project", "/init", init),
        Command("mcp", "List the MCP servers and their tools", "/mcp", mcp),
        Command("model", "Show the model, or switch to another", "/model [provider/model]", model),
        Command("permissions", "Show what needs leave, or remove a rule", "/permissions [remove N]", permissions),
        Command("resume", "Open an earlier session", "/resume <id>", resume),
        Command("rewind", "Go back to before a prompt or a call", "/rewind [id | redo]", rewind),
        Command("sessions", "List the stored sessions", "/sessions", sessions),
        Command("tools", "List the tools", "/tools", tools),
        Command("undo", "Take back the last change of files", "/undo", undo),
    )
