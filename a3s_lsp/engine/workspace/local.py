"""The workspace on this machine: what is on the screen if a file is open in the editor, else what is on the disk."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import EditRefused, PathRefused, StaleEdit, ToolError
from a3s_lsp.engine.ports import BufferEdit, Document, Editor
from a3s_lsp.engine.workspace.disk import DiskWrites, is_small, open_file, text_of
from a3s_lsp.engine.workspace.shielding import uninterrupted

logger = logging.getLogger(__name__)


class LocalWorkspace:
    """A folder, with the documents that an editor has open in it. Implements `ports.Workspace`."""

    def __init__(self, root: Path, editor: Editor | None = None) -> None:
        self._root = Path(os.path.realpath(root))
        self._editor = editor
        self._applying = asyncio.Lock()

    @property
    def root(self) -> Path:
        return self._root

    def resolve(self, path: str) -> Path:
        if "\0" in path:
            raise ToolError("The path contains a NUL character.", {"type": "invalid_argument"})
        real = Path(os.path.realpath(self._root / path))
        if not real.is_relative_to(self._root):
            raise PathRefused(
                f"Workspace boundary violation: path '{path}' escapes workspace '{self._root}'.",
                {"type": "invalid_argument", "path": path},
            )
        return real

    def display(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else path.as_posix()

    async def read(self, path: Path) -> Document:
        opened = self._opened(path)
        if opened is not None:
            return Document(path, opened.text, opened.version, opened.dirty)
        file = open_file(path)
        return Document(path, text_of(file, path) if is_small(file) else await asyncio.to_thread(text_of, file, path))

    def stream(self, path: Path) -> BinaryIO:
        """The bytes of the buffer or of the file, for those who need only a part of it. Raises ToolError."""
        opened = self._opened(path)
        return open_file(path) if opened is None else io.BytesIO(opened.text.encode())

    def unsaved(self) -> Sequence[Document]:
        documents = () if self._editor is None else self._editor.documents()
        real = ((Path(os.path.realpath(document.path)), document) for document in documents if document.dirty)
        return [
            Document(path, document.text, document.version, document.dirty)
            for path, document in real
            if path.is_relative_to(self._root)
        ]

    async def apply(self, changes: ChangeSet) -> None:
        """Apply the whole change set or nothing.

        Closed files are written first, because that can be taken back for sure; then the editor is asked, once, for
        all open documents.
        """
        async with self._applying:
            edits, files = self._divided(changes)
            writes = DiskWrites()
            done = False
            try:
                await uninterrupted(asyncio.to_thread(writes.write_all, files))
                if edits and self._editor is not None:
                    await self._editor.apply(changes.label, edits)
                done = True
            finally:
                if not done:
                    left = await uninterrupted(self._take_back(changes.label, edits, writes))
                    _complain(left, sys.exception())

    def _opened(self, path: Path) -> Document | None:
        """The open document of this file, also if the editor knows it under the name of a link."""
        if self._editor is None:
            return None
        document = self._editor.document(path)
        if document is not None:
            return document
        return next((d for d in self._editor.documents() if Path(os.path.realpath(d.path)) == path), None)

    def _divided(self, changes: ChangeSet) -> tuple[list[BufferEdit], list[Change]]:
        """What the editor has to do and what the disk; refused before anything is done if it could not work."""
        if not self._root.is_dir():
            raise EditRefused(f"The workspace folder {self._root} does not exist; nothing was written.")
        edits: list[BufferEdit] = []
        files: list[Change] = []
        for change in changes.changes:
            path = Path(change.path)
            if self.resolve(change.path) != path:
                raise StaleEdit(f"{path} is a link to another file by now; nothing was written.")
            opened = self._opened(path)
            if opened is None or (change.after is None and not opened.dirty):
                files.append(change)
            elif change.after is None:
                raise EditRefused(f"{path} has unsaved text in the editor; save it before it is deleted.")
            elif opened.text != change.before:
                raise StaleEdit(
                    f"{path} was changed in the editor since it was read; read it again and repeat the edit.",
                    {"type": "version_conflict", "path": change.path},
                )
            else:
                edits.append(BufferEdit(opened.path, opened.version or 0, opened.text, change.after))
        return edits, files

    async def _take_back(self, label: str, edits: Sequence[BufferEdit], writes: DiskWrites) -> list[str]:
        """Undo what was done in part. Returns the paths where that did not work."""
        left = await asyncio.to_thread(writes.roll_back)
        inverse = [edit for edit in map(self._inverse, edits) if edit is not None]
        if inverse and self._editor is not None:
            try:
                await self._editor.apply(f"Undo: {label}", inverse)
            except (StaleEdit, EditRefused):
                left += [str(edit.path) for edit in inverse]
        return left

    def _inverse(self, edit: BufferEdit) -> BufferEdit | None:
        """What takes the edit back if the editor has done it although it failed as a whole."""
        document = None if self._editor is None else self._editor.document(edit.path)
        if document is None or document.text != edit.after or edit.after == edit.before:
            return None
        return BufferEdit(edit.path, document.version or 0, edit.after, edit.before)


def _complain(left: Sequence[str], error: BaseException | None) -> None:
    if not left:
        return
    logger.error("these files could not be rolled back: %s", ", ".join(left))
    if isinstance(error, ToolError):
        raise EditRefused(f"{error} These files could not be rolled back: {', '.join(left)}.") from error
