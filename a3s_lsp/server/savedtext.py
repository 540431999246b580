"""What the disk has of an open document: whether its text is saved, and whether somebody else wrote the file since.

Nobody has to tell that the file changed: it is looked at when the answer is needed. That is a `stat`, and reading the
file only if the `stat` is another one.
"""

from __future__ import annotations

import os
import stat
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple, TypeAlias

from a3s_lsp.engine.workspace.encodings import decode

_RACY_NS = 2_000_000_000
"""A file that was written so short a time ago may be written again without another `stat`."""
_REMEMBERED = 8

_Stamp: TypeAlias = tuple[int, int, int, int]


class _Print(NamedTuple):
    """What tells one content from another, without keeping it."""

    length: int
    hash: int
    certain: bool = True
    """False if the encoding is not told by the bytes, and so might be another one for the editor."""


class SavedText:
    """The disk's side of one document. Without a path there is none, and all text is unsaved."""

    def __init__(self, path: Path | None, text: str) -> None:
        self._path = path
        self._stamp: _Stamp | None = None
        self._racy = True
        self._content: _Print | None = None
        self._earlier: deque[_Print] = deque(maxlen=_REMEMBERED)
        self._look()
        self._base: _Print | None
        self._saved: _Print | None
        # An editor also opens text that differs from the file: restored after a crash, or typed before we were there.
        self._base = self._saved = self._content
        self._in_step(text)

    def dirty(self, text: str) -> bool:
        """Whether this text, which the document has now, may be nowhere but in the editor."""
        self._look()
        self._in_step(text)
        return self._content is None or self._saved is None or not _is(text, self._saved)

    def behind(self, text: str) -> bool:
        """Whether the disk has got another text since the document was opened or saved."""
        self._look()
        self._in_step(text)
        return self._content is not None and self._content != self._base

    def changed(self, before: str, text: str) -> bool:
        """Take note of a change of the document; returns whether it was read from the disk again."""
        self._look()
        reloaded = (
            self._content is not None
            and self._saved is not None
            and _is(before, self._saved)
            and _is(text, self._content)
        )
        self._earlier.append(_print(before))
        self._in_step(text)
        return reloaded

    def saved(self, text: str) -> None:
        """Take note that the editor says that it has saved the document, which has this text."""
        self._racy = True
        self._look()
        content, earlier = self._content, tuple(self._earlier)
        self._earlier.clear()
        if content is None or not content.certain:
            # Written in another encoding, or to a place that is not seen from here.
            self._base, self._saved = content, _print(text)
        elif content in earlier:
            # The person went on typing meanwhile.
            self._base = self._saved = content
        else:
            # Unless it is this very text, somebody wrote the file after the editor had.
            self._base = self._saved = _print(text)
        self._in_step(text)

    def _in_step(self, text: str) -> None:
        """Whatever happened before: if the disk has the text of the document, all is saved."""
        if self._content is not None and _is(text, self._content):
            self._base = self._saved = self._content

    def _look(self) -> None:
        if self._path is None:
            return
        try:
            found = self._path.stat()
            stamp = (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
            if stamp == self._stamp and not self._racy:
                return
            self._content = _content(self._path) if stat.S_ISREG(found.st_mode) else None
        except OSError:
            self._stamp, self._content = None, None
            return
        self._stamp = stamp
        self._racy = abs(time.time_ns() - found.st_mtime_ns) < _RACY_NS


def _content(path: Path) -> _Print:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        data = file.read()
    decoded = decode(data)
    if decoded is None:
        return _Print(-1, hash(data), certain=False)
    return _print(decoded.text)._replace(certain=decoded.encoding != "latin-1")


def _print(text: str) -> _Print:
    text = text.removeprefix("\ufeff")
    return _Print(len(text), hash(text))


def _is(text: str, wanted: _Print) -> bool:
    # The hash of a long text takes a moment; most texts that differ differ in length.
    if len(text) - text.startswith("\ufeff") != wanted.length:
        return False
    return hash(text.removeprefix("\ufeff")) == wanted.hash
