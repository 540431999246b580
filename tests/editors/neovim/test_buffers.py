"""What the server is told of the buffers and of the client."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.neovim.driver import Json, Neovim, Scene, wait_until

UNDERSTOOD = dict.fromkeys(("events", "confirm", "hunks", "save", "reload", "diagnostics", "commands"), True)

pytestmark = [pytest.mark.e2e, pytest.mark.editor]


def test_unsaved_text_reaches_the_server(editor: Neovim, scene: Scene) -> None:
    editor.type_line(2, "two = 22")
    (change,) = wait_until(lambda: scene.received("textDocument/didChange"), "the change is told")
    at = {"line": 1, "character": 7}
    assert change["contentChanges"] == [{"range": {"start": at, "end": at}, "rangeLength": 0, "text": "2"}]


def test_only_files_of_the_workspace_are_lent(editor: Neovim, scene: Scene, workspace: Path) -> None:
    outside = workspace.parent / "outside.py"
    outside.write_text("x = 1\n")
    editor.edit(outside)
    editor.command("enew | setlocal buftype=nofile | file scratch")
    editor.edit(workspace / "b.py")
    opened = wait_until(
        lambda: seen if len(seen := scene.received("textDocument/didOpen")) == 2 else [], "both files are lent"
    )
    assert "b.py" in str(opened[1])


def test_language_is_known_although_setup_came_before_filetype_detection(
    editor: Neovim, scene: Scene, workspace: Path
) -> None:
    editor.command("filetype on")
    editor.edit(workspace / "b.py")
    opened = wait_until(
        lambda: [d for d in scene.received("textDocument/didOpen") if "b.py" in str(d)], "the second file is lent"
    )
    assert "'languageId': 'python'" in str(opened)


def test_server_is_told_the_settings_and_what_the_client_understands(
    bare: Neovim, scene: Scene, workspace: Path
) -> None:
    bare.setup(cmd=[str(scene.command)], settings={"posture": "plan"})
    bare.edit(workspace / "a.py")
    (hello,) = wait_until(lambda: scene.received("initialize"), "the server is started")
    assert hello["initializationOptions"] == {"a3s": {"posture": "plan", "client": UNDERSTOOD}}
    assert hello["rootUri"] == workspace.as_uri()
    assert "'documentChanges': True" in str(hello["capabilities"])
    assert "'resourceOperations': ['rename']" in str(hello["capabilities"])


def test_server_may_ask_for_the_settings(bare: Neovim, scene: Scene, workspace: Path) -> None:
    asked: Json = {"id": "c", "method": "workspace/configuration", "params": {"items": [{"section": "a3s"}]}}
    scene.on_prompt(asked)
    bare.setup(cmd=[str(scene.command)], settings={"model": "offline/assistant"})
    bare.command("A3S prompt hello")
    assert "'model': 'offline/assistant'" in str(scene.response("c")["result"])


def test_command_works_without_setup_once_the_server_is_on_the_path(bare: Neovim, scene: Scene) -> None:
    bare.lua("vim.env.PATH = ... .. ':' .. vim.env.PATH", str(scene.command.parent))
    bare.command("A3S prompt hello")
    wait_until(lambda: scene.commands("a3s.prompt"), "the prompt is sent")


def test_empty_lines_that_go_from_the_end_are_told(editor: Neovim, scene: Scene) -> None:
    """Neovim by itself tells of nothing here, so that the server would have a line more."""
    editor.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, { '', '' })")
    wait_until(lambda: scene.received("textDocument/didChange"), "the two lines are told")
    told = len(scene.received("textDocument/didChange"))
    editor.lua("vim.api.nvim_buf_set_lines(0, 1, 2, true, {})")
    wait_until(lambda: len(scene.received("textDocument/didChange")) > told, "the change is told")
    assert scene.received("textDocument/didChange")[-1]["contentChanges"] == [{"text": "\n"}]
