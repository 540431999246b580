"""The Neovim plugin in a real editor, against a server that plays a script."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.editors.neovim.driver import (
    PLUGIN,
    Json,
    Neovim,
    Scene,
    answered,
    ending,
    event,
    question,
    tool,
    wait_until,
)

pytestmark = [pytest.mark.e2e, pytest.mark.editor]

ALLOW, ALWAYS, DENY, DENY_WITH_NOTE, DISMISS = "Allow once", "Always", "Deny", "Deny with", ""


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


# -- lending buffers


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


# -- prompting, and what is shown of it


def test_run_is_streamed_into_the_transcript(editor: Neovim, scene: Scene) -> None:
    scene.on_prompt(
        event("start", prompt="run the tests"),
        event("turn_start", turn=1),
        event("text_delta", text="I will run "),
        event("text_delta", text="them.\nAll of them."),
        *tool("bash", "t1", {"command": "pytest -q"}),
        *tool("edit", "t2", {"file_path": "a.py"}),
        event("files_changed", tool_id="t2", label="edit", undoes=None, files=[{"path": "a.py", "change": "modified"}]),
        event("tool_end", tool_id="t1", tool_name="bash", tool_output="1 failed\nmore", exit_code=1, error_kind=None),
        event("tool_end", tool_id="t2", tool_name="edit", tool_output="ok", exit_code=0, error_kind=None),
        event("turn_start", turn=2),
        event("text_delta", text="Done."),
        event("end", text="Done.", total_tokens=1234, usage={"cost": 0.0125}),
    )
    editor.command("A3S prompt run the tests")
    transcript = editor.shows("$0.0125")
    editor.keep_screen("streamed-run")
    assert transcript.splitlines() == [
        "## You",
        "",
        "run the tests",
        "",
        "## a3s",
        "",
        "I will run them.",
        "All of them.",
        "",
        "- ✗ bash: pytest -q (1 failed …)",
        "- ✓ edit: a.py (modified a.py)",
        "",
        "Done.",
        "",
        "*1234 tokens, $0.0125*",
    ]


def test_failed_run_says_why(editor: Neovim, scene: Scene) -> None:
    scene.on_prompt(event("start", prompt="hi"), ending("error", error="The key was refused; set another."))
    editor.command("A3S prompt hi")
    editor.shows("**Error:** The key was refused; set another.")
    assert editor.status() == "failed"


def test_turn_that_comes_again_replaces_what_was_cut(editor: Neovim, scene: Scene) -> None:
    scene.on_prompt(
        event("start", prompt="hi"),
        event("turn_start", turn=1),
        event("text_delta", text="half a sen"),
        event("run_resumed"),
        event("turn_start", turn=1),
        event("text_delta", text="A sentence."),
        ending(),
    )
    editor.command("A3S prompt hi")
    transcript = editor.shows("12 tokens")
    assert "half a sen" not in transcript
    assert "A sentence." in transcript


def test_prompt_with_a_range_sends_the_lines_as_context(editor: Neovim, scene: Scene, workspace: Path) -> None:
    scene.on_prompt()
    editor.command("2,3A3S prompt explain | this")
    (sent,) = wait_until(lambda: scene.commands("a3s.prompt"), "the prompt is sent")
    lines = {"start": {"line": 1, "character": 0}, "end": {"line": 3, "character": 0}}
    assert sent == {"text": "explain | this", "context": [{"uri": (workspace / "a.py").as_uri(), "range": lines}]}


def test_prompt_without_a_text_asks_for_one(editor: Neovim, scene: Scene) -> None:
    scene.on_prompt()
    editor.lua("vim.ui.input = function(options, on_confirm) on_confirm('what is this?') end")
    editor.command("A3S prompt")
    assert wait_until(lambda: scene.commands("a3s.prompt"), "the prompt is sent") == [{"text": "what is this?"}]


def test_focus_stays_and_the_transcript_follows_its_end(editor: Neovim, scene: Scene) -> None:
    lines = [event("text_delta", text=f"line {number}\n") for number in range(100)]
    scene.on_prompt(event("start", prompt="hi"), *lines, ending())
    before = editor.window()
    editor.command("A3S prompt hi")
    editor.shows("12 tokens")
    assert editor.window() == before
    assert editor.transcript_cursor() == len(editor.transcript().splitlines())


def test_transcript_stays_where_the_person_reads(editor: Neovim, scene: Scene) -> None:
    scene.on_prompt(event("start", prompt="hi"), event("text_delta", text="one\ntwo\nthree\nfour"), ending())
    editor.command("A3S prompt hi")
    editor.shows("12 tokens")
    editor.lua("vim.api.nvim_win_set_cursor(vim.fn.bufwinid('a3s://transcript'), { 2, 0 })")
    editor.command("A3S prompt hi")
    wait_until(lambda: editor.transcript().count("12 tokens") == 2, "the second run has ended")
    assert editor.transcript_cursor() == 2


def test_transcript_cannot_be_typed_into(editor: Neovim, scene: Scene) -> None:
    scene.on_prompt(event("start", prompt="hi"), ending())
    editor.command("A3S prompt hi")
    before = editor.shows("12 tokens")
    editor.command("buffer a3s://transcript")
    editor.keys("ggdGitext<Esc>")
    wait_until(lambda: editor.mode() == "n", "the keys are typed")
    assert editor.transcript() == before


def test_transcript_that_is_wiped_during_a_run_goes_on_in_a_new_buffer(editor: Neovim, scene: Scene) -> None:
    ended = event("tool_end", tool_id="t1", tool_name="bash", tool_output="", exit_code=0, error_kind=None)
    calls = tool("bash", "t1", {"command": "ls"})
    scene.on_prompt(event("start", prompt="hi"), *calls, question("t2"), answered("t2"), ended, ending())
    editor.pick_with()
    editor.command("A3S prompt hi")
    wait_until(editor.dialogs, "the run waits")
    editor.command("bwipeout! a3s://transcript")
    editor.pick(ALLOW)
    assert editor.shows("12 tokens") == "*12 tokens*"


# -- sessions


def test_session_that_is_picked_is_shown_again(editor: Neovim, scene: Scene) -> None:
    rows = [
        {"sessionId": "s2", "title": "Fix the parser", "status": "idle", "messages": 4},
        {"sessionId": "s3", "title": "Rename", "status": "idle", "messages": 2},
    ]
    old: Json = {"sessionId": "s3", "runId": "r0", "replay": True}
    scene.on_prompt(event("start", prompt="now"), ending())
    scene.on("a3s.session.list", rows)
    scene.on(
        "a3s.session.resume",
        {"sessionId": "s3", "status": "idle"},
        event("start", prompt="old question", **old),
        event("text_delta", text="Old answer.", **old),
        ending("end", **old),
    )
    editor.command("A3S prompt now")
    editor.shows("12 tokens")
    editor.pick_with("Rename")
    editor.command("A3S sessions")
    transcript = editor.shows("Old answer.")
    assert editor.dialogs() == [("a3s: sessions", ["Fix the parser (idle, 4 messages)", "Rename (idle, 2 messages)"])]
    assert scene.commands("a3s.session.resume") == [{"sessionId": "s3"}]
    assert "old question" in transcript
    assert "now" not in transcript


def test_replay_that_comes_before_the_answer_is_shown_too(editor: Neovim, scene: Scene) -> None:
    old: Json = {"sessionId": "s3", "runId": "r0", "replay": True}
    scene.on_prompt(event("start", prompt="now"), ending())
    scene.on(
        "a3s.session.resume",
        {"sessionId": "s3", "status": "idle"},
        before=[event("start", prompt="old question", **old), ending("end", **old)],
    )
    editor.command("A3S prompt now")
    editor.shows("12 tokens")
    editor.command("A3S resume s3")
    assert "now" not in editor.shows("old question")


def test_failed_resume_leaves_the_transcript_alone(editor: Neovim, scene: Scene) -> None:
    scene.on_prompt(event("start", prompt="now"), ending())
    editor.command("A3S prompt now")
    before = editor.shows("12 tokens")
    editor.command("A3S resume nowhere")
    wait_until(lambda: "a3s: there is no command a3s.session.resume" in editor.notes(), "the failure is told")
    assert editor.transcript() == before


def test_new_session_begins_with_an_empty_transcript(editor: Neovim, scene: Scene, workspace: Path) -> None:
    scene.on_prompt(event("start", prompt="now"), ending())
    scene.on("a3s.session.new", {"sessionId": "s9"})
    editor.command("A3S prompt now")
    editor.shows("12 tokens")
    editor.command("A3S new")
    wait_until(lambda: editor.transcript() == "", "the transcript is empty")
    assert scene.commands("a3s.session.new") == [{"workspace": str(workspace)}]


# -- questions


def ask(scene: Scene, *questions: Json) -> None:
    """A run that asks, and ends when it has all answers."""
    waits = [answered(str(asked["id"])) for asked in questions]
    scene.on_prompt(event("start", prompt="hi"), *questions, *waits, ending())


@pytest.mark.parametrize(
    ("picked", "answer"),
    [
        (ALLOW, {"choice": "allow_once"}),
        (ALWAYS, {"choice": "allow_always", "rule": "bash(pytest:*)"}),
        (DENY, {"choice": "reject_once"}),
        (DENY_WITH_NOTE, {"choice": "reject_once", "note": "use tox"}),
        (DISMISS, {"choice": "reject_once"}),
    ],
)
def test_choice_becomes_the_answer(editor: Neovim, scene: Scene, picked: str, answer: Json) -> None:
    ask(scene, question("t1", rule="bash(pytest:*)"))
    editor.lua("vim.ui.input = function(options, on_confirm) on_confirm('use tox') end")
    editor.pick_with(picked)
    editor.command("A3S prompt hi")
    assert scene.response("t1")["result"] == answer
    assert editor.dialogs() == [
        (
            "a3s: Run a command: pytest -q",
            ["Allow once", "Always allow bash(pytest:*)", "Deny", "Deny with a note"],
        )
    ]


def test_question_without_a_rule_or_details_is_asked_without_them(editor: Neovim, scene: Scene) -> None:
    ask(scene, question("t1", title="Replace in files", detail="", rule=None, diff=None))
    editor.pick_with(DENY)
    editor.command("A3S prompt hi")
    assert scene.response("t1")["result"] == {"choice": "reject_once"}
    assert editor.dialogs() == [("a3s: Replace in files", ["Allow once", "Deny", "Deny with a note"])]


def test_person_may_type_while_a_question_waits(editor: Neovim, scene: Scene) -> None:
    ask(scene, question("t1"))
    editor.pick_with()
    editor.command("A3S prompt hi")
    wait_until(editor.dialogs, "the question is asked")
    editor.keys("ohello<Esc>")
    wait_until(lambda: "hello" in editor.text(), "the text is typed")
    wait_until(lambda: "hello" in str(scene.received("textDocument/didChange")), "the server sees it")
    editor.pick(ALLOW)
    assert scene.response("t1")["result"] == {"choice": "allow_once"}


def test_questions_are_asked_one_at_a_time_in_their_order(editor: Neovim, scene: Scene) -> None:
    ask(scene, question("t1", detail="first"), question("t2", detail="second"))
    editor.pick_with()
    editor.command("A3S prompt hi")
    wait_until(editor.dialogs, "the first question is asked")
    editor.pick(ALLOW)
    scene.response("t1")
    wait_until(lambda: len(editor.dialogs()) == 2, "the second question is asked")
    editor.pick(DENY)
    assert scene.response("t2")["result"] == {"choice": "reject_once"}
    assert [prompt for prompt, _ in editor.dialogs()] == ["a3s: Run a command: first", "a3s: Run a command: second"]


def test_question_does_not_take_the_keys_of_a_person_who_types(editor: Neovim, scene: Scene) -> None:
    ask(scene, question("t1"))
    editor.pick_with()
    editor.keys("ihello")
    wait_until(lambda: editor.mode() == "i", "the person types")
    editor.lua("require('a3s').prompt('hi')")
    wait_until(lambda: any("waits until" in note for note in editor.notes()), "the question is announced")
    assert editor.dialogs() == []
    editor.keys("<Esc>")
    wait_until(editor.dialogs, "the question is asked")


def test_dialog_of_neovim_itself_answers_too(editor: Neovim, scene: Scene) -> None:
    ask(scene, question("t1"))
    editor.command("A3S prompt hi")
    wait_until(lambda: editor.mode() != "n", "the dialog waits for a key")
    editor.keys("1<CR>")
    assert scene.response("t1")["result"] == {"choice": "allow_once"}


def test_diff_is_beside_the_question_and_gone_with_the_answer(editor: Neovim, scene: Scene) -> None:
    diff = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-one = 1\n+one = 11\n"
    ask(scene, question("t1", title="Edit a file", detail="a.py", diff=diff))
    editor.pick_with()
    before = editor.window()
    editor.command("A3S prompt hi")
    wait_until(editor.dialogs, "the question is asked")
    (shown,) = editor.floats()
    editor.keep_screen("question-with-diff")
    assert shown == "a.py\n\n" + diff.rstrip("\n")
    assert editor.window() == before
    editor.pick(ALLOW)
    wait_until(lambda: editor.floats() == [], "the diff is gone")


def test_long_command_is_shown_whole(editor: Neovim, scene: Scene) -> None:
    ask(scene, question("t1", detail="make test\nrm -rf build"))
    editor.pick_with()
    editor.command("A3S prompt hi")
    assert wait_until(editor.floats, "the command is shown") == ["make test\nrm -rf build"]


def test_diff_that_is_cut_says_how_much_is_below(editor: Neovim, scene: Scene) -> None:
    ask(scene, question("t1", detail="", diff="\n".join(f"+{number}" for number in range(100))))
    editor.pick_with()
    editor.command("A3S prompt hi")
    wait_until(editor.dialogs, "the question is asked")
    assert "76 more lines" in editor.screen()


@pytest.mark.parametrize(
    "end",
    [
        {"method": "$/cancelRequest", "params": {"id": "t1"}},
        event("confirmation_received", tool_id="t1", tool_name="bash", approved=True, reason=None),
        event("confirmation_timeout", tool_id="t1", tool_name="bash", action_taken="rejected"),
        ending("cancelled", text="", error=""),
    ],
)
def test_withdrawn_question_is_answered_with_an_error_and_makes_room(editor: Neovim, scene: Scene, end: Json) -> None:
    scene.on_prompt(question("t1"), end, answered("t1"), question("t2", detail="next"))
    editor.pick_with()
    editor.command("A3S prompt hi")
    assert scene.response("t1")["error"]
    wait_until(lambda: [prompt for prompt, _ in editor.dialogs()][-1:] == ["a3s: Run a command: next"], "the next one")
    editor.pick(ALLOW)
    assert scene.response("t2")["result"] == {"choice": "allow_once"}


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("A3S approve", {"choice": "allow_once"}),
        ("A3S deny", {"choice": "reject_once"}),
        ("A3S deny not now", {"choice": "reject_once", "note": "not now"}),
    ],
)
def test_question_can_be_answered_by_a_command(editor: Neovim, scene: Scene, line: str, answer: Json) -> None:
    ask(scene, question("t1"))
    editor.pick_with()
    editor.command("A3S prompt hi")
    wait_until(editor.dialogs, "the question is asked")
    editor.command(line)
    assert scene.response("t1")["result"] == answer
    editor.lua("vim.ui.input = function() error('asked in vain') end")
    editor.pick(DENY_WITH_NOTE)


def test_call_that_waits_without_a_dialog_is_approved_by_its_id(editor: Neovim, scene: Scene) -> None:
    asked = event(
        "confirmation_required", tool_id="t7", tool_name="bash", args={"command": "ls"}, title="Run", detail="ls"
    )
    scene.on_prompt(event("start", prompt="hi"), *tool("bash", "t7", {}), asked)
    scene.on("a3s.approve", {"resolved": True})
    editor.command("A3S prompt hi")
    editor.shows("- ? bash: ls (waits for you: Run)")
    editor.command("A3S approve")
    assert wait_until(lambda: scene.commands("a3s.approve"), "the approval is sent") == [{"toolId": "t7"}]


# -- edits


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


# -- commands


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


def test_error_of_the_server_is_shown_as_it_is(editor: Neovim) -> None:
    editor.command("A3S command nonsense")
    wait_until(lambda: editor.notes() == ["a3s: there is no command a3s.nonsense"], "the error is told")


def test_unknown_subcommand_points_to_the_help(editor: Neovim) -> None:
    editor.command("A3S frobnicate")
    wait_until(lambda: "a3s: there is no `:A3S frobnicate`; see `:help a3s`." in editor.notes(), "it is told")


# -- status, health, and a server that is missing or dies


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
    scene.on_prompt(event("start", prompt="hi"), question("t1"), {"exit": 3})
    scene.on(
        "a3s.session.resume",
        {"sessionId": "s1", "status": "idle"},
        event("start", prompt="hi", replay=True),
        ending("end", replay=True),
    )
    editor.pick_with()
    editor.command("A3S prompt hi")
    wait_until(lambda: any("stopped by itself (code 3" in note for note in editor.notes()), "the death is told")
    assert editor.status() == "off"
    editor.command("A3S restart")
    assert editor.shows("12 tokens").startswith("## You\n\nhi")
    assert scene.commands("a3s.session.resume") == [{"sessionId": "s1"}]
    scene.on_prompt(question("t2", detail="again"))
    editor.command("A3S prompt hi")
    wait_until(lambda: editor.dialogs()[-1][0] == "a3s: Run a command: again", "the next question is asked")


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
