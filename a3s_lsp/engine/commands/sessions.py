"""/sessions, /resume and /fork: what is stored, and how it is opened."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from a3s_lsp.engine.errors import SessionNotFound
from a3s_lsp.engine.forking import fork as copy_session
from a3s_lsp.engine.ports import SessionInfo

if TYPE_CHECKING:
    from a3s_lsp.engine.session import Session

_SHOWN = 50


async def sessions(args: str, session: Session) -> str:
    """The stored sessions, newest first."""
    rows = await session.stored(lambda store: list(store.sessions()))
    if not rows:
        return "No sessions are stored."
    lines = [f"{'*' if row.id == session.id else ' '} {_row(row)}" for row in rows[:_SHOWN]]
    more = [f"… and {len(rows) - _SHOWN} older ones"] if len(rows) > _SHOWN else []
    return "\n".join([f"Sessions: {len(rows)}", *lines, *more, "/resume <id> opens one of them."])


async def resume(args: str, session: Session) -> str:
    """How the program opens another session: its own object cannot be swapped from here."""
    if not args:
        return "Usage: /resume <id>; /sessions lists them."
    if args == session.id:
        return f"This is session {args}."
    if all(row.id != args for row in await session.stored(lambda store: list(store.sessions()))):
        raise SessionNotFound(f"Session not found: {args}; /sessions lists those that there are.")
    return f'Session {args} is stored. Open it with agent.resume_session("{args}", options).'


async def fork(args: str, session: Session) -> str:
    """Store a copy of this session as it is, or as it was before a prompt or a call, or of another session."""
    fork_id = await forked(args, session)
    return f'Forked: session {fork_id} is stored. Open it with agent.resume_session("{fork_id}", options).'


async def forked(args: str, session: Session) -> str:
    """The id of the fork that was meant. Raises A3SError."""
    rows = await session.stored(lambda store: list(store.sessions()))
    if any(row.id == args for row in rows):
        return await session.stored(lambda store: copy_session(store, args))
    return await session.stored(lambda store: copy_session(store, session.id, args or None))


def _row(row: SessionInfo) -> str:
    return f"{row.id}  {_age(row.updated_ms):>8}  {row.messages:>4} messages  {row.title}"


def _age(updated_ms: int) -> str:
    seconds = max(0, time.time() - updated_ms / 1000)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds / size)} {unit} ago"
    return "now"
