"""An editor in memory: open documents with versions, and refusals on demand. A real double, for tests and for users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from a3s_lsp.engine.errors import EditRefused, StaleEdit
from a3s_lsp.engine.ports import BufferEdit, Document


class MemoryEditor:
    """Implements `ports.Editor`. `applied` has every step taken; `open`, `type` and `save` play the person."""

    def __init__(self) -> None:
        self.applied: list[tuple[str, tuple[BufferEdit, ...]]] = []
        self._documents: dict[Path, Document] = {}
        self._refusal: str | None = None

    def open(self, path: Path, text: str | None = None) -> None:
        """Open a file; with `text` as a buffer that the disk does not have."""
        shown = path.read_bytes().decode() if text is None else text
        self._documents[path] = Document(path, shown, version=1, dirty=text is not None)

    def type(self, path: Path, text: str) -> None:
        """Replace the whole text of an open document, as a person who edits does."""
        document = self._opened(path)
        self._documents[document.path] = replace(document, text=text, version=(document.version or 0) + 1, dirty=True)

    def save(self, path: Path) -> None:
        """Write an open document to the disk."""
        document = self._opened(path)
        document.path.write_bytes(document.text.encode())
        self._documents[document.path] = replace(document, dirty=False)

    def close(self, path: Path) -> None:
        """Close a document; unsaved text is lost."""
        del self._documents[self._opened(path).path]

    def refuse(self, reason: str | None) -> None:
        """Refuse edits with this reason from now on; None takes them again."""
        self._refusal = reason

    def text(self, path: Path) -> str:
        """The text of an open document."""
        return self._opened(path).text

    def document(self, path: Path) -> Document | None:
        return self._documents.get(path)

    def documents(self) -> Sequence[Document]:
        return tuple(self._documents.values())

    async def apply(self, label: str, edits: Sequence[BufferEdit]) -> None:
        if self._refusal is not None:
            raise EditRefused(f"The editor did not apply '{label}': {self._refusal}.")
        for edit in edits:
            document = self._documents.get(edit.path)
            if document is None or document.version != edit.version:
                raise StaleEdit(f"{edit.path} was changed in the editor meanwhile; read it again and repeat the edit.")
        for edit in edits:
            self.type(edit.path, edit.after)
        self.applied.append((label, tuple(edits)))

    def _opened(self, path: Path) -> Document:
        return self._documents[path]
