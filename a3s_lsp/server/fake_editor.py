"""An editor without a screen that speaks LSP: for the demo, for tests of the server, and for tests of users.

It keeps documents as editors do, with undo, redo and saving, refuses edits for versions that it does not have, tells
every change, and answers questions by a function. How messages travel is not its business: `send` takes them, `receive`
gives them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from lsprotocol import types

from a3s_lsp.engine.events import TERMINAL
from a3s_lsp.engine.messages import Json
from a3s_lsp.server.textdocuments import Encoding, TextDocument
from a3s_lsp.server.uris import uri_to_path

PATIENCE_SECONDS = 30.0
Respond: TypeAlias = Callable[[Json], object]
"""What a client does with the parameters of a request. It may return a future."""

_HARMLESS = ("client/registerCapability", "client/unregisterCapability", "window/workDoneProgress/create")
CAPABILITIES: Json = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {
        "applyEdit": True,
        "configuration": True,
        "workspaceEdit": {
            "documentChanges": True,
            "resourceOperations": ["rename"],
            "failureHandling": "textOnlyTransactional",
        },
    },
    "textDocument": {"synchronization": {"willSave": True, "didSave": True}},
    "window": {"workDoneProgress": True, "showMessage": {"messageActionItem": {}}},
}


class ServerError(Exception):
    """A request was answered with an error; `code` is JSON-RPC's. What is in `respond` may raise it too."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class _History:
    """The texts before and after the one on the screen, and the one that was saved; None if none was."""

    saved: str | None
    past: list[str] = field(default_factory=list)
    future: list[str] = field(default_factory=list)


