"""The life of hunks, as a person would see it: kept, undone by whatever key, typed over, and told to the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.ledger import Ledger
from a3s_lsp.engine.messages import UserMessage
from a3s_lsp.engine.session import Session
from a3s_lsp.engine.state import State
from a3s_lsp.testing import MemoryEditor, Reply, ScriptedModel, call
from tests.engine.stage import Stage, answer

BEFORE = "".join(f"line {number}\n" for number in range(1, 13))


def edit(old: str, new: str, path: str = "a.py") -> Reply:
    return Reply("", (call("edit", file_path=path, old_string=old, new_string=new),))


def two_hunks() -> tuple[Reply, Reply]:
    write = call("write", file_path="a.py", content=AFTER)
    return Reply("", (call("read", file_path="a.py"),)), Reply("", (write,))


AFTER = BEFORE.replace("line 2\n", "line two\n").replace("line 9\n", "line nine\nline nine and a half\n")


async def opened(stage: Stage, *replies: Reply | str) -> tuple[Session, MemoryEditor, Path]:
    """A session in whose first run the replies were given, on a document that is open."""
    path = stage.folder / "a.py"
    path.write_text(BEFORE)
    editor = MemoryEditor()
    editor.open(path)
    model = ScriptedModel([*replies, *["done"] * 8])
    session = await stage.open(stage.setup(model, editor=editor))
    await answer(session, "go")
    return session, editor, path


def statuses(session: Session) -> list[str]:
    return [hunk.status for hunk in session.review.ledger.hunks.values()]


async def told(session: Session) -> str:
    """What the next turn of the model hears."""
    await answer(session, "and now?")
    notes = [m.text for m in session.state.messages if isinstance(m, UserMessage) and m.text.startswith("[What")]
    return notes[-1] if notes else ""


async def test_each_piece_of_an_edit_is_a_hunk_that_stands(tmp_path: Path) -> None:
    session, _, path = await opened(Stage(tmp_path), *two_hunks())
    first, second = session.review.ledger.live(str(path))
    assert (first.before, first.after, first.status) == ("line 2\n", "line two\n", "applied")
    assert (session.review.ledger.line(first), session.review.ledger.line(second)) == (2, 9)


async def test_undo_in_the_editor_undoes_all_hunks_and_redo_brings_them_back(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    session, editor, path = await opened(stage, *two_hunks())
    editor.undo(path)
    assert statuses(session) == ["undone", "undone"]
    editor.type(path, AFTER)
    assert statuses(session) == ["applied", "applied"]


async def test_typing_elsewhere_moves_hunks_and_typing_over_one_tweaks_it_alone(tmp_path: Path) -> None:
    session, editor, path = await opened(Stage(tmp_path), *two_hunks())
    editor.type(path, "# new first line\n" + AFTER)
    assert [session.review.ledger.line(hunk) for hunk in session.review.ledger.live()] == [3, 10]
    editor.type(path, "# new first line\n" + AFTER.replace("line two", "line 2, better"))
    assert statuses(session) == ["tweaked", "applied"]


async def test_the_model_hears_in_one_note_what_the_person_did(tmp_path: Path) -> None:
    session, editor, path = await opened(Stage(tmp_path), *two_hunks())
    _, second = session.review.ledger.live()
    session.review.keep([second.id])
    editor.type(path, editor.text(path).replace("line two", "line 2, better"))
    note = await told(session)
    assert note == (
        "[What became of your changes since your last turn: the person kept 1 of 2 hunks; "
        'a.py line 2 changed to "line 2, better".]'
    )
    assert await told(session) == note, "nothing new is told twice"


async def test_the_model_hears_of_an_undo(tmp_path: Path) -> None:
    session, editor, path = await opened(Stage(tmp_path), edit("line 5\n", "line five\n"))
    editor.undo(path)
    assert "hunk 1 of a.py (line 5) undone" in await told(session)


async def test_what_a_formatter_did_is_not_said_of_the_person(tmp_path: Path) -> None:
    session, editor, path = await opened(Stage(tmp_path), edit("line 5\n", "line  five\n"))
    editor.type(path, editor.text(path).replace("line  five", "line five"), cause="editor")
    assert 'a.py line 5 changed by the editor itself to "line five"' in await told(session)


async def test_undoing_one_hunk_leaves_the_other_and_what_was_typed(tmp_path: Path) -> None:
    session, editor, path = await opened(Stage(tmp_path), *two_hunks())
    editor.type(path, AFTER + "typed\n")
    first, _ = session.review.ledger.live()
    assert await session.review.undo([first.id]) == (first.id,)
    assert editor.text(path) == AFTER.replace("line two\n", "line 2\n") + "typed\n"
    assert statuses(session) == ["undone", "applied"]


async def test_a_range_of_lines_undoes_a_part_of_a_hunk(tmp_path: Path) -> None:
    session, editor, path = await opened(Stage(tmp_path), edit("line 5\nline 6\nline 7\n", "five\nsix\nseven\n"))
    names = session.review.select(str(path), 5, 5)
    await session.review.undo(names)
    assert editor.text(path).splitlines()[4:7] == ["five", "line 6", "seven"]
    assert [hunk.after for hunk in session.review.ledger.live()] == ["five\n", "seven\n"]


async def test_a_created_file_is_deleted_by_undoing_its_hunk(tmp_path: Path) -> None:
    session, _, _ = await opened(Stage(tmp_path), Reply("", (call("write", file_path="new.py", content="x\n"),)))
    (hunk,) = session.review.ledger.live()
    await session.review.undo([hunk.id])
    assert not (tmp_path / "new.py").exists()
    assert statuses(session) == ["undone"]


async def test_a_second_edit_of_the_same_line_takes_the_first_in(tmp_path: Path) -> None:
    session, editor, path = await opened(Stage(tmp_path), edit("line 5", "line V"), edit("line V", "line five"))
    assert statuses(session) == ["superseded", "applied"]
    (hunk,) = session.review.ledger.live()
    await session.review.undo([hunk.id])
    assert editor.text(path) == BEFORE, "undo leads to the text before the agent, not to its first try"


async def test_agent_that_takes_its_own_edit_back_is_not_told_that_the_person_did(tmp_path: Path) -> None:
    session, _, _ = await opened(Stage(tmp_path), edit("line 5", "line V"), edit("line V", "line 5"))
    assert statuses(session) == ["superseded"]
    assert await told(session) == ""


@pytest.mark.parametrize("left", [slice(3, None), slice(0, 3), slice(0, 1), slice(0, 0)])
async def test_lines_around_a_hunk_that_go_and_come_back_bring_it_back(tmp_path: Path, left: slice) -> None:
    session, editor, path = await opened(Stage(tmp_path), edit("line 2\nline 3\n", "two\nthree\n"))
    editor.type(path, "".join(editor.text(path).splitlines(keepends=True)[left]))
    editor.undo(path)
    (hunk,) = session.review.ledger.live()
    assert (hunk.status, session.review.ledger.current(hunk)) == ("applied", "two\nthree\n")


async def test_the_same_change_made_again_after_an_undo_is_one_new_hunk(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    session, editor, path = await opened(
        stage, edit("line 5\n", "line five\n"), "done", edit("line 5\n", "line five\n")
    )
    editor.undo(path)
    await answer(session, "again")
    assert statuses(session) == ["superseded", "applied"]
    assert "applied again" not in await told(session)


async def test_a_line_that_is_put_above_a_tweaked_hunk_leaves_it_under_review(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    replies = edit("line 5\n", "line five\n"), "done", edit("line 4\n", "line 4\nfour and a half\n")
    session, editor, path = await opened(stage, *replies)
    editor.type(path, editor.text(path).replace("line five", "line 5!"))
    await answer(session, "again")
    assert statuses(session) == ["tweaked", "applied"]
    assert [session.review.ledger.current(hunk) for hunk in session.review.ledger.live()] == [
        "four and a half\n",
        "line 5!\n",
    ]


async def test_several_places_that_are_edited_at_once_do_not_blur_a_hunk(tmp_path: Path) -> None:
    session, editor, path = await opened(Stage(tmp_path), edit("line 5\n", "line five\n"))
    editor.type(path, editor.text(path).replace("line 4", "line 4;").replace("line five", "line five;"))
    (hunk,) = session.review.ledger.live()
    assert (hunk.status, session.review.ledger.current(hunk)) == ("tweaked", "line five;\n")


async def test_an_edit_that_a_crash_kept_out_of_the_log_is_found_in_the_text(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    path = tmp_path / "a.py"
    path.write_text(BEFORE)
    editor = MemoryEditor()
    editor.open(path)
    session = await stage.open(stage.setup(ScriptedModel([]), editor=editor))
    planned = change(str(path), BEFORE, AFTER)
    session.review.record(f.FilesChanging("c", planned.changes), "run-1")
    await session.suspend()
    editor.type(path, AFTER + "typed before anybody was there again\n")
    again = await stage.load(stage.setup(ScriptedModel([]), editor=editor))
    assert [hunk.after for hunk in again.review.ledger.live()] == ["line two\n", "line nine\nline nine and a half\n"]
    assert again.review.ledger.text(str(path)) == editor.text(path)


async def test_closed_file_that_somebody_changed_on_the_disk_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("one\ntwo\n")
    session, _, _ = await opened(Stage(tmp_path), edit("two", "2", path="b.py"))
    (tmp_path / "b.py").write_text("zero\none\n2 and more\n")
    assert 'b.py line 3 changed by someone on the disk to "2 and more"' in await told(session)
    (tmp_path / "b.py").unlink()
    assert "deleted by someone on the disk" in await told(session)


async def test_the_ledger_survives_a_restart(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    session, editor, path = await opened(stage, *two_hunks())
    first, _ = session.review.ledger.live()
    session.review.keep([first.id])
    editor.type(path, editor.text(path).replace("nine and a half", "9.5"))
    before = session.review.ledger
    await session.suspend()
    again = await stage.load(stage.setup(ScriptedModel(["done"]), editor=editor))
    assert again.review.ledger.hunks == before.hunks
    assert "kept 1 of 2" in await told(again)


async def test_what_happened_while_nobody_was_there_is_found_out(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    session, editor, path = await opened(stage, *two_hunks())
    await session.suspend()
    editor.type(path, BEFORE)
    again = await stage.load(stage.setup(ScriptedModel(["done"]), editor=editor))
    assert statuses(again) == ["undone", "undone"]


async def test_replaying_the_log_gives_every_text_byte_for_byte(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    session, editor, path = await opened(stage, *two_hunks(), edit("line 7", "line 7\r\n\ufeff😀"))
    editor.type(path, editor.text(path).replace("line 12\n", ""))
    await session.settled()
    state = State()
    for record in stage.store.read("s"):
        state.apply(record)
    assert state.ledger.text(str(path)) == editor.text(path)


async def test_events_tell_what_became_of_a_hunk_outside_of_any_run(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    session, editor, path = await opened(stage, edit("line 5\n", "line five\n"))
    editor.undo(path)
    await session.settled()
    changed = [event for event in stage.events if event.type == "hunk_changed"]
    assert [(event.run_id, event.seq, event.fields["status"]) for event in changed] == [
        ("", 0, "applied"),
        ("", 1, "undone"),
    ]


async def test_hunks_that_are_not_there_are_named(tmp_path: Path) -> None:
    session, _, _ = await opened(Stage(tmp_path))
    assert session.review.keep(["nothing:1"]) == ()
    with pytest.raises(A3SError, match="There is no hunk nothing:1"):
        session.review.find("nothing:1")


async def test_undo_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    session, editor, path = await opened(Stage(tmp_path), edit("line 5", "five"))
    editor.refuse("the document is read only")
    (hunk,) = session.review.ledger.live()
    with pytest.raises(A3SError, match="read only"):
        await session.review.undo([hunk.id])
    assert (statuses(session), "five" in editor.text(path)) == (["applied"], True)


def test_a_line_that_is_deleted_beside_an_equal_one_is_the_hunk_if_one_of_them_is() -> None:
    ledger = Ledger()
    text = "x\nx\n"
    ledger.apply(change("p", text, "x\nx\nx\n"), None)
    (hunk,) = ledger.live()
    start = 0 if hunk.start else 4  # the editor says that another of the equal lines went
    ledger.apply(f.TextEdited("p", start, start + 2, "", "person"), None)
    assert [hunk.status for hunk in ledger.hunks.values()] == ["undone"]


def change(path: str, before: str | None, after: str | None) -> f.FilesChanged:
    return f.FilesChanged("c", ChangeSet("edit", (Change(path, before, after),)))
