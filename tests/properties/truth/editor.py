"""What all models of editors have in common: documents, what is told of them, the person's acts, and the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import ClassVar, Literal, Protocol, TypeAlias

from a3s_lsp.engine.messages import Json
from tests.properties.truth.buffers import Buffer, Encoding, Splice, difference, moved, span, spliced, spots
from tests.properties.truth.clock import Process
from tests.properties.truth.link import Lane, Link

Cause: TypeAlias = Literal["person", "undo", "format", "reload", "agent"]
Then: TypeAlias = Callable[[Json], None]

_EPOCH_NS = 1_000_000_000 * 1_000_000_000


class Witness(Protocol):
    """Who is told what happens to the texts."""

    def changed(self, path: Path, before: str, after: str, cause: Cause) -> None:
        """A buffer has another text."""

    def overwritten(self, path: Path, before: str | None, after: str) -> None:
        """The person wrote a file."""

    def conflict(self, buffer: Buffer) -> None:
        """A document with unsaved text is saved, and the disk has changed."""

    def closed(self, buffer: Buffer) -> None:
        """The person closed a document, with whatever it had."""

    def wrong(self, text: str) -> None:
        """The server did what it must not."""


class Editor:
    """An editor with a person in front of it. The person's acts are methods; `connect` says hello to a server."""

    encoding: ClassVar[Encoding] = "utf-16"
    first_version: ClassVar[int] = 1
    history_is_a_tree: ClassVar[bool] = False
    reloads_by_itself: ClassVar[bool] = True
    normalizes_line_ends: ClassVar[bool] = True
    workspace_edit: ClassVar[Json] = {}
    flags: ClassVar[Json] = {}

    def __init__(self, root: Path, process: Process, random: Random, witness: Witness) -> None:
        self.root = root
        self.process = process
        self.random = random
        self.witness = witness
        self.buffers: dict[Path, Buffer] = {}
        self.cursor: tuple[Path, int] | None = None
        """Where the person is typing."""
        self.refusals = 0
        """How many edits are refused from now on, as by a person or a read-only buffer."""
        self.format_on_save = False
        self.ready = False
        self._link: Link | None = None
        self._then: dict[int, Then] = {}
        self._held: list[Callable[[], None]] = []
        self._watched: dict[Path, tuple[int, int]] = {}
        self._watches = False
        self._writes = 0
        self._changes = Lane(process, random)
        self._answers = Lane(process, random)

    # ------------------------------------------------------------ the connection

    def connect(self, link: Link, ready: Callable[[], None]) -> None:
        """Say hello to a new server, and open for it what is open."""
        self._link, self._then, self.ready, self._watches = link, {}, False, False
        link.receive_at_editor = lambda message: self._receive(link, message)
        self._watched = self._stamps()

        def greeted(answer: Json) -> None:
            self._send({"method": "initialized", "params": {}})
            self.ready = True
            for buffer in self.buffers.values():
                self._tell_open(buffer)
            ready()
            held, self._held = self._held, []
            for command in held:
                command()

        self._ask_now("initialize", self._hello(), greeted)

    def _hello(self) -> Json:
        workspace: Json = {
            "applyEdit": True,
            "configuration": True,
            "workspaceEdit": self.workspace_edit,
            "didChangeWatchedFiles": {"dynamicRegistration": True},
        }
        return {
            "processId": None,
            "rootUri": self.root.as_uri(),
            "workspaceFolders": [{"uri": self.root.as_uri(), "name": "w"}],
            "capabilities": {
                "general": {"positionEncodings": [self.encoding]},
                "workspace": workspace,
                "textDocument": {"synchronization": {"willSave": True, "didSave": True}},
            },
            "initializationOptions": {
                "a3s": {"model": "offline/assistant", "posture": "auto", "client": self.flags},
            },
        }

    def command(self, name: str, argument: Json, then: Then = lambda answer: None) -> None:
        """Run a command of the server, behind all changes so far; it waits for a server that is not there yet."""
        if not self.ready:
            self._held.append(lambda: self.command(name, argument, then))
            return
        self._flush()
        params: Json = {"command": name, "arguments": [argument]}
        self._changes.send(lambda: self._ask_now("workspace/executeCommand", params, then))

    def _receive(self, link: Link, message: Json) -> None:
        """Take one message. What a killed server has sent still comes, until there is a new one."""
        if link is not self._link:
            return
        method, number, params = message.get("method"), message.get("id"), message.get("params")
        given: Json = params if isinstance(params, dict) else {}
        if method is None:
            self._settle(message)
        elif number is not None:
            self._asked(link, str(method), given, lambda result: self._answer(link, number, result))

    def _settle(self, message: Json) -> None:
        number = message.get("id")
        assert isinstance(number, int)
        then = self._then.pop(number)
        if "error" not in message:  # else the person is told why it cannot be done
            result = message.get("result")
            then(result if isinstance(result, dict) else {})

    def _asked(self, link: Link, method: str, params: Json, answer: Callable[[object], None]) -> None:
        match method:
            case "workspace/applyEdit":
                self._take_edit(documents_of(params), answer)
            case "workspace/configuration":
                answer([None])
            case "client/registerCapability":
                self._watches = self._watches or "didChangeWatchedFiles" in str(params)
                answer(None)
            case "a3s/save":
                answer({"saved": [uri for uri in _uris(params) if self._save_for_server(uri)]})
            case "a3s/reload":
                answer({"reloaded": [uri for uri in _uris(params) if self._reload_for_server(uri)]})
            case _:
                answer(None)

    def _ask_now(self, method: str, params: Json, then: Then) -> None:
        number = len(self._then) + 1
        while number in self._then:
            number += 1
        self._then[number] = then
        self._send({"id": number, "method": method, "params": params})

    def _send(self, message: Json) -> None:
        if self._link is not None:
            self._link.to_server({"jsonrpc": "2.0", **message})

    def _answer(self, link: Link, number: object, result: object) -> None:
        def send() -> None:
            link.to_server({"jsonrpc": "2.0", "id": number, "result": result})

        self._answers.send(send)

    def _notify(self, method: str, params: Json) -> None:
        """Tell the server something of documents, behind all that was told of them before."""
        link = self._link

        def send() -> None:
            if link is self._link:
                self._send({"method": method, "params": params})

        if self.ready:
            self._flush()
            self._changes.send(send)

    def _flush(self) -> None:
        """Tell the changes that are held back."""

    # ------------------------------------------------------------ the person

    def open(self, path: Path) -> None:
        """Open a file, or a new document of that name."""
        if path not in self.buffers:
            buffer = Buffer.read(path, self.encoding, self.first_version)
            buffer.text = self._as_kept(buffer.text) if buffer.base is not None else buffer.text
            self.buffers[path] = buffer
            self._tell_open(buffer)

    def edit(self, path: Path, splices: Sequence[Splice], *, typing: bool = False) -> None:
        """Change a document by hand."""
        self._change(self.buffers[path], splices, "person", merge=typing)

    def undo(self, path: Path) -> None:
        """Take back the last step."""
        self._travel(self.buffers[path], Buffer.undo)

    def redo(self, path: Path) -> None:
        """Do again what was taken back last."""
        self._travel(self.buffers[path], Buffer.redo)

    def save(self, path: Path, *, overwrite: bool) -> None:
        """Write a document. If the disk has changed, the person overwrites it, or takes what it has."""
        buffer = self.buffers[path]
        if buffer.changed_on_disk():
            self.witness.conflict(buffer)
            if not overwrite:
                self._reload(buffer, "undo")
                return
        if self.format_on_save:
            self._format(buffer)
        before = buffer.disk_text()
        self.write(path, buffer.file_text())
        buffer.base = buffer.text
        buffer.merging = False
        self.witness.overwritten(path, before, buffer.text)
        self._watched = self._watched | {path: _stamp(path)}
        self._notify("textDocument/didSave", {"textDocument": {"uri": buffer.uri}})

    def close(self, path: Path) -> None:
        """Close a document; unsaved text is lost, as the person said."""
        buffer = self.buffers.pop(path)
        self.cursor = None
        self.witness.closed(buffer)
        self._notify("textDocument/didClose", {"textDocument": {"uri": buffer.uri}})

    def write(self, path: Path, text: str) -> None:
        """Put text into a file, at the time of the clock."""
        path.write_bytes(text.encode())
        self._writes += 1
        stamp = _EPOCH_NS + int(self.process.time() * 1e9) + self._writes
        os.utime(path, ns=(stamp, stamp))

    def look_at_disk(self) -> None:
        """See what others have written, as editors do when they get the focus or a watcher tells them."""
        fresh = self._stamps()
        known, self._watched = self._watched, fresh
        events = [
            {"uri": path.as_uri(), "type": 2 if path in known and path in fresh else 1 if path in fresh else 3}
            for path in sorted(known.keys() | fresh.keys())
            if known.get(path) != fresh.get(path)
        ]
        if events and self._watches:
            self._notify("workspace/didChangeWatchedFiles", {"changes": events})
        for buffer in tuple(self.buffers.values()):
            if self.reloads_by_itself and not buffer.dirty and buffer.changed_on_disk():
                self._reload(buffer)

    def _stamps(self) -> dict[Path, tuple[int, int]]:
        names = [entry for entry in os.scandir(self.root) if entry.name.endswith(".py")]
        return {Path(entry.path): _stamp(Path(entry.path)) for entry in names}

    # ------------------------------------------------------------ texts

    def _tell_open(self, buffer: Buffer) -> None:
        item = {"uri": buffer.uri, "languageId": "python", "version": buffer.version, "text": buffer.text}
        self._notify("textDocument/didOpen", {"textDocument": item})

    def _change(self, buffer: Buffer, splices: Sequence[Splice], cause: Cause, *, merge: bool = False) -> None:
        """The one way in which the text of a document becomes another."""
        before, after = buffer.text, self._as_kept(spliced(buffer.text, splices))
        if after == before:
            return
        if after != spliced(before, splices):
            splices = difference(before, after)
        buffer.take(after, merge=merge, tree=self.history_is_a_tree)
        self._moved_on(buffer, before, splices, cause)

    def _travel(self, buffer: Buffer, way: Callable[[Buffer], None]) -> None:
        before = buffer.text
        way(buffer)
        if buffer.text != before:
            self._moved_on(buffer, before, difference(before, buffer.text), "undo")

    def _moved_on(self, buffer: Buffer, before: str, splices: Sequence[Splice], cause: Cause) -> None:
        if self.cursor is not None and self.cursor[0] == buffer.path:
            self.cursor = (buffer.path, moved(self.cursor[1], sorted(splices)))
        buffer.version += self._versions(splices)
        self.witness.changed(buffer.path, before, buffer.text, cause)
        # From the end on, so that each range is also right in the text that those before it left.
        told: list[Json] = [
            {"range": span(before, splice, self.encoding), "text": splice.text}
            for splice in sorted(splices, reverse=True)
        ]
        if self.ready:
            self._tell_change(buffer, told)

    def _tell_change(self, buffer: Buffer, told: list[Json]) -> None:
        names = {"uri": buffer.uri, "version": buffer.version}
        params: Json = {"textDocument": names, "contentChanges": told}
        self._notify("textDocument/didChange", params)

    def _versions(self, splices: Sequence[Splice]) -> int:
        return 1

    def _as_kept(self, text: str) -> str:
        """The text as this editor can have it."""
        return text

    def _format(self, buffer: Buffer) -> None:
        """What a formatter does on save: no blanks at the ends of lines."""
        text = buffer.text
        lines = [(m, m.rstrip(" \t")) for m in text.split("\n")]
        if any(old != new for old, new in lines):
            self._change(buffer, difference(text, "\n".join(new for _, new in lines)), "format")

    def _reload(self, buffer: Buffer, cause: Cause = "reload") -> None:
        """Take the text of the disk; undo brings back what was there."""
        text = buffer.disk_text()
        if text is not None:
            buffer.merging = False
            self._change(buffer, difference(buffer.text, text), cause)
            buffer.base = buffer.text

    # ------------------------------------------------------------ the server's wishes

    def _take_edit(self, changes: Sequence[Json], answer: Callable[[object], None]) -> None:
        raise NotImplementedError

    def _refuses(self, answer: Callable[[object], None]) -> bool:
        if self.refusals == 0:
            return False
        self.refusals -= 1
        answer({"applied": False, "failureReason": "the buffer is read-only"})
        return True

    def _target(self, change: Mapping[str, object]) -> Buffer | None:
        return next((b for b in self.buffers.values() if b.uri == document_of(change)["uri"]), None)

    def _fits(self, change: Mapping[str, object]) -> bool:
        """Whether the document is open, and has the version that the edit is for."""
        buffer = self._target(change)
        return buffer is not None and buffer.version == document_of(change)["version"]

    def _apply(self, change: Mapping[str, object]) -> None:
        buffer = self._target(change)
        assert buffer is not None
        edits = change["edits"]
        assert isinstance(edits, list)
        self._change(buffer, [self._splice(buffer, edit) for edit in edits], "agent", merge=self._joins(buffer))

    def _joins(self, buffer: Buffer) -> bool:
        """Whether an edit of the server becomes part of the undo step before."""
        return False

    def _splice(self, buffer: Buffer, edit: Json) -> Splice:
        span, text = edit["range"], str(edit["newText"])
        assert isinstance(span, dict)
        start, end = (spots(buffer.text, span[side], self.encoding) for side in ("start", "end"))
        if self.normalizes_line_ends:
            text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", buffer.line_end)
        return Splice(start, end, text)

    def _save_for_server(self, uri: str) -> bool:
        buffer = next((b for b in self.buffers.values() if b.uri == uri), None)
        if buffer is None or buffer.changed_on_disk():
            return False
        self.save(buffer.path, overwrite=False)
        return True

    def _reload_for_server(self, uri: str) -> bool:
        buffer = next((b for b in self.buffers.values() if b.uri == uri), None)
        if buffer is None or buffer.dirty:
            return False
        self._reload(buffer)
        return True


def documents_of(params: Json) -> list[Json]:
    """The document edits of a workspace edit, also of one without versions."""
    edit = params["edit"]
    assert isinstance(edit, dict)
    if "documentChanges" in edit:
        return list(edit["documentChanges"])
    return [{"textDocument": {"uri": uri, "version": None}, "edits": edits} for uri, edits in edit["changes"].items()]


def document_of(change: Mapping[str, object]) -> Json:
    document = change["textDocument"]
    assert isinstance(document, dict)
    return document


def _uris(params: Json) -> Iterable[str]:
    uris = params["uris"]
    assert isinstance(uris, list)
    return map(str, uris)


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_ino
