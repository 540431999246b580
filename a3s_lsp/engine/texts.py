"""Texts and how they differ: lines, the small edits from one text to another, and edits carried over to a newer text.

Lines end as LSP says: at `\\n`, `\\r\\n` and a lone `\\r`, and at nothing else; `str.splitlines` knows seven more.
Offsets are indexes into the Python string.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from rapidfuzz.distance import Opcode

LINE_END = re.compile(r"\r\n|\r|\n")


def split_lines(text: str) -> list[str]:
    """The lines of a text, each with its end. A text without lines has none."""
    starts = [0, *(match.end() for match in LINE_END.finditer(text))]
    lines = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return lines if lines[-1] else lines[:-1]


def line_of(text: str, offset: int) -> int:
    """The number, from 1, of the line that an offset lies in."""
    return len(LINE_END.findall(text, 0, offset)) + 1


def digest(text: str) -> str:
    """The content hash of a text: SHA-256 of its UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Edit(NamedTuple):
    """The text between two offsets of the old text, replaced."""

    start: int
    end: int
    text: str


_Hunk: TypeAlias = tuple[int, int, int, int]

# Above this, finding the smallest difference takes longer than a person is willing to wait for an edit.
_MAX_LINE_PAIRS = 50_000_000
_MAX_CHARACTER_PAIRS = 4_000_000
_SHORTEST_EQUAL = 3
"""Fewer characters that are the same between two that are not are an accident."""


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


def splice(before: str, after: str) -> Edit | None:
    """The one edit from `before` to `after` that spares their common beginning and end; None if they are equal."""
    if before == after:
        return None
    return _trimmed(before, after, (0, len(before), 0, len(after)))


def line_hunks(before: str, after: str) -> list[Edit]:
    """What differs in whole lines: as `minimal_edits`, but from the start of a line to the start of a line."""
    if before == after:
        return []
    old, new = split_lines(before), split_lines(after)
    old_offsets = [0, *accumulate(map(len, old))]
    return [Edit(old_offsets[a], old_offsets[b], "".join(new[c:d])) for a, b, c, d in _hunks(old, new)]


def fine_edits(before: str, after: str) -> list[Edit]:
    """As `minimal_edits`, but where as many lines come as go, each line by itself: so several places that were edited
    at once stay several."""
    if before == after:
        return []
    fine: list[Edit] = []
    for hunk in line_hunks(before, after):
        old, new = split_lines(before[hunk.start : hunk.end]), split_lines(hunk.text)
        if len(old) != len(new):
            fine += _by_characters(before, hunk)
            continue
        at = hunk.start
        for one, other in zip(old, new, strict=True):
            edit = splice(one, other)
            if edit is not None:
                fine.append(Edit(edit.start + at, edit.end + at, edit.text))
            at += len(one)
    return fine


def _by_characters(before: str, hunk: Edit) -> list[Edit]:
    """A hunk as edits of characters, where it is small enough to be looked at so closely."""
    from rapidfuzz.distance import Indel

    old = before[hunk.start : hunk.end]
    if len(old) * len(hunk.text) > _MAX_CHARACTER_PAIRS:
        return [hunk]
    found: list[Edit] = []
    for op in Indel.opcodes(old, hunk.text):
        if op.tag == "equal":
            continue
        start, end = hunk.start + op.src_start, hunk.start + op.src_end
        if found and start - found[-1].end < _SHORTEST_EQUAL:
            last = found.pop()
            found.append(Edit(last.start, end, f"{last.text}{before[last.end : start]}{_new_part(hunk, op)}"))
        else:
            found.append(Edit(start, end, _new_part(hunk, op)))
    return found


def _new_part(hunk: Edit, op: Opcode) -> str:
    return hunk.text[op.dest_start : op.dest_end] if op.tag != "delete" else ""


def without(before: str, after: str, text: str) -> str | None:
    """The text as it would be without the change from `before` to `after`; None if that change does not stand in it."""
    bare = rebase(after, before, text)
    if isinstance(bare, Overlap) or bare == text or rebase(before, after, bare) != text:
        return None
    return bare


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text with edits that are in order and apart from each other."""
    pieces: list[str] = []
    done = 0
    for edit in edits:
        pieces += (text[done : edit.start], edit.text)
        done = edit.end
    return "".join([*pieces, text[done:]])


@dataclass(frozen=True, slots=True)
class Overlap:
    """Where two changes of one text touch the same lines. `line` counts from 1 in the newer text, `text` is what is
    there now."""

    line: int
    text: str


def rebase(before: str, after: str, current: str) -> str | Overlap:
    """The change from `before` to `after`, made to `current`, which also came from `before`.

    Lines are the unit: a change never lands on a line that somebody else has changed meanwhile. Where both made the
    same change, it is there once.
    """
    if before == current:
        return after
    edits, overlaps = _carried(before, after, current)
    return overlaps[0] if overlaps else apply_edits(current, edits)


def rebase_where_free(before: str, after: str, current: str) -> tuple[str, bool]:
    """As `rebase`, but leaving out those hunks that are in somebody's way; the second value tells whether none was."""
    edits, overlaps = _carried(before, after, current)
    return apply_edits(current, edits), not overlaps


def _carried(before: str, after: str, current: str) -> tuple[list[Edit], list[Overlap]]:
    mine, theirs = line_hunks(before, after), line_hunks(before, current)
    fresh: list[Edit] = []
    overlaps: list[Overlap] = []
    shift = at = 0
    for edit in mine:
        while at < len(theirs) and _precedes(theirs[at], edit):
            shift += _growth(theirs[at])
            at += 1
        if at == len(theirs) or _precedes(edit, theirs[at]):
            moved = Edit(edit.start + shift, edit.end + shift, edit.text)
            if _stands_alone(current, moved):
                fresh.append(moved)
            else:  # the neighbouring line has lost, or has never had, the line end that would part the two
                overlaps.append(Overlap(line_of(current, moved.start), current[moved.start :].split("\n")[0]))
        elif theirs[at] != edit:
            overlaps.append(Overlap(line_of(current, theirs[at].start + shift), theirs[at].text))
    return fresh, overlaps


def _stands_alone(text: str, edit: Edit) -> bool:
    """Whether an edit of whole lines would not run into the line before it or behind it."""
    begins = edit.start == 0 or text[edit.start - 1] in "\r\n"
    ends = edit.end == len(text) or not edit.text or edit.text[-1] in "\r\n"
    return begins and ends


def _precedes(one: Edit, other: Edit) -> bool:
    """Whether the first ends before the second begins; two insertions at one place are in each other's way."""
    return one.end < other.start or (one.end == other.start and (one.start < one.end or other.start < other.end))


def _growth(edit: Edit) -> int:
    return len(edit.text) - (edit.end - edit.start)


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
