"""What hooks of the session's own supervisors have to say about a prompt while its context is put together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from a3s_lsp.engine.context.blocks import Piece
from a3s_lsp.engine.messages import Json


@dataclass(slots=True)
class Gathered:
    """What was found so far: pieces for the system prompt, and what the prompt is about."""

    pieces: list[Piece] = field(default_factory=list)
    about: Json = field(default_factory=dict)


_gathered: ContextVar[Gathered | None] = ContextVar("gathered", default=None)


@contextmanager
def gathering() -> Iterator[Gathered]:
    """Collect what is added in this context, and in the tasks that it starts."""
    gathered = Gathered()
    before = _gathered.set(gathered)
    try:
        yield gathered
    finally:
        _gathered.reset(before)


def add_piece(piece: Piece) -> None:
    """Add to the system prompt that is being put together, if one is."""
    if (gathered := _gathered.get()) is not None:
        gathered.pieces.append(piece)


def add_about(about: Json) -> None:
    """Say what the prompt is about."""
    if (gathered := _gathered.get()) is not None:
        gathered.about.update(about)
