"""Whether an edit is in a text that somebody else has changed too, for any edits of different lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3s_lsp.server.standing import standing


@dataclass(frozen=True)
class Part:
    """Some lines that nobody changes, then some that somebody replaces by others."""

    kept: int
    replaced: int
    by: str
    lines: int


def parts() -> st.SearchStrategy[list[Part]]:
    part = st.builds(
        Part, st.integers(1, 3), st.integers(0, 2), st.sampled_from(["agent", "person"]), st.integers(0, 2)
    )
    changes = part.filter(lambda part: part.replaced + part.lines > 0)
    return st.lists(changes, min_size=1, max_size=6).filter(lambda found: any(part.by == "agent" for part in found))


def text(parts: Sequence[Part], *who: str) -> str:
    """The text after the changes of these people. All lines differ, so that it is plain what is whose."""
    return "".join(f"{line}\n" for number, part in enumerate(parts) for line in lines(number, part, who)) + "last\n"


def lines(number: int, part: Part, who: Sequence[str]) -> Iterator[str]:
    yield from (f"kept {number} {at}" for at in range(part.kept))
    if part.by in who:
        yield from (f"{part.by} {number} {at}" for at in range(part.lines))
    else:
        yield from (f"old {number} {at}" for at in range(part.replaced))


@given(parts())
def test_an_edit_stands_whatever_is_typed_on_other_lines(parts: list[Part]) -> None:
    found = standing(text(parts), text(parts, "agent"), text(parts, "agent", "person"))
    assert found.whole and found.absent == 0


@given(parts())
def test_an_edit_that_was_not_made_does_not_stand_whatever_is_typed(parts: list[Part]) -> None:
    found = standing(text(parts), text(parts, "agent"), text(parts, "person"))
    assert found.there == 0


@given(parts(), st.data())
def test_of_an_edit_that_was_made_in_part_that_part_stands(parts: list[Part], data: st.DataObject) -> None:
    made = [part.by != "agent" or data.draw(st.booleans(), label="made") for part in parts]
    now = "".join(
        f"{line}\n"
        for number, part in enumerate(parts)
        for line in lines(number, part, ["person", *(["agent"] if made[number] else [])])
    )
    found = standing(text(parts), text(parts, "agent"), f"{now}last\n")
    there = sum(one for one, part in zip(made, parts, strict=True) if part.by == "agent")
    assert (found.exact, found.there) == (there, there)


@given(*[st.text("ab \n\r", max_size=30)] * 3)
def test_every_text_can_be_judged(before: str, after: str, now: str) -> None:
    found = standing(before, after, now)
    assert found.exact + found.absent <= found.hunks
    assert found.whole or now != after


@pytest.mark.parametrize(
    ("before", "after", "now", "exact", "there"),
    [
        ("x\nx\ny\n", "x\ny\n", "x\nx\ny\nz\n", 0, 0),
        ("x\nx\ny\n", "x\ny\n", "x\ny\nz\n", 1, 1),
        ("a\n", "a\na\n", "a\nz\n", 0, 0),
        ("a\n", "a\na\n", "z\na\n", 0, 0),
        ("a\nb\n", "a\nB\n", "a\nbc\n", 0, 0),
        ("a\n", "a\nfoo(1, 2)\n", "a\nbar = 3\n", 0, 0),
        ("a\n", "a\nfoo(1,2)\n", "a\nfoo(1, 2)\n", 0, 1),
        ("a\n  b\n", "a\n    b\n", "a\n\tb\n", 0, 0),
        ("a\nb c d\ne\n", "a\nb d\ne\n", "a\ne\n", 0, 0),
        ("a\nb c d\ne\n", "a\ne\n", "a\nother\ne\n", 0, 1),
        ("a\nb c d\ne\n", "a\ne\n", "a\nb c D\ne\n", 0, 0),
    ],
)
def test_where_it_is_not_plain_the_nearer_text_decides(
    before: str, after: str, now: str, exact: int, there: int
) -> None:
    found = standing(before, after, now)
    assert (found.exact, found.there) == (exact, there)
