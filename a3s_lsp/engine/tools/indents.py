"""The indentation of a quoted text, carried over to that of the file: by the same difference, or to another unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

Indenter: TypeAlias = Callable[[str], str | None]
"""From an indentation in the quoted text to that in the file; None where that cannot be told."""


def indentation(line: str) -> str:
    """The blanks that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def indenter(pairs: Sequence[tuple[str, str]]) -> Indenter | None:
    """The rule that all these pairs, quoted and in the file, follow; None if there is none."""
    longest = max(pairs, key=lambda pair: len(pair[0]), default=("", ""))
    for rule in (_deeper(*longest), _shallower(*longest), _scaled(*longest)):
        if rule is not None and all(rule(quoted) == found for quoted, found in pairs):
            return rule
    return None


def _deeper(quoted: str, found: str) -> Indenter | None:
    if not found.endswith(quoted):
        return None
    more = found.removesuffix(quoted)
    return lambda indent: more + indent


def _shallower(quoted: str, found: str) -> Indenter | None:
    if not quoted.endswith(found):
        return None
    less = quoted.removesuffix(found)
    return lambda indent: indent.removeprefix(less) if indent.startswith(less) else None


def _scaled(quoted: str, found: str) -> Indenter | None:
    """Tabs for spaces or the other way, or as many spaces in proportion."""
    if len({*quoted}) != 1 or len({*found}) != 1:
        return None

    def rule(indent: str) -> str | None:
        width, rest = divmod(len(indent) * len(found), len(quoted))
        return None if rest or indent.strip(quoted[0]) else found[0] * width

    return rule
