"""File name patterns mean what ripgrep means by them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.workspace.found import Query
from a3s_lsp.engine.workspace.globs import compile_glob, selects
from a3s_lsp.engine.workspace.ripgrep import ripgrep, search_disk

FILES = ["a.py", "b.ts", "src/a.py", "src/deep/c.py", "src/x[1].py", "src/.hidden.py", "doc/a b.md", "doc/{z}.md"]
GLOBS = ["*.py", "*.{py,ts}", "src/*.py", "src/**", "**/c.py", "**/src/*", "/a.py", "!*.py", "?.py", "[!a].ts", "a*"]


async def test_filter_of_unsaved_documents_agrees_with_ripgrep(tmp_path: Path) -> None:
    program = ripgrep()
    assert program is not None
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text("x\n")
    for glob in GLOBS:
        async with asyncio.timeout(10):
            found, _ = await search_disk(program, Query("x", tmp_path, glob=glob))
        names = sorted(hits.path.relative_to(tmp_path).as_posix() for hits in found)
        assert (glob, names) == (glob, sorted(name for name in FILES if selects(glob, name)))


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("**", "a/b", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/*/b", "a/x/y/b", False),
        ("{a,{b,c}d}.py", "cd.py", True),
        ("{a", "{a", True),
        ("[]x]", "]", True),
        ("[a-c].py", "b.py", True),
        ("a.py", "aXpy", False),
        ("a\nb*", "a\nbc", True),
    ],
)
def test_pattern(glob: str, path: str, fits: bool) -> None:
    assert bool(compile_glob(glob).match(path)) == fits


def test_pattern_that_is_none_is_a_tool_error() -> None:
    with pytest.raises(ToolError, match="Invalid glob pattern"):
        compile_glob("[z-a]")
