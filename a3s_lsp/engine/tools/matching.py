"""Where in a file the text is that a model does not quote exactly, and what an edit makes of it.

Tried in order: other line endings; other *whitespace* (indentation, blanks at the end of lines, tabs for spaces); then
the best *near* match. Each has to be one place only. Near means that the file may have further lines between those
quoted, other quotation marks, another comma or semicolon at the end of a line, and a slightly different wording in a
comment. Names, numbers and the contents of strings are never taken for others: every quoted line is there with its own.

The edit is carried over as the difference between the old and the new string. A line that it leaves alone stays as
the file has it. A line that it changes or removes must be the quoted one but for whitespace, or nothing is matched.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, TypeAlias

from a3s_lsp.engine.texts import line_hunks, rebase, split_lines
from a3s_lsp.engine.tools.endings import Ending, usual_ending, with_ending
from a3s_lsp.engine.tools.indents import Indenter, indentation, indenter

How: TypeAlias = Literal["exact", "whitespace", "near"]
"""How a text was found; exactly is not the business of this module."""

NEAR = 90.0
"""How alike, in per cent of the characters, the quoted and the found text have to be: with less, more than one line in
ten is something else, and two blocks that only have the same frame begin to look alike."""

CLEARLY = 5.0
"""How much less alike the second best place has to be."""

_MAX_CHARACTERS = 20_000  # a longer quotation takes too long to compare
_COMMENTS = ("# ", "// ", "/* ", "* ", "-- ", "; ", "<!-- ")
_QUOTATION_MARK = re.compile("[\"'`‘’“”]")
_AS_ONE_MARK = str.maketrans(dict.fromkeys("'`‘’“”", '"'))


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of a file, from 0 on and without the last, and how much they are like what is quoted."""

    start: int
    end: int
    score: float = 100.0


@dataclass(frozen=True, slots=True)
class Match:
    """The one place that is meant, also as offsets, and the text to put there."""

    how: How
    place: Place
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several places could be meant."""

    how: How
    places: tuple[Place, ...]


def find(text: str, old: str, new: str) -> Match | Ambiguous | None:
    """The place of `old`, which is not in the text as it stands, and what replaces it; None if there is no safe one."""
    body = text.removeprefix("\ufeff")
    spots = sorted(_spots(body, old), key=lambda spot: -spot.place.score)
    if not spots:
        return None
    best = spots[0]
    rivals = [spot.place for spot in spots if spot.place.score > best.place.score - CLEARLY]
    if len(rivals) > 1:
        return Ambiguous(best.how, tuple(sorted(rivals, key=lambda place: place.start)))
    replacement = _carried_over(split_lines(old), new, best, usual_ending(body))
    if replacement is None:
        return None
    start = best.start + len(text) - len(body)
    return Match(best.how, best.place, start, start + len(best.text), replacement)


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place with its offset and its text, and which line of it (from 0) is which of the quoted lines."""

    how: How
    place: Place
    start: int
    text: str
    pairs: Mapping[int, int]


# ---------------------------------------------------------------- finding


def _spots(text: str, old: str) -> list[_Spot]:
    if not old.strip():
        return []
    found = _by_other_endings(text, old)
    if found:
        return found
    lines = split_lines(text)
    keys = [_key(line) for line in lines]
    return _by_whitespace(lines, keys, old) or _nearest(lines, keys, old)


def _by_other_endings(text: str, old: str) -> list[_Spot]:
    if "\n" not in old or ("\r" not in text and "\r" not in old):
        return []
    pattern = r"\r?\n".join(map(re.escape, with_ending(old, "\n").split("\n")))
    return [_spot_at(text, found.start(), found[0]) for found in re.finditer(pattern, text)]


def _spot_at(text: str, start: int, found: str) -> _Spot:
    size = len(split_lines(found))
    first = text.count("\n", 0, start)
    return _Spot("whitespace", Place(first, first + size), start, found, {line: line for line in range(size)})


def _by_whitespace(lines: Sequence[str], keys: Sequence[str], old: str) -> list[_Spot]:
    wanted = [_key(line) for line in split_lines(old)]
    size = len(wanted)
    pairs = {line: line for line in range(size)}
    starts = [at for at in range(len(keys) - size + 1) if keys[at] == wanted[0] and keys[at : at + size] == wanted]
    return [_spot("whitespace", lines, Place(start, start + size), old, pairs) for start in starts]


def _nearest(lines: Sequence[str], keys: Sequence[str], old: str) -> list[_Spot]:
    """All places that are near enough."""
    if len(old) > _MAX_CHARACTERS:
        return []
    from rapidfuzz import fuzz

    quoted = {number: key for number, line in enumerate(split_lines(old)) if (key := _key(line))}
    searched = "\n".join(quoted.values())
    spots: list[_Spot] = []
    for found in _alignments(keys, quoted):
        start, end = found[0], found[-1] + 1
        score = fuzz.ratio(searched, "\n".join(filter(None, keys[start:end])), score_cutoff=NEAR)
        if score:
            pairs = {number: line - start for number, line in zip(quoted, found, strict=True)}
            spots.append(_spot("near", lines, Place(start, end, score), old, pairs))
    return spots


