"""What a slash command is, and how a line of text is read as one."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from a3s_lsp.engine.facts import RunQueued
    from a3s_lsp.engine.session import Session

Handler: TypeAlias = "Callable[[str, Session], Awaitable[str | RunQueued]]"
"""Gets the rest of the line and the session; returns the text to show, or a prompt for the model."""
_WORD = re.compile(r"/(\S+)(?:\s+(.*))?$", re.DOTALL)
_IDENTIFIER = re.compile(r"[A-Za-z][\w-]*")
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Command:
    """`name` is without the slash; `usage` is the line to type, None if that is the name alone."""

    name: str
    description: str
    usage: str | None
    run: Handler


def parse(text: str, known: Callable[[str], bool]) -> tuple[str, str] | None:
    """Name and arguments, if the text is a command: a known one, or one identifier after the slash.

    `/srv/foo is broken` is a prompt.
    """
    match = _WORD.match(text.strip())
    if match is None:
        return ("", "") if text.strip() == "/" else None
    name, args = match[1], (match[2] or "").strip()
    return (name, args) if known(name) or _IDENTIFIER.fullmatch(name) else None


def check_name(name: str) -> None:
    """ValueError if nobody could type a command of this name."""
    if not name:
        raise ValueError("a command needs a name: the word that is typed after the slash")
    if not name.isprintable() or any(character.isspace() for character in name):
        raise ValueError(
            f"command name {name!r} must be one word without spaces: the word that is typed after the slash"
        )
    if len(name) > _LONGEST_NAME:
        raise ValueError(
            f"command name {name[:20]!r}… has {len(name)} characters; at most {_LONGEST_NAME} are possible"
        )
