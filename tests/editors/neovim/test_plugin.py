"""The plugin around its conversations: commands, status, health, and a server that is missing or dies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.editors.neovim.driver import PLUGIN, Neovim, Scene, ending, event, hunk, hunks, question, tool, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.editor]


def test_cancel_and_steer_are_sent(editor: Neovim, scene: Scene) -> None:
    scene.on("a3s.cancel", {"cancelled": True})
    scene.on("a3s.steer", {"queued": False})
    editor.command("A3S cancel")
    editor.command("A3S steer use the other file")
    wait_until(lambda: "a3s: nothing is running; use `:A3S prompt`." in editor.notes(), "steering says that it cannot")
    assert scene.commands("a3s.cancel") == [{}]
    assert scene.commands("a3s.steer") == [{"text": "use the other file"}]


def test_slash_command_is_completed_and_its_answer_shown(editor: Neovim, scene: Scene) -> None:
    scene.on("a3s.cost", {"text": "Nothing was spent.\nSo far."})
    wait_until(lambda: editor.status() == "idle", "the server is ready")
    assert editor.completions("A3S co") == ["command"]
    assert editor.completions("A3S command co") == ["compact", "cost"]
    assert editor.completions("A3S prompt co") == []
    editor.command("A3S command cost all")
    assert editor.shows("So far.") == "## /cost\n\nNothing was spent.\nSo far."
    assert scene.commands("a3s.cost") == [{"args": "all"}]


def test_commands_that_come_later_are_completed(editor: Neovim, scene: Scene) -> None:
    row = {"name": "review", "description": "Look at it", "usage": "/review <file>"}
    scene.on("a3s.cost", {"text": "Nothing."}, {"method": "a3s/commands", "params": {"commands": [row]}})
    wait_until(lambda: editor.status() == "idle", "the server is ready")
    editor.command("A3S command cost")
    wait_until(lambda: editor.completions("A3S command ") == ["review"], "the new list counts")
    assert editor.completions("A3S prompt /re") == ["/review"]


def test_a_slash_command_that_is_typed_as_a_prompt_shows_what_it_said(editor: Neovim, scene: Scene) -> None:
    scene.on("a3s.prompt", {"sessionId": "s1", "runId": None, "text": "Messages: 2"})
    editor.command("A3S prompt /history")
    assert "## /history\n\nMessages: 2" in editor.shows("Messages: 2")


def test_a_slash_command_that_opens_another_session_shows_it(editor: Neovim, scene: Scene) -> None:
    scene.on("a3s.resume", {"text": "It is open.", "sessionId": "s2"})
    scene.on("a3s.session.resume", {"sessionId": "s2", "status": "completed"})
    editor.command("A3S command resume s2")
    wait_until(lambda: scene.commands("a3s.session.resume") == [{"sessionId": "s2"}], "it is put on the screen")


def test_error_of_the_server_is_shown_as_it_is(editor: Neovim) -> None:
    editor.command("A3S command nonsense")
    wait_until(lambda: editor.notes() == ["a3s: there is no command a3s.nonsense"], "the error is told")


def test_unknown_subcommand_points_to_the_help(editor: Neovim) -> None:
    editor.command("A3S frobnicate")
    wait_until(lambda: "a3s: there is no `:A3S frobnicate`; see `:help a3s`." in editor.notes(), "it is told")


def test_status_line_is_told_of_every_change(editor: Neovim, scene: Scene) -> None:
    asked = event("confirmation_required", tool_id="t1", tool_name="bash", args={}, title="Run", detail="ls")
    scene.on_prompt(
        event("start", prompt="hi"),
        *tool("bash", "t1", {}),
        asked,
        event("confirmation_received", tool_id="t1", tool_name="bash", approved=True, reason=None),
        *tool("bash", "t2", {}),
        event("tool_end", tool_id="t1", tool_name="bash", tool_output="", exit_code=0, error_kind=None),
        event("tool_end", tool_id="t2", tool_name="bash", tool_output="", exit_code=0, error_kind=None),
        ending(),
    )
    editor.lua(
        """
        _G.seen = {}
        vim.api.nvim_create_autocmd("User", {
          pattern = "A3SStatus",
          callback = function(event) table.insert(_G.seen, event.data.status) end,
        })
        """
    )
    wait_until(lambda: editor.status() == "idle", "the server is ready")
    editor.command("A3S prompt hi")
    editor.shows("12 tokens")
    seen = editor.lua("return _G.seen")
    assert isinstance(seen, list)
    assert seen[-6:] == ["thinking", "running bash", "waiting for you", "running bash", "thinking", "idle"]


def test_health_is_green_when_all_is_there(editor: Neovim, scene: Scene) -> None:
    scene.on("a3s.model", {"text": "model: offline/assistant"})
    wait_until(lambda: editor.status() == "idle", "the server is ready")
    editor.command("checkhealth a3s")
    report = editor.text()
    editor.keep_screen("checkhealth")
    assert "a3s-lsp 0.0.0-fake" in report
    assert "model: offline/assistant" in report
    assert "ERROR" not in report
    assert "WARNING" not in report


def test_health_tells_what_keeps_edits_from_being_undone_and_how_many_are_under_review(
    editor: Neovim, scene: Scene, workspace: Path
) -> None:
    a, b = workspace / "a.py", workspace / "b.py"
    scene.on("a3s.steer", {"queued": True}, hunks(a, hunk("h1", a, (0, 1))), hunks(b, hunk("h2", b, (0, 1))))
    editor.command("A3S steer show")
    wait_until(lambda: editor.lua("return require('a3s.hunks').total()") == 2, "the hunks are there")
    editor.command("set undolevels=-1 undoreload=0")
    editor.command("checkhealth a3s")
    report = editor.text()
    assert "`u` cannot take back what the agent changes" in report
    assert "a file that is read again cannot be undone" in report
    assert "2 changes of the agent are under review" in report


def test_missing_server_is_one_message_with_the_remedy(bare: Neovim, workspace: Path) -> None:
    bare.setup(cmd=["no-such-server"])
    bare.edit(workspace / "a.py")
    told = "a3s: the server `no-such-server` was not found. Install it with `pipx install a3s-lsp`, or set `cmd`."
    wait_until(bare.notes, "the person is told")
    bare.edit(workspace / "b.py")
    bare.command("checkhealth a3s")
    assert "pipx install a3s-lsp" in bare.text()
    assert bare.notes() == [told]
    assert bare.status() == "off"


def test_dead_server_is_told_and_a_restart_goes_on_with_the_session(editor: Neovim, scene: Scene) -> None:
    scene.on_prompt(event("start", prompt="hi"), question("t1"))
    scene.on("a3s.steer", {"queued": True}, {"exit": 3})
    scene.on(
        "a3s.session.resume",
        {"sessionId": "s1", "status": "idle"},
        event("start", prompt="hi", replay=True),
        ending("end", replay=True),
    )
    editor.pick_with()
    editor.command("A3S prompt hi")
    wait_until(editor.dialogs, "the question is asked")
    editor.command("A3S steer die")
    wait_until(lambda: any("stopped by itself (code 3" in note for note in editor.notes()), "the death is told")
    assert editor.status() == "off"
    editor.command("A3S restart")
    assert editor.shows("12 tokens").startswith("## You\n\nhi")
    assert scene.commands("a3s.session.resume") == [{"sessionId": "s1"}]
    scene.on_prompt(question("t2", detail="again"))
    editor.command("A3S prompt hi")
    wait_until(lambda: editor.dialogs()[1:], "the next question is asked")
    assert editor.dialogs()[1][0] == "a3s: Run a command: again"


def test_wrong_option_is_named(bare: Neovim) -> None:
    with pytest.raises(Exception, match='a3s: the option autostart must be a boolean, not "yes"'):
        bare.setup(autostart="yes")


def test_log_of_the_server_can_be_read(editor: Neovim, scene: Scene) -> None:
    scene.on_prompt({"method": "window/logMessage", "params": {"type": 3, "message": "the index is built"}})
    editor.command("A3S log")
    editor.command("A3S prompt hi")
    log = Path(str(editor.lua("return require('a3s.log').path()")))
    wait_until(lambda: log.exists() and "the index is built" in log.read_text(), "the line is written")
    editor.command("A3S log")
    assert "the index is built" in editor.text()


def test_help_has_a_page_for_every_command(bare: Neovim, tmp_path: Path) -> None:
    shutil.copytree(PLUGIN / "doc", tmp_path / "doc")
    bare.command(f"helptags {tmp_path / 'doc'}")
    bare.command(f"set runtimepath^={tmp_path}")
    for subcommand in bare.completions("A3S "):
        bare.command(f"help :A3S-{subcommand}")
        assert f"*:A3S-{subcommand}*" in bare.text()
