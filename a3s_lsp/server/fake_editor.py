"""An editor without a screen that speaks LSP: for the demo, for tests of the server, and for tests of users.

It keeps documents as editors do, refuses edits for versions that it does not have, tells every change, and answers
questions by a function. How messages travel is not its business: `send` takes them, `receive` gives them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from lsprotocol import types

from a3s_lsp.engine.events import TERMINAL
from a3s_lsp.engine.messages import Json
from a3s_lsp.server.textdocuments import Encoding, TextDocument

PATIENCE_SECONDS = 30.0
Respond: TypeAlias = Callable[[Json], object]
"""What a client does with the parameters of a request. It may return a future."""

_HARMLESS = ("client/registerCapability", "window/workDoneProgress/create")
CAPABILITIES: Json = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {"applyEdit": True, "configuration": True, "workspaceEdit": {"documentChanges": True}},
    "window": {"workDoneProgress": True, "showMessage": {"messageActionItem": {}}},
}


class ServerError(Exception):
    """The server answered a request with an error; `code` is JSON-RPC's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class FakeEditor:
    """One client. Everything that came from the server is in `events`, `notifications` and `requests`."""

    def __init__(self, send: Callable[[Json], None], capabilities: Json | None = None) -> None:
        self.capabilities = CAPABILITIES if capabilities is None else capabilities
        self.encoding: Encoding = "utf-16"
        self.documents: dict[str, TextDocument] = {}
        self.events: list[Json] = []
        self.notifications: list[tuple[str, Json]] = []
        self.requests: list[tuple[str, Json]] = []
        self.refusal: str | None = None
        """The reason why edits are refused; None takes them."""
        self.respond: dict[str, Respond] = {
            "workspace/applyEdit": self._apply,
            "workspace/configuration": lambda params: [None],
            "a3s/confirm": lambda params: {"choice": "allow_once"},
            "window/showMessageRequest": lambda params: None,
        }
        self._send = send
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
        return result

    def open(self, path: Path, text: str | None = None, language: str = "python") -> TextDocument:
        """Open a file; with `text` as a buffer that the disk does not have."""
        uri = path.as_uri()
        shown = path.read_bytes().decode() if text is None else text
        self.documents[uri] = document = TextDocument(uri, language, 1, shown)
        item = {"uri": uri, "languageId": language, "version": 1, "text": shown}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return document

    def type(self, path: Path, text: str) -> None:
        """Replace the whole text, as a person who edits does."""
        document = self.documents[path.as_uri()]
        self._change(document, [types.TextDocumentContentChangeWholeDocument(text)], [{"text": text}])

    def text(self, path: Path) -> str:
        """What is on the screen."""
        return self.documents[path.as_uri()].text

    def close(self, path: Path) -> None:
        """Close a document; unsaved text is lost."""
        del self.documents[path.as_uri()]
        self.notify("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})

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
        result = None if respond is None else respond(params)
        if isinstance(result, asyncio.Future):
            result = await result
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
        changes = edit["documentChanges"]
        documents = [self.documents[change["textDocument"]["uri"]] for change in changes]
        if [c["textDocument"]["version"] for c in changes] != [d.version for d in documents]:
            return {"applied": False, "failureReason": "the document has another version"}
        for document, change in zip(documents, changes, strict=True):
            asyncio.get_running_loop().call_soon(self._edit, document, change["edits"])
        return {"applied": True}

    def _edit(self, document: TextDocument, edits: Sequence[Mapping[str, object]]) -> None:
        # From the end on, so that the positions of the others stay true.
        ordered = sorted(edits, key=lambda edit: _start(edit["range"]), reverse=True)
        partial = [types.TextDocumentContentChangePartial(_range(e["range"]), str(e["newText"])) for e in ordered]
        self._change(document, partial, [{"range": e["range"], "text": e["newText"]} for e in ordered])

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


def _start(span: object) -> tuple[int, int]:
    start = _range(span).start
    return start.line, start.character


def _range(span: object) -> types.Range:
    assert isinstance(span, dict)
    return types.Range(types.Position(**span["start"]), types.Position(**span["end"]))
