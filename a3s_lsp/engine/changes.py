"""Change sets: what a tool wants to do to files, as one value that can be shown, applied and undone."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Change:
    """One file's whole text before and after; None means that the file is not there.

    `path` is absolute. Line endings and a byte order mark are part of the text.
    """

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """The changes of one tool call: applied whole or not at all, undone in one step."""

    label: str
    changes: tuple[Change, ...]

    def inverse(self, label: str) -> ChangeSet:
        """What takes this change set back."""
        return ChangeSet(label, tuple(Change(c.path, c.after, c.before) for c in self.changes))

    def diff(self, root: Path) -> str:
        """A unified diff of all files, with paths relative to `root` where they are below it."""
        return "".join(_diff(change, root) for change in self.changes)


def _diff(change: Change, root: Path) -> str:
    path = Path(change.path)
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    lines = difflib.unified_diff(
        _lines(change.before),
        _lines(change.after),
        "/dev/null" if change.before is None else f"a/{name}",
        "/dev/null" if change.after is None else f"b/{name}",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str | None) -> list[str]:
    """Lines as a diff counts them: parted at line feeds only, so that odd separators stay inside a line."""
    if not text:
        return []
    parts = text.split("\n")
    lines = [f"{part}\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines
