"""The whole way: keys in a real Neovim, the real server, the offline assistant, and back into the buffer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.editors.neovim.driver import Neovim, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.editor]

SERVER = Path(sys.executable).with_name("a3s-lsp")
ALLOW, DENY = "Allow once", "Deny"


@pytest.fixture
def editor(bare: Neovim, workspace: Path) -> Neovim:
    """An editor with the real server, in which `a.py` has a line that is not saved."""
    (workspace / "a.py").write_text("def old_name():\n    return 1\n\n\n")
    (workspace / "b.py").write_text("from a import old_name\n")
    bare.setup(cmd=[str(SERVER)], settings={"model": "offline/assistant", "posture": "ask"})
    bare.edit(workspace / "a.py")
    bare.type_line(4, "print(old_name())")
    wait_until(lambda: bare.status() == "idle", "the server is ready")
    return bare


def test_rename_changes_the_screen_and_closed_files_and_one_undo_takes_it_back(editor: Neovim, workspace: Path) -> None:
    before = editor.text()
    editor.pick_with()
    editor.command("A3S prompt rename old_name to new_name")
    wait_until(editor.dialogs, "the question is asked")
    editor.keep_screen("rename-question")
    editor.pick(ALLOW)
    wait_until(lambda: "new_name" in editor.text(), "the buffer is changed")
    wait_until(lambda: editor.status() == "idle", "the run ends")
    editor.keep_screen("rename-done")
    assert editor.text() == before.replace("old_name", "new_name")
    assert (workspace / "b.py").read_text() == "from a import new_name\n"
    assert "old_name" in (workspace / "a.py").read_text(), "what is open is not saved by the agent"
    editor.command("undo")
    assert editor.text() == before


def test_denied_rename_changes_nothing(editor: Neovim, workspace: Path) -> None:
    before = editor.text()
    editor.pick_with(DENY)
    editor.command("A3S prompt rename old_name to new_name")
    editor.shows("denied")
    wait_until(lambda: editor.status() == "idle", "the run ends")
    assert editor.text() == before
    assert (workspace / "b.py").read_text() == "from a import old_name\n"


def test_session_goes_on_after_a_restart(editor: Neovim) -> None:
    editor.command("A3S prompt where is old_name?")
    transcript = editor.shows("a.py:1")
    wait_until(lambda: editor.status() == "idle", "the run ends")
    editor.command("A3S restart")
    wait_until(lambda: editor.status() != "idle", "the server is stopped")
    wait_until(lambda: editor.status() == "idle" and "tokens" in editor.transcript(), "the session is shown again")
    assert "a.py:1" in editor.transcript()
    assert editor.transcript().startswith(transcript.splitlines()[0])


def test_health_names_the_model(editor: Neovim) -> None:
    editor.command("checkhealth a3s")
    assert "offline/assistant" in editor.text()
    assert "ERROR" not in editor.text()
