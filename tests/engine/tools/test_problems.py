"""Diagnostics in the result of an edit: those that the edit brought and took, of the new text, or none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from a3s_lsp.engine.ports import Diagnostic
from tests.engine.tools.desk import Desk


def linter(text: str) -> Sequence[Diagnostic]:
    """Every `bad` word is an error."""
    return [
        Diagnostic(number, "error", f"{word} is bad", "lint")
        for number, line in enumerate(text.splitlines(), 1)
        for word in re.findall(r"bad\w*", line)
    ]


async def test_edit_tells_new_problems_with_their_lines_and_how_many_went(desk: Desk) -> None:
    path = desk.put("a.py", "bad1\nfine\nbad2\n")
    desk.editor.open(path)
    desk.editor.linter = linter
    result = await desk.call("edit", file_path="a.py", old_string="bad1\nfine\n", new_string="ok\n\nbad3\n")
    assert result.output.endswith(
        "\n[Diagnostics of the new text: a.py:3 error: bad3 is bad (lint); 1 gone from a.py.]"
    )


async def test_problems_that_only_moved_are_not_new(desk: Desk) -> None:
    path = desk.put("a.py", "fine\nbad\n")
    desk.editor.open(path)
    desk.editor.linter = linter
    result = await desk.call("edit", file_path="a.py", old_string="fine\n", new_string="fine\n\n\n")
    assert result.output.endswith("\n[Diagnostics of the new text: no new problems.]")


async def test_diagnostics_that_nobody_has_are_said_to_be_unknown(desk: Desk) -> None:
    path = desk.put("a.py", "fine\n")
    desk.editor.open(path)
    result = await desk.call("edit", file_path="a.py", old_string="fine", new_string="finer")
    assert result.output.endswith("\n[Diagnostics of the new text: not known for a.py.]")


async def test_a_file_that_is_not_open_has_no_diagnostics_and_no_words_about_them(desk: Desk) -> None:
    desk.put("a.py", "fine\n")
    result = await desk.call("edit", file_path="a.py", old_string="fine", new_string="finer")
    assert "Diagnostics" not in result.output
