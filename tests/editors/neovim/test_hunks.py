"""Changes under review: how they are shown, how one goes from one to another, and what the person may say of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.neovim.driver import Json, Neovim, Scene, apply_edit, edit, hunk, hunks, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.editor]


@pytest.fixture
def path(editor: Neovim, workspace: Path) -> Path:
    """An open file of ten numbered lines."""
    path = workspace / "c.py"
    path.write_text("".join(f"line {number}\n" for number in range(1, 11)))
    editor.edit(path)
    return path


def review(editor: Neovim, scene: Scene, path: Path, *listed: Json) -> None:
    """Has the server announce the hunks, and waits until they are there."""
    scene.on("a3s.steer", {"queued": True}, hunks(path, *listed))
    editor.command("A3S steer show")
    wait_until(lambda: editor.lua("return require('a3s').hunks()") == len(listed), "the hunks are there")


def some(path: Path) -> list[Json]:
    """An addition, a change that was touched since, and a deletion."""
    return [
        hunk("h1", path, (1, 3), label="add two lines", after="line 2\nline 3\n"),
        hunk("h2", path, (5, 6), label="reword", before="old 6\n", after="line 6\n", status="tweaked"),
        hunk("h3", path, (8, 8), label="remove", before="gone 1\ngone 2\n", after=""),
    ]


def test_hunks_are_marked_and_told_without_being_in_the_way(editor: Neovim, scene: Scene, path: Path) -> None:
    before = editor.window()
    review(editor, scene, path, *some(path))
    editor.keep_screen("hunks")
    assert [row.rstrip() for row in editor.screen().splitlines()[:10]] == [
        "  line 1",
        "┃ line 2  add two lines",
        "┃ line 3",
        "  line 4",
        "  line 5",
        "┃ line 6  reword, changed since",
        "  line 7",
        "▁ line 8  remove (-2)",
        "  line 9",
        "  line 10",
    ]
    assert editor.window() == before
    assert editor.floats() == []
    assert editor.text() == path.read_text().rstrip("\n")


def test_hunks_are_not_drawn_if_the_person_does_not_want_it(bare: Neovim, scene: Scene, workspace: Path) -> None:
    bare.setup(cmd=[str(scene.command)], hunks={"signs": False, "virtual_text": False})
    bare.edit(workspace / "a.py")
    review(bare, scene, workspace / "a.py", hunk("h1", workspace / "a.py", (0, 1)))
    assert bare.screen().splitlines()[0] == "one = 1"


def test_hunks_go_when_they_are_settled_and_when_the_server_dies(editor: Neovim, scene: Scene, path: Path) -> None:
    review(editor, scene, path, *some(path))
    review(editor, scene, path, some(path)[0])
    assert "reword" not in editor.screen()
    scene.on("a3s.steer", {"queued": True}, {"exit": 3})
    editor.command("A3S steer die")
    wait_until(lambda: editor.lua("return require('a3s').hunks()") == 0, "the hunks are gone")
    assert "┃" not in editor.screen()


def test_hunks_of_a_file_that_is_opened_later_are_shown_then(
    editor: Neovim, scene: Scene, path: Path, workspace: Path
) -> None:
    later = workspace / "b.py"
    scene.on("a3s.steer", {"queued": True}, hunks(later, hunk("h1", later, (0, 1))), hunks(path, *some(path)))
    editor.command("A3S steer show")
    wait_until(lambda: editor.lua("return require('a3s').hunks()") == 3, "the hunks are there")
    editor.edit(later)
    wait_until(lambda: "┃ four = 4" in editor.screen(), "it is marked")


def test_two_sessions_may_have_hunks_in_one_file(editor: Neovim, scene: Scene, path: Path) -> None:
    scene.on(
        "a3s.steer",
        {"queued": True},
        hunks(path, hunk("h1", path, (0, 1))),
        hunks(path, hunk("h1", path, (4, 5), sessionId="s2"), session="s2"),
    )
    scene.on("a3s.hunk.keep", {"hunks": ["h1"]})
    editor.command("A3S steer show")
    wait_until(lambda: editor.lua("return require('a3s').hunks()") == 2, "the hunks are there")
    editor.command("5")
    editor.command("A3S hunk keep")
    assert wait_until(lambda: scene.commands("a3s.hunk.keep"), "it is sent") == [
        {"uri": path.as_uri(), "hunkId": "h1", "sessionId": "s2"}
    ]


@pytest.mark.parametrize("action", ["keep", "undo"])
@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("3|A3S hunk {}", {"hunkId": "h1", "sessionId": "s1"}),
        ("8|A3S hunk {}", {"hunkId": "h3", "sessionId": "s1"}),
        ("execute 'normal 6G' | A3S hunk {}", {"hunkId": "h2", "sessionId": "s1"}),
        (
            "3,6A3S hunk {}",
            {
                "range": {"start": {"line": 2, "character": 0}, "end": {"line": 6, "character": 0}},
                "sessionId": "s1",
            },
        ),
        ("A3S hunk {} all", {}),
    ],
)
def test_person_keeps_and_undoes_hunks(
    editor: Neovim, scene: Scene, path: Path, action: str, line: str, what: Json
) -> None:
    review(editor, scene, path, *some(path))
    scene.on(f"a3s.hunk.{action}", {"hunks": ["h1"]})
    editor.command(line.format(action))
    sent = wait_until(lambda: scene.commands(f"a3s.hunk.{action}"), "it is sent")
    assert sent == [{"uri": path.as_uri(), **what}]


def test_hunk_is_found_where_it_is_after_lines_came_above(editor: Neovim, scene: Scene, path: Path) -> None:
    review(editor, scene, path, *some(path))
    scene.on("a3s.hunk.keep", {"hunks": []})
    editor.keys("ggOone<CR>two<Esc>")
    wait_until(lambda: editor.text().startswith("one\ntwo\nline 1"), "it is typed")
    editor.command("8|A3S hunk keep")
    assert "'h2'" in str(wait_until(lambda: scene.commands("a3s.hunk.keep"), "it is sent"))
    wait_until(lambda: "under review there any more" in str(editor.notes()), "an empty answer is told")


def test_line_without_a_hunk_says_where_one_is(editor: Neovim, scene: Scene, path: Path) -> None:
    review(editor, scene, path, *some(path))
    editor.command("1|A3S hunk undo")
    wait_until(lambda: "`:A3S hunk next` goes to one." in str(editor.notes()), "it is told")
    assert scene.commands("a3s.hunk.undo") == []


@pytest.mark.parametrize(("said", "text"), [("", {}), (" why twice?", {"text": "why twice?"})])
def test_agent_is_asked_about_a_hunk(editor: Neovim, scene: Scene, path: Path, said: str, text: Json) -> None:
    review(editor, scene, path, *some(path))
    scene.on("a3s.hunk.ask", {"sessionId": "s1", "runId": "r2"})
    editor.command(f"2|A3S hunk ask{said}")
    sent = wait_until(lambda: scene.commands("a3s.hunk.ask"), "it is sent")
    assert sent == [{"uri": path.as_uri(), "hunkId": "h1", "sessionId": "s1", **text}]


def test_what_stood_there_is_shown_on_demand_and_goes_with_the_cursor(editor: Neovim, scene: Scene, path: Path) -> None:
    review(editor, scene, path, *some(path))
    before = editor.window()
    editor.command("6|A3S hunk show")
    assert editor.floats() == ["-old 6\n+line 6"]
    editor.keep_screen("hunk-show")
    assert "a3s: reword" in editor.screen()
    assert editor.window() == before
    editor.keys("j")
    wait_until(lambda: editor.floats() == [], "the window is gone")
    editor.command("8|A3S hunk show")
    assert editor.floats() == ["-gone 1\n-gone 2"]
    editor.command("A3S hunk show")
    assert editor.window() != before, "asked for again, it takes the focus"


def test_cursor_goes_from_hunk_to_hunk_and_around(editor: Neovim, scene: Scene, path: Path) -> None:
    review(editor, scene, path, *reversed(some(path)))
    lines = []
    for action in ["next", "next", "next", "next", "prev", "prev"]:
        editor.command(f"A3S hunk {action}")
        lines.append(editor.cursor()[0])
    assert lines == [2, 6, 8, 2, 8, 6]
    editor.command('execute "normal! \\<C-o>"')
    assert editor.cursor()[0] == 8


def test_mappings_are_offered_and_none_is_made(editor: Neovim, scene: Scene, path: Path) -> None:
    review(editor, scene, path, *some(path))
    scene.on("a3s.hunk.keep", {"hunks": ["h1"]})
    editor.command("nmap ]h <Plug>(a3s-hunk-next)")
    editor.command("xmap <leader>k <Plug>(a3s-hunk-keep)")
    editor.keys("]h")
    wait_until(lambda: editor.cursor()[0] == 2, "the cursor is there")
    editor.keys("Vj\\k")
    (sent,) = wait_until(lambda: scene.commands("a3s.hunk.keep"), "it is sent")
    assert isinstance(sent, dict)
    assert sent["range"] == {"start": {"line": 1, "character": 0}, "end": {"line": 3, "character": 0}}


def test_actions_are_completed_and_a_wrong_one_is_told(editor: Neovim) -> None:
    assert editor.completions("A3S hunk ") == ["ask", "keep", "next", "prev", "show", "undo"]
    assert editor.completions("A3S hunk keep ") == ["all"]
    assert editor.completions("1,2A3S hunk p") == ["prev"]
    editor.command("A3S hunk frobnicate")
    wait_until(lambda: "`:A3S hunk` and one of keep, undo" in str(editor.notes()), "it is told")


def test_hunk_of_a_last_line_and_of_an_empty_file_is_shown(editor: Neovim, scene: Scene, path: Path) -> None:
    review(editor, scene, path, hunk("h1", path, (9, 10)), hunk("h2", path, (0, 0), before="gone\n", after=""))
    rows = editor.screen().splitlines()
    assert rows[0] == "▔ line 1  edit (-1)"
    assert rows[9] == "┃ line 10  edit"


def test_status_line_is_told_when_hunks_change(editor: Neovim, scene: Scene, path: Path) -> None:
    editor.lua(
        """
        _G.counts = {}
        vim.api.nvim_create_autocmd("User", {
          pattern = "A3SHunks",
          callback = function() table.insert(_G.counts, require("a3s").hunks()) end,
        })
        """
    )
    review(editor, scene, path, *some(path))
    review(editor, scene, path)
    assert editor.lua("return _G.counts") == [3, 0]


def test_hunks_stay_marked_when_the_file_is_read_again(editor: Neovim, scene: Scene, path: Path) -> None:
    review(editor, scene, path, *some(path))
    editor.command("edit!")
    wait_until(lambda: "┃ line 6  reword" in editor.screen(), "they are marked again")


def test_edits_of_the_agent_move_the_marks_of_other_hunks(editor: Neovim, scene: Scene, path: Path) -> None:
    wait_until(lambda: len(scene.received("textDocument/didOpen")) == 2, "the file is lent")
    review(editor, scene, path, *some(path))
    scene.on_prompt(apply_edit(edit(path, {1: "a\nb\nc"})))
    editor.command("A3S prompt hi")
    scene.response("edit")
    assert "┃ line 6  reword" in editor.screen()
