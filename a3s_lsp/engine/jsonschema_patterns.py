"""Regular expressions of JSON Schemas that somebody else wrote: which are used, and matching them in bounded time."""

from __future__ import annotations

import re

SHOWN = 300
"""How much of what somebody else wrote is shown in a message."""
_SECONDS = 1.0
_FOREIGN = re.compile(r"\(\?(?![:=!<]|P<|[imsu-]+[:)])|\(\*|\{[^},]*[<=]")
"""What regular expressions of JSON Schema do not have: comments, recursion, conditions, approximate matching."""
_REPEAT = re.compile(r"\{(\d*)(?:,(\d*))?\}")
_DIGITS = 7
"""More digits make a number that is too large in any case."""
_LARGEST = 100_000


class SchemaProblem(ValueError):
    """The schema cannot be used; the text says why."""


def check_pattern(pattern: str) -> None:
    """Raises SchemaProblem for what is not valid, or would cost too much."""
    import regex

    if _FOREIGN.search(pattern) or _weight(pattern) > _LARGEST:
        raise SchemaProblem(f"The pattern {shown(pattern)!r} is too costly; write a simpler one.")
    try:
        regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError) as error:
        raise SchemaProblem(f"The pattern {shown(pattern)!r} is not valid: {error}.") from None


def _weight(pattern: str) -> int:
    """How long a pattern is when its counted repeats are written out, which is what the library does."""
    groups, last, at = [0], 0, 0
    while at < len(pattern):
        repeat = _REPEAT.match(pattern, at)
        if repeat is not None:
            times = max(1, *(int((number or "").lstrip("0")[:_DIGITS] or 0) for number in repeat.groups()))
            groups[-1] += last * (times - 1)
            last *= times
            at = repeat.end()
            continue
        size = _token(pattern, at)
        if pattern[at] == "(":
            groups.append(0)
        elif pattern[at] == ")" and len(groups) > 1:
            last = groups.pop() + 1
            groups[-1] += last
        else:
            last = 1
            groups[-1] += 1
        at += size
    return sum(groups)


def _token(pattern: str, at: int) -> int:
    """The length of what begins here: an escape, a set of characters, or a single one."""
    if pattern[at] == "\\":
        return 2
    if pattern[at] != "[":
        return 1
    end = at + 2 if pattern[at + 1 : at + 2] in ("]", "^") else at + 1
    while end < len(pattern) and pattern[end] != "]":
        end += 2 if pattern[end] == "\\" else 1
    return end + 1 - at


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text. Raises SchemaProblem when that takes too long."""
    import regex

    try:
        return regex.search(pattern, text, timeout=_SECONDS, concurrent=True) is not None
    except (TimeoutError, MemoryError):
        raise SchemaProblem(f"The pattern {shown(pattern)!r} takes too long; write a simpler one.") from None


def shown(text: str) -> str:
    """The start of a text that may be very long."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