def _alignments(keys: Sequence[str], quoted: Mapping[int, str]) -> Iterator[list[int]]:
    """Lines of the file that are the quoted ones, in order: for each place of the first the next places of the rest."""
    options = _options(keys, list(quoted.values()))
    for start in options[0]:
        found = [start]
        for places in options[1:]:
            following = bisect_right(places, found[-1])
            if following == len(places) or places[following] - start > 2 * (len(quoted) + max(quoted)):
                break
            found.append(places[following])
        else:
            yield found


def _options(keys: Sequence[str], quoted: Sequence[str]) -> list[list[int]]:
    """For each quoted line the lines of the file, in order, that may stand for it."""
    by_key: dict[str, list[int]] = {}
    for number, key in enumerate(keys):
        by_key.setdefault(_loose(key), []).append(number)
    comments = [key for key in by_key if key.startswith(_COMMENTS)]
    alike = [_like(_loose(line), by_key, comments) for line in quoted]
    return [sorted(number for key in keys_alike for number in by_key[key]) for keys_alike in alike]


def _like(line: str, every: Mapping[str, object], comments: Sequence[str]) -> list[str]:
    if not line.startswith(_COMMENTS):
        return [line] if line in every else []
    from rapidfuzz import fuzz, process

    found = process.extract(line, comments, scorer=fuzz.ratio, score_cutoff=NEAR, limit=None)
    return [key for key, _, _ in found if re.findall(r"\d+", key) == re.findall(r"\d+", line)]


def _spot(how: How, lines: Sequence[str], place: Place, old: str, pairs: Mapping[int, int]) -> _Spot:
    text = "".join(lines[place.start : place.end])
    if _body(old) == old:
        text = _body(text)
    return _Spot(how, place, sum(map(len, lines[: place.start])), text, pairs)


def _key(line: str) -> str:
    """What has to be the same in two lines. Blanks inside count as one where no string can hold them."""
    bare = line.strip()
    return bare if _QUOTATION_MARK.search(bare) else " ".join(bare.split())


def _loose(key: str) -> str:
    """What has to be the same in two lines that an edit leaves alone."""
    return key.translate(_AS_ONE_MARK).rstrip(",;")


def _body(line: str) -> str:
    """A line, or a text, without its last ending."""
    return line.removesuffix("\n").removesuffix("\r")


# ---------------------------------------------------------------- carrying over


def _carried_over(old: Sequence[str], new: str, spot: _Spot, ending: Ending) -> str | None:
    """The text of the spot with the difference between the old and the new string made to it, or None."""
    found = split_lines(spot.text)
    same = {a: b for a, b in spot.pairs.items() if _key(old[a]) == _key(found[b])}
    known = [found[same[n]] if n in same else with_ending(line, ending) for n, line in enumerate(old)]
    fresh = _fresh(old, new, known, _rule(old, found, same), ending)
    if fresh is None:
        return None
    if _body(known[-1]) == known[-1] and _body(old[-1]) != old[-1]:  # the file ends here, without a line ending
        fresh = _body(fresh)
    merged = rebase("".join(known), fresh, spot.text)
    return merged if isinstance(merged, str) else None


def _fresh(old: Sequence[str], new: str, known: Sequence[str], rule: Indenter | None, ending: Ending) -> str | None:
    """The new string in the file's own lines, where it repeats the old one, and with the file's indentation."""
    lines: list[str] = []
    done = 0
    for start, end, added in _changes("".join(old), new):
        lines += known[done:start]
        for line in added:
            indent = "" if not line.strip() else None if rule is None else rule(indentation(line))
            if indent is None:
                return None
            lines.append(indent + _body(line).lstrip(" \t"))
        done = end
    ended = [line if _body(line) != line else line + ending for line in (*lines, *known[done:])]
    return "".join(ended) if _body(new) != new else _body("".join(ended))


def _changes(old: str, new: str) -> Iterator[tuple[int, int, list[str]]]:
    """What differs: numbers of lines of the old string, and the lines that replace them."""
    before, after = _closed(old), _closed(new)
    numbers = {offset: number for number, offset in enumerate([0, *accumulate(map(len, split_lines(before)))])}
    for edit in line_hunks(before, after):
        yield numbers[edit.start], numbers[edit.end], split_lines(edit.text)


def _closed(text: str) -> str:
    text = with_ending(text, "\n")
    return text if not text or text.endswith("\n") else f"{text}\n"


def _rule(old: Sequence[str], found: Sequence[str], same: Mapping[int, int]) -> Indenter | None:
    pairs = [(indentation(old[a]), indentation(found[b])) for a, b in same.items() if old[a].strip()]
    rule = indenter(pairs)
    if rule is not None or not all(quoted for quoted, _ in pairs[1:]):
        return rule
    rest = indenter(pairs[1:])  # the first line may be quoted without its indentation
    return None if pairs[0][0] or rest is None else lambda indent: rest(indent) if indent else pairs[0][1]
