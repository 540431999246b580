"""Whether an edit landed on the text that it was made for, worked out apart from the engine, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Hunk(NamedTuple):
    """Lines that were replaced: which, with what, between which neighbours."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    above: str | None
    below: str | None


def plain(text: str) -> str:
    """The text with one kind of line end, one at its end, and no byte order mark: editors may differ in these, and a
    model may write the mark with the line that it was shown in."""
    text = text.replace("\ufeff", "").replace("\r\n", "\n")
    return text if text.endswith("\n") or not text else f"{text}\n"


def hunks(before: str, after: str) -> list[Hunk]:
    """What differs, in order."""
    old, new = before.split("\n"), after.split("\n")
    return [
        Hunk(tuple(old[a:b]), tuple(new[c:d]), old[a - 1] if a else None, old[b] if b < len(old) else None)
        for a, b, c, d in _ranges(old, new)
    ]


def _ranges(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """The lines that differ, the fewest that there can be: by the table of longest common subsequences."""
    common = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for a in range(len(old) - 1, -1, -1):
        for c in range(len(new) - 1, -1, -1):
            same = old[a] == new[c]
            common[a][c] = common[a + 1][c + 1] + 1 if same else max(common[a + 1][c], common[a][c + 1])
    ranges: list[tuple[int, int, int, int]] = []
    a = c = 0
    while a < len(old) or c < len(new):
        start, begin = a, c
        while (a < len(old) or c < len(new)) and not (a < len(old) and c < len(new) and old[a] == new[c]):
            if c == len(new) or (a < len(old) and common[a + 1][c] >= common[a][c + 1]):
                a += 1
            else:
                c += 1
        if (start, begin) != (a, c):
            ranges.append((start, a, begin, c))
        a, c = a + 1, c + 1
    return ranges


def carries(before: str, after: str, text: str, result: str) -> bool:
    """Whether going from `text` to `result` is the change from `before` to `after`, and nothing else."""
    if text == before:
        return result == after
    done = hunks(text, result)
    return (
        _made_on(before.split("\n"), done) == after.split("\n")
        or _same(hunks(before, after), done)
        or merged(before, after, text) == result
    )


def merged(before: str, one: str, other: str) -> str | None:
    """Two changes of a text in one; None if both touch the same lines."""
    old, lines = before.split("\n"), [*one.split("\n"), *other.split("\n")]
    shift = len(one.split("\n"))
    changes: list[tuple[int, int, int, int]] = []
    for text, offset in ((one, 0), (other, shift)):
        changes += [(a, b, c + offset, d + offset) for a, b, c, d in _ranges(old, text.split("\n"))]
    result: list[str] = []
    at = 0
    for a, b, c, d in sorted(changes):
        if a < at:
            return None
        result += [*old[at:a], *lines[c:d]]
        at = b
    return "\n".join([*result, *old[at:]])


def takes_back(before: str, after: str, text: str, result: str) -> bool:
    """Whether going from `text` to `result` takes back parts of the change from `before` to `after`, and no more."""
    made = {(hunk.new, hunk.old) for hunk in hunks(before, after)}
    return carries(after, before, text, result) or all((hunk.old, hunk.new) in made for hunk in hunks(text, result))


def _same(wanted: Sequence[Hunk], done: Sequence[Hunk]) -> bool:
    """Whether the same lines were replaced by the same; what two made alike is there once."""
    left = list(wanted)
    for hunk in done:
        match = next((one for one in left if _is_same(one, hunk)), None)
        if match is None:
            return False
        left.remove(match)
    return all(not hunk.new for hunk in left)


def _is_same(one: Hunk, other: Hunk) -> bool:
    beside = one.above == other.above or one.below == other.below
    return (one.old, one.new) == (other.old, other.new) and (bool(one.old) or beside)


def _made_on(lines: list[str], done: Sequence[Hunk]) -> list[str] | None:
    """The hunks made on other lines, each at the first place behind the one before where its old lines stand."""
    at = 0
    for hunk in done:
        size = len(hunk.old)
        places = range(at, len(lines) - size + 1)
        here = next((p for p in places if tuple(lines[p : p + size]) == hunk.old and _beside(lines, p, hunk)), None)
        if here is None:
            return None
        lines[here : here + size] = hunk.new
        at = here + len(hunk.new)
    return lines


def _beside(lines: Sequence[str], at: int, hunk: Hunk) -> bool:
    """Lines that are only put in have one of their neighbours at least."""
    if hunk.old:
        return True
    above = lines[at - 1] if at else None
    below = lines[at] if at < len(lines) else None
    return above == hunk.above or below == hunk.below
