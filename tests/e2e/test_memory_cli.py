"""The command that shows what is remembered, and forgets it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from a3s_lsp.engine.config.settings import Memory
from a3s_lsp.engine.memory.items import success
from a3s_lsp.engine.memory.memories import Memories
from a3s_lsp.places import STATE_VARIABLE

pytestmark = pytest.mark.e2e


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), STATE_VARIABLE: str(folder / "state")}
    command = [sys.executable, "-m", "a3s_lsp", "memory", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


def remember(folder: Path, *tasks: str) -> list[str]:
    """The ids of what is remembered now."""

    async def work() -> list[str]:
        memories = Memories(folder)
        return [(await memories.add(success(task, ["ls"], "fine"), Memory())).id for task in tasks]

    return asyncio.run(work())


def test_memories_are_listed_found_and_forgotten(tmp_path: Path) -> None:
    (tmp_path / "agent.acl").write_text('memory_dir = "kept"\n')
    first, second = remember(tmp_path / "kept", "fix the login", "paint \x1b[31mred")
    listed = run(tmp_path, "list").stdout
    assert first in listed and second in listed and "Success: fix the login" in listed
    assert "\x1b" not in listed and "paint \ufffd[31mred" in listed
    assert first not in run(tmp_path, "list", "--limit", "1").stdout
    found = run(tmp_path, "search", "login").stdout
    assert first in found and second not in found
    assert run(tmp_path, "forget", first).stdout == f"Forgot {first}.\n"
    again = run(tmp_path, "forget", first)
    assert again.returncode == 1 and "a3s-lsp memory list" in again.stderr
    assert run(tmp_path, "forget", "--all").stdout == "Memories forgotten: 1.\n"
    assert run(tmp_path, "list").stdout == "There are no such memories.\n"


def test_a_folder_of_a3s_code_is_imported(tmp_path: Path) -> None:
    items = tmp_path / "old" / "items"
    items.mkdir(parents=True)
    (tmp_path / "new").mkdir()
    item = {"id": "one", "content": "Success: x", "timestamp": "2026-03-01T10:20:30Z", "memory_type": "procedural"}
    (items / "one.json").write_text(json.dumps(item))
    (items / "cut.json").write_text("{")
    done = run(tmp_path, "--dir", "new", "import", "old")
    assert done.stdout == "Memories imported: 1 of 1.\n" and "cut.json" in done.stderr
    assert "Success: x" in run(tmp_path, "--dir", "new", "list").stdout
    assert sorted(path.name for path in (tmp_path / "old").rglob("*")) == ["cut.json", "items", "one.json"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list"], "memory_dir"),
        (["--dir", "nowhere", "list"], "There is no folder nowhere"),
        (["--dir", ".", "forget"], "--all"),
        (["--dir", ".", "forget", "a", "--all"], "--all"),
        (["--dir", ".", "list", "--limit", "0"], "--limit"),
        (["--dir", ".", "import", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
