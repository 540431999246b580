"""The whole way: keys in a real Neovim, the real server, the offline assistant, and back into the buffer."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.neovim.driver import Neovim, wait_until
from tests.engine.models.openai_server import SILENCE, Answer, Server, delta, text, usage

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


def replacing(old: str, new: str) -> Answer:
    """The model's turn that replaces a name in all files, in one call; it comes when the server is released."""
    arguments = json.dumps({"pattern": old, "replacement": new, "glob": "*.py"})
    called = {"index": 0, "id": "c1", "type": "function", "function": {"name": "replace", "arguments": arguments}}
    return Answer(events=[delta({"tool_calls": [called]}), delta({}, "tool_calls"), usage()], hold_at=SILENCE)


@pytest.fixture
def provider() -> Iterator[Server]:
    """A model that replaces one name, and then talks."""
    with Server(replacing("old_name", "new_name"), text("Done.")) as provider:
        yield provider


@pytest.fixture
def typing(bare: Neovim, workspace: Path, provider: Server) -> Neovim:
    """An editor whose agent asks nobody, with `b.py` open and clean, `c.py` closed, and `a.py` being typed into."""
    (workspace / "a.py").write_text("def old_name():\n    return 1\n")
    (workspace / "b.py").write_text("from a import old_name\n")
    (workspace / "c.py").write_text("import b  # for old_name\n")
    (workspace / "agent.acl").write_text(
        'default_model = "fake/m"\n'
        f'providers "fake" {{\n  api_key = "k"\n  base_url = "{provider.url}"\n  models "m" {{ }}\n}}\n'
    )
    bare.command("set hidden")
    bare.setup(cmd=[str(SERVER)], settings={"config": str(workspace / "agent.acl"), "posture": "auto"})
    bare.edit(workspace / "b.py")
    bare.edit(workspace / "a.py")
    wait_until(lambda: bare.status() == "idle", "the server is ready")
    bare.keys("Go# mi")
    wait_until(lambda: "# mi" in bare.text(), "it is typed")
    return bare


def prompt_while_typing(editor: Neovim, provider: Server) -> None:
    """Prompts without leaving insert mode; what the model wants to change comes while the person types on."""
    editor.lua("require('a3s').prompt('give it a better name')")
    wait_until(provider.held.is_set, "the model is asked")
    editor.keys("ne")
    provider.release.set()
    wait_until(lambda: "new_name" in editor.text(), "the buffer is changed")
    assert editor.mode() == "i", "the person is not disturbed"
    wait_until(lambda: editor.status() == "idle", "the run ends")


def test_one_undo_takes_the_agents_part_back_and_leaves_what_is_being_typed(
    typing: Neovim, workspace: Path, provider: Server
) -> None:
    prompt_while_typing(typing, provider)
    typing.keep_screen("edited-while-typing")
    assert typing.text() == "def new_name():\n    return 1\n    # mine"
    assert typing.text_of(workspace / "b.py") == "from a import new_name"
    assert (workspace / "a.py").read_text() == "def old_name():\n    return 1\n", "what is open is not saved"
    assert (workspace / "b.py").read_text() == "from a import old_name\n"
    assert (workspace / "c.py").read_text() == "import b  # for new_name\n"
    wait_until(lambda: typing.lua("return require('a3s').hunks()") == 1, "the change is under review")
    typing.keys("<Esc>u")
    wait_until(lambda: typing.text() == "def old_name():\n    return 1\n    # mine", "the agent's part is undone")
    wait_until(lambda: typing.lua("return require('a3s').hunks()") == 0, "it is not under review any more")
    typing.edit(workspace / "b.py")
    assert typing.lua("return require('a3s').hunks()") == 1
    typing.command("A3S hunk keep all")
    wait_until(lambda: typing.lua("return require('a3s').hunks()") == 0, "the review of it is over")
    typing.command("A3S prompt go on")
    wait_until(lambda: len(provider.requests) == 3, "the model is asked again")
    told = json.dumps(provider.requests[-1].body["messages"])
    assert "the person kept 1 of 3 hunks; hunk 1 of a.py (line 1) undone" in told.rpartition("go on")[2]


def test_agents_part_alone_is_undone_although_the_person_typed_on(
    typing: Neovim, workspace: Path, provider: Server
) -> None:
    prompt_while_typing(typing, provider)
    wait_until(lambda: typing.lua("return require('a3s').hunks()") == 1, "the change is under review")
    typing.keys(" indeed<Esc>")
    wait_until(lambda: "mine indeed" in typing.text(), "it is typed")
    typing.command("A3S hunk undo all")
    wait_until(lambda: typing.text() == "def old_name():\n    return 1\n    # mine indeed", "only that is undone")


def test_command_sees_what_was_saved_for_it_and_what_it_wrote_is_on_the_screen(bare: Neovim, workspace: Path) -> None:
    bare.command("set hidden noautoread")
    bare.setup(cmd=[str(SERVER)], settings={"model": "offline/assistant", "posture": "auto", "unsaved": "save"})
    bare.edit(workspace / "b.py")
    bare.edit(workspace / "a.py")
    bare.type_line(1, "mine = 1")
    wait_until(lambda: bare.status() == "idle", "the server is ready")
    bare.command("A3S prompt run cp a.py b.py")
    wait_until(lambda: "mine = 1" in bare.text_of(workspace / "b.py"), "what the command wrote is on the screen")
    assert (workspace / "a.py").read_text() == "mine = 1\ntwo = 2\nthree = 3\n"
    assert not bare.lua("return vim.bo.modified")


def test_rewind_takes_files_back_and_forth_again(editor: Neovim, workspace: Path) -> None:
    before = editor.text()
    editor.pick_with(ALLOW)
    editor.command("A3S prompt rename old_name to new_name")
    wait_until(lambda: "new_name" in editor.text(), "the buffer is changed")
    wait_until(lambda: editor.status() == "idle", "the run ends")
    after = editor.text()
    editor.pick_with()
    editor.command("A3S rewind")
    wait_until(editor.dialogs, "the points are listed")
    point = next(label for label in editor.dialogs()[0][1] if "rename old_name" in label)
    editor.pick_with(point, "Files and")
    editor.command("A3S rewind")
    wait_until(lambda: editor.text() == before, "the buffer is as it was")
    wait_until(lambda: (workspace / "b.py").read_text() == "from a import old_name\n", "the closed file too")
    wait_until(lambda: "goes back" in str(editor.notes()), "it is done")
    editor.pick_with("Files and")
    editor.command("A3S rewind redo")
    wait_until(lambda: editor.text() == after, "the buffer is changed again")
    wait_until(lambda: (workspace / "b.py").read_text() == "from a import new_name\n", "the closed file too")
