"""The small edits that lead from one text to another, so that the editor keeps its cursor, folds and marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from a3s_lsp.server.textdocuments import split_lines


class Edit(NamedTuple):
    """The text between two offsets of the old text, replaced."""

    start: int
    end: int
    text: str


_Hunk: TypeAlias = tuple[int, int, int, int]

# Above this, finding the smallest difference takes longer than a person is willing to wait for an edit.
_MAX_LINE_PAIRS = 50_000_000


def minimal_edits(before: str, after: str) -> list[Edit]:
    """Edits that turn `before` into `after`, in order and apart from each other.

    None begins or ends between `\\r` and `\\n`, where no position can point, or between two surrogates. When very
    much differs it is one edit.
    """
    if before == after:
        return []
    old, new = split_lines(before), split_lines(after)
    old_offsets, new_offsets = [0, *accumulate(map(len, old))], [0, *accumulate(map(len, new))]
    return [
        _trimmed(before, after, (old_offsets[a], old_offsets[b], new_offsets[c], new_offsets[d]))
        for a, b, c, d in _hunks(old, new)
    ]


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[_Hunk]:
    """The ranges of lines that differ."""
    top = 0
    while top < min(len(old), len(new)) and old[top] == new[top]:
        top += 1
    bottom = 0
    while bottom < min(len(old), len(new)) - top and old[-1 - bottom] == new[-1 - bottom]:
        bottom += 1
    old, new = old[top : len(old) - bottom], new[top : len(new) - bottom]
    if len(old) * len(new) > _MAX_LINE_PAIRS:
        yield top, top + len(old), top, top + len(new)
        return
    for a, b, c, d in _opcodes(old, new):
        yield top + a, top + b, top + c, top + d


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Hunk]:
    from rapidfuzz.distance import Indel

    # The library compares hashes, and those of small numbers are the numbers themselves.
    numbers: dict[str, int] = {}
    codes = [[numbers.setdefault(line, len(numbers)) for line in lines] for lines in (old, new)]
    a = c = 0
    for op in Indel.opcodes(*codes):
        if op.tag != "equal":
            continue
        if (a, c) != (op.src_start, op.dest_start):
            yield a, op.src_start, c, op.dest_start
        a, c = op.src_end, op.dest_end
    if (a, c) != (len(old), len(new)):
        yield a, len(old), c, len(new)


def _trimmed(before: str, after: str, hunk: _Hunk) -> Edit:
    """The hunk without what both of its sides begin and end with."""
    start, end, new_start, new_end = hunk
    old, new = before[start:end], after[new_start:new_end]
    head = _common_prefix(old, new)
    while _splits(old, head) or _splits(new, head):
        head -= 1
    tail = min(_common_prefix(old[::-1], new[::-1]), min(len(old), len(new)) - head)
    while _splits(old, len(old) - tail) or _splits(new, len(new) - tail):
        tail -= 1
    return Edit(start + head, end - tail, new[head : len(new) - tail])


def _common_prefix(one: str, other: str) -> int:
    """The length of the common beginning, by halving: comparing slices is faster than comparing characters."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _splits(text: str, at: int) -> bool:
    """Whether a cut at this place would part what belongs together."""
    if not 0 < at < len(text):
        return False
    left, right = text[at - 1], text[at]
    return (left == "\r" and right == "\n") or ("\ud800" <= left <= "\udbff" and "\udc00" <= right <= "\udfff")