class FakeEditor:
    """One client. Everything that came from the server is in `events`, `notifications` and `requests`.

    Set `formatter` to have it change texts when they are saved, `reflex` to have it change them right after an edit of
    the server, and `problems` to the diagnostics that it has for a URI.
    """

    def __init__(self, send: Callable[[Json], None], capabilities: Json | None = None) -> None:
        self.capabilities = CAPABILITIES if capabilities is None else capabilities
        self.server_capabilities: Json = {}
        """What the server said that it can do."""
        self.encoding: Encoding = "utf-16"
        self.documents: dict[str, TextDocument] = {}
        self.events: list[Json] = []
        self.notifications: list[tuple[str, Json]] = []
        self.requests: list[tuple[str, Json]] = []
        self.refusal: str | None = None
        """The reason why edits are refused; None takes them."""
        self.formatter: Callable[[str], str] | None = None
        self.reflex: Callable[[str], str] | None = None
        self.problems: dict[str, list[Json]] = {}
        self.respond: dict[str, Respond] = {
            "workspace/applyEdit": self._apply,
            "workspace/configuration": lambda params: [None],
            "a3s/confirm": lambda params: {"choice": "allow_once"},
            "a3s/save": self._save_all,
            "a3s/reload": self._reload_all,
            "a3s/diagnostics": self._diagnose,
            "window/showMessageRequest": lambda params: None,
        }
        self._histories: dict[str, _History] = {}
        self._sent = send
        self._held: list[Json] | None = None
        self._answers: dict[int, asyncio.Future[object]] = {}
        self._asked: dict[object, asyncio.Task[None]] = {}
        self._news = asyncio.Event()

    # ------------------------------------------------------------ the person

    async def initialize(self, root: Path, **settings: object) -> Json:
        """Say hello, with these settings as the section `a3s`."""
        hello: Json = {
            "processId": os.getpid(),
            "rootUri": root.as_uri(),
            "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
            "capabilities": self.capabilities,
            "initializationOptions": {"a3s": settings},
        }
        result = await self.request("initialize", hello)
        self.notify("initialized", {})
        assert isinstance(result, dict)
        self.server_capabilities = result["capabilities"]
        return result

    def open(self, path: Path, text: str | None = None, language: str = "python") -> TextDocument:
        """Open a file; with `text` as a buffer that the disk does not have."""
        shown = path.read_bytes().decode() if text is None else text
        return self._open(path.as_uri(), language, shown, _History(shown if text is None else None))

    def type(self, path: Path, text: str) -> None:
        """Replace the whole text, as a person who edits does."""
        document = self.documents[path.as_uri()]
        self._remember(document)
        self._replace(document, text)

    def undo(self, path: Path) -> None:
        """Take back the last step."""
        history = self._histories[path.as_uri()]
        self._step(path, history.past, history.future)

    def redo(self, path: Path) -> None:
        """Take the last step that was undone again."""
        history = self._histories[path.as_uri()]
        self._step(path, history.future, history.past)

    def text(self, path: Path) -> str:
        """What is on the screen."""
        return self.documents[path.as_uri()].text

    def dirty(self, path: Path) -> bool:
        """Whether the text on the screen is not the one that was saved."""
        return self.text(path) != self._histories[path.as_uri()].saved

    def save(self, path: Path) -> None:
        """Write a document to the disk, formatted first if there is a `formatter`."""
        document = self.documents[path.as_uri()]
        name = {"textDocument": {"uri": document.uri}}
        self.notify("textDocument/willSave", {**name, "reason": types.TextDocumentSaveReason.Manual.value})
        if self.formatter is not None and self.formatter(document.text) != document.text:
            self.type(path, self.formatter(document.text))
        path.write_bytes(document.text.encode())
        self._histories[document.uri].saved = document.text
        self.notify("textDocument/didSave", name)

    def reload(self, path: Path) -> None:
        """Take over what is on the disk, as editors do with documents that are not dirty."""
        text = path.read_bytes().decode()
        self.type(path, text)
        self._histories[path.as_uri()].saved = text

    def close(self, path: Path) -> None:
        """Close a document; unsaved text is lost."""
        del self._histories[path.as_uri()]
        self._close(path.as_uri())

    def hold(self) -> None:
        """Let whatever is sent from now on be on its way."""
        self._held = []

    def release(self) -> None:
        """Let what is on its way arrive."""
        held, self._held = self._held or [], None
        for message in held:
            self._send(message)

    async def command(self, name: str, argument: Json | None = None) -> Json:
        """Run a command of the server. Raises ServerError."""
        result = await self.request("workspace/executeCommand", {"command": name, "arguments": [argument or {}]})
        return result if isinstance(result, dict) else {"result": result}

    async def prompt(self, text: str, **fields: object) -> Json:
        """Send a prompt, and return its terminal event."""
        started = await self.command("a3s.prompt", {"text": text, **fields})
        return await self.ending(str(started["runId"]))

    async def ending(self, run_id: str) -> Json:
        """Wait for the terminal event of a run."""
        return await self.event(lambda e: e["runId"] == run_id and e["type"] in TERMINAL and not e.get("replay"))

    async def event(self, wanted: Callable[[Json], bool]) -> Json:
        """Wait for the first event like this, which may have come already."""
        await self.until(lambda: any(wanted(event) for event in self.events))
        return next(event for event in self.events if wanted(event))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is so, looking again at each message. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():
                self._news.clear()
                await self._news.wait()

    # ------------------------------------------------------------ the wire

    def _send(self, message: Json) -> None:
        if self._held is None:
            self._sent(message)
        else:
            self._held.append(message)

    async def request(self, method: str, params: object = None) -> object:
        """Ask the server. Raises ServerError."""
        number = len(self._answers) + 1
        self._answers[number] = asyncio.get_running_loop().create_future()
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._answers[number]

    def notify(self, method: str, params: object = None) -> None:
        """Tell the server."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def receive(self, message: Mapping[str, object]) -> None:
        """Take one message from the server."""
        method, number, params = message.get("method"), message.get("id"), message.get("params")
        given: Json = params if isinstance(params, dict) else {}
        if method is None:
            self._settle(message)
        elif number is None:
            self._notified(str(method), given)
        else:
            self.requests.append((str(method), given))
            self._asked[number] = asyncio.ensure_future(self._answer(number, str(method), given))
        self._news.set()

    def _notified(self, method: str, params: Json) -> None:
        self.notifications.append((method, params))
        if method == "a3s/event":
            self.events.append(params)
        elif method == "$/cancelRequest" and params.get("id") in self._asked:
            self._asked[params.get("id")].cancel()

    async def _answer(self, number: object, method: str, params: Json) -> None:
        respond = self.respond.get(method)
        if respond is None and method not in _HARMLESS:
            error = {"code": -32601, "message": f"this client does not know {method}"}
            self._send({"jsonrpc": "2.0", "id": number, "error": error})
            return
        try:
            result = None if respond is None else respond(params)
            if isinstance(result, asyncio.Future):
                result = await result
        except ServerError as refusal:
            error = {"code": refusal.code, "message": str(refusal)}
            self._send({"jsonrpc": "2.0", "id": number, "error": error})
            return
        self._send({"jsonrpc": "2.0", "id": number, "result": result})

    def _settle(self, message: Mapping[str, object]) -> None:
        number, error = message.get("id"), message.get("error")
        answer = self._answers.get(number) if isinstance(number, int) else None
        if answer is None or answer.done():
            return
        if isinstance(error, dict):
            answer.set_exception(ServerError(int(error["code"]), str(error["message"])))
        else:
            answer.set_result(message.get("result"))

    # ------------------------------------------------------------ edits

    def _apply(self, params: Json) -> Json:
        """As editors do it: refused as a whole if a version does not fit; answered before the change is told."""
        edit = params["edit"]
        assert isinstance(edit, dict)
        if self.refusal is not None:
            return {"applied": False, "failureReason": self.refusal}
        changes = [change for change in edit["documentChanges"] if "kind" not in change]
        moves = [change for change in edit["documentChanges"] if change.get("kind") == "rename"]
        documents = [self.documents[change["textDocument"]["uri"]] for change in changes]
        if [c["textDocument"]["version"] for c in changes] != [d.version for d in documents]:
            return {"applied": False, "failureReason": "the document has another version"}
        if any(_path(move["newUri"]).exists() for move in moves):
            return {"applied": False, "failureReason": "there is a file of the new name"}
        soon = asyncio.get_running_loop().call_soon
        for document, change in zip(documents, changes, strict=True):
            soon(self._edit, document, change["edits"])
        for move in moves:
            soon(self._move, move["oldUri"], move["newUri"])
        return {"applied": True}

    def _edit(self, document: TextDocument, edits: Sequence[Mapping[str, object]]) -> None:
        # From the end on, so that the positions of the others stay true.
        ordered = sorted(edits, key=lambda edit: _start(edit["range"]), reverse=True)
        partial = [types.TextDocumentContentChangePartial(_range(e["range"]), str(e["newText"])) for e in ordered]
        self._remember(document)
        self._change(document, partial, [{"range": e["range"], "text": e["newText"]} for e in ordered])
        if self.reflex is not None and self.reflex(document.text) != document.text:
            self._remember(document)
            self._replace(document, self.reflex(document.text))

    def _move(self, old: str, new: str) -> None:
        _path(old).rename(_path(new))
        document = self.documents[old]
        self._close(old)
        self._open(new, document.language_id, document.text, self._histories.pop(old))

    def _replace(self, document: TextDocument, text: str) -> None:
        self._change(document, [types.TextDocumentContentChangeWholeDocument(text)], [{"text": text}])

    def _change(
        self,
        document: TextDocument,
        changes: Sequence[types.TextDocumentContentChangeEvent],
        told: Sequence[Mapping[str, object]],
    ) -> None:
        document.apply(changes, self.encoding)
        document.version += 1
        names = {"uri": document.uri, "version": document.version}
        self.notify("textDocument/didChange", {"textDocument": names, "contentChanges": list(told)})

    # ------------------------------------------------------------ documents

    def _open(self, uri: str, language: str, text: str, history: _History) -> TextDocument:
        self.documents[uri] = document = TextDocument(uri, language, 1, text)
        self._histories[uri] = history
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return document

    def _close(self, uri: str) -> None:
        del self.documents[uri]
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def _remember(self, document: TextDocument) -> None:
        history = self._histories[document.uri]
        history.past.append(document.text)
        history.future.clear()

    def _step(self, path: Path, source: list[str], target: list[str]) -> None:
        if source:
            document = self.documents[path.as_uri()]
            target.append(document.text)
            self._replace(document, source.pop())

    # ------------------------------------------------------------ favours

    def _save_all(self, params: Json) -> Json:
        uris = [uri for uri in _uris(params) if uri in self.documents]
        for uri in uris:
            self.save(_path(uri))
        return {"saved": uris}

    def _reload_all(self, params: Json) -> Json:
        uris = [uri for uri in _uris(params) if uri in self.documents and not self.dirty(_path(uri))]
        for uri in uris:
            self.reload(_path(uri))
        return {"reloaded": uris}

    def _diagnose(self, params: Json) -> Json:
        document = self.documents.get(str(params["uri"]))
        if document is None or document.version != params["version"] or document.uri not in self.problems:
            return {"unknown": True}
        return {"version": document.version, "items": self.problems[document.uri]}


def _path(uri: str) -> Path:
    path = uri_to_path(uri)
    assert path is not None
    return path


def _uris(params: Json) -> list[str]:
    uris = params["uris"]
    assert isinstance(uris, list)
    return [str(uri) for uri in uris]


def _start(span: object) -> tuple[int, int]:
    start = _range(span).start
    return start.line, start.character


def _range(span: object) -> types.Range:
    assert isinstance(span, dict)
    return types.Range(types.Position(**span["start"]), types.Position(**span["end"]))
