"""A window of lines out of a text of any size, without taking the rest into memory."""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from typing import BinaryIO

LINE_CHARACTERS = 2_000
"""How much of one line is shown."""

SCAN_BYTES = 256 * 1024 * 1024
"""How far is read beyond what is shown, to tell how much more there is."""

_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its ending; `cut` bytes of it are not in `text`."""

    text: str
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """Some lines of a text. `total` counts all lines of it, None if it is too long to be counted."""

    lines: tuple[Line, ...]
    total: int | None


def window(file: BinaryIO, offset: int, limit: int) -> Window:
    """The lines from `offset` (counted from 0) on, at most `limit`. UnicodeDecodeError if they are not UTF-8."""
    passed = _skip(file, offset)
    lines: list[Line] = []
    if passed == offset:
        while len(lines) < limit and (line := _line(file)) is not None:
            lines.append(line)
    shown = passed + len(lines)
    if lines and lines[-1].cut >= SCAN_BYTES:
        return Window(tuple(lines), None)
    rest = _count(file)
    return Window(tuple(lines), None if rest is None else shown + rest)


def _skip(file: BinaryIO, lines: int) -> int:
    """Go past this many lines; returns how many there were."""
    passed = 0
    unfinished = False
    while passed < lines:
        piece = file.read(_PIECE)
        if not piece:
            return passed + unfinished
        found = piece.count(b"\n")
        if passed + found >= lines:
            end = -1
            for _ in range(lines - passed):
                end = piece.index(b"\n", end + 1)
            file.seek(end + 1 - len(piece), os.SEEK_CUR)
            return lines
        passed += found
        unfinished = not piece.endswith(b"\n")
    return passed


def _line(file: BinaryIO) -> Line | None:
    data = file.readline(4 * LINE_CHARACTERS + 2)
    if not data:
        return None
    beyond = 0
    piece = data
    while not piece.endswith(b"\n") and beyond < SCAN_BYTES and (piece := file.readline(_PIECE)):
        beyond += len(piece.rstrip(b"\r\n"))
    body = data.removesuffix(b"\n").removesuffix(b"\r")
    text = codecs.getincrementaldecoder("utf-8")().decode(body, final=beyond == 0)
    shown = text[:LINE_CHARACTERS]
    return Line(shown, len(body) - len(shown.encode()) + beyond)


def _count(file: BinaryIO) -> int | None:
    """How many lines follow, or None if that takes too much reading."""
    lines = scanned = 0
    unfinished = False
    while piece := file.read(_PIECE):
        lines += piece.count(b"\n")
        unfinished = not piece.endswith(b"\n")
        scanned += len(piece)
        if scanned >= SCAN_BYTES:
            return None
    return lines + unfinished
