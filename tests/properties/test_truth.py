"""Never lose a keystroke: random schedules of a person, an agent, other programs and accidents, in models of editors.

`A3S_TRUTH_SCHEDULES` sets how many there are in all; `scripts/bench truth` plays many more. What failed once stands
below as small as it could be made.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.properties.truth.agent import Edit, Job, Patch, Read, Replace, Turn, Write
from tests.properties.truth.editors import EDITORS
from tests.properties.truth.generate import schedules, shrunk
from tests.properties.truth.judge import Broken
from tests.properties.truth.steps import (
    Ask,
    ChangeLine,
    Close,
    Crash,
    DeleteLines,
    Open,
    Paste,
    Redo,
    Refuse,
    Rub,
    Save,
    Scatter,
    Schedule,
    Step,
    TakeBack,
    Type,
    Undo,
    Wait,
)
from tests.properties.truth.world import play

SCHEDULES = int(os.environ.get("A3S_TRUTH_SCHEDULES", "2000"))
PARTS = 5
OPEN = ("ledger",)
"""What is not always so: after a crash, or some undos of several edits of one line, a hunk can be lost sight of. Its
text is not: it stays what it is, and goes by undo and rewind."""

every_editor = pytest.mark.parametrize("editor", EDITORS)
PLAIN = "alpha 1\nbeta 2\ngamma 3\nalpha 4\nbeta 5\ngamma 6\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that the schedules may have."""
    return tmp_path / "w"


def kept(root: Path, editor: str, *steps: Step, files: tuple[str, ...] = (PLAIN,) * 3, seeds: int = 20) -> None:
    """The steps break nothing, with whatever delays."""
    for seed in range(seeds):
        broken, _ = play(Schedule(editor, seed, steps, files), root)
        assert not broken, f"with the delays of seed {seed}: {broken}"


@pytest.mark.parametrize("part", range(PARTS))
@every_editor
def test_nothing_is_lost_forced_or_hidden(editor: str, part: int, root: Path) -> None:
    count = SCHEDULES // len(EDITORS) // PARTS
    for schedule in schedules(editor, part * count, count):
        if broken_by(schedule, root):
            small = shrunk(schedule, lambda one: bool(broken_by(one, root)))
            pytest.fail(f"{small}\n{broken_by(small, root)}")


def broken_by(schedule: Schedule, root: Path) -> list[Broken]:
    """What the schedule breaks that must hold by now."""
    broken, _ = play(schedule, root)
    return [one for one in broken if one.kind not in OPEN]


def test_the_same_schedule_goes_the_same_way_twice(root: Path) -> None:
    for editor in EDITORS:
        for schedule in schedules(editor, 0, 10):
            assert play(schedule, root) == play(schedule, root)


# ---------------------------------------------------------------- what was found


def asked(*turns: Turn, think_ms: int = 0) -> Ask:
    """A prompt for these turns."""
    return Ask(Job(turns, think_ms))


@every_editor
def test_text_typed_after_the_agent_read_is_not_written_over(editor: str, root: Path) -> None:
    kept(
        root, editor, Open(0), asked((Read(0),), (Write(0, 2, "word"),), think_ms=100), Wait(120), Type(0, 1, 3, 4, 15)
    )


@every_editor
def test_a_file_that_the_agent_never_read_is_not_written_over(editor: str, root: Path) -> None:
    kept(root, editor, Open(3), Type(3, 0, 0, 3), Save(3), asked((Write(3, 0, "line"),)))


def test_an_editor_that_says_nothing_of_versions_gets_them_all_the_same(root: Path) -> None:
    kept(root, "stock-neovim", Open(0), asked((Read(0),), (Edit(0, 2, "line"),)), Type(0, 1, 0, 4, 15), Paste(0, 0, 2))


def test_no_document_is_changed_unchecked_beside_one_that_is_checked(root: Path) -> None:
    both = (Open(0), Open(1), asked((Replace(0),), (Replace(1),)))
    kept(root, "stock-neovim", *both, Paste(0, 0), Paste(1, 0), Type(1, 2, 0, 5, 15), Type(0, 1, 0, 5, 15))
    kept(root, "helix", *both, Paste(0, 0), Paste(1, 0), Type(1, 2, 0, 5, 15), Type(0, 1, 0, 5, 15))


def test_a_word_that_goes_on_in_another_alphabet_is_not_replaced(root: Path) -> None:
    kept(root, "vscode", Open(0), Type(0, 0, 5, 1), asked((Replace(0),)))


