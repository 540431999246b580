"""Open text documents, exactly as the editor has them.

LSP ends lines at `\\n`, `\\r\\n` and a lone `\\r`, and at nothing else; `str.splitlines` knows seven more. Offsets
here are indexes into the Python string, positions are in the encoding agreed with the client.
"""

from __future__ import annotations

import asyncio
import logging
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lsprotocol import types

from a3s_lsp.engine.texts import LINE_END
from a3s_lsp.server.uris import uri_key, uri_to_path

Encoding: TypeAlias = Literal["utf-8", "utf-16", "utf-32"]

_log = logging.getLogger(__name__)
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


class TextDocument:
    """One open document. `uri` is spelled as the client spells it."""

    def __init__(self, uri: str, language_id: str, version: int, text: str) -> None:
        self.uri = uri
        self.language_id = language_id
        self.version = version
        self.dirty = False
        """Whether this text may be nowhere but in the editor."""
        self._replace_all(text)

    def __repr__(self) -> str:
        return f"TextDocument({self.uri!r}, version={self.version})"

    @property
    def text(self) -> str:
        """The whole text."""
        return self._text

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


def _differs_from_disk(uri: str, text: str) -> bool:
    path = uri_to_path(uri)
    if path is None:
        return True
    try:
        data = path.read_bytes() if path.is_file() else None
    except OSError:
        return True
    return data is None or data.removeprefix(b"\xef\xbb\xbf") != text.encode("utf-8", "surrogatepass")


class DocumentClosed(LookupError):
    """The document is not open (any more)."""

    def __init__(self, uri: str) -> None:
        super().__init__(f"The document {uri} is not open in the editor.")


@dataclass(frozen=True, slots=True)
class _Waiter:
    key: str
    beyond_version: int
    future: asyncio.Future[TextDocument]


class Documents:
    """The open documents by URI, however it is spelled. `encoding` is the one agreed with the client."""

    def __init__(self) -> None:
        self.encoding: Encoding = "utf-16"
        self._open: dict[str, TextDocument] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._waiters: list[_Waiter] = []

    def __iter__(self) -> Iterator[TextDocument]:
        return iter(tuple(self._open.values()))

    def __len__(self) -> int:
        return len(self._open)

    def get(self, uri: str) -> TextDocument | None:
        """The open document, or None."""
        return self._open.get(uri_key(uri))

    def open(self, params: types.DidOpenTextDocumentParams) -> None:
        """Take in a document that the editor opened; one that was open already is replaced."""
        item = params.text_document
        key = uri_key(item.uri)
        if key in self._open:
            _log.warning("The editor opened %s again without closing it; the new text is taken.", item.uri)
        document = TextDocument(item.uri, item.language_id, item.version, item.text)
        # Editors also open what was changed before: restored after a crash, or typed before the server was there.
        document.dirty = _differs_from_disk(item.uri, item.text)
        self._open[key] = document
        self._wake(key, document)

    def change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Apply what was typed, then wake who waits for it, then call the listeners."""
        uri, version = params.text_document.uri, params.text_document.version
        key = uri_key(uri)
        document = self._open.get(key)
        if document is None:
            _log.warning("The editor changed %s, which is not open; the change is ignored.", uri)
            return
        document.apply(params.content_changes, self.encoding)
        document.version = version
        document.dirty = True
        self._wake(key, document)
        for listener in tuple(self._listeners):
            listener(document.uri)

    def save(self, params: types.DidSaveTextDocumentParams) -> None:
        """Note that the text of a document is on the disk now."""
        document = self.get(params.text_document.uri)
        if document is not None:
            document.dirty = False

    def close(self, params: types.DidCloseTextDocumentParams) -> None:
        """Forget a document; who waits for its next version gets DocumentClosed."""
        uri = params.text_document.uri
        key = uri_key(uri)
        if self._open.pop(key, None) is None:
            _log.warning("The editor closed %s, which was not open.", uri)
        for waiter in self._waiters:
            if waiter.key == key and not waiter.future.done():
                waiter.future.set_exception(DocumentClosed(uri))

    def on_change(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Have a listener called with the URI after each change of a document; the result ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def changed(self, uri: str, beyond_version: int, timeout: float) -> TextDocument:  # noqa: ASYNC109
        """Wait until the document has a later version than that. Raises TimeoutError and DocumentClosed.

        The time limit is an argument, because there must be one: a client need not keep its word.
        """
        key = uri_key(uri)
        document = self._open.get(key)
        if document is None:
            raise DocumentClosed(uri)
        if document.version > beyond_version:
            return document
        waiter = _Waiter(key, beyond_version, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout):
                return await waiter.future
        finally:
            self._waiters.remove(waiter)

    def _wake(self, key: str, document: TextDocument) -> None:
        for waiter in self._waiters:
            if waiter.key == key and document.version > waiter.beyond_version and not waiter.future.done():
                waiter.future.set_result(document)
