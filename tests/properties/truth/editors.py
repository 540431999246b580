"""The editors: when each of them tells a change, how it checks an edit, and what its undo takes back.

What they do was read in the sources of VS Code, Neovim 0.10 and 0.12, and Helix, and tried in the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import ClassVar

from a3s_lsp.engine.messages import Json
from tests.properties.truth.buffers import Buffer, Encoding, Splice
from tests.properties.truth.clock import Process
from tests.properties.truth.editor import Cause, Editor, Witness, document_of


class VSCode(Editor):
    """Checks versions where the text is, refuses the whole edit, and mostly answers before it tells the change."""

    workspace_edit: ClassVar[Json] = {"documentChanges": True, "failureHandling": "textOnlyTransactional"}
    flags: ClassVar[Json] = {"save": True, "reload": True}

    def _take_edit(self, changes: Sequence[Json], answer: Callable[[object], None]) -> None:
        # From the extension's process to the window.
        self._answers.send(lambda: self._in_the_window(changes, answer))

    def _in_the_window(self, changes: Sequence[Json], answer: Callable[[object], None]) -> None:
        if self._refuses(answer):
            return
        if not all(map(self._fits, changes)):
            answer({"applied": False})
            return
        for change in changes:
            self._apply(change)
        answer({"applied": True})


class Neovim(Editor):
    """What the stock Neovim and the one with our plugin share."""

    encoding: ClassVar[Encoding] = "utf-8"
    history_is_a_tree = True

    def _versions(self, splices: Sequence[Splice]) -> int:
        return len(splices)

    def _as_kept(self, text: str) -> str:
        return text if text.endswith("\n") else f"{text}\n"

    def _reload(self, buffer: Buffer, cause: Cause = "reload") -> None:
        """The server is told that the document was closed and opened again."""
        before, text = buffer.text, buffer.disk_text()
        if text is None:
            return
        self._notify("textDocument/didClose", {"textDocument": {"uri": buffer.uri}})
        buffer.take(self._as_kept(text), tree=True)
        buffer.base = buffer.text
        buffer.version += 2
        self.witness.changed(buffer.path, before, buffer.text, cause)
        self._tell_open(buffer)


class PluginNeovim(Neovim):
    """Our plugin: all versions are checked first, every change is told at once, each edit is an undo step."""

    workspace_edit: ClassVar[Json] = {"documentChanges": True, "failureHandling": "transactional"}
    flags: ClassVar[Json] = {"save": True, "reload": True}

    def _take_edit(self, changes: Sequence[Json], answer: Callable[[object], None]) -> None:
        if self._refuses(answer):
            return
        stale = [change for change in changes if not self._fits(change)]
        if stale:
            answer({"applied": False, "failureReason": f"{document_of(stale[0])['uri']} has changed"})
            return
        for change in changes:
            self._apply(change)
        answer({"applied": True})


class StockNeovim(Neovim):
    """Neovim's own handler: a stale first document is skipped without a word, the others are not looked at, and the
    answer is always yes. Changes of 150 ms are told together."""

    workspace_edit: ClassVar[Json] = {
        "resourceOperations": ["rename", "create", "delete"],
        "normalizesLineEndings": True,
        "changeAnnotationSupport": {"groupsOnLabel": True},
    }
    _DEBOUNCE_MS = 150

    def __init__(self, root: Path, process: Process, random: Random, witness: Witness) -> None:
        super().__init__(root, process, random, witness)
        self._pending: dict[str, list[Json]] = {}
        self._told_at = -1.0

    def close(self, path: Path) -> None:
        """What was held back of a document that is closed is not told."""
        self._pending.pop(self.buffers[path].uri, None)
        super().close(path)

    def _take_edit(self, changes: Sequence[Json], answer: Callable[[object], None]) -> None:
        if self._refuses(answer):
            return
        for place_in_edit, change in enumerate(changes):
            buffer = self._target(change)
            version = document_of(change).get("version")
            newer = isinstance(version, int) and buffer is not None and buffer.version > version > 0
            if buffer is not None and not (newer and place_in_edit == 0):
                self._apply(change)
        answer({"applied": True})

    def _joins(self, buffer: Buffer) -> bool:
        return buffer.merging  # the person has not left insert mode

    def _tell_change(self, buffer: Buffer, told: list[Json]) -> None:
        held = self._pending.setdefault(buffer.uri, [])
        held += told
        if len(held) == len(told):
            since = (self.process.time() - self._told_at) * 1000
            wait = 0 if self._told_at < 0 else max(0, self._DEBOUNCE_MS - int(since))
            self.process.call_later(wait / 1000, lambda: self._flush_one(buffer))

    def _flush_one(self, buffer: Buffer) -> None:
        if self.buffers.get(buffer.path) is not buffer:
            return  # it was closed, and perhaps opened again
        told = self._pending.pop(buffer.uri, [])
        if told and self.ready:
            self._told_at = self.process.time()
            super()._tell_change(buffer, told)

    def _flush(self) -> None:
        for buffer in tuple(self.buffers.values()):
            self._flush_one(buffer)


class Helix(Editor):
    """Tells a change before it answers, applies documents in order up to the first stale one, and reloads only when
    told to."""

    encoding: ClassVar[Encoding] = "utf-8"
    first_version = 0
    history_is_a_tree = True
    reloads_by_itself = False
    normalizes_line_ends = False
    workspace_edit: ClassVar[Json] = {
        "documentChanges": True,
        "failureHandling": "abort",
        "normalizesLineEndings": False,
    }

    def _take_edit(self, changes: Sequence[Json], answer: Callable[[object], None]) -> None:
        if self._refuses(answer):
            return
        for number, change in enumerate(changes):
            if not self._fits(change):
                answer({"applied": False, "failureReason": "the document has changed", "failedChange": number})
                return
            self._apply(change)
        # Change and answer leave in this order.
        self._changes.send(lambda: answer({"applied": True}))


EDITORS: Mapping[str, type[Editor]] = {
    "vscode": VSCode,
    "neovim": PluginNeovim,
    "stock-neovim": StockNeovim,
    "helix": Helix,
}
