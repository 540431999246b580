"""Questions of the server: how they are asked, answered and withdrawn."""

from __future__ import annotations

import pytest

from tests.editors.neovim.driver import Json, Neovim, Scene, answered, ending, event, question, tool, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.editor]

ALLOW, ALWAYS, DENY, DENY_WITH_NOTE, DISMISS = "Allow once", "Always", "Deny", "Deny with", ""


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


@pytest.mark.parametrize(("picked", "scope"), [("In this session", "session"), ("Everywhere", "user")])
def test_always_asks_where_it_holds(editor: Neovim, scene: Scene, picked: str, scope: str) -> None:
    ask(scene, question("t1", rule="bash(pytest:*)", scopes=["session", "project", "user"]))
    editor.pick_with(ALWAYS, picked)
    editor.command("A3S prompt hi")
    assert scene.response("t1")["result"] == {"choice": "allow_always", "rule": "bash(pytest:*)", "scope": scope}
    assert editor.dialogs()[1] == (
        "a3s: always allow bash(pytest:*)",
        ["In this session", "In this project", "Everywhere"],
    )


def test_who_does_not_say_where_is_asked_the_question_again(editor: Neovim, scene: Scene) -> None:
    ask(scene, question("t1", rule="bash(pytest:*)", scopes=["session", "project"]))
    editor.pick_with(ALWAYS, DISMISS, DENY)
    editor.command("A3S prompt hi")
    assert scene.response("t1")["result"] == {"choice": "reject_once"}
    assert len(editor.dialogs()) == 3


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


DIFF = """\
--- a/a.py
+++ b/a.py
@@ -1,3 +1,4 @@
-one = 1
+ONE = 1
 two = 2
-three = 3
+THREE = 3
+--- not a header
--- /dev/null
+++ b/new.py
@@ -0,0 +1 @@
+x = 1
"""
PARTS = [
    {"index": 0, "path": "a.py", "header": "@@ -1,1 +1,1 @@"},
    {"index": 1, "path": "a.py", "header": "@@ -3,1 +3,2 @@"},
    {"index": 2, "path": "new.py", "header": "created"},
]
LAID_OUT = """\
[x] a.py @@ -1,1 +1,1 @@
-one = 1
+ONE = 1
[x] a.py @@ -3,1 +3,2 @@
-three = 3
+THREE = 3
+--- not a header
[x] new.py created
+x = 1"""
SOME = "Allow some"


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ("<CR>", {"choice": "allow_once", "accepted": [0, 1, 2]}),
        ("4G<Space><CR>", {"choice": "allow_once", "accepted": [0, 2]}),
        ("G<Space>6G<Space>6G<Space><CR>", {"choice": "allow_once", "accepted": [0, 1]}),
        ("<Space>5G<Space>G<Space><CR>", {"choice": "reject_once"}),
    ],
)
def test_person_unticks_hunks_of_a_change(editor: Neovim, scene: Scene, keys: str, answer: Json) -> None:
    ask(scene, question("t1", title="Edit files", detail="", diff=DIFF, hunks=PARTS))
    editor.pick_with(SOME)
    before = editor.window()
    editor.command("A3S prompt hi")
    assert wait_until(editor.floats, "the hunks are shown") == [LAID_OUT]
    editor.keys(keys)
    assert scene.response("t1")["result"] == answer
    wait_until(lambda: editor.floats() == [], "the window is gone")
    assert editor.window() == before


def test_window_of_hunks_says_its_keys(editor: Neovim, scene: Scene) -> None:
    ask(scene, question("t1", title="Edit files", detail="", diff=DIFF, hunks=PARTS))
    editor.pick_with(SOME)
    editor.command("A3S prompt hi")
    wait_until(editor.floats, "the hunks are shown")
    editor.keys("4G<Space>")
    wait_until(lambda: "[ ] a.py @@ -3" in str(editor.floats()), "it is unticked")
    editor.keep_screen("hunk-picker")
    assert "<Space> untick · <CR> allow what is ticked · q back" in editor.screen()


def test_going_back_from_the_hunks_asks_again(editor: Neovim, scene: Scene) -> None:
    ask(scene, question("t1", title="Edit files", detail="", diff=DIFF, hunks=PARTS))
    editor.pick_with(SOME)
    editor.command("A3S prompt hi")
    wait_until(editor.floats, "the hunks are shown")
    editor.keys("q")
    wait_until(lambda: len(editor.dialogs()) == 2, "the question is asked again")
    editor.pick(ALLOW)
    assert scene.response("t1")["result"] == {"choice": "allow_once"}


def test_change_of_one_hunk_is_all_or_nothing(editor: Neovim, scene: Scene) -> None:
    ask(scene, question("t1", diff=DIFF, hunks=PARTS[:1]))
    editor.pick_with(DENY)
    editor.command("A3S prompt hi")
    wait_until(editor.dialogs, "the question is asked")
    assert "Allow some of it" not in editor.dialogs()[0][1]


def test_hunks_go_when_the_question_is_withdrawn(editor: Neovim, scene: Scene) -> None:
    scene.on_prompt(question("t1", diff=DIFF, hunks=PARTS))
    scene.on("a3s.steer", {"queued": True}, {"method": "$/cancelRequest", "params": {"id": "t1"}})
    editor.pick_with(SOME)
    editor.command("A3S prompt hi")
    wait_until(editor.floats, "the hunks are shown")
    editor.lua("require('a3s').steer('stop')")
    assert scene.response("t1")["error"]
    wait_until(lambda: editor.floats() == [], "the window is gone")
    assert len(editor.dialogs()) == 1
