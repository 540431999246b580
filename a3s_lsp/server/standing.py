"""Which parts of an edit are in a text that somebody else may have changed too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from a3s_lsp.engine.texts import Edit, apply_edits, line_hunks

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Standing:
    """How many hunks an edit has, how many of them are in the text as they were asked for, and how many are not there
    at all. The others are there, but somebody has changed their lines at once."""

    hunks: int
    exact: int
    absent: int

    @property
    def whole(self) -> bool:
        """Whether every hunk is there as it was asked for."""
        return self.exact == self.hunks

    @property
    def there(self) -> int:
        """How many hunks are there in one form or another."""
        return self.hunks - self.absent


def standing(before: str, after: str, now: str) -> Standing:
    """What of the edit from `before` to `after` is in the text that there is now.

    A hunk is there if the way from `after` to now leaves its lines alone, and is not there if the way from `before` to
    now does. If both do, which happens among equal lines, the shorter way is the true one. If neither does, it is what
    the text now is nearer to. How lines end is left to the editor, unless the edit is about nothing else.
    """
    if plain(before) != plain(after):
        before, after, now = plain(before), plain(after), plain(now)
    hunks = line_hunks(before, after)
    if now == after:
        return Standing(len(hunks), len(hunks), 0)
    if now == before:
        return Standing(len(hunks), 0, len(hunks))
    from_before, from_after = line_hunks(before, now), line_hunks(after, now)
    shorter = _size(from_after) <= _size(from_before)
    exact = absent = shift = 0
    for hunk in hunks:
        start = hunk.start + shift
        kept = not _touched(start, start + len(hunk.text), from_after)
        old = not _touched(hunk.start, hunk.end, from_before)
        if kept and (shorter or not old):
            exact += 1
        elif old or not _nearer(before, hunk, from_before):
            absent += 1
        shift += len(hunk.text) - (hunk.end - hunk.start)
    return Standing(len(hunks), exact, absent)


def plain(text: str) -> str:
    """The text without what editors make of it by themselves: the line ends of the document, and one at its end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else f"{text}\n"


def _size(edits: Sequence[Edit]) -> int:
    return sum(edit.end - edit.start + len(edit.text) for edit in edits)


def _touched(start: int, end: int, edits: Sequence[Edit]) -> bool:
    if start == end:
        return any(edit.start <= start <= edit.end for edit in edits)
    return any(edit.start < end and edit.end > start for edit in edits)


def _nearer(before: str, hunk: Edit, edits: Sequence[Edit]) -> bool:
    """Whether what the edits make of the place of the hunk is nearer to the text with the hunk than to the one without,
    and has half of its words: what was deleted is near to whatever is short.

    `edits` lead from `before` to the text that there is now.
    """
    near = [edit for edit in edits if edit.start <= hunk.end and edit.end >= hunk.start]
    start = min([hunk.start, *(edit.start for edit in near)])
    end = max([hunk.end, *(edit.end for edit in near)])
    now, old, new = (
        apply_edits(before[start:end], [Edit(edit.start - start, edit.end - start, edit.text) for edit in made])
        for made in (near, (), (hunk,))
    )
    to_new = _distances(now, new)
    return to_new < _distances(now, old) and to_new <= _distances(now, "")


def _distances(one: str, other: str) -> tuple[int, int]:
    """How far two texts are apart in words, and, where that says nothing, in characters."""
    from rapidfuzz.distance import Indel

    # Numbers for words, because the library compares hashes.
    numbers: dict[str, int] = {}
    words = [[numbers.setdefault(word, len(numbers)) for word in _TOKEN.findall(text)] for text in (one, other)]
    return Indel.distance(*words), Indel.distance(one, other)
