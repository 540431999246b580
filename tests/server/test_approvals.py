"""Questions at the editor: whoever can be asked is asked, and whatever goes wrong is a no."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from a3s_lsp.engine.messages import Json, ToolMessage
from a3s_lsp.engine.store.learned_rules import RuleFile
from a3s_lsp.server.fake_editor import FakeEditor
from a3s_lsp.testing import Reply, ScriptedModel, call
from tests.server.desk import desk

WRITE = Reply("", (call("write", file_path="made.txt", content="x\n"),))


def told(model: ScriptedModel) -> str:
    """What the model was told about its last call."""
    last = model.requests[-1].messages[-1]
    assert isinstance(last, ToolMessage)
    return last.content


def asked(editor: FakeEditor, method: str) -> list[Json]:
    return [params for name, params in editor.requests if name == method]


async def test_the_question_shows_what_will_happen_and_the_rule_that_always_stores(tmp_path: Path) -> None:
    model = ScriptedModel([WRITE, "done"])
    async with desk(tmp_path / "w", model) as d:
        ending = await d.editor.prompt("go")
        (question,) = asked(d.editor, "a3s/confirm")
        assert (question["sessionId"], question["runId"]) == (ending["sessionId"], ending["runId"])
        assert (question["toolName"], question["title"], question["detail"]) == ("write", "Write a file", "made.txt")
        assert "+x" in str(question["diff"]) and question["rule"] and question["args"]
        assert (d.root / "made.txt").read_text() == "x\n"


async def test_the_question_never_overtakes_the_call_that_it_is_about(tmp_path: Path) -> None:
    seen: list[str] = []
    async with desk(tmp_path / "w", ScriptedModel([WRITE, "done"])) as d:

        def confirm(params: Json) -> Json:
            seen.extend(str(event["type"]) for event in d.editor.events)
            return {"choice": "allow_once"}

        d.editor.respond["a3s/confirm"] = confirm
        await d.editor.prompt("go")
    assert "tool_start" in seen and "confirmation_required" in seen


@pytest.mark.parametrize(
    ("reply", "happens", "words"),
    [
        ({"choice": "allow_once"}, True, "Wrote"),
        ({"choice": "allow_always"}, True, "Wrote"),
        ({"choice": "reject_once", "note": "not that file"}, False, "not that file"),
        ({"choice": "reject_always"}, False, "REJECTED"),
        ({"choice": "yes please"}, False, "REJECTED"),
        ({}, False, "REJECTED"),
        (None, False, "REJECTED"),
        ([1, 2], False, "REJECTED"),
        ("allow_once", False, "REJECTED"),
    ],
)
async def test_only_a_clear_yes_is_a_yes(tmp_path: Path, reply: object, happens: bool, words: str) -> None:
    model = ScriptedModel([WRITE, "done"])
    async with desk(tmp_path / "w", model) as d:
        d.editor.respond["a3s/confirm"] = lambda params: reply
        await d.editor.prompt("go")
        assert (d.root / "made.txt").exists() is happens
        assert words in told(model)


READ = Reply("", (call("read", file_path="a.txt"),))
PARTS = Reply("", (call("write", file_path="a.txt", content="ONE\ntwo\nTHREE\n"),))


@pytest.mark.parametrize(
    ("accepted", "text", "words"),
    [
        ([1], "one\ntwo\nTHREE\n", "accepted 1 of 2 hunks"),
        ([1, 0], "ONE\ntwo\nTHREE\n", "Wrote"),
        (None, "ONE\ntwo\nTHREE\n", "Wrote"),
        ([], "one\ntwo\nthree\n", "accepted none"),
        ([7, -1], "one\ntwo\nthree\n", "accepted none"),
        ("all", "one\ntwo\nthree\n", "REJECTED"),
    ],
)
async def test_only_the_hunks_that_are_accepted_are_applied(
    tmp_path: Path, accepted: object, text: str, words: str
) -> None:
    model = ScriptedModel([READ, PARTS, "done"])
    async with desk(tmp_path / "w", model) as d:
        path = d.root / "a.txt"
        path.write_text("one\ntwo\nthree\n")
        d.editor.respond["a3s/confirm"] = lambda params: {"choice": "allow_once", "accepted": accepted}
        await d.editor.prompt("go")
        (question,) = asked(d.editor, "a3s/confirm")
        assert question["hunks"] == [
            {"index": 0, "path": str(path), "header": "@@ -1,1 +1,1 @@"},
            {"index": 1, "path": str(path), "header": "@@ -3,1 +3,1 @@"},
        ]
        assert path.read_text() == text
        assert words in told(model)


async def test_a_change_that_is_all_or_nothing_has_no_hunks_to_choose_from(tmp_path: Path) -> None:
    model = ScriptedModel([WRITE, "done"])
    async with desk(tmp_path / "w", model) as d:
        d.editor.respond["a3s/confirm"] = lambda params: {"choice": "allow_once", "accepted": []}
        await d.editor.prompt("go")
        assert "hunks" not in asked(d.editor, "a3s/confirm")[0]
        assert (d.root / "made.txt").exists()


async def test_with_review_before_each_change_is_shown_first_whatever_the_posture(tmp_path: Path) -> None:
    model = ScriptedModel([WRITE, "done", PARTS, "done"])
    async with desk(tmp_path / "w", model, posture="auto", review="before") as d:
        await d.editor.prompt("go")
        assert len(asked(d.editor, "a3s/confirm")) == 1
        d.editor.notify("workspace/didChangeConfiguration", {"settings": {"a3s": {"review": "after"}}})
        await d.editor.prompt("go on")
        assert len(asked(d.editor, "a3s/confirm")) == 1 and (d.root / "a.txt").exists()


async def test_always_stores_the_rule_that_was_shown_and_no_other(tmp_path: Path) -> None:
    echo = [Reply("", (call("bash", command=f"echo {n}"),)) for n in range(2)]
    model = ScriptedModel([*echo, Reply("", (call("bash", command="touch made"),)), "done"])
    async with desk(tmp_path / "w", model) as d:
        d.editor.respond["a3s/confirm"] = lambda params: {"choice": "allow_always", "rule": "bash*"}
        await d.editor.prompt("go")
        assert [question["detail"] for question in asked(d.editor, "a3s/confirm")] == ["echo 0", "touch made"]


@pytest.mark.parametrize(
    ("said", "setting", "holds"),
    [({"scope": "project"}, "session", "project"), ({}, "user", "user"), ({}, "session", "session")],
)
async def test_always_holds_where_the_answer_or_the_settings_say(
    tmp_path: Path, said: Json, setting: str, holds: str
) -> None:
    echo = [Reply("", (call("bash", command=f"echo {n}"),)) for n in range(2)]
    rules = RuleFile(tmp_path / "rules")
    async with desk(tmp_path / "w", ScriptedModel([*echo, "done"]), rules=rules, remember=setting) as d:
        d.editor.respond["a3s/confirm"] = lambda params: {"choice": "allow_always", **said}
        await d.editor.prompt("go")
        (question,) = asked(d.editor, "a3s/confirm")
        assert question["scopes"] == ["session", "project", "user"]
        learned = await d.editor.event(lambda event: event["type"] == "rule_learned")
        assert (learned["rule"], learned["decision"], learned["scope"]) == ("bash(echo:*)", "allow", holds)
        kept = [(rule.rule, rule.scope) for rule in rules.read(str(d.root)).rules]
        assert kept == ([] if holds == "session" else [("bash(echo:*)", holds)])


async def test_an_answer_by_command_says_where_it_holds(tmp_path: Path) -> None:
    model = ScriptedModel([WRITE, "done"])
    rules = RuleFile(tmp_path / "rules")
    async with desk(tmp_path / "w", model, rules=rules) as d:
        waiting: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        d.editor.respond["a3s/confirm"] = lambda params: waiting
        started = await d.editor.command("a3s.prompt", {"text": "go"})
        await d.editor.until(lambda: bool(asked(d.editor, "a3s/confirm")))
        argument = {"toolId": asked(d.editor, "a3s/confirm")[0]["toolId"], "remember": True, "scope": "user"}
        assert await d.editor.command("a3s.deny", argument) == {"resolved": True}
        await d.editor.ending(str(started["runId"]))
        (rule,) = rules.read("elsewhere").rules
        assert (rule.rule, rule.allow, rule.scope) == ("write(made.txt)", False, "user")


@pytest.mark.parametrize(
    ("title", "happens"), [("Allow once", True), ("Deny", False), (None, False), ("something else", False)]
)
async def test_a_client_without_our_messages_is_asked_with_buttons(
    tmp_path: Path, title: str | None, happens: bool
) -> None:
    model = ScriptedModel([WRITE, "done"])
    async with desk(tmp_path / "w", model, flags=("events",)) as d:
        d.editor.respond["window/showMessageRequest"] = lambda params: title and {"title": title}
        await d.editor.prompt("go")
        (question,) = asked(d.editor, "window/showMessageRequest")
        assert "Write a file: made.txt" in str(question["message"]) and "+x" in str(question["message"])
        actions = question["actions"]
        assert isinstance(actions, list)
        assert [action["title"].split(":")[0] for action in actions] == ["Allow once", "Always allow", "Deny"]
        assert (d.root / "made.txt").exists() is happens


async def test_a_client_that_can_ask_nothing_answers_by_command(tmp_path: Path) -> None:
    model = ScriptedModel([WRITE, "done"])
    async with desk(tmp_path / "w", model, flags=("events",), capabilities={}) as d:
        del d.editor.respond["window/showMessageRequest"]
        started = await d.editor.command("a3s.prompt", {"text": "go"})
        question = await d.editor.event(lambda event: event["type"] == "confirmation_required")
        await d.editor.until(lambda: any(name == "window/logMessage" for name, _ in d.editor.notifications))
        assert await d.editor.command("a3s.approve", {"toolId": "nope"}) == {"resolved": False}
        assert await d.editor.command("a3s.approve", {"toolId": question["tool_id"]}) == {"resolved": True}
        assert await d.editor.command("a3s.approve", {"toolId": question["tool_id"]}) == {"resolved": False}
        await d.editor.ending(str(started["runId"]))
        assert (d.root / "made.txt").exists()


async def test_an_answer_by_command_withdraws_the_question_from_the_screen(tmp_path: Path) -> None:
    model = ScriptedModel([WRITE, "done"])
    async with desk(tmp_path / "w", model) as d:
        waiting: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        d.editor.respond["a3s/confirm"] = lambda params: waiting
        started = await d.editor.command("a3s.prompt", {"text": "go"})
        await d.editor.until(lambda: bool(asked(d.editor, "a3s/confirm")))
        tool = asked(d.editor, "a3s/confirm")[0]["toolId"]
        assert await d.editor.command("a3s.deny", {"toolId": tool, "note": "no time"}) == {"resolved": True}
        await d.editor.ending(str(started["runId"]))
        assert "no time" in told(model) and not (d.root / "made.txt").exists()
        assert waiting.cancelled(), "the client was told that the question is moot"


async def test_stop_while_a_question_waits_withdraws_it(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel([WRITE])) as d:
        waiting: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        d.editor.respond["a3s/confirm"] = lambda params: waiting
        started = await d.editor.command("a3s.prompt", {"text": "go"})
        await d.editor.until(lambda: bool(asked(d.editor, "a3s/confirm")))
        await d.editor.command("a3s.cancel", {"runId": started["runId"]})
        assert d.editor.events[-1]["type"] == "cancelled"
        await d.editor.until(waiting.cancelled)
        assert not (d.root / "made.txt").exists()


async def test_two_sessions_ask_one_question_at_a_time(tmp_path: Path) -> None:
    model = ScriptedModel([WRITE, WRITE, "done", "done"])
    async with desk(tmp_path / "w", model) as d:
        answers: list[asyncio.Future[Json]] = []

        def confirm(params: Json) -> asyncio.Future[Json]:
            answers.append(asyncio.get_running_loop().create_future())
            return answers[-1]

        d.editor.respond["a3s/confirm"] = confirm
        one = await d.editor.command("a3s.prompt", {"text": "one"})
        await d.editor.command("a3s.session.new")
        two = await d.editor.command("a3s.prompt", {"text": "two"})
        await d.editor.until(lambda: sum(e["type"] == "confirmation_required" for e in d.editor.events) == 2)
        assert len(answers) == 1
        answers[0].set_result({"choice": "allow_once"})
        await d.editor.until(lambda: len(answers) == 2)
        answers[1].set_result({"choice": "allow_once"})
        for run in (one, two):
            assert (await d.editor.ending(str(run["runId"])))["type"] == "end"
