"""An edit that is not quoted exactly lands where it was meant, or nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3s_lsp.engine.texts import line_hunks, split_lines
from a3s_lsp.engine.tools.matching import Match, find
from tests.engine.tools.desk import Desk

SHOP = """\
# Returns the sum of all prices
def total(items):
    result = 0
    for item in items:
        result += item.price
    return result

def main():
    print("total", total([]))
# Step 1 of the whole
"""


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        pytest.param("a  \nb\n", "a\nb", "a\nc", "a  \nc\n", id="blanks at the end of a line that stays"),
        pytest.param("  a\n  b\n", "a\nb\n", "a\nc\n", "  a\n  c\n", id="no indentation at all"),
        pytest.param("a\n  b\n", "    a\n      b", "    a\n      c\n      d", "a\n  c\n  d\n", id="too much of it"),
        pytest.param("if a:\n\tb\n", "if a:\n    b", "if a:\n    c:\n        d", "if a:\n\tc:\n\t\td\n", id="tabs"),
        pytest.param("a:\n    b\n", "a:\n\tb", "a:\n\tc:\n\t\tb", "a:\n    c:\n        b\n", id="spaces for tabs"),
        pytest.param("a:\n    b\n", "a:\n  b", "a:\n  if c:\n    b", "a:\n    if c:\n        b\n", id="two for four"),
        pytest.param(
            "  if a:  \n    b\n", "if a:\n    b", "if c:\n    b\nelse:\n    d", "  if c:\n    b\n  else:\n    d\n",
            id="first line without its indentation",
        ),
        pytest.param("x = 1\r\ny\r\n", "x = 1\ny\n", "x = 2\ny\nz\n", "x = 2\r\ny\r\nz\r\n", id="LF for CRLF"),
        pytest.param("x = 1\ny\n", "1\r\ny", "2\r\ny", "x = 2\ny\n", id="CRLF for LF, within lines"),
        pytest.param("f(a,  b)\n", "f(a, b)\n", "f(b)\n", "f(b)\n", id="blanks inside"),
        pytest.param("\ufeffa \nb\n", "a\nb", "c\nb", "\ufeffc\nb\n", id="behind a byte order mark"),
        pytest.param("a \nb", "a\nb\n", "a\nc\n", "a \nc", id="no line ending at the end of the file"),
        pytest.param("a \n  b\nc\n", "a\nb\n", "", "c\n", id="deletion"),
        pytest.param(" a\n\n\n b\n", "a\n\n\nb\n", "a\n\n\nc\n", " a\n\n\n c\n", id="blank lines"),
    ],
)  # fmt: skip
async def test_whitespace_may_differ(desk: Desk, before: str, old: str, new: str, after: str) -> None:
    desk.put("a.txt", before)
    result = await desk.call("edit", file_path="a.txt", old_string=old, new_string=new)
    assert (result.exit_code, desk.get("a.txt")) == (0, after)
    assert result.metadata is not None
    assert result.metadata["match"] == "whitespace"


@pytest.mark.parametrize(
    ("old", "new", "after"),
    [
        pytest.param(
            "# Retuns the sum of all prices\ndef total(items):\n    result = 0",
            "# Retuns the sum of all prices\ndef total(items):\n    result = 1",
            SHOP.replace("= 0", "= 1"),
            id="comment in other words, which stays",
        ),
        pytest.param(
            "    for item in items:\n        result += item.price\n\n    return result\ndef main():\n"
            "    print('total', total([]))",
            "    for item in items:\n        result += item.cost\n\n    return result\ndef main():\n"
            "    print('total', total([]))",
            SHOP.replace("price\n    r", "cost\n    r"),
            id="other quotation marks and empty lines",
        ),
        pytest.param(
            "def total(items):\n    result = 0\n    for item in items:\n    return result\n",
            "def total(items):\n    result = 0\n    for item in items:\n    return result or 0\n",
            None,
            id="a line left out of a few",
        ),
        pytest.param(
            SHOP.replace("    result = 0\n", ""),
            SHOP.replace("    result = 0\n", "").replace("item.price", "item.cost"),
            SHOP.replace("item.price", "item.cost"),
            id="a line left out of many",
        ),
    ],
)
async def test_near_match_keeps_what_the_edit_leaves_alone(desk: Desk, old: str, new: str, after: str | None) -> None:
    desk.put("a.py", SHOP)
    result = await desk.call("edit", file_path="a.py", old_string=old, new_string=new)
    assert desk.get("a.py") == (after or SHOP)
    assert (result.metadata or {}).get("match") == (after and "near")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("    result = 1\n    for item in items:", "    result = 1\n    for i in items:", id="a number"),
        pytest.param("    result = 0\n    for item in item:", "    result = 1\n    for item in item:", id="a name"),
        pytest.param('def main():\n    print("Total", total([]))', 'def main(x):\n    print("Total", total([]))',
                     id="a string"),
        pytest.param("# Retuns the sum of all prices\ndef total(items):", "def total(items):", id="what is removed"),
        pytest.param("# Retuns the sum of all prices\ndef total(items):", "# Sum\ndef total(items):", id="or changed"),
        pytest.param("def main():\n    print('total', total([]))", "def main():\n    print('sum', total([]))",
                     id="quotation marks where it matters"),
        pytest.param("    result = 0\n    result += item.price\n", "    result = 1\n", id="what is in between"),
        pytest.param('def main():\n    print("total",  total([]))', 'def main(x):\n    print("total",  total([]))',
                     id="blanks that could be part of a string"),
        pytest.param("# Step 2 of the whole\n", "# Step 2 of the whole\nx = 1\n", id="a number in a comment"),
        pytest.param("result -= item.price", "result -= item.cost", id="an operator"),
    ],
)  # fmt: skip
async def test_edit_never_lands_on_what_it_was_not_made_for(desk: Desk, old: str, new: str) -> None:
    desk.put("a.py", SHOP)
    result = await desk.call("edit", file_path="a.py", old_string=old, new_string=new)
    assert (result.exit_code, desk.get("a.py")) == (1, SHOP)
    assert f"old_string not found in {desk.root}/a.py. " in result.output
    assert "The nearest lines are:" in result.output or "Only whitespace differs. The file has:" in result.output


@pytest.mark.parametrize(
    ("before", "old", "advice"),
    [
        ("  a\n  b\n\n    a\n    b\n", "a \nb", "With other whitespace it is in several places: lines 1-2, lines 4-5."),
        ("a\r\nb\r\na\r\nb", "a\nb", "With other whitespace it is in several places: lines 1-2, lines 3-4."),
        (
            "# First one here\nx = compute()\n# First one hera\nx = compute()\n",
            "# First one her\nx = compute()",
            "Several places are nearly like it: lines 1-2 (98 % alike), lines 3-4 (98 % alike). Give the text of",
        ),
    ],
)
async def test_several_places_are_none(desk: Desk, before: str, old: str, advice: str) -> None:
    desk.put("a.txt", before)
    result = await desk.call("edit", file_path="a.txt", old_string=old, new_string=f"{old}\nnew")
    assert (result.exit_code, desk.get("a.txt")) == (1, before)
    assert advice in result.output


async def test_result_says_what_was_taken_for_the_old_string(desk: Desk) -> None:
    path = desk.put("a.py", SHOP)
    result = await desk.call("edit", file_path="a.py", old_string="return result\n\n\n  ", new_string="x")
    assert result.exit_code == 1
    result = await desk.call("edit", file_path="a.py", old_string="    return result \n", new_string="    return 1\n")
    assert result.output == (
        f"Replaced 1 occurrence(s) in {path}: old_string matched line 6 although whitespace differs. "
        "What was there:\n     6\t    return result"
    )
    result = await desk.call(
        "edit",
        file_path="a.py",
        old_string="# Retuns the sum of all prices\ndef total(items):\n",
        new_string="# Retuns the sum of all prices\ndef total(items, tax):\n",
    )
    assert "matched lines 1-2, the only place that is nearly like it (99 % alike). What was there:\n" in result.output


@pytest.mark.parametrize("args", [{"replace_all": True}, {"new_string": "x = 1\ny = 2\n"}])
async def test_all_are_replaced_only_exactly_and_nothing_without_need(desk: Desk, args: dict[str, object]) -> None:
    desk.put("a.py", "x = 1\ny = 2\n")
    result = await desk.call(
        "edit", **{"file_path": "a.py", "old_string": "x = 1 \ny = 2\n", "new_string": "z", **args}
    )
    assert (result.exit_code, desk.get("a.py")) == (1, "x = 1\ny = 2\n")


words = st.sampled_from(["a", "b = 1", "}", "", "# note one", "return x", "f(a, 2);", 'g("s  t")'])
indents = st.sampled_from(["", "  ", "    ", "\t"])
code = st.lists(st.tuples(indents, words), min_size=1, max_size=8)


def written(lines: list[tuple[str, str]], ending: str = "\n") -> str:
    return "".join(f"{indent}{word}{ending}" for indent, word in lines)


@given(code, code, code, st.sampled_from(["\n", "\r\n"]))
def test_lines_that_go_away_are_those_that_were_quoted(
    file: list[tuple[str, str]], old: list[tuple[str, str]], new: list[tuple[str, str]], ending: str
) -> None:
    text = written(file, ending)
    match = find(text, written(old), written(new))
    if not isinstance(match, Match):
        return
    after = text[: match.start] + match.text + text[match.end :]
    quoted = {"".join(word.split()) for _, word in old}
    for edit in line_hunks(text, after):
        gone = {"".join(line.split()) for line in split_lines(text[edit.start : edit.end])}
        assert gone <= quoted
    assert after.count("\n") == after.count(ending)


@given(code, st.data(), st.sampled_from(["", "  ", "\t"]), st.sampled_from(["\n", "\r\n"]))
def test_unique_lines_are_found_whatever_their_whitespace(
    file: list[tuple[str, str]], data: st.DataObject, more: str, ending: str
) -> None:
    start = data.draw(st.integers(0, len(file) - 1))
    end = data.draw(st.integers(start + 1, len(file)))
    place = file[start:end]
    keys = [word for _, word in file]
    asked = [word for _, word in place]
    places = [at for at in range(len(keys)) if keys[at : at + len(asked)] == asked]
    if len(places) > 1 or not any(asked):
        return
    old = written([(more + indent if word else "  ", f"{word} ") for indent, word in place])
    text = written(file, ending)
    match = find(text, old, f"{old}{more}new\n")
    assert isinstance(match, Match)
    assert match.text in (written(place, ending) + f"new{ending}", written(place, ending) + f"{place[0][0]}new{ending}")
