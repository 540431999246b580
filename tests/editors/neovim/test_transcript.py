"""What the person sees of runs and sessions, and where their cursor stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.neovim.driver import Json, Neovim, Scene, answered, ending, event, question, tool, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.editor]

ALLOW = "Allow once"


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


def test_pauses_are_shown_while_they_last_and_what_was_told_stays(editor: Neovim, scene: Scene) -> None:
    scene.on_prompt(
        event("agent_mode_changed", mode="general", agent="general", description="Works"),
        event("start", prompt="hi"),
        event("turn_start", turn=1),
        event("model_retry", reason="cut", attempt=1, delay_ms=100, message="it broke off"),
        event("turn_start", turn=1),
        event("text_delta", text="Let me see:"),
        event(
            "budget_threshold_hit", resource="tokens", kind="soft", consumed=10, limit=99, message="10 of 99 tokens."
        ),
        event("continuation", reason="unfinished", text="Go on."),
        ending(),
    )
    editor.command("A3S prompt hi")
    transcript = editor.shows("12 tokens")
    assert "it broke off" not in transcript
    assert "*budget: 10 of 99 tokens.*" in transcript and "*the agent was told: Go on.*" in transcript


def test_a_plan_is_shown_with_its_steps_and_their_answers(editor: Neovim, scene: Scene) -> None:
    where = {"step_number": 1, "total_steps": 1}
    scene.on_prompt(
        event("start", prompt="hi"),
        event("planning_end", estimated_steps=1, plan={"steps": [{"id": "a", "content": "Look around"}]}),
        event("step_start", step_id="a", description="Look around", **where),
        event("step_end", step_id="a", status="completed", text="All is\nthere.", **where),
        event("step_end", step_id="a", status="failed", **where),
        ending(),
    )
    editor.command("A3S prompt hi")
    transcript = editor.shows("12 tokens")
    assert "*Plan*\n\n1. Look around\n\n*step 1 of 1: Look around*" in transcript
    assert "*step 1 is done*\n\nAll is\nthere." in transcript and "*step 1: failed*" in transcript


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
