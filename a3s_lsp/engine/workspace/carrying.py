"""Carrying a change over to text that has moved on, and saying in words what became of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import StaleEdit
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Shown
from a3s_lsp.engine.texts import Overlap, rebase

_SHOWN_LINES = 20


def carried_over(change: Change, text: str | None, name: str) -> Change:
    """The change for a file that has this text now, None if it is not there. Raises StaleEdit, saying what there is."""
    if text == change.before:
        return change
    kind: Json = {"type": "version_conflict", "path": change.path}
    if text is None:
        raise StaleEdit(f"{name} was deleted since it was read; look at what became of it before you go on.", kind)
    if change.before is None:
        raise StaleEdit(f"{name} was created by someone else meanwhile; read it, and change it with edit.", kind)
    if change.after is None:
        difference = unified(change.before, text, "read", "now")
        raise StaleEdit(f"{name} was changed since it was read, so it was not deleted; look first:\n{difference}", kind)
    fresh = rebase(change.before, change.after, text)
    if isinstance(fresh, Overlap):
        raise StaleEdit(_in_the_way(name, fresh, change.before, text), kind)
    return replace(change, before=text, after=fresh)


def _in_the_way(name: str, overlap: Overlap, before: str, text: str) -> str:
    return (
        f"{name} was changed by someone else since it was read, at line {overlap.line}, which the edit touches too. "
        f"Nothing was changed. Keep the new text, and repeat the edit for it:\n{unified(before, text, 'read', 'now')}"
    )


def remarks(
    asked: ChangeSet, made: ChangeSet, shown: Sequence[Shown], display: Callable[[Path], str]
) -> tuple[str, ...]:
    """What is to be said about a change set that was applied."""
    return (*_carried(asked, made, display), *_altered(made, shown, display))


def _carried(asked: ChangeSet, made: ChangeSet, display: Callable[[Path], str]) -> Iterator[str]:
    for wanted, done in zip(asked.changes, made.changes, strict=True):
        if wanted.before != done.before:
            name = display(Path(done.path))
            yield f"{name} was changed by someone else meanwhile; the edit was carried over, and keeps their text."


def _altered(made: ChangeSet, shown: Sequence[Shown], display: Callable[[Path], str]) -> Iterator[str]:
    wanted = {change.source or change.path: change.after or "" for change in made.changes}
    for seen in shown:
        after = wanted.get(str(seen.path))
        if after is None or seen.text == after:
            continue
        name, difference = display(seen.path), unified(after, seen.text, "edit", "now")
        if not difference:  # line ends, which are the document's own
            continue
        if seen.cause == "editor":
            yield f"The editor itself changed {name} after the edit, as format on save does:\n{difference}"
        else:
            yield f"The person went on typing in {name}:\n{difference}"


def unified(old: str, new: str, old_name: str, new_name: str) -> str:
    """The first lines of a diff with little context."""
    diff = difflib.unified_diff(old.splitlines(), new.splitlines(), old_name, new_name, lineterm="", n=1)
    return "\n".join(islice(diff, _SHOWN_LINES))
