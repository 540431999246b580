"""Edits: of an open document, of 100 closed files, carried over 1,000 keystrokes; beside git and plain writes."""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.facts import FilesChanged, TextEdited
from a3s_lsp.engine.ledger import Ledger
from a3s_lsp.engine.texts import rebase, splice
from a3s_lsp.engine.workspace.local import LocalWorkspace
from a3s_lsp.server import wire
from a3s_lsp.server.edits import ClientEditor
from a3s_lsp.server.fake_editor import FakeEditor
from a3s_lsp.server.framing import FrameReader
from a3s_lsp.server.language_server import A3SLanguageServer

LINES = 5_000


def edits(rounds: int = 15) -> None:
    """An edit from the change set to the confirmed text, in an open document and in closed files."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(os.path.realpath(folder))
        opened = asyncio.run(_into_an_open_document(root / "open", rounds))
        plain = [_timed(lambda: _write(root / "plain.py", _document())) for _ in range(rounds)]
        print(f"edit of an open document of {LINES:,} lines, until the editor's didChange confirms it")
        print(f"  a3s-lsp              {_ms(opened)}")
        print(f"  plain write, fsync   {_ms(plain)}\n")
        closed, plain, synced, git = asyncio.run(_into_closed_files(root / "closed", rounds))
        print("one change set of 100 closed files")
        print(f"  a3s-lsp              {_ms(closed)}   (atomic, synced, compared first, can be rolled back)")
        print(f"  plain writes         {_ms(plain)}")
        print(f"  plain writes, fsync  {_ms(synced)}")
        print(f"  git apply            {_ms(git)}\n")


def rebases(rounds: int = 15) -> None:
    """An edit that is carried over 1,000 keystrokes, and a ledger that follows them."""
    before = _document()
    after = before.replace("line 4000 ", "line four thousand ").replace("line 17 ", "line seventeen ")
    typed = _typed(before, 1_000)
    ours = [_timed(lambda: rebase(before, after, typed[-1])) for _ in range(rounds)]
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(folder, name) for name in ("mine", "base", "theirs")]
        for path, text in zip(names, (after, before, typed[-1]), strict=True):
            path.write_text(text)
        command = ["git", "merge-file", "-p", "--quiet", *map(str, names)]
        git = [_timed(lambda: subprocess.run(command, check=False, stdout=subprocess.DEVNULL)) for _ in range(rounds)]
    print(f"an edit of {LINES:,} lines carried over 1,000 keystrokes")
    print(f"  a3s-lsp              {_ms(ours)}")
    print(f"  git merge-file       {_ms(git)}")
    ledger = Ledger()
    ledger.apply(FilesChanged("call", ChangeSet("edit", (Change("p", before, after),))), None)
    texts = _typed(after, 1_000)
    facts = [_edited(one, other) for one, other in zip([after, *texts], texts, strict=False)]
    begun = time.perf_counter()
    for fact in facts:
        ledger.apply(fact, None)
    print(f"  the ledger follows   {(time.perf_counter() - begun):8.3f} ms a keystroke\n")


def _edited(before: str, after: str) -> TextEdited:
    edit = splice(before, after)
    assert edit is not None
    return TextEdited("p", edit.start, edit.end, edit.text, "person")


def _typed(text: str, keystrokes: int) -> list[str]:
    """The texts after each keystroke of somebody who wanders through the document."""
    choose = random.Random(3)
    texts: list[str] = []
    for _ in range(keystrokes // 20):
        at = text.index("\n", choose.randrange(len(text) // 4, len(text) // 4 * 3))
        for number in range(20):
            text = f"{text[: at + number]}x{text[at + number :]}"
            texts.append(text)
    return texts


def _document() -> str:
    return "".join(f"line {n} of a document that is not short\n" for n in range(LINES))


class _ToEditor:
    """Hands the server's messages to the client at the next turn of the loop."""

    def __init__(self, editor: FakeEditor) -> None:
        self._editor = editor
        self._frames = FrameReader()

    def write(self, data: bytes) -> None:
        for body in self._frames.feed(data):
            asyncio.get_running_loop().call_soon(self._editor.receive, json.loads(body))

    def close(self) -> None:
        """Nothing is open."""


async def _into_an_open_document(root: Path, rounds: int) -> list[float]:
    await asyncio.to_thread(root.mkdir)
    server = A3SLanguageServer("bench", "0")
    editor = FakeEditor(lambda message: server.protocol.receive(json.dumps(message).encode()))
    server.protocol.set_writer(_ToEditor(editor))
    await editor.initialize(root)
    path = root / "a.py"
    await asyncio.to_thread(path.write_text, _document())
    editor.open(path)
    workspace = LocalWorkspace(root, ClientEditor(server, wire.ClientFlags))
    taken: list[float] = []
    for number in range(rounds):
        text = (await workspace.read(path)).text
        after = text.replace("line 4000 ", f"line 4000 {number} ", 1)
        begun = time.perf_counter()
        await workspace.apply(ChangeSet("edit", (Change(str(path), text, after),)))
        taken.append(time.perf_counter() - begun)
    await editor.request("shutdown")
    await server.protocol.disconnected()
    return taken


async def _into_closed_files(root: Path, rounds: int) -> tuple[list[float], ...]:
    root.mkdir()  # noqa: ASYNC240 - nothing else runs on this loop
    names = [root / f"{number}.py" for number in range(100)]
    texts = ["".join(f"line {line} of file {number}\n" for line in range(60)) for number in range(100)]
    after = [text.replace("line 30 ", "line thirty ") for text in texts]
    changes = tuple(Change(str(p), b, a) for p, b, a in zip(names, texts, after, strict=True))
    change_set = ChangeSet("edit", changes)
    patch = change_set.diff(root).encode()
    workspace = LocalWorkspace(root)
    results: tuple[list[float], ...] = ([], [], [], [])
    for _ in range(rounds):
        _fill(names, texts)
        begun = time.perf_counter()
        await workspace.apply(change_set)
        results[0].append(time.perf_counter() - begun)
        for taken, sync in ((results[1], False), (results[2], True)):
            _fill(names, texts)
            taken.append(_timed(lambda sync=sync: _fill(names, after, sync=sync)))  # type: ignore[misc]
        _fill(names, texts)
        results[3].append(_timed(lambda: subprocess.run(["git", "apply", "-"], cwd=root, input=patch, check=True)))
    return results


def _fill(names: Sequence[Path], texts: Sequence[str], *, sync: bool = False) -> None:
    for path, text in zip(names, texts, strict=True):
        _write(path, text, sync=sync)


def _write(path: Path, text: str, *, sync: bool = True) -> None:
    with path.open("w") as file:
        file.write(text)
        if sync:
            file.flush()
            os.fsync(file.fileno())


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _ms(values: Sequence[float]) -> str:
    ordered = sorted(values)
    return f"{statistics.median(ordered) * 1e3:8.2f} ms  ({ordered[0] * 1e3:.2f} to {ordered[-1] * 1e3:.2f})"
