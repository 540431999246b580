"""The demo: a small editor plays a real session with the real server process, on a copy of this program's source.

No key and no network: the offline assistant answers. Whatever is printed is checked; a step that does not do what it
says ends the demo with an error.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from lsprotocol import types

from a3s_lsp.engine.messages import Json
from a3s_lsp.places import STATE_VARIABLE
from a3s_lsp.server.framing import FrameReader, frame
from a3s_lsp.server.textdocuments import TextDocument

OLD, NEW = "unanswered", "calls_without_result"
_PATIENCE_SECONDS = 30.0
_NOTE = f"# Not saved yet: {OLD} is going to get a better name.\n"


class DemoFailed(Exception):
    """The demo saw something else than it says."""


class DemoEditor:
    """An editor without a screen: open documents, edits, questions answered with yes, and events printed."""

    def __init__(self, process: asyncio.subprocess.Process, show: Callable[[str], None]) -> None:
        self._process = process
        self._show = show
        self._answers: dict[int, asyncio.Future[object]] = {}
        self._ended: dict[str, asyncio.Future[Json]] = {}
        self._reader = asyncio.create_task(self._read())
        self.documents: dict[str, TextDocument] = {}
        self.diffs: list[str] = []

    @classmethod
    async def start(cls, state: Path, show: Callable[[str], None]) -> Self:
        """Start the server, with a place of its own for its sessions."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "a3s_lsp", "--stdio",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, STATE_VARIABLE: str(state)},
        )  # fmt: skip
        return cls(process, show)

    async def initialize(self, root: Path) -> None:
        """Say hello as a client that knows all of the protocol."""
        await self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": root.as_uri(),
                "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
                "capabilities": {"workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}}},
                "initializationOptions": {
                    "a3s": {"model": "offline/assistant", "client": {"events": True, "confirm": True}}
                },
            },
        )
        self.notify("initialized", {})

    def open(self, path: Path, text: str) -> None:
        """Open a document, with text that the disk need not have."""
        uri = path.as_uri()
        self.documents[uri] = TextDocument(uri, "python", 1, text)
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    async def command(self, name: str, argument: Json) -> Json:
        """Run a command of the server."""
        result = await self.request("workspace/executeCommand", {"command": name, "arguments": [argument]})
        return result if isinstance(result, dict) else {}

    async def prompt(self, text: str) -> Json:
        """Send a prompt, and return its terminal event."""
        started = await self.command("a3s.prompt", {"text": text})
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await self._end_of(str(started["runId"]))

    async def request(self, method: str, params: Json | None) -> object:
        """Ask the server."""
        number = len(self._answers) + 1
        self._answers[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "method": method, "params": params})
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await self._answers[number]

    def notify(self, method: str, params: Json | None) -> None:
        """Tell the server."""
        self._send({"method": method, "params": params})

    async def stop(self) -> int:
        """Say goodbye, and return the server's exit code."""
        await self.request("shutdown", None)
        self.notify("exit", None)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            code = await self._process.wait()
            await self._reader
        return code

    def kill(self) -> None:
        """For the way out after an error."""
        if self._process.returncode is None:
            self._process.kill()

    def _end_of(self, run_id: str) -> asyncio.Future[Json]:
        return self._ended.setdefault(run_id, asyncio.get_running_loop().create_future())

    def _send(self, message: Json) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(frame(json.dumps({"jsonrpc": "2.0", **message}).encode()))

    async def _read(self) -> None:
        assert self._process.stdout is not None
        frames = FrameReader()
        while data := await self._process.stdout.read(65536):
            for body in frames.feed(data):
                self._take(json.loads(body))

    def _take(self, message: Json) -> None:
        method, number = message.get("method"), message.get("id")
        params = message.get("params")
        if method is None and isinstance(number, int):
            self._settle(number, message)
        elif isinstance(params, dict) and method == "a3s/event":
            self._event(params)
        elif number is not None:
            result = self._answer(str(method), params if isinstance(params, dict) else {})
            self._send({"id": number, "result": result})

    def _settle(self, number: int, message: Json) -> None:
        error = message.get("error")
        if isinstance(error, dict):
            self._answers[number].set_exception(DemoFailed(str(error.get("message"))))
        else:
            self._answers[number].set_result(message.get("result"))

    def _event(self, event: Json) -> None:
        if event["type"] == "tool_start":
            self._show(f"    · {event['tool_name']}")
        if event["type"] in ("end", "error", "cancelled"):
            self._end_of(str(event["runId"])).set_result(event)

    def _answer(self, method: str, params: Json) -> object:
        match method:
            case "a3s/confirm":
                self.diffs.append(str(params.get("diff", "")))
                self._show(f"    ? {params['title']}: {params['detail']}")
                return {"choice": "allow_once"}
            case "workspace/applyEdit":
                return {"applied": self._apply(params["edit"])}
            case "workspace/configuration":
                return [None]
            case _:
                return None

    def _apply(self, edit: object) -> bool:
        """As an editor does it: refused as a whole if a version does not fit, then told to the server."""
        assert isinstance(edit, dict)
        changes = edit["documentChanges"]
        documents = [self.documents[change["textDocument"]["uri"]] for change in changes]
        versions = [change["textDocument"]["version"] for change in changes]
        if versions != [document.version for document in documents]:
            return False
        for document, change in zip(documents, changes, strict=True):
            # From the end on, so that the positions of the others stay true.
            edits = sorted(change["edits"], key=lambda e: _start(e["range"]), reverse=True)
            content = [types.TextDocumentContentChangePartial(_range(e["range"]), e["newText"]) for e in edits]
            document.apply(content, "utf-16")
            document.version += 1
            told = [{"range": e["range"], "text": e["newText"]} for e in edits]
            names = {"uri": document.uri, "version": document.version}
            self.notify("textDocument/didChange", {"textDocument": names, "contentChanges": told})
        return True


