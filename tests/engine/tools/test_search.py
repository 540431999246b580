"""Finding things: grep, glob, ls and replace, with what is unsaved in the editor."""

from __future__ import annotations

import pytest

from a3s_lsp.engine.workspace.found import Query
from a3s_lsp.engine.workspace.search import list_files, list_files_with, search, search_with
from tests.engine.tools.desk import Desk


async def test_matches_come_with_path_and_line_sorted_by_path(desk: Desk) -> None:
    desk.put("src/a.py", "import os\n# TODO one\n")
    desk.put("c.txt", "TODO two\r\n")
    result = await desk.call("grep", pattern="TODO")
    assert result.output == ">c.txt:1: TODO two\n>src/a.py:2: # TODO one\n\n2 match(es) in 2 file(s)"


async def test_context_is_grouped_and_never_repeated(desk: Desk) -> None:
    desk.put("a.txt", "1\nhit\n3\nhit\n5\n6\n7\nhit\n9\n")
    result = await desk.call("grep", pattern="hit", context=1)
    shown = (
        " a.txt:1: 1|>a.txt:2: hit| a.txt:3: 3|>a.txt:4: hit| a.txt:5: 5|--| a.txt:7: 7|>a.txt:8: hit| a.txt:9: 9|--"
    )
    assert result.output.split("\n")[:-2] == shown.split("|")
    assert result.output.endswith("\n3 match(es) in 1 file(s)")


async def test_search_can_ignore_case_and_choose_files(desk: Desk) -> None:
    desk.put("a.py", "todo\n")
    desk.put("b.ts", "TODO\n")
    desk.put("c.txt", "todo\n")
    result = await desk.call("grep", **{"pattern": "todo", "-i": True, "glob": "*.{py,ts}"})
    assert result.output == ">a.py:1: todo\n>b.ts:1: TODO\n\n2 match(es) in 2 file(s)"


async def test_ignored_and_binary_files_are_left_out_unless_named(desk: Desk) -> None:
    desk.put(".gitignore", "build/\n")
    desk.put("build/out.txt", "hit\n")
    desk.put("a.bin", b"hit\n\0\n")
    desk.put(".github/x.yml", "hit\n")
    assert (await desk.call("grep", pattern="hit")).output.startswith(">.github/x.yml:1: hit\n\n1 match")
    assert ">build/out.txt:1: hit" in (await desk.call("grep", pattern="hit", path="build")).output


async def test_unsaved_text_is_searched_in_the_place_of_the_saved(desk: Desk) -> None:
    path = desk.put("a.txt", "saved\nboth\n")
    desk.editor.open(path, "typed\nboth\n")
    desk.editor.open(desk.root / "sub/new.txt", "typed too\n")
    assert "No matches" in (await desk.call("grep", pattern="saved")).output
    found = await desk.call("grep", pattern="typed")
    assert found.output == ">a.txt:1: typed\n>sub/new.txt:1: typed too\n\n2 match(es) in 2 file(s)"
    assert "sub/new.txt" not in (await desk.call("grep", pattern="typed", glob="a.*")).output
    assert ">sub/new.txt:1:" in (await desk.call("grep", pattern="typed", path="sub/new.txt")).output


@pytest.mark.parametrize(
    ("args", "exit_code", "said"),
    [
        ({"pattern": "zzzz"}, 0, "No matches found for pattern: zzzz"),
        ({"pattern": "("}, 1, "Invalid regex pattern '(': "),
        ({"pattern": "x", "path": "nope"}, 1, "Grep search failed: "),
        ({}, 1, "pattern parameter is required"),
    ],
)
async def test_search_without_a_find(desk: Desk, args: dict[str, object], exit_code: int, said: str) -> None:
    desk.put("a.txt", "text\n")
    result = await desk.call("grep", **args)
    assert result.output.startswith(said)
    assert result.exit_code == exit_code


async def test_very_long_line_is_cut_with_a_notice(desk: Desk) -> None:
    desk.put("min.js", "hit" + "x" * 5000 + "\n")
    assert "[line cut: 3003 more characters]" in (await desk.call("grep", pattern="hit")).output


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("**/*.py", ["a.py", "src/b.py", "src/deep/c.py"]),
        ("*.py", ["a.py"]),
        ("./*.py", ["a.py"]),
        ("src/*", ["src/b.py", "src/d.{x}", "src/deep"]),
        ("src/**", ["src/b.py", "src/d.{x}", "src/deep", "src/deep/c.py"]),
        ("**/{b,c}.py", ["src/b.py", "src/deep/c.py"]),
        ("**/[!ab].py", ["src/deep/c.py"]),
        ("src/d.\\{x\\}", ["src/d.{x}"]),
        ("vendor/*.js", ["vendor/v.js"]),
        ("**/*.js", []),
    ],
)
async def test_names_are_found_by_pattern(desk: Desk, pattern: str, found: list[str]) -> None:
    for name in ("a.py", "src/b.py", "src/deep/c.py", "src/d.{x}", "vendor/v.js", ".git/config"):
        desk.put(name, "")
    desk.put(".gitignore", "vendor\n")
    result = await desk.call("glob", pattern=pattern)
    assert result.exit_code == 0
    if found:
        assert result.output == "\n".join(found) + f"\n\n{len(found)} file(s) found"
    else:
        assert result.output == f"No files found matching pattern: {pattern}"


async def test_glob_starts_in_a_folder_shows_paths_of_the_workspace_and_sees_new_documents(desk: Desk) -> None:
    desk.put("src/a.py", "")
    desk.editor.open(desk.root / "src/new.py", "x\n")
    assert (await desk.call("glob", pattern="*.py", path="src")).output.startswith("src/a.py\nsrc/new.py\n\n2 file(s)")


