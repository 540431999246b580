"""What the server is told of the buffers, and what it may do to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.neovim.driver import Json, Neovim, Scene, wait_until

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
    assert hello["initializationOptions"] == {"a3s": {"posture": "plan", "client": {"events": True, "confirm": True}}}
    assert hello["rootUri"] == workspace.as_uri()
    assert "'documentChanges': True" in str(hello["capabilities"])


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


def edit(path: Path, lines: dict[int, str], version: object = "$version") -> Json:
    """One document's part of an edit: new texts by line number."""
    return {
        "textDocument": {"uri": path.as_uri(), "version": version},
        "edits": [
            {
                "range": {"start": {"line": line - 1, "character": 0}, "end": {"line": line, "character": 0}},
                "newText": f"{text}\n",
            }
            for line, text in lines.items()
        ],
    }


def apply_edit(*changes: Json) -> Json:
    """A request to change documents."""
    params = {"label": "rename", "edit": {"documentChanges": list(changes)}}
    return {"id": "edit", "method": "workspace/applyEdit", "params": params}


def test_edit_is_one_step_of_undo(editor: Neovim, scene: Scene, workspace: Path) -> None:
    scene.on_prompt(apply_edit(edit(workspace / "a.py", {1: "ONE = 1", 3: "THREE = 3"})))
    editor.type_line(2, "mine = 2")
    wait_until(lambda: scene.received("textDocument/didChange"), "the change is told")
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {"applied": True}
    assert editor.text() == "ONE = 1\nmine = 2\nTHREE = 3"
    editor.command("undo")
    assert editor.text() == "one = 1\nmine = 2\nthree = 3"


def test_what_an_edit_changed_is_told_before_its_answer(editor: Neovim, scene: Scene, workspace: Path) -> None:
    scene.on_prompt(apply_edit(edit(workspace / "a.py", {1: "ONE = 1", 2: "TWO = 2", 3: "THREE = 3"})))
    editor.command("A3S prompt hi")
    scene.response("edit")
    heard = scene.heard()
    assert heard[-3:] == ["textDocument/didChange", "textDocument/didChange", "answer"]


def test_edit_while_the_person_types_is_undone_apart_from_the_typing(
    editor: Neovim, scene: Scene, workspace: Path
) -> None:
    scene.on_prompt(apply_edit(edit(workspace / "a.py", {3: "THREE = 3"})))
    editor.keys("ggOmine")
    wait_until(lambda: "mine" in editor.text() and "mine" in str(scene.received("textDocument/didChange")), "typed")
    editor.lua("require('a3s').prompt('hi')")
    assert scene.response("edit")["result"] == {"applied": True}
    editor.keys("s<Esc>u")
    wait_until(lambda: editor.text() == "mine\none = 1\nTHREE = 3\nthree = 3", "the typing after the edit is undone")
    editor.keys("u")
    wait_until(lambda: editor.text() == "mine\none = 1\ntwo = 2\nthree = 3", "the edit is undone")


def test_edit_for_an_older_text_is_refused_whole(editor: Neovim, scene: Scene, workspace: Path) -> None:
    fresh, stale = edit(workspace / "b.py", {1: "FOUR = 4"}, 0), edit(workspace / "a.py", {1: "ONE = 1"}, 0)
    scene.on_prompt(apply_edit(fresh, stale))
    editor.type_line(1, "mine = 1")
    editor.edit(workspace / "b.py")
    editor.command("A3S prompt hi")
    result = scene.response("edit")["result"]
    assert result == {"applied": False, "failureReason": f"{workspace / 'a.py'} has changed since the edit was made"}
    assert editor.text() == "four = 4"


def test_edit_of_a_file_that_is_not_open_is_refused(editor: Neovim, scene: Scene, workspace: Path) -> None:
    scene.on_prompt(apply_edit(edit(workspace / "b.py", {1: "FOUR = 4"})))
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {
        "applied": False,
        "failureReason": f"{workspace / 'b.py'} is not open",
    }
