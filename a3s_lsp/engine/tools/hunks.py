"""Unified diffs: taken apart leniently, as models write them, and applied strictly.

The counts of hunk headers are not trusted. A hunk goes where its context and removed lines are found: at the stated
line, or nearest to it; then the same with other whitespace; then, if that is one place only, with up to two of the
outermost context lines not matching.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.tools.endings import usual_ending
from a3s_lsp.engine.tools.nearest import describe_nearest

Operation: TypeAlias = Literal[" ", "-", "+"]

_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")
_PREAMBLE = ("diff ", "index ", "--- ", "new file mode ", "deleted file mode ", "old mode ", "new mode ")
_MAX_FUZZ = 2
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class HunkLine:
    """A line of a hunk, with its ending as the diff has it."""

    operation: Operation
    text: str
    ending: str


@dataclass(slots=True)
class Hunk:
    """One place of a diff. `old_ends` and `new_ends`: the text ends there without a line feed."""

    start: int
    lines: list[HunkLine] = field(default_factory=list)
    old_ends: bool = False
    new_ends: bool = False

    @property
    def old(self) -> list[str]:
        return [line.text for line in self.lines if line.operation != "+"]


@dataclass(frozen=True, slots=True)
class Patched:
    """The new text, and a remark for every hunk that was not exactly where it said."""

    text: str
    remarks: tuple[str, ...]


def parse(diff: str) -> list[Hunk]:
    """The hunks of a diff for one file. ToolError if there are none or if it cannot be read."""
    lines = diff.split("\n")
    while lines and lines[-1] in ("", "\r"):
        lines.pop()
    hunks: list[Hunk] = []
    for number, line in enumerate(lines):
        if line.startswith("@@"):
            hunks.append(_hunk(line.removesuffix("\r")))
        elif _begins_file(lines, number):
            if hunks:
                raise _unparsable("it changes several files; call patch once for each file")
        elif hunks:
            _add(hunks[-1], line, number + 1)
    if not hunks:
        raise _unparsable("No @@ hunk headers found in diff")
    if not all(hunk.lines for hunk in hunks):
        raise _unparsable("a hunk has no lines")
    return hunks


def apply(text: str, hunks: Sequence[Hunk], name: str) -> Patched:
    """The text of the file with this name, with all hunks applied. ToolError, naming the first that does not fit."""
    body = text.removeprefix(_BYTE_ORDER_MARK)
    lines = re.findall(r"[^\n]*\n|[^\n]+", body)
    ending = usual_ending(body)
    own_endings = not body or len({line.ending for hunk in hunks for line in hunk.lines}) > 1
    closed = not body or body.endswith("\n")
    floor = drift = 0
    remarks: list[str] = []
    for number, hunk in enumerate(hunks, 1):
        expected = max(floor, hunk.start - 1 + drift)
        place = _locate(lines, hunk, expected, floor)
        if place is None:
            raise _misfit(number, hunk, lines, name)
        size = len(hunk.old) - place.lead - place.trail
        new = _replacement(lines, hunk, place, own_endings)
        lines[place.index : place.index + size] = new
        floor = place.index + len(new)
        if hunk.new_ends and floor < len(lines):
            raise _misfit(number, hunk, lines, name)
        closed = not hunk.new_ends and (closed or hunk.old_ends)
        moved = place.index - place.lead - expected
        drift += moved + len(new) - size
        remarks += _remarks(number, moved, expected, place)
    return Patched(text[: len(text) - len(body)] + _joined(lines, ending, closed), tuple(remarks))


def _begins_file(lines: Sequence[str], number: int) -> bool:
    """Whether the header of a file is here, and not a removed line that begins with two dashes."""
    line = lines[number]
    following = lines[number + 1 : number + 3]
    if line.startswith("--- "):
        return len(following) == 2 and following[0].startswith("+++ ") and following[1].startswith("@@")
    if line.startswith("+++ ") and number > 0:
        return _begins_file(lines, number - 1) and lines[number - 1].startswith("--- ")
    return line.startswith(_PREAMBLE)


def _hunk(header: str) -> Hunk:
    found = _HEADER.match(header)
    if found is None:
        raise _unparsable(f"Invalid old range in hunk header: {header}")
    inserts_after = found[2] == "0"
    return Hunk(int(found[1]) + 1 if inserts_after else int(found[1]))


def _add(hunk: Hunk, line: str, number: int) -> None:
    text = line.removesuffix("\r")
    ending = "\n" if text == line else "\r\n"
    match text[:1]:
        case " " | "-" | "+" as operation:
            hunk.lines.append(HunkLine(operation, text[1:], ending))
        case "":
            hunk.lines.append(HunkLine(" ", "", ending))  # an empty context line that lost its space
        case "\\" if hunk.lines:
            last = hunk.lines[-1].operation
            hunk.old_ends |= last != "+"
            hunk.new_ends |= last != "-"
        case _:
            raise _unparsable(f"line {number} begins neither with a space nor with - or +: {line}")


def _unparsable(reason: str) -> ToolError:
    return ToolError(f"Failed to parse diff: {reason}", {"type": "invalid_argument"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a hunk fits: at `index`, with this many of its first and last context lines left out."""

    index: int
    lead: int = 0
    trail: int = 0
    loosely: bool = False


