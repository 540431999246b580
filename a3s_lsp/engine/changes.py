"""Change sets: what a tool wants to do to files, as one value that can be shown, applied and undone."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from a3s_lsp.engine.texts import apply_edits, line_hunks, line_of, split_lines


@dataclass(frozen=True, slots=True)
class Change:
    """One file's whole text before and after; None means that the file is not there.

    `path` is absolute. Line endings and a byte order mark are part of the text. A file that is moved has the path from
    which it comes in `source`, and `before` is the text there; nothing may be at `path` yet.
    """

    path: str
    before: str | None
    after: str | None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """The changes of one tool call: applied whole or not at all, undone in one step."""

    label: str
    changes: tuple[Change, ...]

    def inverse(self, label: str) -> ChangeSet:
        """What takes this change set back."""
        return ChangeSet(label, tuple(_inverse(change) for change in reversed(self.changes)))

    def diff(self, root: Path) -> str:
        """A unified diff of all files, with paths relative to `root` where they are below it."""
        return "".join(_diff(change, root) for change in self.changes)

    def parts(self) -> tuple[Part, ...]:
        """The pieces that a person can accept one by one, in the order of the files and of their lines."""
        return tuple(part for change in self.changes for part in _parts(change))

    def only(self, accepted: Collection[int]) -> ChangeSet:
        """The change set with these parts alone, by their place in `parts`."""
        chosen: list[Change] = []
        first = 0
        for change in self.changes:
            count = len(_parts(change))
            mine = {index - first for index in accepted if first <= index < first + count}
            first += count
            if mine:
                chosen.append(_narrowed(change, mine))
        return replace(self, changes=tuple(chosen))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a change set: a hunk of a file that stays, or all that happens to a file that comes, goes or moves."""

    path: str
    header: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a change set: as it was made in the end, and what the model is to know of it.

    `changes` differs from what was asked for where it was carried over to newer text. `remarks` are sentences: about
    text that was typed meanwhile, what the editor made of the edit, a file that could not be rolled back.
    """

    changes: ChangeSet
    remarks: tuple[str, ...] = ()


def _is_whole(change: Change) -> bool:
    return change.before is None or change.after is None or change.source is not None


def _parts(change: Change) -> list[Part]:
    if _is_whole(change):
        what = "moved" if change.source else "created" if change.before is None else "deleted"
        return [Part(change.path, what)]
    before, after = change.before or "", change.after or ""
    parts: list[Part] = []
    shift = 0
    for hunk in line_hunks(before, after):
        old, new = split_lines(before[hunk.start : hunk.end]), split_lines(hunk.text)
        line = line_of(before, hunk.start)
        parts.append(Part(change.path, f"@@ -{line},{len(old)} +{line + shift},{len(new)} @@"))
        shift += len(new) - len(old)
    return parts


def _narrowed(change: Change, accepted: Collection[int]) -> Change:
    if _is_whole(change):
        return change
    before = change.before or ""
    hunks = line_hunks(before, change.after or "")
    return replace(change, after=apply_edits(before, [hunk for at, hunk in enumerate(hunks) if at in accepted]))


def _inverse(change: Change) -> Change:
    if change.source is None:
        return Change(change.path, change.after, change.before)
    return Change(change.source, change.after, change.before, source=change.path)


def _diff(change: Change, root: Path) -> str:
    name, old = _named(change.path, root), _named(change.source or change.path, root)
    moved = "" if change.source is None else f"rename from {old}\nrename to {name}\n"
    lines = difflib.unified_diff(
        _lines(change.before),
        _lines(change.after),
        "/dev/null" if change.before is None else f"a/{old}",
        "/dev/null" if change.after is None else f"b/{name}",
    )
    return moved + "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _named(path: str, root: Path) -> str:
    found = Path(path)
    return found.relative_to(root).as_posix() if found.is_relative_to(root) else found.as_posix()


def _lines(text: str | None) -> list[str]:
    """Lines as a diff counts them: parted at line feeds only, so that odd separators stay inside a line."""
    if not text:
        return []
    parts = text.split("\n")
    lines = [f"{part}\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines
