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

from a3s_lsp.engine.messages import Json
from a3s_lsp.places import STATE_VARIABLE
from a3s_lsp.server.fake_editor import PATIENCE_SECONDS, FakeEditor, ServerError
from a3s_lsp.server.framing import FrameReader, frame

OLD, NEW = "unanswered", "calls_without_result"
_SHOWN_DIFF_LINES = 24
_NOTE = f"# Not saved yet: {OLD} is going to get a better name.\n"


class DemoFailed(Exception):
    """The demo saw something else than it says."""


class ServerProcess:
    """The real server, as a child of this process, with a place of its own for its sessions."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.editor = FakeEditor(self._send)
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, state: Path) -> Self:
        """Start it."""
        command = (sys.executable, "-m", "a3s_lsp", "--stdio")
        pipe = asyncio.subprocess.PIPE
        environ = {**os.environ, STATE_VARIABLE: str(state)}
        return cls(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environ))

    async def stop(self) -> int:
        """Say goodbye, and return the server's exit code."""
        await self.editor.request("shutdown")
        self.editor.notify("exit")
        return await self.gone()

    def hang_up(self) -> None:
        """Leave without goodbye, as an editor that died."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def gone(self) -> int:
        """Wait until the process is gone, and return its exit code."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            code = await self._process.wait()
            await self._reader
        return code

    def kill(self) -> None:
        """For the way out after an error."""
        if self._process.returncode is None:
            self._process.kill()

    def _send(self, message: Json) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(frame(json.dumps(message).encode()))

    async def _read(self) -> None:
        assert self._process.stdout is not None
        frames = FrameReader()
        while data := await self._process.stdout.read(65536):
            for body in frames.feed(data):
                self.editor.receive(json.loads(body))


async def play(*, keep: bool, show: Callable[[str], None] = print) -> int:
    """Play the whole demo. 0 if everything happened as it is told."""
    folder = Path(tempfile.mkdtemp(prefix="a3s-demo-"))
    root = folder / "project"
    shutil.copytree(Path(__file__).parent, root / "a3s_lsp", ignore=shutil.ignore_patterns("__pycache__", "demo.py"))
    begun = time.monotonic()
    server = await ServerProcess.start(folder / "state")
    try:
        await _play(server.editor, root, show)
        code = await server.stop()
        _check(code == 0, f"the server ended with exit code {code}")
    except (DemoFailed, ServerError, TimeoutError) as error:
        show(f"The demo failed: {error or type(error).__name__}")
        return 1
    finally:
        server.kill()
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    kept = f" The folder is {folder}." if keep else ""
    show(f"\nDone in {time.monotonic() - begun:.1f} s.{kept}")
    return 0


async def _play(editor: FakeEditor, root: Path, show: Callable[[str], None]) -> None:
    flags = {"events": True, "confirm": True}
    await editor.initialize(root, model="offline/assistant", client=flags)

    def confirm(params: Json) -> Json:
        lines = str(params.get("diff", "")).splitlines()
        show(_indented("\n".join([f"? {params['title']}: {params['detail']}", *lines[:_SHOWN_DIFF_LINES]])))
        show(f"    … {len(lines) - _SHOWN_DIFF_LINES} more lines of diff\n    → allowed once\n")
        return {"choice": "allow_once"}

    editor.respond["a3s/confirm"] = confirm
    opened = root / "a3s_lsp" / "engine" / "messages.py"
    unsaved = _NOTE + opened.read_text(encoding="utf-8")
    editor.open(opened, unsaved)
    show(f"A copy of this program's source is in {root}; {opened.name} is open, with a line that is not saved.\n")
    before = _files(root)
    await _ask_where(editor, root, unsaved, opened, show)
    await _rename(editor, root, opened, before, show)
    await _take_back(editor, root, opened, unsaved, before, show)


async def _ask_where(editor: FakeEditor, root: Path, unsaved: str, opened: Path, show: Callable[[str], None]) -> None:
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
    editor: FakeEditor, root: Path, opened: Path, before: dict[Path, str], show: Callable[[str], None]
) -> None:
    request = f"rename {OLD} to {NEW}"
    show(f"> {request}")
    ending = await editor.prompt(request)
    _check(ending["type"] == "end", f"the run ended with {ending.get('error')}")
    show(_indented(str(ending["text"])))
    changed = [path for path, text in _files(root).items() if text != before[path]]
    document = editor.documents[opened.as_uri()]
    _check(bool(changed) and opened not in changed, "the closed files were not changed, or the open one was")
    _check(NEW in document.text and not re.search(rf"\b{OLD}\b", document.text), "the buffer was not changed")
    _check(not any(re.search(rf"\b{OLD}\b", path.read_text(encoding="utf-8")) for path in changed), "some are left")
    show(f"    ✓ confirmed once; the open buffer is at version {document.version}, its unsaved line kept,")
    show(f"      and {len(changed)} closed files are changed on the disk\n")


async def _take_back(
    editor: FakeEditor, root: Path, opened: Path, unsaved: str, before: dict[Path, str], show: Callable[[str], None]
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
