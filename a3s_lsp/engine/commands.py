"""Slash commands: what a person does to a session without asking the model."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from a3s_lsp.engine.errors import A3SError

if TYPE_CHECKING:
    from a3s_lsp.engine.session import Session

Handler: TypeAlias = "Callable[[str, Session], Awaitable[str]]"
_WORD = re.compile(r"/(\S+)(?:\s+(.*))?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Command:
    """`name` is without the slash. `run` gets the rest of the line and the session, and returns the text to show."""

    name: str
    description: str
    usage: str
    run: Handler


def parse(text: str, known: Callable[[str], bool]) -> tuple[str, str] | None:
    """Name and arguments, if the text is a command: a known one, or one identifier after the slash.

    `/srv/foo is broken` is a prompt.
    """
    match = _WORD.match(text.strip())
    if match is None:
        return ("", "") if text.strip() == "/" else None
    name, args = match[1], (match[2] or "").strip()
    return (name, args) if known(name) or re.fullmatch(r"[A-Za-z][\w-]*", name) else None


def builtin_commands() -> tuple[Command, ...]:
    """The commands that every session has, in alphabetical order."""
    return (
        Command("clear", "Forget the conversation so far", "/clear", _clear),
        Command("cost", "Show tokens and cost of this session", "/cost", _cost),
        Command("help", "List the commands", "/help", _help),
        Command("history", "Count the messages and tokens", "/history", _history),
        Command("model", "Show the model, or switch to another", "/model [provider/model]", _model),
        Command("rewind", "Go back to before a prompt or a call", "/rewind [id | redo]", _rewind),
        Command("tools", "List the tools", "/tools", _tools),
        Command("undo", "Take back the last change of files", "/undo", _undo),
    )


async def _help(args: str, session: Session) -> str:
    rows = [f"  {command.usage:<26} {command.description}" for command in session.commands()]
    return "\n".join(["Commands:", *rows])


async def _clear(args: str, session: Session) -> str:
    return f"Cleared {session.clear()} messages."


async def _cost(args: str, session: Session) -> str:
    usage = session.state.usage
    cost = "not known (no price for this model)" if usage.cost is None else f"${usage.cost:.4f}"
    if usage.total_tokens == 0:
        cost = "$0.0000"
    return f"Session: {session.id[:8]}\nModel:   {session.model_name}\nTokens:  {usage.total_tokens}\nCost:    {cost}"


async def _history(args: str, session: Session) -> str:
    state = session.state
    return f"Messages: {len(state.messages)}\nTokens:   {state.usage.total_tokens}\nSession:  {session.id[:8]}"


async def _model(args: str, session: Session) -> str:
    if not args:
        return f"Current model: {session.model_name}"
    try:
        await session.switch_model(args)
    except A3SError as error:
        return f"The model stays {session.model_name}: {error}"
    return f"Switching model to: {session.model_name}"


async def _rewind(args: str, session: Session) -> str:
    points = await session.rewinding.points()
    if not args:
        rows = [f"  {point.id}  {point.label}" for point in points]
        return "\n".join(["Go back to before:", *rows]) if rows else "There is nothing to go back to yet."
    last = next((point.id for point in points if point.kind == "rewind"), None)
    if args == "redo" and last is None:
        return "There is no rewind to take back."
    done = await session.rewind(last if args == "redo" and last else args)
    files = [f"  {kind} {session.workspace.display(path)}" for path, kind in done.files]
    left = [f"  left as it is: {sentence}" for sentence in done.left_out]
    title = f"Rewound: {len(done.files)} files; the conversation has {done.messages} messages."
    return "\n".join([title, *files, *left, "/rewind redo goes forth again."])


async def _tools(args: str, session: Session) -> str:
    names = sorted(session.tools.names())
    return "\n".join([f"Tools: {len(names)} total", "", f"Builtin ({len(names)}):", *(f"  • {n}" for n in names)])


async def _undo(args: str, session: Session) -> str:
    undone = await session.undo()
    if undone is None:
        return "There is no change of files to take back."
    files = "\n".join(f"  {session.workspace.display(Path(change.path))}" for change in undone.changes)
    return f"Took back: {undone.label}\n{files}"
