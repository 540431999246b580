"""The workspace on this machine: what is on the screen if a file is open in the editor, else what is on the disk."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence, Set
from pathlib import Path
from typing import BinaryIO

from a3s_lsp.engine.changes import Applied, Change, ChangeSet
from a3s_lsp.engine.errors import EditRefused, PathRefused, StaleEdit, ToolError
from a3s_lsp.engine.ports import (
    BufferEdit,
    Diagnostic,
    Document,
    Editor,
    FileMove,
    Shown,
    TextChange,
    unnoticed,
    unrecorded,
)
from a3s_lsp.engine.texts import rebase_where_free
from a3s_lsp.engine.workspace import carrying
from a3s_lsp.engine.workspace.disk import DiskWrites, current_text, is_small, open_file, text_of
from a3s_lsp.engine.workspace.leases import Leases
from a3s_lsp.engine.workspace.shielding import uninterrupted

logger = logging.getLogger(__name__)

_ROUNDS = 10
"""How often a change set is carried over when the person is faster than the editor."""
_HASTY_ROUNDS = 3
_PAUSE_SECONDS = 0.15
_LONGEST_WAIT_SECONDS = 3.0
"""After the hasty rounds each round waits for such a pause in the typing, but not for longer than this."""


class LocalWorkspace:
    """A folder, with the documents that an editor has open in it. Implements `ports.Workspace`.

    `session` is the name under which it holds the `leases` that it shares with others.
    """

    def __init__(
        self, root: Path, editor: Editor | None = None, *, leases: Leases | None = None, session: str = "this"
    ) -> None:
        self._root = Path(os.path.realpath(root))
        self._editor = editor
        self._leases = leases or Leases()
        self._session = session
        self._listeners: list[Callable[[TextChange], None]] = []
        self._needs = 0
        self._stop_listening: Callable[[], None] | None = None
        self._changing: set[Path] = set()
        self._changed: dict[Path, TextChange] = {}

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

    # ------------------------------------------------------------ reading

    async def read(self, path: Path) -> Document:
        opened = self._opened(path)
        if opened is not None:
            return Document(path, opened.text, opened.version, opened.dirty, opened.behind)
        file = open_file(path)
        return Document(path, text_of(file, path) if is_small(file) else await asyncio.to_thread(text_of, file, path))

    def stream(self, path: Path) -> BinaryIO:
        """The bytes of the buffer or of the file, for those who need only a part of it. Raises ToolError."""
        opened = self._opened(path)
        return open_file(path) if opened is None else io.BytesIO(opened.text.encode())

    def unsaved(self) -> Sequence[Document]:
        return [document for document in self.opened() if document.dirty]

    async def save(self, paths: Sequence[Path]) -> Sequence[Path]:
        return [] if self._editor is None or not paths else await self._editor.save_all(paths)

    async def reload(self) -> Sequence[Path]:
        behind = [document.path for document in self.opened() if document.behind]
        if self._editor is None or not behind:
            return []
        await self._editor.reload(behind)
        return [document.path for document in self.opened() if document.behind]

    async def diagnostics(self, path: Path) -> Sequence[Diagnostic] | None:
        opened = self._opened(path)
        if self._editor is None or opened is None or opened.version is None:
            return None
        return await self._editor.diagnostics(opened.path, opened.version)

    def opened(self) -> Sequence[Document]:
        documents = () if self._editor is None else self._editor.documents()
        real = ((_real(document.path), document) for document in documents)
        return [
            Document(path, document.text, document.version, document.dirty, document.behind)
            for path, document in real
            if path.is_relative_to(self._root)
        ]

    def _opened(self, path: Path) -> Document | None:
        """The open document of this file, also if the editor knows it under the name of a link."""
        if self._editor is None:
            return None
        document = self._editor.document(path)
        if document is not None:
            return document
        return next((d for d in self._editor.documents() if _real(d.path) == path), None)

    # ------------------------------------------------------------ watching

    def subscribe(self, listener: Callable[[TextChange], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        self._attach()

        def leave() -> None:
            self._listeners.remove(listener)
            self._detach()

        return leave

    def _attach(self) -> None:
        """Listen to the editor as long as anybody here needs it."""
        self._needs += 1
        if self._needs == 1 and self._editor is not None:
            self._stop_listening = self._editor.subscribe(self._take_notice)

    def _detach(self) -> None:
        self._needs -= 1
        if self._needs == 0 and self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None

    def watch(self, paths: Sequence[Path]) -> None:
        if self._editor is not None:
            self._editor.watch(paths)

    def _take_notice(self, change: TextChange) -> None:
        path = _real(change.path)
        told = TextChange(path, change.text, change.cause)
        if path in self._changing and (change.cause == "agent" or path in self._changed):
            # Ours, or on top of ours: told once the log has what we did.
            self._changed[path] = told
            return
        self._tell(told)

    def _tell_held(self, paths: Set[Path]) -> None:
        """Tell what was kept back while we were changing these files."""
        for path in paths & self._changed.keys():
            self._tell(self._changed.pop(path))

    def _tell(self, change: TextChange) -> None:
        for listener in tuple(self._listeners):
            listener(change)

    # ------------------------------------------------------------ changing

    async def apply(
        self,
        changes: ChangeSet,
        planned: Callable[[ChangeSet], Awaitable[None]] = unrecorded,
        made: Callable[[ChangeSet], None] = unnoticed,
    ) -> Applied:
        """Apply the whole change set or nothing.

        Closed files are written first, because that can be taken back for sure; then the editor is asked, once, for
        all open documents.
        """
        paths = {Path(name) for change in changes.changes for name in (change.path, change.source) if name}
        async with self._leases.hold(paths, self._session) as others:
            self._changing |= paths
            self._attach()
            try:
                applied = await self._in_rounds(paths, changes, planned, made)
            finally:
                self._changing -= paths
                self._tell_held(paths)
                self._detach()
        told = [f"{self.display(path)} was also changed by {who} a short time ago." for path, who in others.items()]
        return Applied(applied.changes, (*told, *applied.remarks))

    async def _in_rounds(
        self,
        paths: Set[Path],
        changes: ChangeSet,
        planned: Callable[[ChangeSet], Awaitable[None]],
        made: Callable[[ChangeSet], None],
    ) -> Applied:
        for left in range(_ROUNDS, -1, -1):
            current = await self._carried_over(changes)
            await planned(current)
            try:
                shown = await self._apply_once(current)
            except StaleEdit:
                if left == 0:
                    raise
                self._tell_held(paths)  # the next round starts from what the documents have by now
                if _ROUNDS - left >= _HASTY_ROUNDS - 1:
                    await self._pause_in_typing(paths)
            else:
                made(current)
                return Applied(current, carrying.remarks(changes, current, shown, self.display))
        raise AssertionError("unreachable")

    async def _pause_in_typing(self, paths: Set[Path]) -> None:
        deadline = asyncio.get_running_loop().time() + _LONGEST_WAIT_SECONDS
        versions = None
        while asyncio.get_running_loop().time() < deadline:
            now = [document.version for document in self.opened() if document.path in paths]
            if now == versions:
                return
            versions = now
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _carried_over(self, changes: ChangeSet) -> ChangeSet:
        """The change set for the texts that there are now. Raises StaleEdit with what is in its way."""
        if not self._root.is_dir():
            raise EditRefused(f"The workspace folder {self._root} does not exist; nothing was written.")
        fresh: list[Change] = []
        for change in changes.changes:
            path = Path(change.source or change.path)
            for name in filter(None, (change.path, change.source)):
                if self.resolve(name) != Path(name):
                    raise StaleEdit(f"{name} is a link to another file by now; nothing was written.")
            opened = self._opened(path)
            if change.after is None and opened is not None and opened.dirty:
                raise EditRefused(f"{path} has unsaved text in the editor; save it before it is deleted.")
            text = await asyncio.to_thread(current_text, path) if opened is None else opened.text
            fresh.append(carrying.carried_over(change, text, self.display(path)))
        return ChangeSet(changes.label, tuple(fresh))

    async def _apply_once(self, changes: ChangeSet) -> Sequence[Shown]:
        edits, moves, files = self._divided(changes)
        writes = DiskWrites()
        done = False
        try:
            await uninterrupted(asyncio.to_thread(writes.write_all, files))
            shown = []
            if (edits or moves) and self._editor is not None:
                shown = list(await self._editor.apply(changes.label, edits, moves))
            done = True
        finally:
            if not done:
                left = await uninterrupted(self._take_back(changes.label, edits, writes))
                _complain(left, sys.exception())
        return shown

    def _divided(self, changes: ChangeSet) -> tuple[list[BufferEdit], list[FileMove], list[Change]]:
        """What the editor has to do and what the disk; refused before anything is done if it could not work."""
        edits: list[BufferEdit] = []
        moves: list[FileMove] = []
        files: list[Change] = []
        for change in changes.changes:
            opened = self._opened(Path(change.source or change.path))
            if opened is None or change.after is None:
                files.append(change)
                continue
            if opened.text != change.before:
                raise StaleEdit(
                    f"{change.path} was changed in the editor since it was read; read it again and repeat the edit.",
                    {"type": "version_conflict", "path": change.path},
                )
            edits.append(BufferEdit(opened.path, opened.version or 0, opened.text, change.after))
            if change.source is not None:
                moves.append(self._move(opened.path, Path(change.path)))
        return edits, moves, files

    def _move(self, path: Path, target: Path) -> FileMove:
        if self._editor is None or not self._editor.can_move:
            raise EditRefused(f"{path} is open in an editor that cannot rename files; close it there first.")
        if target.exists():
            raise EditRefused(f"{target} exists already; delete it first, or choose another name.")
        return FileMove(path, target)

    async def _take_back(self, label: str, edits: Sequence[BufferEdit], writes: DiskWrites) -> list[str]:
        """Undo what was done in part. Returns the paths where that did not work."""
        left = list(await asyncio.to_thread(writes.roll_back))
        done = [edit for edit in edits if _real(edit.path) in self._changed]
        return left + [str(edit.path) for edit in done if not await self._taken_back(label, edit)]

    async def _taken_back(self, label: str, edit: BufferEdit) -> bool:
        """Take an edit of a document back, out of whatever it has become. False if something of it stays."""
        for _ in range(_ROUNDS):
            document = None if self._editor is None else self._editor.document(edit.path)
            if document is None or self._editor is None:
                return False
            text, is_whole = rebase_where_free(edit.after, edit.before, document.text)
            if text == document.text:
                return is_whole
            try:
                inverse = BufferEdit(edit.path, document.version or 0, document.text, text)
                await self._editor.apply(f"Undo: {label}", [inverse])
            except StaleEdit:
                continue
            except EditRefused:
                return False
            return is_whole
        return False


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _complain(left: Sequence[str], error: BaseException | None) -> None:
    if not left:
        return
    logger.error("these files could not be rolled back: %s", ", ".join(left))
    if isinstance(error, ToolError):
        raise EditRefused(f"{error} These files could not be rolled back: {', '.join(left)}.") from error
