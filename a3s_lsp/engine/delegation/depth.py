"""How deep in the tree of agents something happens: 0 in the session itself, 1 in the children that it sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

depth: ContextVar[int] = ContextVar("depth", default=0)
"""For whatever runs in this context, and in the tasks that it starts."""


@contextmanager
def deeper() -> Iterator[None]:
    """Start what belongs to a child."""
    before = depth.set(depth.get() + 1)
    try:
        yield
    finally:
        depth.reset(before)
