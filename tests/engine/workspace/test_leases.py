"""Two who write the same file: the second waits, is told of the first, and keeps what the first one did."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import EditRefused, StaleEdit
from a3s_lsp.engine.workspace import leases
from a3s_lsp.engine.workspace.leases import Leases
from a3s_lsp.engine.workspace.local import LocalWorkspace
from tests.engine.slow_editor import SlowEditor

TEXT = "one\ntwo\nthree\n"


def change(path: Path, before: str, after: str) -> ChangeSet:
    return ChangeSet("edit", (Change(str(path), before, after),))


async def test_the_second_session_keeps_what_the_first_did_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    shared = Leases()
    one, two = (LocalWorkspace(tmp_path, leases=shared, session=name) for name in ("session-1", "session-2"))
    await one.apply(change(path, TEXT, TEXT.replace("one", "1")))
    applied = await two.apply(change(path, TEXT, TEXT.replace("three", "3")))
    assert path.read_text() == "1\ntwo\n3\n"
    assert applied.remarks[0].startswith("a.py was also changed by session session- a short time ago")
    assert "carried over" in applied.remarks[1]


async def test_two_sessions_that_want_the_same_line_do_not_overwrite_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    shared = Leases()
    one, two = (LocalWorkspace(tmp_path, leases=shared, session=name) for name in "12")
    await one.apply(change(path, TEXT, TEXT.replace("two", "2")))
    with pytest.raises(StaleEdit, match=r"changed by someone else since it was read, at line 2(.|\n)*\+2"):
        await two.apply(change(path, TEXT, TEXT.replace("two", "zwei")))
    assert path.read_text() == TEXT.replace("two", "2")


async def test_changes_of_one_file_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    editor = SlowEditor()
    editor.open(path)
    shared = Leases()
    one, two = (LocalWorkspace(tmp_path, editor, leases=shared, session=name) for name in "12")
    first = asyncio.ensure_future(one.apply(change(path, TEXT, TEXT.replace("one", "1"))))
    await editor.asked.wait()
    second = asyncio.ensure_future(two.apply(change(path, TEXT, TEXT.replace("three", "3"))))
    editor.answer.set()
    await asyncio.gather(first, second)
    assert editor.text(path) == "1\ntwo\n3\n"
    assert [len(edits) for _, edits in editor.applied] == [1, 1], "neither had to try twice"


async def test_who_waits_too_long_is_told_who_has_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_PATIENCE_SECONDS", 0.05)
    path = tmp_path / "a.py"
    shared = Leases()
    async with shared.hold([path], "first"):
        pass
    async with shared.hold([path], "first"):
        with pytest.raises(EditRefused, match=r"a\.py is being changed by session first just now; try again"):
            async with shared.hold([path], "second"):
                pass


HOLD = """
import asyncio, sys
from pathlib import Path
from a3s_lsp.engine.workspace.leases import Leases

async def main():
    async with Leases(Path(sys.argv[1])).hold([Path(sys.argv[2])], "elsewhere"):
        pass
    async with Leases(Path(sys.argv[1])).hold([Path(sys.argv[2])], "elsewhere"):
        print("held", flush=True)
        sys.stdin.readline()

asyncio.run(main())
"""


async def test_another_window_is_named_and_its_death_gives_the_file_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "_PATIENCE_SECONDS", 0.1)
    path, folder = tmp_path / "a.py", tmp_path / "leases"
    command = [sys.executable, "-c", HOLD, str(folder), str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:  # noqa: ASYNC220 - starts at once
        assert other.stdout is not None
        assert await asyncio.to_thread(other.stdout.readline) == "held\n"
        with pytest.raises(EditRefused, match=rf"session elsewher in another window \(process {other.pid}\)"):
            async with Leases(folder).hold([path], "here"):
                pass
        other.kill()
        other.communicate()
    monkeypatch.setattr(leases, "_PATIENCE_SECONDS", 10)
    async with Leases(folder).hold([path], "here") as others:
        assert others[path].pid == other.pid != os.getpid()
