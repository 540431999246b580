"""Open text documents, exactly as the editor has them.

LSP ends lines at `\\n`, `\\r\\n` and a lone `\\r`, and at nothing else; `str.splitlines` knows seven more. Offsets
here are indexes into the Python string, positions are in the encoding agreed with the client.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lsprotocol import types

from a3s_lsp.engine.texts import LINE_END
from a3s_lsp.server.savedtext import SavedText
from a3s_lsp.server.uris import uri_key, uri_to_path

Encoding: TypeAlias = Literal["utf-8", "utf-16", "utf-32"]

_log = logging.getLogger(__name__)
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


class TextDocument:
    """One open document. `uri` is spelled as the client spells it; `disk` is the file behind it."""

    def __init__(self, uri: str, language_id: str, version: int, text: str, disk: SavedText | None = None) -> None:
        self.uri = uri
        self.language_id = language_id
        self.version = version
        self.disk = disk
        self._replace_all(text)

    def __repr__(self) -> str:
        return f"TextDocument({self.uri!r}, version={self.version})"

    @property
    def text(self) -> str:
        """The whole text."""
        return self._text

    @property
    def dirty(self) -> bool:
        """Whether this text may be nowhere but in the editor."""
        return self.disk is None or self.disk.dirty(self._text)

    @property
    def behind(self) -> bool:
        """Whether the disk has got another text since the document was opened or saved."""
        return self.disk is not None and self.disk.behind(self._text)

    @property
    def line_count(self) -> int:
        """The number of lines; behind a line end at the end of the text there is one more, empty line."""
        return len(self._starts)

    def apply(self, changes: Iterable[types.TextDocumentContentChangeEvent], encoding: Encoding) -> None:
        """Apply changes one after the other: the range of each is in the text that the one before it left."""
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                start = self.offset(change.range.start, encoding)
                end = self.offset(change.range.end, encoding)
                self._splice(min(start, end), max(start, end), change.text)
            else:
                self._replace_all(change.text)

    def offset(self, position: types.Position, encoding: Encoding) -> int:
        """The offset of a position. Past the end of a line is its end, past the last line the end of the text, and
        inside a character is before it."""
        if position.line >= len(self._starts):
            return len(self._text)
        start = self._starts[position.line]
        # No character has less than one unit, so that no more of the line than this can matter.
        content = self._text[start : min(self._content_end(position.line), start + position.character)]
        if encoding == "utf-32" or content.isascii():
            return start + len(content)
        count = _count_utf16 if encoding == "utf-16" else _count_utf8
        return start + count(content, position.character)

    def position(self, offset: int, encoding: Encoding) -> types.Position:
        """The position of an offset. Inside a line end is before it, outside of the text is its nearer end."""
        offset = max(0, min(offset, len(self._text)))
        line = bisect_right(self._starts, offset) - 1
        content = self._text[self._starts[line] : min(offset, self._content_end(line))]
        return types.Position(line, _units(content, encoding))

    def range(self, start: int, end: int, encoding: Encoding) -> types.Range:
        """The range between two offsets."""
        return types.Range(self.position(start, encoding), self.position(end, encoding))

    def _content_end(self, line: int) -> int:
        if line + 1 == len(self._starts):
            return len(self._text)
        end = self._starts[line + 1]
        return end - (2 if self._text.startswith("\r\n", end - 2) else 1)

    def _replace_all(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in LINE_END.finditer(text))]

    def _splice(self, start: int, end: int, new: str) -> None:
        """Replace a part of the text, and look for lines only around it."""
        starts = self._starts
        # One line more to the left, because the change can put a \n right behind the lone \r that ends that line.
        first = max(bisect_right(starts, start) - 2, 0)
        untouched = bisect_right(starts, end)
        moved = len(new) - (end - start)
        self._text = self._text[:start] + new + self._text[end:]
        tail = [at + moved for at in starts[untouched:]]
        stop = tail[0] if tail else len(self._text)
        fresh = [match.end() for match in LINE_END.finditer(self._text, starts[first], stop)]
        if tail:
            fresh.pop()  # the start of the first untouched line
        self._starts = [*starts[: first + 1], *fresh, *tail]


def _count_utf16(content: str, units: int) -> int:
    """How many whole characters fit into so many UTF-16 units."""
    surplus = 0
    for match in _ASTRAL.finditer(content):
        unit = match.start() + surplus
        if unit + 1 == units:
            return match.start()
        if unit >= units:
            break
        surplus += 1
    return min(units - surplus, len(content))


def _count_utf8(content: str, units: int) -> int:
    """How many whole characters fit into so many UTF-8 bytes."""
    encoded = content.encode("utf-8", "surrogatepass")
    whole = len(encoded[:units].translate(None, _CONTINUATION_BYTES))
    cut = units < len(encoded) and encoded[units] in _CONTINUATION_BYTES
    return whole - cut


def _units(content: str, encoding: Encoding) -> int:
    if encoding == "utf-32" or content.isascii():
        return len(content)
    if encoding == "utf-16":
        return len(content.encode("utf-16-le", "surrogatepass")) // 2
    return len(content.encode("utf-8", "surrogatepass"))


HappeningKind: TypeAlias = Literal["opened", "changed", "reloaded", "saving", "saved", "closed"]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that the editor told of a document, after it was taken note of. `saving` comes before `saved`, and in
    between the editor may change the text; `reloaded` is a change by which it took over what the disk had."""

    kind: HappeningKind
    document: TextDocument


