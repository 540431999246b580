"""Checks of what a program hands in, and how values are shown."""

from __future__ import annotations

from collections.abc import Sequence


def strings(name: str, value: Sequence[str] | None) -> list[str]:
    """The strings as a list of their own. TypeError if they are none."""
    if value is None:
        return []
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{name} must be a list of strings")
    return list(value)


def lower(value: bool) -> str:
    """A truth value as the reference shows it."""
    return "true" if value else "false"