def _locate(lines: Sequence[str], hunk: Hunk, expected: int, floor: int) -> _Place | None:
    old = hunk.old
    if not old:
        return _Place(expected) if expected <= len(lines) else None
    last = len(lines) - len(old)
    at_end = hunk.old_ends or hunk.new_ends  # a side without a last line break is the end of the file
    for loosely, bare in ((False, _exact), (True, _without_whitespace)):
        found = _positions([bare(line) for line in lines], [bare(line) for line in old], floor)
        fitting = [index for index in found if index == last or not at_end]
        if fitting:
            return _Place(min(fitting, key=lambda index: abs(index - expected)), loosely=loosely)
    return _fuzzy(lines, hunk, floor)


def _fuzzy(lines: Sequence[str], hunk: Hunk, floor: int) -> _Place | None:
    """The only place where the hunk fits without some of its outermost context, if there is just one."""
    before, after = _context(hunk.lines), _context(hunk.lines[::-1])
    bare = [_exact(line) for line in lines]
    for fuzz in range(1, _MAX_FUZZ + 1):
        lead, trail = min(fuzz, before), min(fuzz, after)
        kept = hunk.lines[lead : len(hunk.lines) - trail]
        if not any(line.operation == " " for line in kept):
            return None
        found = _positions(bare, [line.text for line in kept if line.operation != "+"], floor)
        if len(found) == 1 and not hunk.old_ends:
            return _Place(found[0], lead, trail)
    return None


def _context(lines: Sequence[HunkLine]) -> int:
    """How many lines of context it begins with."""
    return next((index for index, line in enumerate(lines) if line.operation != " "), len(lines))


def _positions(lines: Sequence[str], wanted: Sequence[str], floor: int) -> list[int]:
    size = len(wanted)
    return [
        index
        for index in range(floor, len(lines) - size + 1)
        if lines[index] == wanted[0] and lines[index : index + size] == wanted
    ]


def _exact(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


def _without_whitespace(line: str) -> str:
    return "".join(line.split())


def _replacement(lines: Sequence[str], hunk: Hunk, place: _Place, own_endings: bool) -> list[str]:
    """The new lines. Context stays as it is in the file; added lines end like their neighbours, or as in the diff."""
    out: list[str] = []
    at = place.index
    for line in hunk.lines[place.lead : len(hunk.lines) - place.trail]:
        if line.operation == "+":
            ending = line.ending if own_endings else usual_ending("".join(lines[max(0, at - 2) : at + 1]))
            out.append(line.text + ending)
            continue
        if line.operation == " ":
            out.append(lines[at])
        at += 1
    return out


def _joined(lines: Sequence[str], ending: str, closed: bool) -> str:
    whole = [line if line.endswith("\n") else line + ending for line in lines]
    if whole and not closed:
        whole[-1] = _exact(whole[-1])
    return "".join(whole)


def _remarks(number: int, moved: int, expected: int, place: _Place) -> list[str]:
    remarks: list[str] = []
    if moved:
        remarks.append(f"hunk {number} was found at line {expected + moved + 1} instead of {expected + 1}")
    if place.loosely:
        remarks.append(f"hunk {number} fits only with other whitespace")
    if place.lead or place.trail:
        remarks.append(f"hunk {number} fits only without its outermost context lines")
    return remarks


def _misfit(number: int, hunk: Hunk, lines: Sequence[str], name: str) -> ToolError:
    if hunk.old:
        reason = describe_nearest("".join(lines), "\n".join(hunk.old))
    else:
        reason = f"The file has only {len(lines)} lines."
    return ToolError(
        f"Failed to apply patch: hunk {number} does not fit near line {hunk.start}. {reason}\n"
        f"Nothing was changed; make the diff for the text that {name} has now.",
        {"type": "invalid_argument", "path": name},
    )