class Documents:
    """The open documents by URI, however it is spelled. `encoding` is the one agreed with the client."""

    def __init__(self) -> None:
        self.encoding: Encoding = "utf-16"
        self._open: dict[str, TextDocument] = {}
        self._listeners: list[Callable[[Happening], None]] = []

    def __iter__(self) -> Iterator[TextDocument]:
        return iter(tuple(self._open.values()))

    def __len__(self) -> int:
        return len(self._open)

    def get(self, uri: str) -> TextDocument | None:
        """The open document, or None."""
        return self._open.get(uri_key(uri))

    def subscribe(self, listener: Callable[[Happening], None]) -> Callable[[], None]:
        """Have everything told that happens to documents, in the moment when it is received; the result ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def open(self, params: types.DidOpenTextDocumentParams) -> None:
        """Take in a document that the editor opened; one that was open already is replaced."""
        item = params.text_document
        key = uri_key(item.uri)
        if key in self._open:
            _log.warning("The editor opened %s again without closing it; the new text is taken.", item.uri)
        disk = SavedText(uri_to_path(item.uri), item.text)
        document = TextDocument(item.uri, item.language_id, item.version, item.text, disk)
        self._open[key] = document
        self._tell(Happening("opened", document))

    def change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Apply what was typed."""
        document = self._known(params.text_document.uri, "changed")
        if document is None:
            return
        before = document.text
        document.apply(params.content_changes, self.encoding)
        document.version = params.text_document.version
        reloaded = document.disk is not None and document.disk.changed(before, document.text)
        self._tell(Happening("reloaded" if reloaded else "changed", document))

    def will_save(self, params: types.WillSaveTextDocumentParams) -> None:
        """Note that a document is about to be saved."""
        document = self._known(params.text_document.uri, "is about to save")
        if document is not None:
            self._tell(Happening("saving", document))

    def save(self, params: types.DidSaveTextDocumentParams) -> None:
        """Note that the text of a document is on the disk now."""
        document = self._known(params.text_document.uri, "saved")
        if document is None:
            return
        if document.disk is not None:
            document.disk.saved(document.text)
        self._tell(Happening("saved", document))

    def close(self, params: types.DidCloseTextDocumentParams) -> None:
        """Forget a document."""
        document = self._known(params.text_document.uri, "closed")
        if document is not None:
            del self._open[uri_key(document.uri)]
            self._tell(Happening("closed", document))

    def _known(self, uri: str, what: str) -> TextDocument | None:
        document = self.get(uri)
        if document is None:
            _log.warning("The editor %s %s, which is not open; that is ignored.", what, uri)
        return document

    def _tell(self, happening: Happening) -> None:
        for listener in tuple(self._listeners):
            listener(happening)
