"""The editor as the engine sees it: its open documents, and edits that it confirms by what it sends next."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from a3s_lsp.engine.errors import EditRefused, StaleEdit, ToolError
from a3s_lsp.engine.facts import Cause
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import BufferEdit, Diagnostic, Document, FileMove, Shown, TextChange
from a3s_lsp.engine.texts import minimal_edits
from a3s_lsp.engine.workspace.disk import current_text
from a3s_lsp.server import wire
from a3s_lsp.server.authorship import Authors
from a3s_lsp.server.confirmation import Confirmation
from a3s_lsp.server.favours import Favours
from a3s_lsp.server.language_server import A3SLanguageServer
from a3s_lsp.server.textdocuments import Happening, HappeningKind, TextDocument
from a3s_lsp.server.uris import uri_key, uri_to_path
from a3s_lsp.server.watching import DiskWatch

logger = logging.getLogger(__name__)

CONFIRM_SECONDS = 5.0
"""How long the `didChange` may take that `applied: true` promises."""
SETTLE_SECONDS = 0.3
"""How long the rest of a change may take once its first part has come."""
NEWER_SECONDS = 2.0
"""How long newer text may take that could be why an edit was refused without a reason."""

_ALL_OR_NOTHING = (types.FailureHandlingKind.Transactional, types.FailureHandlingKind.TextOnlyTransactional)
_ABOUT_VERSIONS = re.compile(
    r"version|stale|out.?dated|out.of.date|newer|(has|have|was|were|been) changed", re.IGNORECASE
)


@dataclass(eq=False, slots=True)
class _Moving:
    """A document on its way to another URI; `text` is what it had when the editor closed it."""

    key: str
    target_key: str
    text: str | None = None


class ClientEditor:
    """Implements `ports.Editor` on the documents and requests of one client."""

    def __init__(self, server: A3SLanguageServer, flags: Callable[[], wire.ClientFlags]) -> None:
        self._server = server
        self._favours = Favours(server, flags)
        self._authors = Authors()
        self._listeners: list[Callable[[TextChange], None]] = []
        self._awaited: list[Confirmation] = []
        self._held: list[tuple[str, Callable[[], None]]] = []
        self._moving: list[_Moving] = []
        self._news = asyncio.Event()
        self._watch = DiskWatch(server, self._written)
        server.documents.subscribe(self._happened)

    # ------------------------------------------------------------ documents

    def document(self, path: Path) -> Document | None:
        found = self._open(path)
        return None if found is None else _as_document(path, found)

    def documents(self) -> Sequence[Document]:
        named = ((uri_to_path(document.uri), document) for document in self._server.documents)
        return [_as_document(path, document) for path, document in named if path is not None]

    def subscribe(self, listener: Callable[[TextChange], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def watch(self, paths: Sequence[Path]) -> None:
        """Have the listeners told also when these files are changed on the disk while they are not open; the text is
        None if the file is gone."""
        self._watch.watch(paths)

    def files_changed(self, uris: Iterable[str]) -> None:
        """The client says that these files were changed on the disk."""
        self._watch.notice(path for uri in uris if (path := uri_to_path(uri)) is not None)

    def _written(self, path: Path) -> None:
        if self._open(path) is not None:
            return  # What is on the screen counts, and the editor tells what it makes of the file.
        try:
            self._tell(TextChange(path, current_text(path), "disk"))
        except ToolError as error:
            logger.warning("a file that was changed cannot be read: %s", error)

    def _open(self, path: Path) -> TextDocument | None:
        return self._server.documents.get(path.as_uri())

    def _happened(self, happening: Happening) -> None:
        document = happening.document
        path = uri_to_path(document.uri)
        if path is not None:
            key = uri_key(document.uri)
            self._held.append((key, functools.partial(self._take, happening.kind, document, document.text, key, path)))
            self._take_held()
        self._news.set()

    def _take_held(self) -> None:
        """Take what has happened, except to documents of which the editor has still to say whether it edits them: until
        then nobody can tell whose a change is."""
        held, self._held = self._held, []
        for key, take in held:
            if any(not one.answered and one.concerns(key) for one in self._awaited):
                self._held.append((key, take))
            else:
                take()

    def _take(self, kind: HappeningKind, document: TextDocument, text: str, key: str, path: Path) -> None:
        match kind:
            case "saving":
                self._authors.saving(key)
            case "saved":
                self._authors.saved(key)
            case "closed":
                self._tell(TextChange(path, None, self._closed_by(key, text)))
            case "opened":
                cause = self._opened_by(key, document, text)
                self._tell(*(self._ours(key, path, text) or [TextChange(path, text, cause)]))
            case "changed":
                self._tell(*(self._ours(key, path, text) or [TextChange(path, text, self._authors.of_change(key))]))
            case "reloaded":
                self._tell(*(self._ours(key, path, text) or [TextChange(path, text, "disk")]))

    def _closed_by(self, key: str, text: str) -> Cause:
        self._authors.closed(key)
        for move in self._moving:
            if move.key == key:
                move.text = text
                return "agent"
        for awaited in self._awaited:
            awaited.closed = awaited.closed or awaited.concerns(key)
        return "person"

    def _opened_by(self, key: str, document: TextDocument, text: str) -> Cause:
        if any(move.target_key == key and move.text == text for move in self._moving):
            return "agent"
        return "person" if document.dirty else "disk"

    def _ours(self, key: str, path: Path, text: str) -> list[TextChange] | None:
        """What an edit of ours has to do with the new text of a document; None if nothing."""
        rest = self._authors.of_rest(key)
        taken = [awaited.take(path, text, rest) for awaited in self._awaited if awaited.concerns(key)]
        ours = next((changes for changes in taken if changes is not None), None)
        if ours is not None:
            self._authors.edited(key)
        return ours

    def _tell(self, *changes: TextChange) -> None:
        for change in changes:
            for listener in tuple(self._listeners):
                listener(change)

    # ------------------------------------------------------------ edits

    @property
    def can_move(self) -> bool:
        edit = self._edit_capabilities()
        operations = edit.resource_operations if edit else None
        return self._versioned() and types.ResourceOperationKind.Rename in (operations or ())

    async def apply(self, label: str, edits: Sequence[BufferEdit], moves: Sequence[FileMove] = ()) -> Sequence[Shown]:
        asked = [edit for edit in edits if edit.before != edit.after]
        for edit in asked:
            self._current(edit)
        shown: dict[Path, Shown] = {}
        for some_edits, some_moves in self._requests(asked, moves):
            shown |= await self._apply_together(label, some_edits, some_moves)
        return [shown.get(edit.path) or Shown(edit.path, edit.after) for edit in edits]

    def _requests(
        self, edits: Sequence[BufferEdit], moves: Sequence[FileMove]
    ) -> list[tuple[Sequence[BufferEdit], Sequence[FileMove]]]:
        """All in one request if the editor then does all or nothing. Others check the version of the first document
        only, or stop at the first that is stale: they get one at a time."""
        capabilities = self._edit_capabilities()
        if capabilities is not None and capabilities.failure_handling in _ALL_OR_NOTHING:
            return [(edits, moves)] if edits or moves else []
        return [*(([edit], ()) for edit in edits), *(((), [move]) for move in moves)]

    async def _apply_together(
        self, label: str, edits: Sequence[BufferEdit], moves: Sequence[FileMove]
    ) -> dict[Path, Shown]:
        targets = {move.path: move.target for move in moves}
        documents = [self._current(edit) for edit in edits]
        awaited = [Confirmation(edit, targets.get(edit.path)) for edit in edits]
        moving = [_Moving(uri_key(move.path.as_uri()), uri_key(move.target.as_uri())) for move in moves]
        self._awaited += awaited
        self._moving += moving
        try:
            await self._request(label, self._workspace_edit(documents, edits, moves), awaited)
            await self._settle(awaited)
            await self._moved(moves)
        finally:
            self._forget(awaited, moving)
        return {one.edit.path: _outcome(one) for one in awaited}

    def _current(self, edit: BufferEdit) -> TextDocument:
        document = self._open(edit.path)
        if document is None or document.version != edit.version or document.text != edit.before:
            raise _stale(edit.path)
        return document

    def _forget(self, awaited: Sequence[Confirmation], moving: Sequence[_Moving]) -> None:
        self._moving = [one for one in self._moving if one not in moving]
        for one in awaited:
            self._awaited.remove(one)
            self._authors.confirmed(uri_key(one.edit.path.as_uri()))
        self._take_held()

    async def _request(self, label: str, edit: Json, awaited: Sequence[Confirmation]) -> None:
        """Ask the editor; returns if it says that it has applied the edit."""
        try:
            answer = await self._server.request(types.WORKSPACE_APPLY_EDIT, {"label": label, "edit": edit})
        except JsonRpcException as error:
            raise _refused(label, error.message, awaited) from error
        given = answer if isinstance(answer, dict) else {}
        applied = given.get("applied") is True
        for one in awaited:
            one.answer(applied)
        self._take_held()
        if not applied:
            raise await self._refusal(label, given, awaited)

    async def _refusal(self, label: str, answer: Json, awaited: Sequence[Confirmation]) -> ToolError:
        """StaleEdit if the editor said no because it has newer text, and once that is here; else EditRefused."""
        reason = str(answer.get("failureReason") or "")
        if answer.get("applied") is False:
            # Newer text that is here already is a better witness than the words of the reason.
            patience = CONFIRM_SECONDS if _ABOUT_VERSIONS.search(reason) else 0 if reason else NEWER_SECONDS
            if await self._until(lambda: any(one.heard for one in awaited), patience if awaited else 0):
                return _stale(next(one for one in awaited if one.heard).edit.path)
        return _refused(label, reason or "it gave no reason", awaited)

    async def _settle(self, awaited: Sequence[Confirmation]) -> None:
        """Wait until all edits are there, or nothing more is to be expected: some editors tell one edit in several
        changes, and some say that they have applied what they skipped."""
        end = asyncio.get_running_loop().time() + CONFIRM_SECONDS
        while left := [one for one in awaited if not one.decided]:
            seen = [one.heard for one in left]
            patience = SETTLE_SECONDS if all(seen) else CONFIRM_SECONDS
            patience = min(patience, end - asyncio.get_running_loop().time())
            if not await self._until(functools.partial(_progressed, left, seen), patience):
                return

    async def _moved(self, moves: Sequence[FileMove]) -> None:
        """Wait until the editor has the documents under their new names."""
        arrived = await self._until(
            lambda: all(self._open(move.target) and not self._open(move.path) for move in moves), CONFIRM_SECONDS
        )
        if arrived:
            return
        for move in moves:
            if move.path.exists() or not move.target.exists():
                raise EditRefused(
                    f"The editor said that it renamed {move.path} to {move.target}, but has not; look at both."
                )
            logger.warning("the editor has renamed %s on the disk, but does not show it as %s", move.path, move.target)

    async def _until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Whether something came to be so in that time; it is looked at whenever the editor tells something."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return holds()
        return True

    # ------------------------------------------------------------ the request

    def _workspace_edit(
        self, documents: Sequence[TextDocument], edits: Sequence[BufferEdit], moves: Sequence[FileMove]
    ) -> Json:
        changes = [
            (document, self._text_edits(document, edit)) for document, edit in zip(documents, edits, strict=True)
        ]
        if not self._versioned():
            return {"changes": {document.uri: pieces for document, pieces in changes}}
        texts: list[Json] = [
            {"textDocument": {"uri": document.uri, "version": document.version}, "edits": pieces}
            for document, pieces in changes
        ]
        return {"documentChanges": [*texts, *map(self._rename, moves)]}

    def _rename(self, move: FileMove) -> Json:
        document = self._open(move.path)
        old = move.path.as_uri() if document is None else document.uri
        return {"kind": "rename", "oldUri": old, "newUri": move.target.as_uri(), "options": {"overwrite": False}}

    def _text_edits(self, document: TextDocument, edit: BufferEdit) -> list[Json]:
        encoding = self._server.documents.encoding
        pieces: list[Json] = []
        for piece in minimal_edits(edit.before, edit.after):
            span = document.range(piece.start, piece.end, encoding)
            pieces.append({"range": _position_pair(span), "newText": piece.text})
        return pieces

    def _versioned(self) -> bool:
        """Whether the editor knows `documentChanges`: by LSP also if it says that it knows resource operations, as
        Neovim does."""
        edit = self._edit_capabilities()
        if edit is None or edit.document_changes is False:
            return False
        return bool(edit.document_changes or edit.resource_operations)

    def _edit_capabilities(self) -> types.WorkspaceEditClientCapabilities | None:
        workspace = self._server.client_capabilities.workspace
        return workspace.workspace_edit if workspace else None

    # ------------------------------------------------------------ favours

    async def save_all(self, paths: Sequence[Path]) -> Sequence[Path]:
        return await self._favours.save(paths)

    async def reload(self, paths: Sequence[Path]) -> Sequence[Path]:
        clean = [path for path in paths if (found := self._open(path)) is not None and not found.dirty]
        reloaded = await self._favours.reload(clean)
        await self._until(lambda: not any(self._is_behind(path) for path in reloaded), SETTLE_SECONDS)
        return [path for path in reloaded if not self._is_behind(path)]

    def _is_behind(self, path: Path) -> bool:
        document = self._open(path)
        return document is not None and document.behind

    async def diagnostics(self, path: Path, version: int) -> Sequence[Diagnostic] | None:
        return await self._favours.diagnostics(path, version)


def _refused(label: str, reason: str, awaited: Sequence[Confirmation]) -> EditRefused:
    names = ", ".join(str(one.edit.path) for one in awaited) or "the files"
    return EditRefused(
        f"The editor did not apply '{label}' to {names}: {reason.rstrip('.')}. Look at it there, then repeat the edit."
    )


def _outcome(awaited: Confirmation) -> Shown:
    """What became of an edit that the editor says it has applied."""
    path = awaited.edit.path
    if awaited.shown is None and awaited.closed:
        raise EditRefused(f"{path} was closed while it was being changed; look at the file.")
    if not awaited.heard:
        raise EditRefused(f"The editor said that it changed {path}, but did not send the change; look at the file.")
    if awaited.absent:
        raise _stale(path)
    if awaited.shown is None:
        logger.warning("%s differs from what was asked for after the edit", path)
    return awaited.as_it_is()


def _progressed(awaited: Sequence[Confirmation], seen: Sequence[int]) -> bool:
    return any(one.decided or one.heard != count for one, count in zip(awaited, seen, strict=True))


def _stale(path: Path) -> StaleEdit:
    return StaleEdit(
        f"{path} was changed in the editor meanwhile; read it again and repeat the edit.",
        {"type": "version_conflict", "path": str(path)},
    )


def _as_document(path: Path, document: TextDocument) -> Document:
    return Document(path, document.text, document.version, document.dirty, document.behind)


def _position_pair(span: types.Range) -> Json:
    return {
        "start": {"line": span.start.line, "character": span.start.character},
        "end": {"line": span.end.line, "character": span.end.character},
    }
