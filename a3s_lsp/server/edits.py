"""The editor as the engine sees it: its open documents, and edits that it confirms by what it sends next."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types

from a3s_lsp.engine.errors import EditRefused, StaleEdit
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import BufferEdit, Document
from a3s_lsp.engine.texts import minimal_edits
from a3s_lsp.server.language_server import A3SLanguageServer
from a3s_lsp.server.textdocuments import DocumentClosed, TextDocument
from a3s_lsp.server.uris import uri_to_path

logger = logging.getLogger(__name__)

CONFIRM_SECONDS = 5.0
"""How long the `didChange` may take that `applied: true` promises."""
SETTLE_SECONDS = 0.3
"""How long the rest of a change may take once its first part has come."""


class ClientEditor:
    """Implements `ports.Editor` on the documents and requests of one client."""

    def __init__(self, server: A3SLanguageServer) -> None:
        self._server = server

    def document(self, path: Path) -> Document | None:
        found = self._open(path)
        return None if found is None else _as_document(path, found)

    def documents(self) -> Sequence[Document]:
        named = ((uri_to_path(document.uri), document) for document in self._server.documents)
        return [_as_document(path, document) for path, document in named if path is not None]

    async def apply(self, label: str, edits: Sequence[BufferEdit]) -> None:
        edits = [edit for edit in edits if edit.before != edit.after]
        if not edits:
            return
        documents = [self._current(edit) for edit in edits]
        answer = await self._server.request(
            types.WORKSPACE_APPLY_EDIT, {"label": label, "edit": self._workspace_edit(documents, edits)}
        )
        if not (isinstance(answer, dict) and answer.get("applied") is True):
            reason = answer.get("failureReason") if isinstance(answer, dict) else None
            raise EditRefused(f"The editor did not apply '{label}': {reason or 'it gave no reason'}.")
        for document, edit in zip(documents, edits, strict=True):
            await self._confirmed(document.uri, edit)

    def _current(self, edit: BufferEdit) -> TextDocument:
        document = self._open(edit.path)
        if document is None or document.version != edit.version or document.text != edit.before:
            raise StaleEdit(
                f"{edit.path} was changed in the editor meanwhile; read it again and repeat the edit.",
                {"type": "version_conflict", "path": str(edit.path)},
            )
        return document

    def _workspace_edit(self, documents: Sequence[TextDocument], edits: Sequence[BufferEdit]) -> Json:
        changes = [
            (document, self._text_edits(document, edit)) for document, edit in zip(documents, edits, strict=True)
        ]
        if not self._versioned():
            return {"changes": {document.uri: pieces for document, pieces in changes}}
        return {
            "documentChanges": [
                {"textDocument": {"uri": document.uri, "version": document.version}, "edits": pieces}
                for document, pieces in changes
            ]
        }

    def _text_edits(self, document: TextDocument, edit: BufferEdit) -> list[Json]:
        encoding = self._server.documents.encoding
        pieces: list[Json] = []
        for piece in minimal_edits(edit.before, edit.after):
            span = document.range(piece.start, piece.end, encoding)
            pieces.append({"range": _position_pair(span), "newText": piece.text})
        return pieces

    def _versioned(self) -> bool:
        workspace = self._server.client_capabilities.workspace
        edit = workspace.workspace_edit if workspace else None
        return bool(edit and edit.document_changes)

    async def _confirmed(self, uri: str, edit: BufferEdit) -> None:
        """Wait for the text that the editor has now, and compare. Some editors tell one edit in several changes."""
        version, patience = edit.version, CONFIRM_SECONDS
        try:
            while True:
                document = await self._server.documents.changed(uri, version, patience)
                if document.text == edit.after:
                    return
                version, patience = document.version, SETTLE_SECONDS
        except TimeoutError:
            if version == edit.version:
                raise EditRefused(
                    f"The editor said that it changed {edit.path}, but did not send the change; look at the file."
                ) from None
            # A formatter, auto-pairs, or the person who went on typing: theirs to do, ours to know.
            logger.warning("%s differs from what was asked for after the edit", edit.path)
        except DocumentClosed:
            raise EditRefused(f"{edit.path} was closed while it was being changed; look at the file.") from None

    def _open(self, path: Path) -> TextDocument | None:
        return self._server.documents.get(path.as_uri())


def _as_document(path: Path, document: TextDocument) -> Document:
    return Document(path, document.text, document.version, document.dirty)


def _position_pair(span: types.Range) -> Json:
    return {
        "start": {"line": span.start.line, "character": span.start.character},
        "end": {"line": span.end.line, "character": span.end.character},
    }
