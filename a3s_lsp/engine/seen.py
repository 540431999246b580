"""What the model knows of the texts of files: a file that it writes whole was made for that text, and no other."""

from __future__ import annotations

from pathlib import Path

from a3s_lsp.engine.changes import Change
from a3s_lsp.engine.texts import Overlap, rebase


class Seen:
    """The texts as the model has seen them last. What a call reads is known from the next turn on: the calls beside it
    were made without it."""

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}
        self._fresh: dict[Path, str | None] = {}

    def copy(self) -> Seen:
        """The same knowledge, to go on from apart."""
        other = Seen()
        other._known, other._fresh = dict(self._known), dict(self._fresh)
        return other

    def text(self, path: Path) -> str | None:
        """The text that the model knows; None if it knows none."""
        return self._known.get(path)

    def read(self, path: Path, text: str | None) -> None:
        """A call reads the file; None if it is too large to be written whole."""
        self._fresh[path] = text

    def begin_turn(self) -> None:
        """The model gets the results of all calls so far."""
        for path, text in self._fresh.items():
            self._put(path, text)
        self._fresh.clear()

    def changed(self, change: Change) -> None:
        """The model knows its own change, in the text that it had seen, and nothing that others wrote meanwhile."""
        old, new = Path(change.source or change.path), Path(change.path)
        self._put(new, _changed(self._known.pop(old, None), change))
        if old in self._fresh:
            self._fresh[new] = _changed(self._fresh.pop(old), change)

    def _put(self, path: Path, text: str | None) -> None:
        if text is None:
            self._known.pop(path, None)
        else:
            self._known[path] = text


def _changed(text: str | None, change: Change) -> str | None:
    if change.before is None:
        return change.after
    if text is None or change.after is None:
        return None
    fresh = rebase(change.before, change.after, text)
    return None if isinstance(fresh, Overlap) else fresh
