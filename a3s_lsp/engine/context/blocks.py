"""Texts of others in the system prompt, each in a block that says where it comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CLOSING = re.compile(r"</(?=\s*context)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A block, with who has it to say and where it comes from."""

    provider: str
    source: str
    text: str


def block(source: str, kind: str, text: str) -> str:
    """The text as a block that it cannot end by itself."""
    return f'<context source="{source}" type="{kind}">\n{_CLOSING.sub("&lt;/", text)}\n</context>'


def tokens_of(text: str) -> int:
    """About how many tokens a text has."""
    return -(-len(text) // 4)
