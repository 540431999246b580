"""Edits at the editor: made for the text on the screen, confirmed by it, and whole or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from a3s_lsp.engine.errors import EditRefused, StaleEdit
from a3s_lsp.engine.messages import Json, ToolMessage
from a3s_lsp.engine.ports import Diagnostic, FileMove, Shown, TextChange
from a3s_lsp.server import edits, favours
from a3s_lsp.testing import Reply, ScriptedModel, call
from tests.server.desk import Desk, desk
from tests.server.seen import seen

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
        assert ended["metadata"] == {"file_path": "a.py", "match": "exact"}


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
    read, write = call("read", file_path="a.py"), call("write", file_path="a.py", content="mine\n")
    model = ScriptedModel([Reply("", (read,)), Reply("", (write,)), "done"])
    async with desk(tmp_path / "w", model) as d:
        path = d.root / "a.py"
        path.write_text("yours\n")
        d.editor.open(path)

        def confirm(params: Json) -> Json:
            d.editor.type(path, "yours, and more\n")
            return {"choice": "allow_once"}

        d.editor.respond["a3s/confirm"] = confirm
        await d.editor.prompt("go")
        assert d.editor.text(path) == "yours, and more\n"
        assert "and more" in told(model), "the model is shown the person's new text"


async def test_unsaved_text_that_the_model_has_not_seen_is_not_written_over(tmp_path: Path) -> None:
    write = Reply("", (call("write", file_path="a.py", content="mine\n"),))
    read = Reply("", (call("read", file_path="a.py"),))
    model = ScriptedModel([write, read, write, "done"])
    async with desk(tmp_path / "w", model) as d:
        path = d.root / "a.py"
        d.editor.open(path, "yours, unsaved\n")
        await d.editor.prompt("go")
        assert "you have not seen its text. Read a.py before you write it." in str(model.requests[1].messages[-1])
        assert d.editor.text(path) == "mine\n", "now it has"


async def test_a_keystroke_that_is_never_told_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The edit is made for version 1, and the editor is at version 2 when it arrives."""
    monkeypatch.setattr(edits, "CONFIRM_SECONDS", 0.05)
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


# ---------------------------------------------------------------- what the engine is told


async def test_who_changed_a_text_is_told_with_it(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "one\n")
        s.person.type(path, "two\n")
        assert (await s.apply(path, "three\n")).text == "three\n"
        s.person.undo(path)
        s.person.formatter = str.upper
        s.person.save(path)
        path.write_text("from elsewhere\n")
        s.person.reload(path)
        s.person.close(path)
        s.person.open(path)
        assert s.changes == [
            ("person", "two\n"),
            ("agent", "three\n"),
            ("person", "two\n"),
            ("editor", "TWO\n"),
            ("disk", "from elsewhere\n"),
            ("person", None),
            ("disk", "from elsewhere\n"),
        ]


async def test_text_that_is_typed_after_a_save_is_the_persons_again(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "one\n")
        s.person.save(path)
        s.person.type(path, "two\n")
        assert s.changes == [("person", "two\n")]


