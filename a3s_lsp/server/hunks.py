"""Hunks as a client knows them: by the URIs of documents, and by ranges in the encoding agreed with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from a3s_lsp.engine.ledger import Hunk
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.session import Session
from a3s_lsp.server.language_server import A3SLanguageServer
from a3s_lsp.server.textdocuments import TextDocument
from a3s_lsp.server.uris import path_to_uri, uri_to_path


@dataclass(frozen=True, slots=True)
class PlacedHunk:
    """A hunk and where it is. `first` and `last` are the lines at which it is shown; one that only deleted something
    is shown at the line that follows."""

    session: Session
    hunk: Hunk
    uri: str
    range: types.Range
    current: str
    first: int
    last: int

    def touches(self, first: int, last: int) -> bool:
        """Whether it is shown at one of these lines."""
        return self.first <= last and first <= self.last

    @property
    def address(self) -> Json:
        """What a command needs to know to find it again."""
        return {"uri": self.uri, "hunkId": self.hunk.id, "sessionId": self.session.id}

    @property
    def shape(self) -> Json:
        """The hunk as docs/protocol.md has it."""
        return {
            **self.address,
            "runId": self.hunk.run_id,
            "toolId": self.hunk.call_id,
            "range": span_fields(self.range),
            "status": self.hunk.status,
            "label": self.hunk.label,
            "before": self.hunk.before,
            "after": self.current,
        }


class ClientHunks:
    """The hunks of all sessions that one client has open."""

    def __init__(self, server: A3SLanguageServer, sessions: Callable[[], Iterable[Session]]) -> None:
        self._server = server
        self._sessions = sessions

    def in_document(self, uri: str, sessions: Iterable[Session] | None = None) -> list[PlacedHunk]:
        """The hunks under review in a document, of these sessions or of all, from top to bottom."""
        path = self.path(uri)
        found = [hunk for session in self._these(sessions) if path for hunk in self.in_file(session, path)]
        return sorted(found, key=lambda placed: (placed.first, placed.last))

    def in_file(self, session: Session, path: str) -> list[PlacedHunk]:
        """The hunks of a session that are under review in a file."""
        live = session.review.ledger.live(path)
        if not live:
            return []
        text = self._text(session, path)
        return [self._placed(session, hunk, text) for hunk in live]

    def named(self, hunk_id: str, uri: str | None, sessions: Iterable[Session] | None = None) -> PlacedHunk | None:
        """The hunk of this id, whatever became of it. Two sessions may use the same ids: the document tells which."""
        having = [session for session in self._these(sessions) if hunk_id in session.review.ledger.hunks]
        found = [(session, session.review.ledger.hunks[hunk_id]) for session in having]
        path = None if uri is None else self.path(uri)
        found.sort(key=lambda pair: pair[1].path != path)
        return next((self._placed(session, hunk, self._text(session, hunk.path)) for session, hunk in found), None)

    def path(self, uri: str) -> str | None:
        """The file behind a URI as the engine names it, links followed."""
        path = uri_to_path(uri)
        return None if path is None else os.path.realpath(path)

    def uri(self, path: str) -> str:
        """The URI of a file as the client spells it: as it has opened it, else below the folder that it has opened."""
        document = self._open(path)
        if document is not None:
            return document.uri
        for root in self._server.roots():
            real = os.path.realpath(root)
            if Path(path).is_relative_to(real):
                return path_to_uri(root / Path(path).relative_to(real))
        return path_to_uri(Path(path))

    def _these(self, sessions: Iterable[Session] | None) -> Iterable[Session]:
        return self._sessions() if sessions is None else sessions

    def _open(self, path: str) -> TextDocument | None:
        document = self._server.documents.get(path_to_uri(Path(path)))
        if document is not None:
            return document
        return next((document for document in self._server.documents if self.path(document.uri) == path), None)

    def _text(self, session: Session, path: str) -> TextDocument:
        """The text that the offsets of the hunks are of; that is the open document but for the moment of an edit."""
        text = session.review.ledger.text(path) or ""
        document = self._open(path)
        if document is not None and document.text == text:
            return document
        return TextDocument(self.uri(path), "", 0, text)

    def _placed(self, session: Session, hunk: Hunk, text: TextDocument) -> PlacedHunk:
        span = text.range(hunk.start, hunk.end, self._server.documents.encoding)
        # Most editors do not show the empty line behind the last line end.
        shown = max(text.line_count - (2 if text.text.endswith(("\n", "\r")) else 1), 0)
        last = span.end.line - (span.end.character == 0 and span.end.line > span.start.line)
        current = text.text[hunk.start : hunk.end]
        return PlacedHunk(session, hunk, text.uri, span, current, min(span.start.line, shown), min(last, shown))


def span_fields(span: types.Range) -> Json:
    """A range as JSON."""
    return {
        "start": {"line": span.start.line, "character": span.start.character},
        "end": {"line": span.end.line, "character": span.end.character},
    }
