"""The review as any editor has it: what is told of hunks, and what lenses, actions, hovers and commands do to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from a3s_lsp.engine.messages import Json, ToolCall, UserMessage
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.server.app import create_server
from a3s_lsp.server.fake_editor import CAPABILITIES, FakeEditor, ServerError
from a3s_lsp.server.host import Defaults
from a3s_lsp.testing import Reply, ScriptedModel, call
from tests.server.desk import Desk, desk
from tests.server.memory import MemoryClient

FLAGS = ("events", "confirm", "hunks")
OLD = "".join(f"line {number}\n" for number in range(1, 11))
NEW = OLD.replace("line 2\n", "two 😀\n").replace("line 6\n", "").replace("line 9\n", "nine\nnine and a half\n")
SHOWN = {
    "textDocument": {
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "codeLens": {},
    }
}


def capabilities(**workspace: object) -> Json:
    given = CAPABILITIES["workspace"]
    assert isinstance(given, dict)
    return {**CAPABILITIES, **SHOWN, "workspace": {**given, **workspace}}


def writes(text: str, name: str = "a.txt") -> tuple[Reply, Reply]:
    write = call("write", file_path=name, content=text)
    return Reply("", (call("read", file_path=name),)), Reply("", (write,))


@asynccontextmanager
async def reviewed(root: Path, *more: str | Reply) -> AsyncIterator[tuple[Desk, Path, ScriptedModel]]:
    """A file that is open, in which the agent has changed three places."""
    model = ScriptedModel([*writes(NEW), "done", *more])
    async with desk(root, model, flags=FLAGS, capabilities=capabilities(), posture="auto") as d:
        path = d.root / "a.txt"
        path.write_text(OLD)
        d.editor.open(path)
        await d.editor.prompt("Number them anew.\nPlease.")
        await d.editor.until(lambda: len(told(d.editor, path)) == 3)
        yield d, path, model


def news(editor: FakeEditor, path: Path) -> list[Json]:
    return [params for name, params in editor.notifications if name == "a3s/hunks" and params["uri"] == path.as_uri()]


def told(editor: FakeEditor, path: Path) -> list[Json]:
    """The hunks of which the client knows."""
    last = news(editor, path)[-1:]
    return listed(last[0]) if last else []


def listed(answer: Json) -> list[Json]:
    hunks = answer["hunks"]
    assert isinstance(hunks, list)
    return hunks


def lines(first: int, last: int) -> Json:
    return {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}


async def lenses(editor: FakeEditor, path: Path) -> list[tuple[int, str]]:
    found = await editor.request("textDocument/codeLens", {"textDocument": {"uri": path.as_uri()}})
    assert isinstance(found, list)
    return [(lens["range"]["start"]["line"], lens["command"]["title"]) for lens in found]


async def actions(editor: FakeEditor, path: Path, span: Json, only: list[str] | None = None) -> dict[str, Json]:
    context: Json = {"diagnostics": []} if only is None else {"diagnostics": [], "only": only}
    params = {"textDocument": {"uri": path.as_uri()}, "range": span, "context": context}
    found = await editor.request("textDocument/codeAction", params)
    assert isinstance(found, list)
    return {action["title"]: action for action in found}


async def choose(editor: FakeEditor, action: Json) -> Json:
    """Do what the editor does with an action that was picked."""
    command = action["command"]
    assert isinstance(command, dict)
    return await editor.command(str(command["command"]), command["arguments"][0])


async def hover(editor: FakeEditor, path: Path, line: int) -> Json | None:
    place = {"line": line, "character": 0}
    found = await editor.request("textDocument/hover", {"textDocument": {"uri": path.as_uri()}, "position": place})
    return found["contents"] if isinstance(found, dict) else None


# ---------------------------------------------------------------- a3s/hunks


async def test_every_hunk_is_told_with_its_place_and_both_texts(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        hunks = told(d.editor, path)
        assert [(hunk["before"], hunk["after"]) for hunk in hunks] == [
            ("line 2\n", "two 😀\n"),
            ("line 6\n", ""),
            ("line 9\n", "nine\nnine and a half\n"),
        ]
        assert [hunk["range"] for hunk in hunks] == [lines(1, 2), lines(5, 5), lines(7, 9)]
        assert {(hunk["status"], hunk["label"]) for hunk in hunks} == {("applied", "write a.txt")}
        ending = d.editor.events[-1]
        assert {(hunk["sessionId"], hunk["runId"]) for hunk in hunks} == {(ending["sessionId"], ending["runId"])}
        assert await d.editor.command("a3s.hunk.list") == {"hunks": hunks}


async def test_a_client_that_did_not_ask_for_hunks_is_not_told_of_them(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel([*writes(NEW), "done"]), posture="auto") as d:
        await d.editor.prompt("go")
        assert len(listed(await d.editor.command("a3s.hunk.list"))) == 1
        assert not any(name == "a3s/hunks" for name, _ in d.editor.notifications)


async def test_what_is_typed_into_a_hunk_and_undone_in_the_editor_is_told(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        d.editor.type(path, NEW.replace("two 😀", "TWO"))
        await d.editor.until(lambda: told(d.editor, path)[0]["status"] == "tweaked")
        assert told(d.editor, path)[0]["after"] == "TWO\n"
        d.editor.type(path, OLD)
        await d.editor.until(lambda: told(d.editor, path) == [])
        d.editor.type(path, NEW)
        await d.editor.until(lambda: len(told(d.editor, path)) == 3)


async def test_keystrokes_elsewhere_are_told_together_and_the_last_state_is_true(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        before = len(news(d.editor, path))
        for count in range(1, 101):
            d.editor.type(path, "x\n" * count + NEW)
            await hover(d.editor, path, 0)  # the keystroke was taken in
        await d.editor.until(lambda: told(d.editor, path)[0]["range"] == lines(101, 102))
        assert len(news(d.editor, path)) - before < 50
        assert [hunk["range"] for hunk in told(d.editor, path)] == [lines(101, 102), lines(105, 105), lines(107, 109)]


async def test_a_resumed_session_tells_what_is_still_under_review(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    path = tmp_path / "w" / "a.txt"
    path.write_text(OLD)
    model = ScriptedModel([*writes(NEW), "done"])
    async with desk(tmp_path / "w", model, store=SQLiteStore(tmp_path / "s.db"), posture="auto") as d:
        session = (await d.editor.prompt("go"))["sessionId"]
    path.write_text(NEW.replace("two 😀", "line 2"))
    async with desk(tmp_path / "w", ScriptedModel(), store=SQLiteStore(tmp_path / "s.db"), flags=FLAGS) as d:
        await d.editor.command("a3s.session.resume", {"sessionId": session})
        assert [hunk["range"] for hunk in told(d.editor, path)] == [lines(5, 5), lines(7, 9)]
        await d.editor.command("a3s.session.delete", {"sessionId": session})
        assert told(d.editor, path) == []


async def test_a_document_under_a_link_is_told_of_by_the_name_that_the_client_uses(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "elsewhere").symlink_to(tmp_path / "real")
    model = ScriptedModel([*writes(NEW), "done"])
    async with desk(tmp_path / "link", model, flags=FLAGS, posture="auto") as d:
        await d.editor.prompt("go")
        await d.editor.until(lambda: len(told(d.editor, d.root / "a.txt")) == 1)
        d.editor.open(tmp_path / "elsewhere" / "a.txt")
        await d.editor.until(lambda: len(told(d.editor, tmp_path / "elsewhere" / "a.txt")) == 1)
        assert told(d.editor, d.root / "a.txt") == []
        odd = (tmp_path / "elsewhere" / "a.txt").as_uri().replace("a.txt", "%61.txt")
        assert len(listed(await d.editor.command("a3s.hunk.list", {"uri": odd}))) == 1


async def test_what_the_person_does_belongs_to_no_run_and_begins_no_progress(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        await d.editor.until(lambda: any(_kind(params) == "end" for _, params in d.editor.notifications))
        await d.editor.command("a3s.hunk.keep", {"hunkId": told(d.editor, path)[0]["hunkId"]})
        assert d.editor.events[-1]["status"] == "kept", "the answer comes when it is durable"
        await d.editor.command("a3s.hunk.undo", {"uri": path.as_uri()})
        outside = [event for event in d.editor.events if event["runId"] is None]
        assert [(event["type"], event.get("status")) for event in outside] == [
            *[("hunk_changed", "applied")] * 3,
            ("hunk_changed", "kept"),
            ("files_changed", None),
            ("hunk_changed", "undone"),
            ("hunk_changed", "undone"),
        ]
        assert [event["seq"] for event in outside] == list(range(len(outside)))
        assert [name for name, _ in d.editor.requests].count("window/workDoneProgress/create") == 1


def _kind(params: Json) -> object:
    value = params.get("value")
    return value.get("kind") if isinstance(value, dict) else None


# ---------------------------------------------------------------- commands


async def test_a_hunk_is_kept_or_undone_by_its_name(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        first, second, third = (hunk["hunkId"] for hunk in told(d.editor, path))
        assert await d.editor.command("a3s.hunk.keep", {"hunkId": first}) == {"hunks": [first]}
        assert await d.editor.command("a3s.hunk.keep", {"hunkId": first}) == {"hunks": []}
        choice = {"uri": path.as_uri(), "hunkId": third}
        assert await d.editor.command("a3s.hunk.undo", choice) == {"hunks": [third]}
        assert d.editor.text(path) == OLD.replace("line 2", "two 😀").replace("line 6\n", "")
        await d.editor.until(lambda: [hunk["hunkId"] for hunk in told(d.editor, path)] == [second])


async def test_undo_takes_back_what_the_agent_did_and_leaves_what_was_typed(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        d.editor.type(path, "mine\n" + NEW)
        assert len(listed(await d.editor.command("a3s.hunk.undo", {"uri": path.as_uri()}))) == 3
        assert d.editor.text(path) == "mine\n" + OLD
        d.editor.undo(path)
        assert d.editor.text(path) == "mine\n" + NEW, "it was one step"


async def test_a_range_takes_the_lines_of_a_hunk_that_it_touches(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        choice: Json = {"uri": path.as_uri(), "range": lines(8, 9)}
        assert len(listed(await d.editor.command("a3s.hunk.undo", choice))) == 1
        assert d.editor.text(path) == NEW.replace("nine and a half\n", "")
        await d.editor.until(lambda: told(d.editor, path)[-1]["after"] == "nine\n")


async def test_without_a_document_all_of_the_session_is_meant(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w", *writes("b\n", "b.txt"), "done") as (d, path, _):
        await d.editor.prompt("and another file")
        assert len(listed(await d.editor.command("a3s.hunk.undo"))) == 4
        assert d.editor.text(path) == OLD and not (d.root / "b.txt").exists()
        assert await d.editor.command("a3s.hunk.list") == {"hunks": []}
        await d.editor.command("a3s.session.new")
        assert await d.editor.command("a3s.hunk.keep") == {"hunks": []}


async def test_two_sessions_whose_models_use_the_same_names_are_told_apart(tmp_path: Path) -> None:
    both = [ToolCall("same", "write", json.dumps({"file_path": name, "content": name})) for name in ("a.txt", "b.txt")]
    model = ScriptedModel([Reply("", (both[0],)), "done", Reply("", (both[1],)), "done"])
    async with desk(tmp_path / "w", model, flags=FLAGS, posture="auto") as d:
        first = (await d.editor.prompt("one"))["sessionId"]
        await d.editor.command("a3s.session.new")
        await d.editor.prompt("two")
        hunks = listed(await d.editor.command("a3s.hunk.list"))
        assert len({hunk["hunkId"] for hunk in hunks}) == 1 and len({hunk["sessionId"] for hunk in hunks}) == 2
        name = hunks[0]["hunkId"]
        await d.editor.command("a3s.hunk.undo", {"hunkId": name, "uri": (d.root / "b.txt").as_uri()})
        assert (d.root / "a.txt").exists() and not (d.root / "b.txt").exists()
        await d.editor.command("a3s.hunk.undo", {"hunkId": name, "sessionId": first})
        assert not (d.root / "a.txt").exists()


async def test_the_hunks_of_two_sessions_in_one_document_are_shown_from_top_to_bottom(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w", *writes(NEW.replace("line 1\n", "one\n")), "done") as (d, path, _):
        await d.editor.command("a3s.session.new")
        await d.editor.prompt("and the first")
        assert [line for line, title in await lenses(d.editor, path) if title == "? ask"] == [0, 1, 5, 7]
        await d.editor.command("a3s.hunk.undo", {"uri": path.as_uri()})
        assert d.editor.text(path) == OLD


async def test_a_file_that_nobody_changed_has_no_hunks(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, _, _):
        for uri in ((d.root / "other").as_uri(), "untitled:Untitled-1"):
            for command in ("list", "keep", "undo"):
                assert await d.editor.command(f"a3s.hunk.{command}", {"uri": uri}) == {"hunks": []}
            assert await d.editor.request("textDocument/codeLens", {"textDocument": {"uri": uri}}) == []


@pytest.mark.parametrize(
    ("command", "argument", "words"),
    [
        ("a3s.hunk.keep", {"hunkId": "nope"}, r"no hunk nope in the open sessions: list them with a3s\.hunk\.list"),
        ("a3s.hunk.undo", {"range": lines(0, 1)}, "'uri' is missing"),
        ("a3s.hunk.keep", {"sessionId": "nope"}, r"a3s\.session\.resume"),
        ("a3s.hunk.list", {"sessionId": "nope"}, r"a3s\.session\.resume"),
        ("a3s.hunk.ask", {"uri": "file:///x"}, "'hunkId' is missing"),
        ("a3s.hunk.ask", {"uri": "file:///x", "hunkId": "nope"}, "no hunk nope"),
    ],
)
async def test_what_cannot_be_found_is_an_error_that_says_what_to_do(
    tmp_path: Path, command: str, argument: Json, words: str
) -> None:
    async with reviewed(tmp_path / "w") as (d, _, _):
        with pytest.raises(ServerError, match=words):
            await d.editor.command(command, argument)


async def test_an_undo_that_the_editor_refuses_is_an_error_and_the_hunk_stays(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        hunks = told(d.editor, path)
        d.editor.refusal = "the buffer cannot be changed"
        with pytest.raises(ServerError, match="the buffer cannot be changed"):
            await d.editor.command("a3s.hunk.undo", {"hunkId": hunks[0]["hunkId"]})
        assert await d.editor.command("a3s.hunk.list") == {"hunks": hunks}


async def test_an_editor_that_tells_of_changes_only_after_its_command_was_answered_can_undo(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        slow(d.editor)
        assert len(listed(await d.editor.command("a3s.hunk.undo", {"uri": path.as_uri()}))) == 3
        d.editor.release()
        await d.editor.until(lambda: told(d.editor, path) == [])
        assert d.editor.text(path) == OLD


async def test_an_undo_that_fails_after_its_answer_is_told_as_a_message(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        slow(d.editor)
        await d.editor.command("a3s.hunk.undo", {"uri": path.as_uri()})
        d.editor.hold()  # what was on its way is lost
        d.editor.release()
        d.editor.close(path)
        await d.editor.until(lambda: any(name == "window/showMessage" for name, _ in d.editor.notifications))


def slow(editor: FakeEditor) -> None:
    """Have the next changes of documents stay on their way until `release`."""
    apply = editor.respond["workspace/applyEdit"]

    def answer(params: Json) -> object:
        asyncio.get_running_loop().call_soon(editor.hold)
        return apply(params)

    editor.respond["workspace/applyEdit"] = answer


async def test_a_question_about_a_hunk_is_a_prompt_with_its_place_and_its_diff(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w", "because", "since") as (d, path, model):
        argument: Json = {"uri": path.as_uri(), "hunkId": told(d.editor, path)[0]["hunkId"]}
        for text, asked in (({}, "Why did you make this change?"), ({"text": "Is it a joke?"}, "Is it a joke?")):
            started = await d.editor.command("a3s.hunk.ask", {**argument, **text})
            assert (await d.editor.ending(str(started["runId"])))["type"] == "end"
            prompt = model.requests[-1].messages[-1]
            assert isinstance(prompt, UserMessage) and prompt.text.startswith(asked)
            assert '<hunk source="a.txt" lines="2-2" status="applied">\n-line 2\n+two 😀\n</hunk>' in prompt.text


# ---------------------------------------------------------------- lenses, actions, hover


async def test_lenses_stand_above_each_hunk_and_for_several_there_is_all_at_once(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        each = ("✓ keep", "↩ undo", "? ask")
        assert await lenses(d.editor, path) == [
            *((line, title) for line in (1, 5, 7) for title in each),
            (1, "keep all (3)"),
            (1, "undo all"),
        ]
        for hunk in told(d.editor, path)[1:]:
            await d.editor.command("a3s.hunk.keep", {"hunkId": hunk["hunkId"]})
        assert await lenses(d.editor, path) == [(1, title) for title in each]


async def test_no_lens_and_no_action_is_behind_the_last_line_that_an_editor_shows(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel([*writes("a\n"), "done"]), flags=FLAGS, posture="auto") as d:
        path = d.root / "a.txt"
        path.write_text("a\nb\n")
        d.editor.open(path)
        await d.editor.prompt("go")
        assert {line for line, _ in await lenses(d.editor, path)} == {0}
        assert await actions(d.editor, path, lines(0, 0))
        assert len(listed(await d.editor.command("a3s.hunk.undo", {"uri": path.as_uri(), "range": lines(0, 0)}))) == 1
        assert d.editor.text(path) == "a\nb\n"


async def test_lenses_are_asked_for_again_when_the_client_can_and_a_status_changed(tmp_path: Path) -> None:
    able = capabilities(codeLens={"refreshSupport": True})
    model = ScriptedModel([*writes(NEW), "done"])
    async with desk(tmp_path / "w", model, capabilities=able, posture="auto") as d:
        d.editor.respond["workspace/codeLens/refresh"] = lambda params: None
        await d.editor.prompt("go")
        await d.editor.until(lambda: any(name == "workspace/codeLens/refresh" for name, _ in d.editor.requests))
        d.editor.requests.clear()
        await d.editor.command("a3s.hunk.keep")
        await d.editor.until(lambda: any(name == "workspace/codeLens/refresh" for name, _ in d.editor.requests))


async def test_actions_are_only_on_the_lines_of_a_hunk_and_do_what_they_say(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w", "because") as (d, path, model):
        for line in (0, 2, 4, 6, 9):
            assert await actions(d.editor, path, lines(line, line)) == {}
        found = await actions(d.editor, path, lines(1, 1))
        assert list(found) == [
            "a3s: keep this change",
            "a3s: undo this change",
            "a3s: ask about this change",
            "a3s: keep all changes in this file",
            "a3s: undo all changes in this file",
        ]
        assert {action["kind"] for action in found.values()} == {"a3s.review"}
        await choose(d.editor, found["a3s: undo this change"])
        assert d.editor.text(path) == NEW.replace("two 😀", "line 2")
        started = await choose(d.editor, (await actions(d.editor, path, lines(5, 5)))["a3s: ask about this change"])
        await d.editor.ending(str(started["runId"]))
        assert "-line 6" in str(model.requests[-1].messages)
        await choose(d.editor, (await actions(d.editor, path, lines(7, 7)))["a3s: keep all changes in this file"])
        assert await d.editor.command("a3s.hunk.list") == {"hunks": []}


async def test_a_selection_offers_its_lines_of_one_hunk_or_all_hunks_that_it_touches(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        part = await actions(d.editor, path, lines(7, 8))
        await choose(d.editor, part["a3s: keep the selected lines of this change"])
        await d.editor.until(lambda: told(d.editor, path)[-1]["after"] == "nine and a half\n")
        both = await actions(d.editor, path, lines(1, 6))
        assert list(both)[:2] == ["a3s: keep these 2 changes", "a3s: undo these 2 changes"]
        await choose(d.editor, both["a3s: undo these 2 changes"])
        assert d.editor.text(path) == NEW.replace("two 😀", "line 2").replace("line 5\n", "line 5\nline 6\n")


@pytest.mark.parametrize(
    ("only", "given"),
    [
        (["quickfix"], False),
        (["source.organizeImports", "refactor"], False),
        (["a3s.reviewer"], False),
        (["a3s.review"], True),
        (["quickfix", "a3s"], True),
        ([""], True),
        ([], True),
        (None, True),
    ],
)
async def test_who_asks_for_other_kinds_of_actions_gets_none(
    tmp_path: Path, only: list[str] | None, given: bool
) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        assert bool(await actions(d.editor, path, lines(1, 1), only)) is given


async def test_a_client_that_knows_no_action_literals_gets_commands(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel([*writes(NEW), "done"]), posture="auto") as d:
        await d.editor.prompt("go")
        command = (await actions(d.editor, d.root / "a.txt", lines(0, 0)))["a3s: undo this change"]
        part = await actions(d.editor, d.root / "a.txt", lines(0, 1))
        assert not any("selected lines" in title for title in part), "a new file is there or not"
        assert command["command"] == "a3s.hunk.undo" and set(command) == {"title", "command", "arguments"}
        await choose(d.editor, {"command": command})
        assert not (d.root / "a.txt").exists()


async def test_hover_says_why_in_which_run_and_what_stood_there(tmp_path: Path) -> None:
    async with reviewed(tmp_path / "w") as (d, path, _):
        contents = await hover(d.editor, path, 1)
        assert contents is not None and contents["kind"] == "markdown"
        shown = str(contents["value"])
        assert "Asked for: Number them anew.\n" in shown and "Please" not in shown
        run = str(told(d.editor, path)[0]["runId"]).removeprefix("run-")[:8]
        assert f"write a.txt (run {run})" in shown and "Status: applied" in shown
        assert "```diff\n-line 2\n+two 😀\n```" in shown
        d.editor.type(path, NEW.replace("two 😀", "TWO"))
        assert "Status: tweaked: changed since by you" in str(await hover(d.editor, path, 1))
        for line in (0, 2, 6):
            assert await hover(d.editor, path, line) is None


async def test_hover_cannot_be_broken_out_of_and_is_plain_where_markdown_is_not_known(tmp_path: Path) -> None:
    fences = "```\n````\n# big\n"
    for able, kind in ((capabilities(), "markdown"), (CAPABILITIES, "plaintext")):
        model = ScriptedModel([*writes(fences), "done"])
        async with desk(tmp_path / kind, model, capabilities=able, posture="auto") as d:
            await d.editor.prompt("*bold* <b>")
            contents = await hover(d.editor, d.root / "a.txt", 0)
            assert contents is not None and contents["kind"] == kind
            shown = str(contents["value"])
            assert "+````\n" in shown and "the file was created" in shown
            if kind == "markdown":
                assert shown.endswith("\n`````") and r"\*bold\* \<b\>" in shown
            else:
                assert "*bold* <b>" in shown and "diff\n" not in shown


async def test_an_editor_never_waits_for_an_engine_that_is_not_loaded() -> None:
    def never() -> Defaults:
        raise AssertionError("nobody asked for the engine")

    client = MemoryClient(create_server(never))
    await client.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    document: Json = {"textDocument": {"uri": "file:///a"}}
    place = {"line": 0, "character": 0}
    asked: list[tuple[str, Json, object]] = [
        ("textDocument/codeLens", document, []),
        ("textDocument/codeAction", {**document, "range": lines(0, 0), "context": {"diagnostics": []}}, []),
        ("textDocument/hover", {**document, "position": place}, None),
    ]
    for method, params, answer in asked:
        assert (await client.request(method, params))["result"] == answer
