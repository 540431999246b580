"""Edits at the editor: made for the text on the screen, confirmed by it, and whole or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from a3s_lsp.engine.messages import Json, ToolMessage
from a3s_lsp.server import edits
from a3s_lsp.testing import Reply, ScriptedModel, call
from tests.server.desk import Desk, desk

RENAME = Reply("", (call("replace", pattern="old", replacement="new", whole_word=True),))


def told(model: ScriptedModel) -> str:
    last = model.requests[-1].messages[-1]
    assert isinstance(last, ToolMessage)
    return last.content


def applied(d: Desk) -> list[Json]:
    return [params for name, params in d.editor.requests if name == "workspace/applyEdit"]


async def test_the_model_reads_what_is_on_the_screen(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("read", file_path="a.py"),)), "done"])
    async with desk(tmp_path / "w", model) as d:
        (d.root / "a.py").write_text("on the disk\n")
        d.editor.open(d.root / "a.py", "on the screen\n")
        d.editor.type(d.root / "a.py", "on the screen now\n")
        await d.editor.prompt("go")
    assert told(model) == "     1\ton the screen now\n"


async def test_one_call_changes_open_unsaved_and_closed_files_in_one_labelled_step(tmp_path: Path) -> None:
    model = ScriptedModel([RENAME, "done"])
    async with desk(tmp_path / "w", model) as d:
        opened, closed, untouched = (d.root / name for name in ("open.py", "closed.py", "other.py"))
        for path in (opened, closed):
            path.write_text("old = 1\n")
        untouched.write_text("older\n")
        d.editor.open(opened, "# not saved: old\n\nold = 1\n\nprint('😀', old)\n")
        await d.editor.prompt("go")
        assert d.editor.text(opened) == "# not saved: new\n\nnew = 1\n\nprint('😀', new)\n"
        assert (opened.read_text(), closed.read_text(), untouched.read_text()) == ("old = 1\n", "new = 1\n", "older\n")
        (edit,) = applied(d)
        assert edit["label"]
        (change,) = edit["edit"]["documentChanges"]  # type: ignore[index]
        assert change["textDocument"] == {"uri": opened.as_uri(), "version": 1}
        assert len(change["edits"]) == 3, "small edits keep cursors and folds"
        (question,) = [params for name, params in d.editor.requests if name == "a3s/confirm"]
        assert "open.py" in str(question["diff"]) and "closed.py" in str(question["diff"])
        assert (await d.editor.command("a3s.undo"))["text"]
        assert d.editor.text(opened) == "# not saved: old\n\nold = 1\n\nprint('😀', old)\n"
        assert closed.read_text() == "old = 1\n"


async def test_whole_files_are_not_sent_with_the_result_of_an_edit(tmp_path: Path) -> None:
    edit = call("edit", file_path="a.py", old_string="old", new_string="new")
    async with desk(tmp_path / "w", ScriptedModel([Reply("", (edit,)), "done"])) as d:
        (d.root / "a.py").write_text("old\n")
        await d.editor.prompt("go")
        ended = await d.editor.event(lambda event: event["type"] == "tool_end")
        assert ended["metadata"] == {"file_path": "a.py"}


async def test_a_refused_edit_is_a_failed_result_and_closed_files_are_rolled_back(tmp_path: Path) -> None:
    model = ScriptedModel([RENAME, "done"])
    async with desk(tmp_path / "w", model) as d:
        (d.root / "closed.py").write_text("old\n")
        d.editor.open(d.root / "open.py", "old\n")
        d.editor.refusal = "the document is read only"
        await d.editor.prompt("go")
        assert "the document is read only" in told(model)
        assert (d.root / "closed.py").read_text() == "old\n"
        assert d.editor.text(d.root / "open.py") == "old\n"
        assert not any(event["type"] == "files_changed" for event in d.editor.events)


async def test_what_is_typed_while_the_question_waits_is_kept(tmp_path: Path) -> None:
    edit = call("edit", file_path="a.py", old_string="old", new_string="new")
    model = ScriptedModel([Reply("", (edit,)), "done"])
    async with desk(tmp_path / "w", model) as d:
        path = d.root / "a.py"
        d.editor.open(path, "old\n")

        def confirm(params: Json) -> Json:
            d.editor.type(path, "typed meanwhile\nold\n")
            return {"choice": "allow_once"}

        d.editor.respond["a3s/confirm"] = confirm
        await d.editor.prompt("go")
        assert d.editor.text(path) == "typed meanwhile\nnew\n"


async def test_a_whole_file_is_not_written_over_what_was_typed_meanwhile(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("write", file_path="a.py", content="mine\n"),)), "done"])
    async with desk(tmp_path / "w", model) as d:
        path = d.root / "a.py"
        d.editor.open(path, "yours\n")

        def confirm(params: Json) -> Json:
            d.editor.type(path, "yours, and more\n")
            return {"choice": "allow_once"}

        d.editor.respond["a3s/confirm"] = confirm
        await d.editor.prompt("go")
        assert d.editor.text(path) == "yours, and more\n"
        assert "and more" in told(model), "the model is shown the person's new text"


async def test_a_keystroke_on_its_way_to_the_server_wins(tmp_path: Path) -> None:
    """The edit is made for version 1, and the editor is at version 2 when it arrives."""
    edit = call("edit", file_path="a.py", old_string="old", new_string="new")
    model = ScriptedModel([Reply("", (edit,)), "done"])
    async with desk(tmp_path / "w", model) as d:
        path = d.root / "a.py"
        document = d.editor.open(path, "old\n")
        apply = d.editor.respond["workspace/applyEdit"]

        def late(params: Json) -> object:
            document.version += 1
            return apply(params)

        d.editor.respond["workspace/applyEdit"] = late
        await d.editor.prompt("go")
        assert d.editor.text(path) == "old\n"
        assert "another version" in told(model)


async def test_an_editor_that_says_applied_and_does_nothing_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "CONFIRM_SECONDS", 0.05)
    edit = call("edit", file_path="a.py", old_string="old", new_string="new")
    model = ScriptedModel([Reply("", (edit,)), "done"])
    async with desk(tmp_path / "w", model) as d:
        d.editor.open(d.root / "a.py", "old\n")
        d.editor.respond["workspace/applyEdit"] = lambda params: {"applied": True}
        await d.editor.prompt("go")
    assert "did not send the change" in told(model)


async def test_an_edit_that_is_told_in_several_changes_is_whole_before_the_next_call(tmp_path: Path) -> None:
    model = ScriptedModel([RENAME, Reply("", (call("read", file_path="a.py"),)), "done"])
    async with desk(tmp_path / "w", model) as d:
        path = d.root / "a.py"
        d.editor.open(path, "old\n\nold\n")

        def in_two_steps(params: Json) -> Json:
            later = asyncio.get_running_loop().call_later
            d.editor.type(path, "new\n\nold\n")
            later(0.05, d.editor.type, path, "new\n\nnew\n")
            return {"applied": True}

        d.editor.respond["workspace/applyEdit"] = in_two_steps
        await d.editor.prompt("go")
    assert told(model) == "     1\tnew\n     2\t\n     3\tnew\n"


@pytest.mark.parametrize("answer", [None, {}, {"applied": "yes"}, []])
async def test_an_answer_that_makes_no_sense_is_a_refusal(tmp_path: Path, answer: object) -> None:
    edit = call("edit", file_path="a.py", old_string="old", new_string="new")
    model = ScriptedModel([Reply("", (edit,)), "done"])
    async with desk(tmp_path / "w", model) as d:
        d.editor.open(d.root / "a.py", "old\n")
        d.editor.respond["workspace/applyEdit"] = lambda params: answer
        await d.editor.prompt("go")
    assert "did not apply" in told(model)


async def test_stop_while_the_editor_takes_its_time_to_apply(tmp_path: Path) -> None:
    edit = call("edit", file_path="a.py", old_string="old", new_string="new")
    async with desk(tmp_path / "w", ScriptedModel([Reply("", (edit,))])) as d:
        d.editor.open(d.root / "a.py", "old\n")
        never: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        d.editor.respond["workspace/applyEdit"] = lambda params: never
        started = await d.editor.command("a3s.prompt", {"text": "go"})
        await d.editor.until(lambda: bool(applied(d)))
        await d.editor.command("a3s.cancel", {"runId": started["runId"]})
        assert d.editor.events[-1]["type"] == "cancelled"
