"""What the engine needs of editors, and of the files that a session works on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from a3s_lsp.engine.changes import Applied, ChangeSet
from a3s_lsp.engine.facts import Cause
from a3s_lsp.engine.texts import digest


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it is on the screen if it is open in the editor, else as it is on the disk.

    `version` is the editor's version of an open document, None for one that is read from the disk. `dirty`: the buffer
    has text that the disk has not. `behind`: the disk has got another text since the buffer was read from it or saved.
    With both, the person and someone else have changed it.
    """

    path: Path
    text: str
    version: int | None = None
    dirty: bool = False
    behind: bool = False

    @property
    def digest(self) -> str:
        """The content hash of the text."""
        return digest(self.text)


@dataclass(frozen=True, slots=True)
class BufferEdit:
    """The whole text of an open document before and after; `version` is the one that `before` was read at."""

    path: Path
    version: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class FileMove:
    """A file that gets another path; the document stays open under it, with its undo history."""

    path: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Shown:
    """The text that an open document has right after an edit. It differs from what was asked for where the editor, or
    the person who went on typing, changed it at once; `cause` says who."""

    path: Path
    text: str
    cause: Cause = "person"


@dataclass(frozen=True, slots=True)
class TextChange:
    """An open document, or a file that is watched, has another text now. `text` is None if it was closed or deleted."""

    path: Path
    text: str | None
    cause: Cause


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A problem that the editor shows. `line` counts from 1."""

    line: int
    severity: Literal["error", "warning", "information", "hint"]
    message: str
    source: str = ""


class Editor(Protocol):
    """The open documents of an editor. Calls come on the event loop."""

    def document(self, path: Path) -> Document | None:
        """The open document at this path, or None."""

    def documents(self) -> Sequence[Document]:
        """All open documents."""

    async def apply(self, label: str, edits: Sequence[BufferEdit], moves: Sequence[FileMove] = ()) -> Sequence[Shown]:
        """Apply all as one labelled step, and return when the editor has confirmed the new texts: one for each edit.

        Edits name documents by the paths that they have before the moves, and are made before them. Raises StaleEdit
        if a document has another version by now, EditRefused if the editor says no.
        """

    def subscribe(self, listener: Callable[[TextChange], None]) -> Callable[[], None]:
        """Have every change of a text told at once, also those by `apply`; call what is returned to stop that."""

    def watch(self, paths: Sequence[Path]) -> None:
        """Have changes of these files told also while they are not open."""

    @property
    def can_move(self) -> bool:
        """Whether `apply` takes moves."""

    async def save_all(self, paths: Sequence[Path]) -> Sequence[Path]:
        """Save these documents; returns those that are saved, which is none where the editor cannot be asked."""

    async def reload(self, paths: Sequence[Path]) -> Sequence[Path]:
        """Read these documents from the disk again, unless they are dirty; returns those for which that was done."""

    async def diagnostics(self, path: Path, version: int) -> Sequence[Diagnostic] | None:
        """The problems of this very version of a document, after a bounded wait; None if they are not known."""


async def unrecorded(changes: ChangeSet) -> None:
    """Keep no record of a change set that is about to be applied."""


def unnoticed(changes: ChangeSet) -> None:
    """Take no notice of a change set that was applied."""


class Workspace(Protocol):
    """The files that a session works on."""

    @property
    def root(self) -> Path: ...

    def resolve(self, path: str) -> Path:
        """The absolute path, links followed. Raises PathRefused if it leads outside the workspace."""

    def display(self, path: Path) -> str:
        """The path as tools and people see it: relative to the root, with forward slashes."""

    async def read(self, path: Path) -> Document:
        """Buffer or disk. Raises ToolError if there is none, or if it is not text."""

    async def apply(
        self,
        changes: ChangeSet,
        planned: Callable[[ChangeSet], Awaitable[None]] = unrecorded,
        made: Callable[[ChangeSet], None] = unnoticed,
    ) -> Applied:
        """Apply the whole change set or nothing, carried over to what was typed meanwhile where that is not in its way.

        `planned` is awaited before anything is touched, and again if it has to be carried over once more; `made` is
        called with what was really done, before anything else can happen to the files. Raises StaleEdit or EditRefused.
        """

    def subscribe(self, listener: Callable[[TextChange], None]) -> Callable[[], None]:
        """Have every change of an open document told that was not made by `apply` of this workspace."""

    def watch(self, paths: Sequence[Path]) -> None:
        """Have changes of these files told also while they are not open."""

    def unsaved(self) -> Sequence[Document]:
        """Open documents whose text the disk does not have."""

    def opened(self) -> Sequence[Document]:
        """The documents that are open in the editor."""

    async def save(self, paths: Sequence[Path]) -> Sequence[Path]:
        """Have the editor save these documents; returns those that are saved."""

    async def reload(self) -> Sequence[Path]:
        """Have the editor read again what is newer on the disk and not dirty; returns the documents that are still
        behind the disk after that."""

    async def diagnostics(self, path: Path) -> Sequence[Diagnostic] | None:
        """The problems of the text that the file has now; None if they are not known."""
