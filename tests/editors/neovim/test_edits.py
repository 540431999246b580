"""What the server may do to the buffers: one step of undo each, and nothing that was typed is in its way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.editors.neovim.driver import Json, Neovim, Scene, apply_edit, edit, text_edit, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.editor]

IDLE_SERVER = """
    local function reply(method, params, callback)
      callback(nil, method == "initialize" and { capabilities = { textDocumentSync = { openClose = true } } } or nil)
      return true, 1
    end
    local rpc = { request = reply, notify = function() return true end, terminate = function() end }
    rpc.is_closing = function() return false end
    local id = vim.lsp.start({ name = "idle", cmd = function() return rpc end })
    assert(vim.wait(1000, function() return vim.lsp.get_client_by_id(id).initialized end))
"""
"""A language server inside the editor that takes the current buffer and does nothing."""


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


def test_edit_is_taken_although_another_server_got_the_buffer_later(
    editor: Neovim, scene: Scene, workspace: Path
) -> None:
    scene.on_prompt(apply_edit(edit(workspace / "a.py", {1: "ONE = 1"})))
    editor.type_line(2, "mine = 2")
    wait_until(lambda: scene.received("textDocument/didChange"), "the change is told")
    editor.lua(IDLE_SERVER)
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {"applied": True}


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("nomodifiable", "cannot be modified in its buffer ('nomodifiable')"),
        ("readonly", "is read-only in its buffer ('readonly')"),
    ],
)
def test_buffer_that_the_person_has_locked_stays_as_it_is(
    editor: Neovim, scene: Scene, workspace: Path, option: str, reason: str
) -> None:
    scene.on_prompt(apply_edit(edit(workspace / "a.py", {1: "ONE = 1"})))
    editor.command(f"setlocal {option}")
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {"applied": False, "failureReason": f"{workspace / 'a.py'} {reason}"}
    assert editor.text() == "one = 1\ntwo = 2\nthree = 3"


def test_hidden_buffer_is_changed_and_undone_like_any_other(editor: Neovim, scene: Scene, workspace: Path) -> None:
    editor.command("set hidden")
    editor.edit(workspace / "b.py")
    wait_until(lambda: len(scene.received("textDocument/didOpen")) == 2, "both files are lent")
    scene.on_prompt(apply_edit(edit(workspace / "a.py", {1: "ONE = 1"}), edit(workspace / "b.py", {1: "FOUR = 4"})))
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {"applied": True}
    assert editor.text() == "FOUR = 4"
    assert editor.text_of(workspace / "a.py") == "ONE = 1\ntwo = 2\nthree = 3"
    editor.edit(workspace / "a.py")
    editor.command("undo")
    assert editor.text() == "one = 1\ntwo = 2\nthree = 3"


def test_unloaded_buffer_is_not_open(editor: Neovim, scene: Scene, workspace: Path) -> None:
    scene.on_prompt(apply_edit(edit(workspace / "a.py", {1: "ONE = 1"}, 0)))
    editor.edit(workspace / "b.py")
    editor.command(f"bunload {workspace / 'a.py'}")
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {
        "applied": False,
        "failureReason": f"{workspace / 'a.py'} is not open",
    }


@pytest.mark.parametrize(
    ("before", "span", "text", "after"),
    [
        ("a\nb\n", (2, 0, 2, 0), "c\n", ["a", "b", "c"]),
        ("a\nb\n", (1, 0, 2, 0), "", ["a"]),
        ("a\nb\n", (0, 0, 2, 0), "", [""]),
        ("a\nb\n", (1, 1, 2, 0), "x\nc\n", ["a", "bx", "c"]),
        ("a\nb\n", (1, 1, 1, 1), "\n", ["a", "b", ""]),
        ("a\nb\nc\n", (0, 1, 2, 0), "", ["ac"]),
        ("x🙂y\n", (0, 3, 0, 4), "z", ["x🙂z"]),
        ("\n", (0, 0, 0, 0), "new\n", ["new", ""]),
    ],
)
def test_edit_leaves_exactly_the_text_that_was_asked_for(
    editor: Neovim,
    scene: Scene,
    workspace: Path,
    before: str,
    span: tuple[int, int, int, int],
    text: str,
    after: list[str],
) -> None:
    path = workspace / "c.py"
    path.write_text(before)
    scene.on_prompt(apply_edit(text_edit(path, {span: text})))
    editor.edit(path)
    wait_until(lambda: len(scene.received("textDocument/didOpen")) == 2, "the file is lent")
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {"applied": True}
    assert editor.text().split("\n") == after
    editor.command("undo")
    assert editor.text() + "\n" == before


@pytest.mark.parametrize(("span", "text"), [((2, 7, 3, 0), ""), ((2, 0, 3, 0), "three")])
def test_last_line_end_cannot_be_taken_away_and_that_is_said(
    editor: Neovim, scene: Scene, workspace: Path, span: tuple[int, int, int, int], text: str
) -> None:
    path = workspace / "a.py"
    scene.on_prompt(apply_edit(text_edit(path, {span: text})))
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {
        "applied": False,
        "failureReason": f"the last line of {path} must keep its line end, for its buffer has 'endofline'",
    }


def test_line_end_that_is_added_to_the_last_line_is_saved_once(editor: Neovim, scene: Scene, workspace: Path) -> None:
    path = workspace / "c.py"
    path.write_text("a\nb")
    scene.on_prompt(apply_edit(text_edit(path, {(1, 1, 1, 1): "\n"})))
    editor.edit(path)
    wait_until(lambda: len(scene.received("textDocument/didOpen")) == 2, "the file is lent")
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {"applied": True}
    editor.command("write")
    assert path.read_text() == "a\nb\n"


def test_edit_that_fails_half_way_is_taken_back_everywhere(editor: Neovim, scene: Scene, workspace: Path) -> None:
    editor.command("set hidden")
    editor.edit(workspace / "b.py")
    wait_until(lambda: len(scene.received("textDocument/didOpen")) == 2, "both files are lent")
    broken = text_edit(workspace / "b.py", {(0, 6, 0, 7): "44", (0, 3, 0, 1): "its end is before its start"})
    scene.on_prompt(apply_edit(edit(workspace / "a.py", {1: "ONE = 1"}), broken))
    editor.command("A3S prompt hi")
    result = scene.response("edit")["result"]
    assert isinstance(result, dict)
    assert result["applied"] is False
    assert editor.text_of(workspace / "a.py") == "one = 1\ntwo = 2\nthree = 3"
    assert editor.text_of(workspace / "b.py") == "four = 4"


@pytest.fixture
def long_file(editor: Neovim, scene: Scene, workspace: Path) -> Path:
    """An open file of 200 numbered lines."""
    path = workspace / "long.py"
    path.write_text("".join(f"line {number}\n" for number in range(1, 201)))
    editor.edit(path)
    wait_until(lambda: len(scene.received("textDocument/didOpen")) == 2, "the file is lent")
    return path


SHIFTING = {(9, 0, 10, 0): "", (20, 0, 20, 0): "new\nnew\nnew\n", (99, 5, 99, 8): "one hundred"}
"""A line less, three lines more, and another text in line 100."""


def test_cursor_marks_folds_and_other_windows_stay_on_their_text(editor: Neovim, scene: Scene, long_file: Path) -> None:
    scene.on_prompt(apply_edit(text_edit(long_file, SHIFTING)))
    editor.command("split")
    editor.command("normal! 150Gzt")
    editor.command("wincmd p")
    editor.command("normal! 100G$")
    editor.command("120,130fold")
    for name, line in {"a": 5, "b": 11, "c": 50, "d": 100, "e": 180}.items():
        editor.command(f"{line}mark {name}")
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {"applied": True}
    marked = {name: editor.lua('return vim.fn.getline(vim.fn.line("\'" .. ...))', name) for name in "abcde"}
    assert marked == {"a": "line 5", "b": "line 11", "c": "line 50", "d": "line one hundred", "e": "line 180"}
    assert editor.cursor()[0] == 102
    assert editor.lua("return { vim.fn.getline(vim.fn.foldclosed(125)), vim.fn.foldclosedend(125) }") == [
        "line 120",
        132,
    ]
    editor.command("wincmd p")
    assert editor.lua("return vim.fn.getline(vim.fn.line('w0'))") == "line 150"
    assert editor.lua("return vim.fn.getline('.')") == "line 150"


def test_typing_goes_on_where_it_was_when_lines_come_above(editor: Neovim, scene: Scene, long_file: Path) -> None:
    scene.on_prompt(apply_edit(text_edit(long_file, SHIFTING)))
    editor.keys("50GA is mi")
    wait_until(lambda: "mi" in str(scene.received("textDocument/didChange")), "it is typed")
    editor.lua("require('a3s').prompt('hi')")
    assert scene.response("edit")["result"] == {"applied": True}
    editor.keys("ne<Esc>")
    wait_until(lambda: editor.mode() == "n", "the rest is typed")
    assert editor.lua("return vim.fn.getline(52)") == "line 50 is mine"


def typed(scene: Scene) -> str:
    """The texts that came into documents, one behind the other."""
    return "".join(re.findall(r"'text': '([^']*)'", str(scene.received("textDocument/didChange"))))


def test_edit_in_the_line_that_is_being_typed_is_undone_apart(editor: Neovim, scene: Scene, workspace: Path) -> None:
    scene.on_prompt(apply_edit(text_edit(workspace / "a.py", {(0, 0, 0, 3): "uno"})))
    editor.keys("ggA # mi")
    wait_until(lambda: editor.text().startswith("one = 1 # mi"), "it is typed")
    wait_until(lambda: typed(scene) == " # mi", "it is told")
    editor.lua("require('a3s').prompt('hi')")
    assert scene.response("edit")["result"] == {"applied": True}
    editor.keys("ne<Esc>")
    wait_until(lambda: editor.mode() == "n", "the rest is typed")
    seen = [editor.text().split("\n")[0]]
    for _ in range(3):
        editor.command("undo")
        seen.append(editor.text().split("\n")[0])
    assert seen == ["uno = 1 # mine", "uno = 1 # mi", "one = 1 # mi", "one = 1"]


def rename(source: Path, target: Path) -> Json:
    """A part of an edit that moves a file."""
    return {"kind": "rename", "oldUri": source.as_uri(), "newUri": target.as_uri()}


def test_renamed_file_keeps_unsaved_text_and_undo_and_can_be_saved(
    editor: Neovim, scene: Scene, workspace: Path
) -> None:
    source, target = workspace / "a.py", workspace / "deep" / "er" / "n e%w.py"
    scene.on_prompt(apply_edit(rename(source, target), edit(target, {3: "THREE = 3"}, "$version a.py")))
    editor.type_line(2, "mine = 2")
    wait_until(lambda: scene.received("textDocument/didChange"), "the change is told")
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {"applied": True}
    assert not source.exists()
    assert target.read_text() == "one = 1\ntwo = 2\nthree = 3\n", "what is not saved stays unsaved"
    assert editor.text() == "one = 1\nmine = 2\nTHREE = 3"
    assert editor.lua("return vim.bo.modified")
    told = [
        (method, params["textDocument"]["uri"])
        for method in ("textDocument/didClose", "textDocument/didOpen")
        for params in scene.received(method)
        if isinstance(params["textDocument"], dict)
    ]
    assert told == [
        ("textDocument/didClose", source.as_uri()),
        ("textDocument/didOpen", source.as_uri()),
        ("textDocument/didOpen", target.as_uri()),
    ]
    editor.command("write")
    assert target.read_text() == "one = 1\nmine = 2\nTHREE = 3\n"
    assert editor.notes() == []
    editor.command("undo")
    assert editor.text() == "one = 1\nmine = 2\nthree = 3"
    editor.command("undo")
    assert editor.text() == "one = 1\ntwo = 2\nthree = 3"
    assert editor.lua("return vim.fn.bufexists(...)", str(source)) == 0


def test_renamed_file_is_saved_and_read_again_under_its_new_name(editor: Neovim, scene: Scene, workspace: Path) -> None:
    source, target = workspace / "a.py", workspace / "new.py"
    scene.on_prompt(apply_edit(rename(source, target)))
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {"applied": True}
    editor.type_line(1, "mine = 1")
    editor.command("write")
    editor.command("edit!")
    wait_until(lambda: len(scene.received("textDocument/didOpen")) == 3, "it is read again")
    told = {
        method: [
            uri for params in scene.received(f"textDocument/{method}") for uri in re.findall(r"\w+\.py", str(params))
        ]
        for method in ("willSave", "didSave", "didClose", "didOpen")
    }
    assert told == {
        "willSave": ["new.py"],
        "didSave": ["new.py"],
        "didClose": ["a.py", "new.py"],
        "didOpen": ["a.py", "new.py", "new.py"],
    }


def test_file_is_not_renamed_over_another_one(editor: Neovim, scene: Scene, workspace: Path) -> None:
    source, target = workspace / "a.py", workspace / "b.py"
    scene.on_prompt(apply_edit(edit(source, {1: "ONE = 1"}), rename(source, target)))
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {
        "applied": False,
        "failureReason": f"{source} cannot be renamed: {target} exists",
    }
    assert editor.text() == "one = 1\ntwo = 2\nthree = 3"
    assert target.read_text() == "four = 4\n"


def test_file_is_not_renamed_over_a_buffer_that_is_not_saved_yet(editor: Neovim, scene: Scene, workspace: Path) -> None:
    source, target = workspace / "a.py", workspace / "new.py"
    editor.command("set hidden")
    editor.edit(target)
    editor.type_line(1, "typed")
    scene.on_prompt(apply_edit(rename(source, target)))
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {
        "applied": False,
        "failureReason": f"{source} cannot be renamed: there is a buffer named {target}",
    }
    assert editor.text() == "typed"


def test_rename_is_taken_back_when_the_rest_fails(editor: Neovim, scene: Scene, workspace: Path) -> None:
    source, target = workspace / "a.py", workspace / "new.py"
    broken = text_edit(target, {(0, 3, 0, 1): "its end is before its start"}, "$version a.py")
    scene.on_prompt(apply_edit(rename(source, target), broken))
    editor.command("A3S prompt hi")
    result = scene.response("edit")["result"]
    assert isinstance(result, dict)
    assert result["applied"] is False
    assert source.read_text() == "one = 1\ntwo = 2\nthree = 3\n"
    assert not target.exists()
    assert editor.lua("return vim.api.nvim_buf_get_name(0)") == str(source)


@pytest.mark.parametrize("kind", ["create", "delete"])
def test_other_changes_of_files_are_refused(editor: Neovim, scene: Scene, workspace: Path, kind: str) -> None:
    scene.on_prompt(apply_edit({"kind": kind, "uri": (workspace / "a.py").as_uri()}))
    editor.command("A3S prompt hi")
    assert scene.response("edit")["result"] == {
        "applied": False,
        "failureReason": f'files cannot be changed by "{kind}" in this editor',
    }
    assert (workspace / "a.py").exists()


def test_buffer_that_the_person_renames_is_told_at_once(editor: Neovim, scene: Scene, workspace: Path) -> None:
    editor.command(f"silent saveas {workspace / 'c.py'}")
    wait_until(lambda: len(scene.received("textDocument/didOpen")) == 2, "the new name is told")
    assert [method for method in scene.heard() if method.startswith("textDocument/did")] == [
        "textDocument/didOpen",
        "textDocument/didClose",
        "textDocument/didOpen",
    ]
    assert "a.py" in str(scene.received("textDocument/didClose"))
    assert "c.py" in str(scene.received("textDocument/didOpen")[1])


def test_save_is_told_before_and_after(editor: Neovim, scene: Scene, workspace: Path) -> None:
    editor.type_line(1, "mine = 1")
    editor.command("write")
    wait_until(lambda: scene.received("textDocument/didSave"), "the save is told")
    heard = scene.heard()
    assert heard[-3:] == ["textDocument/didChange", "textDocument/willSave", "textDocument/didSave"]
    assert scene.received("textDocument/willSave")[0]["textDocument"] == {"uri": (workspace / "a.py").as_uri()}
