"""The ledger under any mixture of edits: what is undone is the agent's part, and nothing but that."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.ledger import Ledger
from a3s_lsp.engine.texts import Overlap, apply_edits, line_hunks, rebase, splice

PATH = "/w/a.py"
LINES = 30


@dataclass(frozen=True)
class Act:
    """Someone replaces `old` lines from line `at` on (of those that are there) by `new` fresh ones."""

    who: Literal["agent", "person"]
    at: int
    old: int
    new: int


ACTS = st.lists(
    st.builds(
        Act,
        st.sampled_from(["agent", "agent", "person"]),
        st.integers(0, LINES),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=14,
)


def acted(text: str, act: Act, number: int) -> str:
    lines = text.splitlines(keepends=True)
    fresh = [f"{act.who} {number}.{index}\n" for index in range(act.new)]
    return "".join([*lines[: act.at], *fresh, *lines[act.at + act.old :]])


def changed(number: int, before: str, after: str) -> f.FilesChanged:
    return f.FilesChanged(f"call{number}", ChangeSet("edit", (Change(PATH, before, after),)))


def edited(before: str, after: str) -> f.TextEdited:
    edit = splice(before, after)
    assert edit is not None
    return f.TextEdited(PATH, edit.start, edit.end, edit.text, "person")


def played(acts: list[Act]) -> tuple[Ledger, str, str]:
    """The ledger, the text, and the text as it would be without the agent. Acts where the person and the agent meet are
    left out, since nobody could say what the text without the agent would be."""
    ledger = Ledger()
    text = alone = "".join(f"line {number}\n" for number in range(LINES))
    for number, act in enumerate(acts):
        after = acted(text, act, number)
        if after == text:
            continue
        if act.who == "agent":
            if not ledger.knows(PATH) or not isinstance(rebase(text, after, text), Overlap):
                ledger.apply(changed(number, text, after), None)
                text = after
            continue
        without = rebase(text, after, alone)
        if isinstance(without, Overlap) or near_the_agent(text, alone, after):
            continue
        if ledger.knows(PATH):
            ledger.apply(edited(text, after), None)
        text, alone = after, without
    return ledger, text, alone


def near_the_agent(text: str, alone: str, after: str) -> bool:
    """Whether the person's edit touches or adjoins a line that the agent has changed."""
    theirs = line_hunks(text, alone)
    return any(one.start <= other.end and other.start <= one.end for one in line_hunks(text, after) for other in theirs)


@given(ACTS)
def test_the_ledger_has_the_text_and_hunks_lie_apart_in_it(acts: list[Act]) -> None:
    ledger, text, _ = played(acts)
    if not ledger.knows(PATH):
        return
    assert ledger.text(PATH) == text
    live = ledger.live(PATH)
    assert all(0 <= hunk.start <= hunk.end <= len(text) for hunk in live)
    assert all(one.end <= other.start for one, other in pairwise(live))
    assert all(ledger.current(hunk) == hunk.after for hunk in live if hunk.status == "applied")


@given(ACTS)
def test_taking_all_hunks_out_leaves_what_the_person_wrote(acts: list[Act]) -> None:
    ledger, text, alone = played(acts)
    live = ledger.live(PATH)
    if any(hunk.status == "tweaked" for hunk in live):
        return  # the agent went over what the person wrote into one of its hunks
    for hunk in reversed(live):
        text = text[: hunk.start] + hunk.before + text[hunk.end :]
    assert text == alone


@given(ACTS, ACTS)
def test_a_change_that_is_carried_over_keeps_both(mine: list[Act], theirs: list[Act]) -> None:
    base = "".join(f"line {number}\n" for number in range(LINES))
    one = two = base
    for number, act in enumerate(mine):
        one = acted(one, act, number)
    for number, act in enumerate(theirs):
        two = acted(two, Act("person", act.at, act.old, act.new), number)
    both = rebase(base, one, two)
    if isinstance(both, Overlap):
        assert two.count("\n") + 1 >= both.line >= 1
        return
    for text, other in ((one, two), (two, one)):
        assert {line for line in text.splitlines() if line not in base} <= set(both.splitlines()), other
    kept = set(one.splitlines()) & set(two.splitlines()) & set(base.splitlines())
    assert set(both.splitlines()) & set(base.splitlines()) == kept
    assert apply_edits(both, line_hunks(both, two)) == two
