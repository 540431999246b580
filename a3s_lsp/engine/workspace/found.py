"""What is searched for, and what is found, as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for below `path`, a file or a folder. With `replacement` each span gets the text to put there."""

    pattern: str
    path: Path
    glob: str | None = None
    literal: bool = False
    ignore_case: bool = False
    whole_word: bool = False
    context: int = 0
    replacement: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """One match, as byte offsets into the file's UTF-8 text, and the bytes found there."""

    start: int
    end: int
    match: bytes
    replacement: bytes | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A line (or lines) with matches, or one of its neighbours; `number` counts from 1."""

    number: int
    text: str
    is_match: bool
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class FileHits:
    """What was found in one file, in order."""

    path: Path
    lines: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """All files with matches, sorted by path. Not `complete`: there was more than can be handled at once."""

    files: tuple[FileHits, ...]
    complete: bool = True
