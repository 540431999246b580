"""Slash commands and compaction: what a program adds to them, and does by itself."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.commands.abilities import mcp_tools
from a3s_lsp.engine.commands.command import Command, Handler, check_name
from a3s_lsp.engine.handlers import call_handler
from a3s_lsp.engine.messages import Json
from a3s_lsp.sdk.checks import string
from a3s_lsp.sdk.faces import AsyncFace, Face

if TYPE_CHECKING:
    from a3s_lsp.engine.session import Session as EngineSession

CommandHandler: TypeAlias = Callable[[str, Json], object]
"""Gets the rest of the line and what it may want to know of the session; returns the text to show."""


class AsyncSlashCommands(AsyncFace):
    """Registering slash commands, and making the conversation shorter."""

    def list_commands(self) -> list[dict[str, str | None]]:
        """The slash commands, sorted by name: name, description, usage."""
        listed = self.engine.slash.listed()
        return [{"name": c.name, "description": c.description, "usage": c.usage} for c in listed]

    def register_command(self, name: str, description: str, handler: CommandHandler, usage: str | None = None) -> None:
        """Have `/name` answered by a function, in the place of any other command of this name.

        A plain function runs on a thread of its own, a coroutine function on the loop; both may use the session.
        """
        run = functools.partial(_answered, _checked(handler), self)
        self.engine.slash.register(_command(name, description, usage, run))

    def unregister_command(self, name: str) -> bool:
        """Take a registered command away; a built-in one of this name is back. False if there was none."""
        return self.engine.slash.unregister(string("name", name))

    async def compact(self) -> Json | None:
        """Put a summary in the place of the older messages, and say what was done; None if there are too few."""
        done = await self.engine.compacting.compact()
        return None if done is None else _told(done)

    async def undo_compaction(self) -> bool:
        """Bring back what the last compaction took out. False if there is none to undo."""
        return await self.engine.compacting.undo() > 0

    def undo_clear(self) -> int:
        """Bring back the conversation that `/clear` took away last; the number of its messages."""
        return self.engine.compacting.undo_clear()


class SlashCommands(Face):
    """Registering slash commands, and making the conversation shorter; from any thread."""

    def list_commands(self) -> list[dict[str, str | None]]:
        """The slash commands, sorted by name: name, description, usage."""
        return self._loop.here(self._session.list_commands)

    def register_command(self, name: str, description: str, handler: CommandHandler, usage: str | None = None) -> None:
        """Have `/name` answered by a function, in the place of any other command of this name.

        It runs on a thread of its own, coroutines too, and may use the session as any program does.
        """
        run = functools.partial(_answered, _blocking(_checked(handler)), self)
        command = _command(name, description, usage, run)
        self._loop.here(lambda: self._session.engine.slash.register(command))

    def unregister_command(self, name: str) -> bool:
        """Take a registered command away; a built-in one of this name is back. False if there was none."""
        return self._loop.here(lambda: self._session.unregister_command(name))

    def compact(self) -> Json | None:
        """Put a summary in the place of the older messages, and say what was done; None if there are too few."""
        return self._loop.call(self._session.compact())

    def undo_compaction(self) -> bool:
        """Bring back what the last compaction took out. False if there is none to undo."""
        return self._loop.call(self._session.undo_compaction())

    def undo_clear(self) -> int:
        """Bring back the conversation that `/clear` took away last; the number of its messages."""
        return self._loop.here(self._session.undo_clear)


def _checked(handler: CommandHandler) -> CommandHandler:
    if not callable(handler):
        raise TypeError(f"handler must be a function of (args, context), not {type(handler).__name__}")
    return handler


def _command(name: str, description: str, usage: str | None, run: Handler) -> Command:
    check_name(string("name", name))
    return Command(name, string("description", description), None if usage is None else string("usage", usage), run)


def _blocking(handler: CommandHandler) -> CommandHandler:
    """The handler as a plain function: a coroutine runs to its end on the thread that it is called on."""

    def call(args: str, context: Json) -> object:
        said = handler(args, context)
        return asyncio.run(_awaited(said)) if inspect.isawaitable(said) else said

    return call


async def _awaited(said: Awaitable[object]) -> object:
    return await said


async def _answered(handler: CommandHandler, face: Face | AsyncFace, args: str, session: EngineSession) -> str:
    """What the handler says. Raises HandlerFailed."""
    context = _context(session, face)
    if inspect.iscoroutinefunction(handler):

        async def on_loop(context: Json) -> object:
            return await handler(args, context)

        said = await call_handler(on_loop, context, None)
    else:
        said = await call_handler(lambda context: handler(args, context), context, None)
    if isinstance(said, str):
        return str(said)
    return f"Command error: TypeError: the handler returned {type(said).__name__}; it is to return the text to show"


def _context(session: EngineSession, face: Face | AsyncFace) -> Json:
    names: Sequence[str] = session.tools.names()
    return {
        "session_id": session.id,
        "workspace": str(session.workspace.root),
        "model": session.model_name,
        "history_len": len(session.state.messages),
        "total_tokens": session.state.usage.total_tokens,
        "total_cost": session.state.usage.cost or 0.0,
        "tool_names": list(names),
        "mcp_servers": [(server, len(mcp_tools(names, server))) for server in session.mcp.status()],
        "session": face,
    }


def _told(done: f.Compacted) -> Json:
    return {
        "before_messages": done.before_messages,
        "after_messages": done.after_messages,
        "percent_before": done.percent_before,
        "percent_after": done.percent_after,
        "summary": done.summary,
        "failure": done.failure,
    }
