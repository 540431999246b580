"""Wherever text is typed, deleted, undone and done again: lenses, ranges and texts of hunks are where the screen has
them."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.texts import split_lines
from a3s_lsp.server.fake_editor import FakeEditor
from a3s_lsp.testing import Reply, ScriptedModel, call
from tests.server.desk import desk

SIZE = 12
CHANGED = (2, 3, 6, 10)


class Typed(NamedTuple):
    """What the person does: put lines in place of others, or go back or forth in the editor's history."""

    what: Literal["replace", "undo", "redo"]
    at: int = 0
    gone: int = 0
    new: tuple[str, ...] = ()


LINE = st.sampled_from(["x", "", "😀é", "\ttab", "old 3"])
TYPED = st.one_of(
    st.builds(
        Typed,
        st.just("replace"),
        st.integers(0, SIZE + 4),
        st.integers(0, 3),
        st.lists(LINE, max_size=3).map(tuple),
    ),
    st.just(Typed("undo")),
    st.just(Typed("redo")),
)


def old_text(end: str) -> str:
    return "".join(f"old {number}{end}" for number in range(SIZE))


def new_text(end: str) -> str:
    return "".join(f"{'AGENT' if number in CHANGED else 'old'} {number}{end}" for number in range(SIZE))


def act(editor: FakeEditor, path: Path, typed: Typed, end: str) -> None:
    if typed.what == "undo":
        editor.undo(path)
    elif typed.what == "redo":
        editor.redo(path)
    else:
        lines = split_lines(editor.text(path))
        lines[typed.at : typed.at + typed.gone] = [f"{line}{end}" for line in typed.new]
        editor.type(path, "".join(lines))


async def check(editor: FakeEditor, path: Path, standing: set[int]) -> None:
    """Compare what the server says with what is on the screen. `standing` are the lines that were there all the
    time."""
    uri = path.as_uri()
    hunks = (await editor.command("a3s.hunk.list", {"uri": uri}))["hunks"]
    lenses = await editor.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
    assert isinstance(hunks, list) and isinstance(lenses, list)
    shown = split_lines(editor.text(path))
    for hunk in hunks:
        assert screen(editor, path, hunk["range"]) == hunk["after"]
    starts = sorted(min(hunk["range"]["start"]["line"], max(len(shown) - 1, 0)) for hunk in hunks)
    assert [lens["range"]["start"]["line"] for lens in lenses if lens["command"]["title"] == "? ask"] == starts
    lines = [line.rstrip("\r\n") for line in shown]
    standing &= {number for number in standing if f"AGENT {number}" in lines}
    for number in standing:
        at = lines.index(f"AGENT {number}")
        assert any(hunk["range"]["start"]["line"] <= at < hunk["range"]["end"]["line"] for hunk in hunks)


def screen(editor: FakeEditor, path: Path, span: Json) -> str:
    """The text of a range, counted in another way than the server does."""
    units = [line.encode("utf-16-le") for line in split_lines(editor.text(path))] + [b""]
    start, end = span["start"], span["end"]
    assert isinstance(start, dict) and isinstance(end, dict)
    before = b"".join(units[: start["line"]]) + units[start["line"]][: 2 * start["character"]]
    until = b"".join(units[: end["line"]]) + units[end["line"]][: 2 * end["character"]]
    return until[len(before) :].decode("utf-16-le")


async def play(root: Path, steps: list[Typed], end: str) -> None:
    read, write = call("read", file_path="a.txt"), call("write", file_path="a.txt", content=new_text(end))
    model = ScriptedModel([Reply("", (read,)), Reply("", (write,)), "done"])
    async with desk(root, model, flags=("hunks", "events"), posture="auto") as d:
        path = d.root / "a.txt"
        path.write_bytes(old_text(end).encode())
        d.editor.open(path)
        await d.editor.prompt("go")
        standing = set(CHANGED)
        for step in steps:
            act(d.editor, path, step, end)
            await check(d.editor, path, standing)
        final = (await d.editor.command("a3s.hunk.list"))["hunks"]
        await d.editor.until(lambda: last_told(d.editor) == final)


def last_told(editor: FakeEditor) -> object:
    return [params for name, params in editor.notifications if name == "a3s/hunks"][-1]["hunks"]


@settings(max_examples=60)
@given(steps=st.lists(TYPED, min_size=1, max_size=8), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_after_any_edits_hunks_and_lenses_are_where_the_screen_has_them(steps: list[Typed], end: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder) / "w", steps, end))