async def play(*, keep: bool, show: Callable[[str], None] = print) -> int:
    """Play the whole demo. 0 if everything happened as it is told."""
    folder = Path(tempfile.mkdtemp(prefix="a3s-demo-"))
    root = folder / "project"
    shutil.copytree(Path(__file__).parent, root / "a3s_lsp", ignore=shutil.ignore_patterns("__pycache__"))
    begun = time.monotonic()
    editor = await DemoEditor.start(folder / "state", show)
    try:
        await _play(editor, root, show)
        code = await editor.stop()
        _check(code == 0, f"the server ended with exit code {code}")
    except (DemoFailed, TimeoutError, AssertionError) as error:
        show(f"The demo failed: {error or type(error).__name__}")
        return 1
    finally:
        editor.kill()
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    kept = f" The folder is {folder}." if keep else ""
    show(f"\nDone in {time.monotonic() - begun:.1f} s.{kept}")
    return 0


async def _play(editor: DemoEditor, root: Path, show: Callable[[str], None]) -> None:
    await editor.initialize(root)
    opened = root / "a3s_lsp" / "engine" / "messages.py"
    unsaved = _NOTE + opened.read_text(encoding="utf-8")
    editor.open(opened, unsaved)
    show(f"A copy of this program's source is in {root}; {opened.name} is open, with a line that is not saved.\n")
    before = _files(root)
    await _ask_where(editor, root, unsaved, opened, show)
    await _rename(editor, root, opened, before, show)
    await _take_back(editor, root, opened, unsaved, before, show)


async def _ask_where(editor: DemoEditor, root: Path, unsaved: str, opened: Path, show: Callable[[str], None]) -> None:
    question = f"where is {OLD}?"
    show(f"> {question}")
    answer = str((await editor.prompt(question))["text"])
    show(_indented(answer))
    cited = re.findall(r"([\w/]+\.py):(\d+)", answer)
    _check(bool(cited), "the answer cites nothing")
    for name, number in cited:
        path = root / name
        text = unsaved if path == opened else path.read_text(encoding="utf-8")
        _check(OLD in text.splitlines()[int(number) - 1], f"{name}:{number} does not have {OLD}")
    show(f"    ✓ {len(cited)} citations looked up, all true, the unsaved line counted in\n")


async def _rename(
    editor: DemoEditor, root: Path, opened: Path, before: dict[Path, str], show: Callable[[str], None]
) -> None:
    request = f"rename {OLD} to {NEW}"
    show(f"> {request}")
    ending = await editor.prompt(request)
    _check(ending["type"] == "end", f"the run ended with {ending.get('error')}")
    show(_indented("\n".join(editor.diffs[-1].splitlines()[:24]) + "\n…"))
    show(_indented(str(ending["text"])))
    changed = [path for path, text in _files(root).items() if text != before[path]]
    document = editor.documents[opened.as_uri()]
    _check(bool(changed) and opened not in changed, "the closed files were not changed, or the open one was")
    _check(NEW in document.text and not re.search(rf"\b{OLD}\b", document.text), "the buffer was not changed")
    _check(not any(re.search(rf"\b{OLD}\b", path.read_text(encoding="utf-8")) for path in changed), "some are left")
    show(f"    ✓ confirmed once; the open buffer is at version {document.version}, its unsaved line kept,")
    show(f"      and {len(changed)} closed files are changed on the disk\n")


async def _take_back(
    editor: DemoEditor, root: Path, opened: Path, unsaved: str, before: dict[Path, str], show: Callable[[str], None]
) -> None:
    show("> /undo")
    show(_indented(str((await editor.command("a3s.undo", {}))["text"])))
    _check(editor.documents[opened.as_uri()].text == unsaved, "the buffer is not as it was")
    _check(_files(root) == before, "the files are not as they were")
    show("    ✓ buffer and files are as they were, byte for byte")


def _files(root: Path) -> dict[Path, str]:
    return {path: path.read_bytes().decode() for path in sorted(root.rglob("*.py"))}


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DemoFailed(otherwise)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _start(span: Json) -> tuple[int, int]:
    start = span["start"]
    assert isinstance(start, dict)
    return start["line"], start["character"]


def _range(span: Json) -> types.Range:
    start, end = span["start"], span["end"]
    assert isinstance(start, dict) and isinstance(end, dict)
    return types.Range(types.Position(**start), types.Position(**end))