@pytest.mark.parametrize("pattern", ["../*", "a/../../b", "/etc/*"])
async def test_glob_pattern_stays_inside(desk: Desk, pattern: str) -> None:
    assert (await desk.call("glob", pattern=pattern)).output.startswith("glob pattern must")


async def test_ls_shows_folders_first_and_sizes(desk: Desk) -> None:
    desk.put("b.txt", "12345678")
    desk.put(".hid", b"h" * 1536)
    desk.put("zub/x", "")
    (desk.root / "brk").symlink_to("gone")
    lines = (await desk.call("ls")).output.splitlines()
    assert lines[0] == f"Directory: {desk.root}"
    assert lines[2].split()[0::2] == ["dir", "zub/"]
    assert lines[3:] == [
        "file      1.5KB  .hid",
        "file         8B  b.txt",
        "link         4B  brk",
        "",
        "4 entries",
    ]


async def test_ls_of_an_empty_folder_and_of_none(desk: Desk) -> None:
    (desk.root / "emp").mkdir()
    desk.put("f", "")
    assert (await desk.call("ls", path="emp")).output == f"Directory: {desk.root}/emp\n\n(empty directory)\n"
    assert "Not a directory" in (await desk.call("ls", path="f")).output
    assert (await desk.call("ls", path="nope")).exit_code == 1


async def test_replace_changes_disk_and_editor_in_one_change(desk: Desk) -> None:
    desk.put("a.py", "\ufeffname = 1\r\nrename = name\r\n")
    path = desk.put("b.py", "saved\n")
    desk.editor.open(path, "name, name\n")
    desk.put("c.py", "other\n")
    result = await desk.call("replace", pattern="name", replacement="$1", whole_word=True)
    assert result.output == (
        "Replaced 4 occurrence(s) in 2 file(s):\n  a.py: 2\n  b.py: 2\n"
        "\n[Diagnostics of the new text: not known for b.py.]"
    )
    assert desk.get("a.py") == "\ufeff$1 = 1\r\nrename = $1\r\n"
    assert desk.editor.text(path) == "$1, $1\n"
    assert [len(changes.changes) for changes in desk.applied] == [2]


@pytest.mark.parametrize(
    ("args", "after"),
    [
        ({"pattern": r"(\w+)=(\w+)", "replacement": r"$2_is\1", "regex": True}, "b_isa\nB_isA\nx.y\n"),
        ({"pattern": "A=", "replacement": "C=", "case_sensitive": False}, "C=b\nC=B\nx.y\n"),
        ({"pattern": ".", "replacement": "!"}, "a=b\nA=B\nx!y\n"),
        ({"pattern": "b\nA", "replacement": "-"}, "a=-=B\nx.y\n"),
    ],
)
async def test_replace_kinds(desk: Desk, args: dict[str, object], after: str) -> None:
    desk.put("a.txt", "a=b\nA=B\nx.y\n")
    assert (await desk.call("replace", **args)).exit_code == 0
    assert desk.get("a.txt") == after


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        ({"pattern": "zzz", "replacement": "y"}, "No matches found for pattern: zzz"),
        ({"pattern": "", "replacement": "y"}, "pattern is empty"),
        ({"pattern": "x*", "replacement": "y", "regex": True}, "also matches empty text"),
        ({"pattern": "a", "replacement": "y", "max_files": 1}, "2 files match, more than max_files=1"),
    ],
)
async def test_replace_that_is_refused_changes_nothing(desk: Desk, args: dict[str, object], problem: str) -> None:
    desk.put("a.txt", "a\n")
    desk.put("b.txt", "a\n")
    result = await desk.call("replace", **args)
    assert (result.exit_code, problem in result.output) == (1, True)
    assert (desk.get("a.txt"), desk.get("b.txt")) == ("a\n", "a\n")


async def test_replace_leaves_what_is_not_text_and_says_so(desk: Desk) -> None:
    desk.put("a.txt", "old\n")
    desk.put("data.bin", b"old \x80\n")
    result = await desk.call("replace", pattern="old", replacement="new")
    assert "not text: data.bin" in result.output
    assert (desk.root / "data.bin").read_bytes() == b"old \x80\n"


async def test_replace_finds_its_places_in_other_encodings_too(desk: Desk) -> None:
    desk.put("latin.txt", b"\xe9\xe9 old\n\xe9old\n")
    assert "latin.txt: 2" in (await desk.call("replace", pattern="old", replacement="new")).output
    assert (desk.root / "latin.txt").read_bytes() == b"\xe9\xe9 new\n\xe9new\n"


async def test_search_without_ripgrep_finds_the_same(desk: Desk) -> None:
    for name in ("src/a.py", "b.txt", "vendor/v.py", ".git/x.py"):
        desk.put(name, "one\r\nhit it\nthree\nHit\nhit가 éhit _hit hit1 (hit)\n")
    desk.put("bin.py", b"hit\0")
    desk.put(".gitignore", "vendor\n")
    desk.editor.open(desk.root / "new.py", "hit\n")
    for query in (
        Query("h(i)t", desk.root, glob="*.py", context=1, replacement="${1}-$$"),
        Query("hit", desk.root, literal=True, ignore_case=True, whole_word=True),
        Query("hit", desk.root / "b.txt"),
        Query("none of it", desk.root),
    ):
        assert await search_with(None, desk.workspace, query) == await search(desk.workspace, query)
    assert await list_files_with(None, desk.workspace, desk.root) == await list_files(desk.workspace, desk.root)
