"""An open document as an editor keeps it: text, versions, a history to undo and redo, and what the disk had."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

Encoding: TypeAlias = Literal["utf-8", "utf-16"]
Place: TypeAlias = dict[str, int]

_LINE_END = re.compile(r"\r\n|\r|\n")
_BOM = "\ufeff"


class Splice(NamedTuple):
    """The text between two offsets, replaced."""

    start: int
    end: int
    text: str


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text with splices of it that lie apart, in whatever order they are given."""
    for splice in sorted(splices, reverse=True):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


def moved(offset: int, splices: Iterable[Splice]) -> int:
    """Where a cursor stands after the splices: what is put in at its place is before it."""
    shift = 0
    for splice in splices:
        if splice.end <= offset:
            shift += len(splice.text) - (splice.end - splice.start)
        elif splice.start < offset:
            return splice.start + shift
    return offset + shift


def difference(before: str, after: str) -> list[Splice]:
    """One splice from the one text to the other, none if they are equal."""
    if before == after:
        return []
    top = 0
    while top < min(len(before), len(after)) and before[top] == after[top]:
        top += 1
    bottom = 0
    while bottom < min(len(before), len(after)) - top and before[-1 - bottom] == after[-1 - bottom]:
        bottom += 1
    # No position points between the two characters of a line end.
    if top and before[top - 1] == "\r":
        top -= 1
    if bottom and before[len(before) - bottom] == "\n":
        bottom -= 1
    return [Splice(top, len(before) - bottom, after[top : len(after) - bottom])]


@dataclass(slots=True)
class Step:
    """What one undo takes back."""

    before: str
    after: str


@dataclass(slots=True)
class Buffer:
    """One open document. `base` is the text that it was read from the disk with, or saved as, None if it is new."""

    path: Path
    encoding: Encoding
    text: str
    base: str | None
    version: int
    bom: bool = False
    undo_steps: list[Step] = field(default_factory=list)
    redo_steps: list[Step] = field(default_factory=list)
    remembered: set[str] = field(default_factory=set)
    """Texts that only a history kept as a tree can bring back."""
    merging: bool = False
    """Whether what is typed next belongs to the step before."""

    @classmethod
    def read(cls, path: Path, encoding: Encoding, version: int) -> Buffer:
        """The document of a file, or a new one if there is no such file."""
        text = on_disk(path)
        shown = (text or "").removeprefix(_BOM)
        return cls(path, encoding, shown, None if text is None else shown, version, (text or "").startswith(_BOM))

    @property
    def uri(self) -> str:
        return self.path.as_uri()

    @property
    def dirty(self) -> bool:
        """Whether the person would be asked before it is closed."""
        return self.text != (self.base or "")

    @property
    def line_end(self) -> str:
        """What a new line ends with."""
        found = _LINE_END.search(self.text)
        return "\r\n" if found and found.group() == "\r\n" else "\n"

    def history(self) -> list[str]:
        """Every text that undo and redo can bring back."""
        steps = (*self.undo_steps, *self.redo_steps)
        return [text for step in steps for text in (step.before, step.after)] + list(self.remembered)

    def take(self, text: str, *, merge: bool = False, tree: bool = False) -> None:
        """Have another text, as a step of its own or as part of the one before."""
        if merge and self.merging and self.undo_steps:
            self.undo_steps[-1].after = text
        else:
            self.undo_steps.append(Step(self.text, text))
        if tree:
            self.remembered.update(t for step in self.redo_steps for t in (step.before, step.after))
        self.redo_steps.clear()
        self.merging = merge
        self.text = text

    def undo(self) -> None:
        """Go back one step, if there is one."""
        self.merging = False
        if self.undo_steps:
            self.redo_steps.append(step := self.undo_steps.pop())
            self.text = step.before

    def redo(self) -> None:
        """Go forth one step, if there is one."""
        self.merging = False
        if self.redo_steps:
            self.undo_steps.append(step := self.redo_steps.pop())
            self.text = step.after

    def changed_on_disk(self) -> bool:
        """Whether the disk has neither this text nor the one that it had when it was last looked at."""
        text = self.disk_text()
        return text not in (self.base, self.text)

    def disk_text(self) -> str | None:
        """What the file has, as it would be shown."""
        text = on_disk(self.path)
        return None if text is None else text.removeprefix(_BOM)

    def file_text(self) -> str:
        """What saving writes."""
        return (_BOM if self.bom else "") + self.text

    def starts(self) -> list[int]:
        """Where each line starts."""
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def line(self, number: int) -> tuple[int, int]:
        """Where a line starts and where its text ends; lines beyond the last are counted from the first again."""
        starts = self.starts()
        number %= len(starts)
        return starts[number], _content_end(self.text, starts, number)

    def spot(self, line: int, column: int) -> int:
        """An offset where a person can put the cursor."""
        start, end = self.line(line)
        return start + column % (end - start + 1)


def on_disk(path: Path) -> str | None:
    """The text of a file, or None if there is none."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None


def place(text: str, offset: int, encoding: Encoding) -> Place:
    """The position of an offset, counted the slow and sure way."""
    line_starts = [0, *(m.end() for m in _LINE_END.finditer(text) if m.end() <= offset)]
    content = text[line_starts[-1] : offset]
    return {"line": len(line_starts) - 1, "character": _units(content, encoding)}


def span(text: str, splice: Splice, encoding: Encoding) -> dict[str, Place]:
    """The range that a splice replaces."""
    return {"start": place(text, splice.start, encoding), "end": place(text, splice.end, encoding)}


def spots(text: str, position: Place, encoding: Encoding) -> int:
    """The offset of a position, counted the slow and sure way."""
    starts = [0, *(m.end() for m in _LINE_END.finditer(text))]
    if position["line"] >= len(starts):
        return len(text)
    at = starts[position["line"]]
    end = _content_end(text, starts, position["line"])
    while at < end and _units(text[starts[position["line"]] : at + 1], encoding) <= position["character"]:
        at += 1
    return at


def _content_end(text: str, starts: Sequence[int], line: int) -> int:
    if line + 1 == len(starts):
        return len(text)
    return starts[line + 1] - (2 if text.startswith("\r\n", starts[line + 1] - 2) else 1)


def _units(text: str, encoding: Encoding) -> int:
    return len(text.encode("utf-8")) if encoding == "utf-8" else len(text.encode("utf-16-le")) // 2