async def test_nobody_is_told_who_has_left(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        heard: list[TextChange] = []
        leave = s.engine.subscribe(heard.append)
        path = s.open("a.py", "one\n")
        leave()
        s.person.type(path, "two\n")
        assert [change.text for change in heard] == ["one\n"]


# ---------------------------------------------------------------- confirmed by the text


async def test_what_the_editor_makes_of_an_edit_is_told_apart_from_it(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\nb\n")
        s.person.reflex = lambda text: text.replace("new", "NEW")
        await s.apply(path, "a\nnew\nb\n")
        assert s.changes == [("agent", "a\nnew\nb\n"), ("editor", "a\nNEW\nb\n")]


async def test_an_edit_and_what_else_came_with_it_in_one_change_are_told_apart(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\nb\nc\n")

        def merged(params: Json) -> Json:
            s.person.type(path, "a\nB\nc\nfrom the editor\n")
            return {"applied": True}

        s.person.respond["workspace/applyEdit"] = merged
        assert await s.apply(path, "a\nB\nc\n") == Shown(path, "a\nB\nc\nfrom the editor\n", "editor")
        assert s.changes == [("agent", "a\nB\nc\n"), ("editor", "a\nB\nc\nfrom the editor\n")]


async def test_who_was_typing_before_an_edit_is_typing_still(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\nb\nc\n")
        s.person.type(path, "a\nb\nc\nI a")

        def merged(params: Json) -> Json:
            s.person.type(path, "a\nB\nc\nI am typing")
            return {"applied": True}

        s.person.respond["workspace/applyEdit"] = merged
        assert await s.apply(path, "a\nB\nc\nI a") == Shown(path, "a\nB\nc\nI am typing", "person")
        assert s.changes[1:] == [("agent", "a\nB\nc\nI a"), ("person", "a\nB\nc\nI am typing")]


async def test_a_keystroke_that_an_editor_without_versions_puts_before_the_edit_is_kept(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\nb\n")

        def unchecked(params: Json) -> Json:
            s.person.type(path, "typed\na\nb\n")
            s.person.type(path, "typed\na\nB\n")
            return {"applied": True}

        s.person.respond["workspace/applyEdit"] = unchecked
        assert (await s.apply(path, "a\nB\n")).text == "typed\na\nB\n"
        assert s.changes == [("person", "typed\na\nb\n"), ("agent", "typed\na\nB\n")]


async def test_an_edit_that_a_formatter_rewrote_was_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "SETTLE_SECONDS", 0.01)
    async with seen(tmp_path) as s:
        path = s.open("a.py", "x = 1\n")

        def formatted(params: Json) -> Json:
            s.person.type(path, 'x = 1\nprint("hello", 1)\n')
            return {"applied": True}

        s.person.respond["workspace/applyEdit"] = formatted
        assert (await s.apply(path, "x = 1\nprint( 'hello',1 )\n")).text == 'x = 1\nprint("hello", 1)\n'


async def test_an_edit_that_gets_the_line_ends_of_the_document_was_applied(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\r\nb\r\n")
        s.person.type(path, "a\r\nc\r\n")

        def adapted(params: Json) -> Json:
            s.person.type(path, "A\r\nc\r\nd\r\n")
            return {"applied": True}

        s.person.respond["workspace/applyEdit"] = adapted
        assert await s.apply(path, "A\nc\r\nd") == Shown(path, "A\r\nc\r\nd\r\n", "editor")
        assert s.changes[1:] == [("agent", "A\nc\r\nd"), ("editor", "A\r\nc\r\nd\r\n")]


async def test_an_edit_that_was_skipped_in_silence_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Neovim's own handler does when the person was faster."""
    monkeypatch.setattr(edits, "SETTLE_SECONDS", 0.01)
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\nb\n")

        def skipped(params: Json) -> Json:
            asyncio.get_running_loop().call_soon(s.person.type, path, "a\nb\ntyped\n")
            return {"applied": True}

        s.person.respond["workspace/applyEdit"] = skipped
        with pytest.raises(StaleEdit):
            await s.apply(path, "a\nB\n")
        assert s.text(path) == "a\nb\ntyped\n", "the newer text is there for the next attempt"
        assert s.changes == [("person", "a\nb\ntyped\n")]


async def test_an_edit_that_was_made_in_part_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "SETTLE_SECONDS", 0.01)
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\nb\nc\n")

        def half(params: Json) -> Json:
            s.person.type(path, "A\nb\nc\n")
            return {"applied": True}

        s.person.respond["workspace/applyEdit"] = half
        assert (await s.apply(path, "A\nb\nC\n")).text == "A\nb\nc\n"
        assert s.changes == [("agent", "A\nb\nc\n")]


async def test_a_document_that_goes_on_changing_does_not_keep_an_edit_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "CONFIRM_SECONDS", 0.1)
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\nb\n")
        loop = asyncio.get_running_loop()

        def keep_typing(params: Json) -> Json:
            s.person.type(path, f"{s.person.text(path)}.")
            loop.call_later(0.01, keep_typing, params)
            return {"applied": True}

        s.person.respond["workspace/applyEdit"] = keep_typing
        with pytest.raises(StaleEdit):
            await asyncio.wait_for(s.apply(path, "a\nB\n"), 5)


# ---------------------------------------------------------------- refused


async def test_an_edit_that_the_person_outran_is_stale_once_the_newer_text_is_here(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\nb\n")
        s.person.hold()
        s.person.type(path, "a\nb\ntyped\n")
        edit = asyncio.create_task(s.apply(path, "a\nB\n"))
        await s.person.until(lambda: bool(s.person.requests))
        s.person.release()
        with pytest.raises(StaleEdit):
            await edit
        assert s.text(path) == "a\nb\ntyped\n"


async def test_a_refusal_for_newer_text_is_stale_whatever_it_says_and_another_one_is_final(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\nb\n")

        def refuse(params: Json) -> Json:
            s.person.type(path, "a\nb\ntyped\n")
            return {"applied": False, "failureReason": "not now"}

        s.person.respond["workspace/applyEdit"] = refuse
        with pytest.raises(StaleEdit):
            await s.apply(path, "a\nB\n")
        s.person.respond["workspace/applyEdit"] = lambda params: {"applied": False, "failureReason": "not now"}
        with pytest.raises(EditRefused, match="not now"):
            await s.apply(path, "a\nB\n")


async def test_what_the_person_typed_just_as_a_refused_edit_would_have_is_the_persons(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\nb\n")

        def refuse(params: Json) -> Json:
            s.person.type(path, "a\n")
            return {"applied": False}

        s.person.respond["workspace/applyEdit"] = refuse
        with pytest.raises(StaleEdit):
            await s.apply(path, "a\n")
        assert s.changes == [("person", "a\n")]


async def test_a_client_that_fails_to_apply_is_a_refusal(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\n")
        del s.person.respond["workspace/applyEdit"]
        with pytest.raises(EditRefused, match="this client does not know workspace/applyEdit"):
            await s.apply(path, "b\n")


async def test_a_document_that_is_closed_meanwhile_is_a_refusal(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\n")

        def close(params: Json) -> Json:
            s.person.close(path)
            return {"applied": True}

        s.person.respond["workspace/applyEdit"] = close
        with pytest.raises(EditRefused, match="was closed while it was being changed"):
            await s.apply(path, "b\n")


async def test_an_edit_for_other_text_is_stale_before_the_editor_is_asked(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\n")
        edit = s.edit(path, "b\n")
        s.person.type(path, "typed\n")
        with pytest.raises(StaleEdit):
            await s.engine.apply("Edit", [edit])
        assert s.person.requests == []


async def test_all_documents_are_waited_for_before_one_of_them_is_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes back what was done must see it first."""
    monkeypatch.setattr(edits, "SETTLE_SECONDS", 0.01)
    async with seen(tmp_path) as s:
        first, second = s.open("a.py", "a\n"), s.open("b.py", "b\n")

        def one_of_two(params: Json) -> Json:
            s.person.type(first, "a\ntyped\n")
            asyncio.get_running_loop().call_later(0.05, s.person.type, second, "B\n")
            return {"applied": True}

        s.person.respond["workspace/applyEdit"] = one_of_two
        with pytest.raises(StaleEdit):
            await s.engine.apply("Edit", [s.edit(first, "A\n"), s.edit(second, "B\n")])
        assert s.text(second) == "B\n"


async def test_a_client_that_may_stop_half_way_is_asked_for_one_document_at_a_time(tmp_path: Path) -> None:
    """As Neovim, which announces neither versions nor all or nothing, and Helix."""
    capabilities: Json = {"workspace": {"workspaceEdit": {"resourceOperations": ["rename"]}}}
    async with seen(tmp_path, capabilities=capabilities) as s:
        paths = [s.open(name, "a\n") for name in ("one.py", "two.py", "three.py")]
        wanted = [s.edit(path, "b\n") for path in paths]
        apply = s.person.respond["workspace/applyEdit"]

        def outrun(params: Json) -> object:
            if len(s.person.requests) == 1:
                asyncio.get_running_loop().call_soon(s.person.type, paths[1], "typed\n")
            return apply(params)

        s.person.respond["workspace/applyEdit"] = outrun
        with pytest.raises(StaleEdit, match=r"two\.py"):
            await s.engine.apply("Edit", wanted, [FileMove(paths[2], tmp_path / "four.py")])
        assert [s.text(path) for path in paths] == ["b\n", "typed\n", "a\n"]
        changes = [params["edit"]["documentChanges"] for _, params in s.person.requests]  # type: ignore[index]
        assert all(len(change) == 1 and change[0]["textDocument"]["version"] == 1 for change in changes)


async def test_a_client_that_does_not_know_versions_gets_plain_changes(tmp_path: Path) -> None:
    async with seen(tmp_path, capabilities={}) as s:
        path = s.open("a.py", "a\n")
        span = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}

        def plain(params: Json) -> Json:
            assert params["edit"] == {"changes": {path.as_uri(): [{"range": span, "newText": "b"}]}}
            s.person.type(path, "b\n")
            return {"applied": True}

        s.person.respond["workspace/applyEdit"] = plain
        assert (await s.apply(path, "b\n")).text == "b\n"


# ---------------------------------------------------------------- moves


async def test_an_open_document_is_edited_and_moved_in_one_step(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path, target = s.open("a.py", "a\n"), tmp_path / "b.py"
        assert s.engine.can_move
        shown = await s.apply(path, "b\n", FileMove(path, target))
        assert (shown.path, shown.text) == (path, "b\n")
        assert s.engine.document(path) is None
        assert (s.text(target), target.read_text(), path.exists()) == ("b\n", "a\n", False)
        assert {cause for cause, _ in s.changes} == {"agent"}
        s.person.undo(target)
        assert s.text(target) == "a\n"


async def test_an_edit_and_a_move_are_one_after_the_other_where_all_or_nothing_is_not_promised(tmp_path: Path) -> None:
    capabilities: Json = {"workspace": {"workspaceEdit": {"resourceOperations": ["rename"]}}}
    async with seen(tmp_path, capabilities=capabilities) as s:
        path, target = s.open("a.py", "a\n"), tmp_path / "b.py"
        await s.apply(path, "b\n", FileMove(path, target))
        assert (s.text(target), len(s.person.requests)) == ("b\n", 2)
        assert {cause for cause, _ in s.changes} == {"agent"}


async def test_an_edit_that_is_first_seen_under_the_new_name_is_confirmed(tmp_path: Path) -> None:
    """Neovim closes the old name before it has told the last change."""
    async with seen(tmp_path) as s:
        path, target = s.open("a.py", "a\n"), tmp_path / "b.py"

        def move(params: Json) -> Json:
            s.person.close(path)
            path.rename(target)
            s.person.open(target, "b\n")
            return {"applied": True}

        s.person.respond["workspace/applyEdit"] = move
        assert (await s.apply(path, "b\n", FileMove(path, target))).text == "b\n"


async def test_a_move_that_the_editor_only_claims_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "CONFIRM_SECONDS", 0.01)
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\n")
        s.person.respond["workspace/applyEdit"] = lambda params: {"applied": True}
        with pytest.raises(EditRefused, match="said that it renamed"):
            await s.engine.apply("Move", [], [FileMove(path, tmp_path / "b.py")])


@pytest.mark.parametrize("operations", [None, [], ["create"]])
async def test_a_client_that_cannot_rename_is_not_asked_to(tmp_path: Path, operations: list[str] | None) -> None:
    capabilities: Json = {"workspace": {"workspaceEdit": {"documentChanges": True, "resourceOperations": operations}}}
    async with seen(tmp_path, capabilities=capabilities) as s:
        assert not s.engine.can_move


# ---------------------------------------------------------------- favours


async def test_documents_are_saved_by_the_client_with_its_formatters(tmp_path: Path) -> None:
    async with seen(tmp_path, flags=["save"]) as s:
        path, closed = s.open("a.py", "a\n"), tmp_path / "closed.py"
        s.person.formatter = str.upper
        s.person.type(path, "b\n")
        assert await s.engine.save_all([path, closed]) == [path]
        assert path.read_text() == s.text(path) == "B\n"
        assert not any(document.dirty for document in s.engine.documents())


async def test_only_clean_documents_are_read_again(tmp_path: Path) -> None:
    async with seen(tmp_path, flags=["reload"]) as s:
        clean, dirty = s.open("clean.py", "a\n"), s.open("dirty.py", "a\n")
        s.person.type(dirty, "typed\n")
        for path in (clean, dirty):
            path.write_text("from elsewhere\n")
        assert await s.engine.reload([clean, dirty]) == [clean]
        assert s.person.requests == [("a3s/reload", {"uris": [clean.as_uri()]})]
        assert (s.text(clean), s.text(dirty)) == ("from elsewhere\n", "typed\n")
        states = {document.path: (document.dirty, document.behind) for document in s.engine.documents()}
        assert states == {clean: (False, False), dirty: (True, True)}


async def test_a_document_that_is_said_to_be_read_again_and_is_not_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "SETTLE_SECONDS", 0.01)
    async with seen(tmp_path, flags=["reload"]) as s:
        path = s.open("a.py", "a\n")
        path.write_text("from elsewhere\n")
        s.person.respond["a3s/reload"] = lambda params: {"reloaded": params["uris"]}
        assert await s.engine.reload([path]) == []


async def test_diagnostics_are_those_of_the_version_or_not_known(tmp_path: Path) -> None:
    async with seen(tmp_path, flags=["diagnostics"]) as s:
        path = s.open("a.py", "a\n")
        span = {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 1}}
        s.person.problems[path.as_uri()] = [
            {"range": span, "message": "no", "severity": 2, "source": "lint", "code": 1},
            {"range": span, "message": "never", "severity": None},
        ]
        assert await s.engine.diagnostics(path, 1) == [
            Diagnostic(3, "warning", "no", "lint"),
            Diagnostic(3, "error", "never"),
        ]
        assert await s.engine.diagnostics(path, 2) is None


@pytest.mark.parametrize("answer", [None, [], "yes", {}, {"saved": 1, "reloaded": 1, "version": 7, "items": []}])
async def test_an_answer_that_is_not_as_agreed_is_none(
    tmp_path: Path, answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    async with seen(tmp_path, flags=["save", "reload", "diagnostics"]) as s:
        path = s.open("a.py", "a\n")
        for method in ("a3s/save", "a3s/reload", "a3s/diagnostics"):
            s.person.respond[method] = lambda params: answer
        assert (await s.engine.save_all([path]), await s.engine.reload([path])) == ([], [])
        assert await s.engine.diagnostics(path, 1) is None
        assert "a3s/save" in caplog.text


async def test_a_client_that_did_not_announce_favours_is_not_asked_for_them(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = s.open("a.py", "a\n")
        assert (await s.engine.save_all([path]), await s.engine.reload([path])) == ([], [])
        assert await s.engine.diagnostics(path, 1) is None
        assert s.person.requests == []


async def test_a_client_that_never_answers_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(favours, "SAVE_SECONDS", 0.01)
    async with seen(tmp_path, flags=["save"]) as s:
        path = s.open("a.py", "a\n")
        never: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        s.person.respond["a3s/save"] = lambda params: never
        assert await s.engine.save_all([path]) == []
        assert "did not answer a3s/save" in caplog.text