@every_editor
def test_line_ends_that_the_editor_keeps_do_not_hide_an_edit(editor: str, root: Path) -> None:
    windows = "beta 0\r\n\r\ngamma 1\r\nbeta 0\r\n\r\n"
    rewritten = asked((Read(0),), (Write(0, 0, "delete"),), (Write(0, 0, "insert"),))
    kept(root, editor, Open(0), rewritten, files=(windows, PLAIN, PLAIN))


@every_editor
def test_a_hunk_with_typed_text_stays_when_the_agent_inserts_beside_it(editor: str, root: Path) -> None:
    first = asked((Read(0),), (Edit(0, 2, "line"),))
    second = asked((Read(0),), (Patch(0, 1, "insert"),))
    kept(root, editor, Open(0), first, Wait(400), Type(0, 2, 1, 1), Wait(400), second)


@every_editor
def test_typing_in_two_places_at_once_keeps_the_hunk_between(editor: str, root: Path) -> None:
    kept(root, editor, Open(0), Wait(100), asked((Read(0),), (Edit(0, 1, "word"),)), Wait(400), Scatter(0, 0, 2))


def test_a_refused_patch_names_its_file_and_what_to_do(root: Path) -> None:
    stale = asked((Read(0),), (Patch(0, 2, "line"),), think_ms=50)
    kept(root, "vscode", Open(0), stale, Wait(60), ChangeLine(0, 1), ChangeLine(0, 2), ChangeLine(0, 3), Undo(1))


@every_editor
def test_what_was_typed_between_two_calls_is_not_written_over(editor: str, root: Path) -> None:
    calls = (Patch(0, 4, "far"), Edit(0, 1, "word"), Write(0, 2, "insert"))
    kept(root, editor, Open(0), asked((Read(0),), calls, think_ms=100), Wait(150), Type(0, 2, 0, 3, 30))


@every_editor
def test_an_edit_of_a_document_that_is_closed_meanwhile_says_what_to_do(editor: str, root: Path) -> None:
    kept(root, editor, Open(0), Open(2), Wait(100), asked((Replace(1),)), Wait(40), Close(0, save=False), seeds=40)


@every_editor
def test_two_prompts_at_once_are_one_session(editor: str, root: Path) -> None:
    kept(root, editor, Open(0), asked((Read(0),)), asked((Read(0),)))


@every_editor
def test_a_prompt_right_after_a_restart_joins_the_session_that_is_resumed(editor: str, root: Path) -> None:
    kept(root, editor, Open(0), asked((Read(0),)), Wait(400), Crash(0), asked((Read(0),)))


@every_editor
def test_lines_put_in_behind_a_last_line_that_lost_its_end_do_not_run_into_it(editor: str, root: Path) -> None:
    one = asked((Read(0),), (Write(0, 5, "insert"),), think_ms=30)
    kept(root, editor, Open(0), Wait(100), one, DeleteLines(0, 5), Rub(0, 4, 6, 1), Type(0, 4, 6, 3))


@every_editor
def test_lines_put_in_behind_a_line_that_was_typed_anew_do_not_run_into_it(editor: str, root: Path) -> None:
    one = asked((Read(0),), (Write(0, 1, "insert"),))
    only = ("beta 0\n", PLAIN, PLAIN)
    kept(root, editor, Open(0), Wait(100), one, DeleteLines(0, 0), Type(0, 0, 0, 2), files=only, seeds=60)


@every_editor
def test_what_is_read_and_written_in_one_breath_was_not_seen(editor: str, root: Path) -> None:
    kept(root, editor, Open(1), Wait(100), Type(1, 0, 0, 2), asked((Read(1), Write(1, 1, "line"))))


@every_editor
def test_typing_around_and_in_a_hunk_at_once_is_not_taken_for_a_refusal(editor: str, root: Path) -> None:
    one = asked((Read(0),), (Edit(0, 1, "line"),))
    kept(root, editor, Open(0), Wait(100), one, Wait(10), Scatter(0, 0, 3), seeds=40)


@every_editor
def test_redo_of_the_first_of_two_edits_brings_its_hunk_back(editor: str, root: Path) -> None:
    two = asked((Read(0),), (Edit(0, 0, "insert"), Edit(0, 1, "word")))
    kept(root, editor, Open(0), two, Wait(600), Undo(0, 3), Redo(0, 1))


@every_editor
def test_a_hunk_that_the_editor_does_not_let_be_taken_back_is_an_answer(editor: str, root: Path) -> None:
    one = asked((Read(0),), (Edit(0, 1, "line"),))
    kept(root, editor, Open(0), one, Wait(600), Refuse(1), TakeBack(0))
