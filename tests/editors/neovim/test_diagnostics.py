"""What the other language servers of the editor say of a text: of exactly this one, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.neovim.driver import Json, Neovim, Scene, asked, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.editor]

LONG, SHORT = 3_600_000, 300
UNKNOWN: Json = {"unknown": True}


def problem(message: str) -> Json:
    """A diagnostic of the first line."""
    span = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 3}}
    return {"range": span, "severity": 1, "message": message, "source": "lint"}


def published(path: Path, *problems: Json, version: object = None) -> Json:
    """A list that a server pushes."""
    params: Json = {"uri": path.as_uri(), "diagnostics": list(problems)}
    if version is not None:
        params["version"] = version
    return {"method": "textDocument/publishDiagnostics", "params": params}


@pytest.fixture
def path(workspace: Path) -> Path:
    """The file that is open."""
    return workspace / "a.py"


@pytest.fixture
def linter(tmp_path: Path) -> Scene:
    """What the other server will do."""
    home = tmp_path / "linter"
    home.mkdir()
    return Scene(home)


def start(editor: Neovim, linter: Scene, name: str = "linter") -> None:
    """Starts the other server, which tells of changes without delay, and waits until it has the file."""
    editor.lua(
        "vim.lsp.start({ name = select(1, ...), cmd = { select(2, ...) }, flags = { debounce_text_changes = 0 } })",
        name,
        str(linter.command),
    )
    wait_until(lambda: linter.received("textDocument/didOpen"), "the other server has the file")


def ask(editor: Neovim, scene: Scene, path: Path, wait_ms: int, version: object = "$version a.py") -> Json:
    """Has the server ask; the answer."""
    scene.on(
        "a3s.steer", {"queued": True}, asked("a3s/diagnostics", uri=path.as_uri(), version=version, waitMs=wait_ms)
    )
    editor.lua("require('a3s').steer('go')")
    result = scene.response("diagnostics")["result"]
    assert isinstance(result, dict)
    return result


def change(editor: Neovim, *servers: Scene) -> None:
    """Types, and waits until the servers are told."""
    counts = [changes(server) for server in servers]
    editor.type_line(2, f"mine = {counts}")
    wait_until(lambda: all(map(int.__lt__, counts, map(changes, servers))), "the change is told")


def changes(server: Scene) -> int:
    """How many changes a server was told."""
    return len(server.received("textDocument/didChange"))


def version_of(scene: Scene) -> object:
    """The version that the server was told last."""
    document = scene.received("textDocument/didChange")[-1]["textDocument"]
    assert isinstance(document, dict)
    return document["version"]


@pytest.mark.parametrize("version", ["$version a.py", None])
def test_pushed_list_of_this_version_is_the_answer(
    editor: Neovim, scene: Scene, linter: Scene, path: Path, version: object
) -> None:
    start(editor, linter)
    linter.on_notification("textDocument/didChange", published(path, problem("wrong"), version=version))
    change(editor, scene, linter)
    answer = ask(editor, scene, path, LONG)
    assert answer == {"version": version_of(scene), "items": [problem("wrong")]}


def test_empty_list_is_a_list(editor: Neovim, scene: Scene, linter: Scene, path: Path) -> None:
    start(editor, linter)
    linter.on_notification("textDocument/didChange", published(path))
    change(editor, scene, linter)
    assert ask(editor, scene, path, LONG) == {"version": version_of(scene), "items": []}


def test_list_of_an_older_version_is_never_the_answer(editor: Neovim, scene: Scene, linter: Scene, path: Path) -> None:
    start(editor, linter)
    linter.on_notification("textDocument/didChange", published(path, problem("old"), version=0))
    change(editor, scene, linter)
    assert ask(editor, scene, path, SHORT) == UNKNOWN


def test_list_that_came_before_the_change_is_not_the_answer(
    editor: Neovim, scene: Scene, linter: Scene, path: Path
) -> None:
    linter.on_notification("textDocument/didOpen", published(path, problem("old")))
    start(editor, linter)
    wait_until(lambda: editor.lua("return #vim.diagnostic.get(0)") == 1, "the list is there")
    change(editor, scene, linter)
    assert ask(editor, scene, path, SHORT) == UNKNOWN


def test_list_that_was_there_already_is_the_answer(editor: Neovim, scene: Scene, linter: Scene, path: Path) -> None:
    linter.on_notification("textDocument/didOpen", published(path, problem("wrong")))
    change(editor, scene)
    start(editor, linter)
    wait_until(lambda: editor.lua("return #vim.diagnostic.get(0)") == 1, "the list is there")
    assert ask(editor, scene, path, LONG)["items"] == [problem("wrong")]


def test_question_about_an_older_version_is_answered_at_once(
    editor: Neovim, scene: Scene, linter: Scene, path: Path
) -> None:
    start(editor, linter)
    linter.on_notification("textDocument/didChange", published(path, problem("wrong")))
    change(editor, scene, linter)
    assert ask(editor, scene, path, LONG, version=0) == UNKNOWN


def test_typing_on_ends_the_wait(editor: Neovim, scene: Scene, linter: Scene, path: Path) -> None:
    start(editor, linter)
    change(editor, scene, linter)
    scene.on(
        "a3s.steer",
        {"queued": True},
        asked("a3s/diagnostics", uri=path.as_uri(), version="$version a.py", waitMs=LONG),
    )
    editor.lua("require('a3s').steer('go')")
    change(editor, scene, linter)
    assert scene.response("diagnostics")["result"] == UNKNOWN


def test_nobody_else_knows_nothing(editor: Neovim, scene: Scene, path: Path) -> None:
    change(editor, scene)
    assert ask(editor, scene, path, LONG) == UNKNOWN


def test_server_that_can_be_asked_is_asked(editor: Neovim, scene: Scene, linter: Scene, path: Path) -> None:
    linter.can(diagnosticProvider={"interFileDependencies": False, "workspaceDiagnostics": False})
    linter.on_request("textDocument/diagnostic", {"kind": "full", "items": [problem("pulled")]})
    start(editor, linter)
    change(editor, scene, linter)
    assert ask(editor, scene, path, LONG) == {"version": version_of(scene), "items": [problem("pulled")]}


def test_server_that_refuses_to_answer_makes_it_unknown(
    editor: Neovim, scene: Scene, linter: Scene, path: Path
) -> None:
    linter.can(diagnosticProvider={"interFileDependencies": False, "workspaceDiagnostics": False})
    start(editor, linter)
    change(editor, scene, linter)
    assert ask(editor, scene, path, LONG) == UNKNOWN


def test_all_servers_are_waited_for(editor: Neovim, scene: Scene, linter: Scene, path: Path, tmp_path: Path) -> None:
    (tmp_path / "checker").mkdir()
    checker = Scene(tmp_path / "checker")
    start(editor, linter)
    start(editor, checker, "checker")
    linter.on_notification("textDocument/didChange", published(path, problem("lint")))
    change(editor, scene, linter, checker)
    assert ask(editor, scene, path, SHORT) == UNKNOWN
    checker.on_notification("textDocument/didChange", published(path, problem("types")))
    change(editor, scene, linter, checker)
    items = ask_again(editor, scene, path)["items"]
    assert isinstance(items, list)
    assert sorted(item["message"] for item in items) == ["lint", "types"]


def ask_again(editor: Neovim, scene: Scene, path: Path) -> Json:
    """The answer to a second question."""
    request = asked("a3s/diagnostics", uri=path.as_uri(), version="$version a.py", waitMs=LONG) | {"id": "again"}
    scene.on("a3s.steer", {"queued": True}, request)
    editor.lua("require('a3s').steer('go')")
    result = scene.response("again")["result"]
    assert isinstance(result, dict)
    return result


def test_handler_of_the_person_still_gets_every_list(editor: Neovim, scene: Scene, linter: Scene, path: Path) -> None:
    start(editor, linter)
    editor.lua(
        """
        vim.lsp.handlers["textDocument/publishDiagnostics"] = function(_, params)
          _G.heard = #params.diagnostics
        end
        """
    )
    linter.on_notification("textDocument/didChange", published(path, problem("wrong")))
    change(editor, scene, linter)
    wait_until(lambda: editor.lua("return _G.heard") == 1, "it is heard")
