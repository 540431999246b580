"""An editor in memory: open documents with versions, and refusals on demand. A real double, for tests and for users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from a3s_lsp.engine.errors import EditRefused, StaleEdit
from a3s_lsp.engine.facts import Cause
from a3s_lsp.engine.ports import BufferEdit, Diagnostic, Document, FileMove, Shown, TextChange


class MemoryEditor:
    """Implements `ports.Editor`. `applied` has every step taken; `open`, `type`, `undo` and `save` play the person.

    Set `formatter` to have it change texts right after an edit, `keystroke` to type just before one, and `linter` to
    have it know the problems of its documents.
    """

    def __init__(self) -> None:
        self.applied: list[tuple[str, tuple[BufferEdit, ...]]] = []
        self.formatter: Callable[[str], str] | None = None
        self.keystroke: Callable[[], None] | None = None
        self.linter: Callable[[str], Sequence[Diagnostic]] | None = None
        self.saves = True
        self._documents: dict[Path, Document] = {}
        self._undo: dict[Path, list[str]] = {}
        self._listeners: list[Callable[[TextChange], None]] = []
        self._refusal: str | None = None

    # ------------------------------------------------------------ the person

    def open(self, path: Path, text: str | None = None) -> None:
        """Open a file; with `text` as a buffer that the disk does not have."""
        shown = path.read_bytes().decode() if text is None else text
        self._documents[path] = Document(path, shown, version=1, dirty=text is not None)
        self._undo[path] = []

    def type(self, path: Path, text: str, cause: Cause = "person") -> None:
        """Replace the whole text of an open document, as a person who edits does."""
        document = self._opened(path)
        self._undo[path].append(document.text)
        self._set(path, text, cause)

    def undo(self, path: Path) -> None:
        """Take back the last step of an open document."""
        self._set(path, self._undo[path].pop(), "person")

    def save(self, path: Path) -> None:
        """Write an open document to the disk."""
        document = self._opened(path)
        document.path.write_bytes(document.text.encode())
        self._documents[document.path] = replace(document, dirty=False)

    def close(self, path: Path) -> None:
        """Close a document; unsaved text is lost."""
        del self._documents[self._opened(path).path]
        self._tell(TextChange(path, None, "person"))

    def refuse(self, reason: str | None) -> None:
        """Refuse edits with this reason from now on; None takes them again."""
        self._refusal = reason

    def text(self, path: Path) -> str:
        """The text of an open document."""
        return self._opened(path).text

    # ------------------------------------------------------------ the port

    can_move = True

    def document(self, path: Path) -> Document | None:
        return self._documents.get(path)

    def documents(self) -> Sequence[Document]:
        return tuple(self._documents.values())

    def subscribe(self, listener: Callable[[TextChange], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def watch(self, paths: Sequence[Path]) -> None:
        """The disk is not watched: a test knows what it does."""

    async def apply(self, label: str, edits: Sequence[BufferEdit], moves: Sequence[FileMove] = ()) -> Sequence[Shown]:
        if self.keystroke is not None:
            self.keystroke()
        if self._refusal is not None:
            raise EditRefused(f"The editor did not apply '{label}': {self._refusal}.")
        for edit in edits:
            document = self._documents.get(edit.path)
            if document is None or document.version != edit.version:
                raise StaleEdit(f"{edit.path} was changed in the editor meanwhile; read it again and repeat the edit.")
        for edit in edits:
            self.type(edit.path, edit.after, "agent")
            if self.formatter is not None and self.formatter(edit.after) != edit.after:
                self.type(edit.path, self.formatter(edit.after), "editor")
        for move in moves:
            self._move(move)
        self.applied.append((label, tuple(edits)))
        return [Shown(edit.path, self.text(edit.path), "editor") for edit in edits]

    async def save_all(self, paths: Sequence[Path]) -> Sequence[Path]:
        """Save what is open, if this editor can be asked to."""
        saved = [path for path in paths if path in self._documents] if self.saves else []
        for path in saved:
            self.save(path)
        return saved

    async def reload(self, paths: Sequence[Path]) -> Sequence[Path]:
        clean = [path for path in paths if path in self._documents and not self._documents[path].dirty]
        for path in clean:
            self._set(path, path.read_bytes().decode(), "disk")
            self._documents[path] = replace(self._documents[path], dirty=False)
        return clean

    async def diagnostics(self, path: Path, version: int) -> Sequence[Diagnostic] | None:
        return None if self.linter is None else self.linter(self.text(path))

    # ------------------------------------------------------------ inside

    def _move(self, move: FileMove) -> None:
        document = self._documents.pop(move.path)
        self._undo[move.target] = self._undo.pop(move.path)
        move.path.rename(move.target)
        self._documents[move.target] = replace(document, path=move.target)

    def _set(self, path: Path, text: str, cause: Cause) -> None:
        document = self._opened(path)
        self._documents[path] = replace(document, text=text, version=(document.version or 0) + 1, dirty=True)
        self._tell(TextChange(path, text, cause))

    def _tell(self, change: TextChange) -> None:
        for listener in tuple(self._listeners):
            listener(change)

    def _opened(self, path: Path) -> Document:
        return self._documents[path]
