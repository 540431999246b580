"""Buffers and the disk: what the server may have saved and read again, and that nobody is asked on the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.editors.neovim.driver import Json, Neovim, Scene, asked, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.editor]


def ask(editor: Neovim, scene: Scene, request: Json) -> Json:
    """Has the server send a request; the answer."""
    scene.on("a3s.steer", {"queued": True}, request)
    editor.lua("require('a3s').steer('go')")
    result = scene.response(str(request["id"]))["result"]
    assert isinstance(result, dict)
    return result


def uris(*paths: Path) -> list[str]:
    """The names of files as the protocol has them."""
    return [path.as_uri() for path in paths]


@pytest.fixture
def both(editor: Neovim, scene: Scene, workspace: Path) -> tuple[Path, Path]:
    """`a.py` with unsaved text in a hidden buffer, and `b.py` in the window."""
    editor.command("set hidden")
    editor.type_line(1, "mine = 1")
    editor.edit(workspace / "b.py")
    wait_until(lambda: len(scene.received("textDocument/didOpen")) == 2, "both files are lent")
    return workspace / "a.py", workspace / "b.py"


def test_buffers_are_saved_as_the_person_would(editor: Neovim, scene: Scene, both: tuple[Path, Path]) -> None:
    dirty, clean = both
    editor.command("autocmd BufWritePre *.py 1s/$/  # formatted/")
    untouched = clean.stat().st_mtime_ns
    missing = clean.with_name("missing.py")
    assert ask(editor, scene, asked("a3s/save", uris=uris(dirty, clean, missing))) == {"saved": uris(dirty, clean)}
    assert dirty.read_text() == "mine = 1  # formatted\ntwo = 2\nthree = 3\n"
    assert clean.stat().st_mtime_ns == untouched, "what has no unsaved text is not written"
    assert scene.heard().count("textDocument/willSave") == scene.heard().count("textDocument/didSave") == 1


def test_save_that_fails_is_left_out(editor: Neovim, scene: Scene, both: tuple[Path, Path]) -> None:
    dirty, _ = both
    editor.command(f"autocmd BufWriteCmd {dirty} throw 'no'")
    assert ask(editor, scene, asked("a3s/save", uris=uris(dirty))) == {"saved": []}
    assert "mine" not in dirty.read_text()


def test_save_over_a_file_that_somebody_changed_is_declined_without_a_question(
    editor: Neovim, scene: Scene, both: tuple[Path, Path]
) -> None:
    dirty, _ = both
    replace(dirty, "theirs = 1\n")
    assert ask(editor, scene, asked("a3s/save", uris=uris(dirty))) == {"saved": []}
    assert dirty.read_text() == "theirs = 1\n"
    assert editor.mode() == "n"
    assert editor.text_of(dirty).startswith("mine = 1")


def test_save_goes_on_while_the_person_types(editor: Neovim, scene: Scene, workspace: Path) -> None:
    editor.keys("ggOmine")
    wait_until(lambda: "mine" in editor.text(), "it is typed")
    assert ask(editor, scene, asked("a3s/save", uris=uris(workspace / "a.py"))) == {"saved": uris(workspace / "a.py")}
    editor.keys(" too<Esc>")
    wait_until(lambda: editor.text().startswith("mine too\none"), "the typing goes on")
    assert (workspace / "a.py").read_text().startswith("mine\none")


def replace(path: Path, text: str) -> None:
    """Writes a file as another program would, and makes sure that it looks newer."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before, max(path.stat().st_mtime_ns, before + 2_000_000_000)))


def test_buffer_without_unsaved_text_is_read_again_and_can_be_undone(
    editor: Neovim, scene: Scene, both: tuple[Path, Path]
) -> None:
    dirty, clean = both
    editor.command("set noautoread")
    replace(dirty, "theirs = 1\n")
    replace(clean, "new = 4\nfive = 5\n")
    assert ask(editor, scene, asked("a3s/reload", uris=uris(dirty, clean))) == {"reloaded": uris(clean)}
    assert editor.text() == "new = 4\nfive = 5"
    assert editor.text_of(dirty) == "mine = 1\ntwo = 2\nthree = 3"
    assert editor.notes() == []
    assert editor.mode() == "n"
    assert not editor.lua("return vim.o.autoread")
    editor.command("silent undo")
    assert editor.text() == "four = 4"


def test_option_of_the_person_is_as_it_was_after_a_reload(editor: Neovim, scene: Scene, workspace: Path) -> None:
    editor.command("set noautoread")
    replace(workspace / "a.py", "new = 1\n")
    ask(editor, scene, asked("a3s/reload", uris=uris(workspace / "a.py")))
    assert editor.lua("return vim.fn.execute('setlocal autoread?')") == "\n--autoread", "there is no local value"


def test_views_stay_when_a_file_is_read_again(editor: Neovim, scene: Scene, workspace: Path) -> None:
    path = workspace / "long.py"
    lines = [f"line {number}\n" for number in range(1, 201)]
    path.write_text("".join(lines))
    editor.edit(path)
    wait_until(lambda: len(scene.received("textDocument/didOpen")) == 2, "the file is lent")
    editor.command("split | normal! 150Gzt")
    editor.command("wincmd p | normal! 100Gzt4l")
    editor.command("170,180fold")
    replace(path, "".join(lines) + "more\n")
    assert ask(editor, scene, asked("a3s/reload", uris=uris(path))) == {"reloaded": uris(path)}
    seen = "return { vim.fn.line('w0'), vim.fn.line('.'), vim.fn.col('.'), vim.fn.foldclosed(175) }"
    assert editor.lua(seen) == [100, 100, 5, 170]
    editor.command("wincmd p")
    assert editor.lua(seen) == [150, 150, 1, -1]


def test_file_that_is_gone_is_not_read_again(editor: Neovim, scene: Scene, workspace: Path) -> None:
    (workspace / "a.py").unlink()
    assert ask(editor, scene, asked("a3s/reload", uris=uris(workspace / "a.py"))) == {"reloaded": []}
    assert editor.text() == "one = 1\ntwo = 2\nthree = 3"


def test_server_has_the_new_text_when_the_reload_is_answered(editor: Neovim, scene: Scene, workspace: Path) -> None:
    replace(workspace / "a.py", "new = 1\n")
    ask(editor, scene, asked("a3s/reload", uris=uris(workspace / "a.py")))
    assert scene.heard()[-3:] == ["textDocument/didClose", "textDocument/didOpen", "answer"]
    assert "new = 1\\n" in str(scene.received("textDocument/didOpen")[-1])
