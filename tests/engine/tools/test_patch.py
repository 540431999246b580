"""Diffs go where they belong, whoever wrote them, or nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.tools import hunks
from tests.engine.tools.desk import Desk

TEN = "".join(f"line {n}\n" for n in range(1, 11))


@pytest.mark.parametrize(
    ("before", "diff", "after"),
    [
        pytest.param("a\nb\n", "@@ -1,2 +1,3 @@\n a\n+INS\n b", "a\nINS\nb\n", id="insertion between context"),
        pytest.param("a\nb\n", "@@ -1,9 +1,7 @@\n a\n-b\n+c\n\n", "a\nc\n", id="wrong counts, blank lines at the end"),
        pytest.param("a\n\nb\n", "@@ -1,3 +1,3 @@\n a\n\n-b\n+c", "a\n\nc\n", id="empty context without its space"),
        pytest.param("a\nb\n", "--- a/x\n+++ b/x\n@@ -2 +2 @@ def f():\n-b\n+c\n", "a\nc\n", id="headers"),
        pytest.param("-- x\n", "@@ -1 +1 @@\n--- x\n+++ y\n", "++ y\n", id="removed line like a header"),
        pytest.param("a\nb\n", "@@ -1,2 +0,0 @@\n-a\n-b\n", "", id="all removed"),
        pytest.param("a\nb\n", "@@ -1,0 +2 @@\n+x\n", "a\nx\nb\n", id="insertion without context"),
        pytest.param("a\n", "@@ -0,0 +1 @@\n+x\n", "x\na\n", id="insertion at the top"),
        pytest.param("", "@@ -0,0 +1,2 @@\n+x\n+y\n", "x\ny\n", id="empty file"),
        pytest.param("a\r\nb\r\n", "@@ -1,2 +1,3 @@\n a\n+x\n b\n", "a\r\nx\r\nb\r\n", id="CRLF file"),
        pytest.param("a\nb\n", "@@ -1,2 +1,3 @@\r\n a\r\n+x\r\n b\r\n", "a\nx\nb\n", id="CRLF diff"),
        pytest.param("\ufeffa\n", "@@ -1 +1 @@\n-a\n+b\n", "\ufeffb\n", id="byte order mark"),
        pytest.param("a\nb", "@@ -2 +2 @@\n-b\n+c\n", "a\nc", id="no final line feed, unmentioned"),
        pytest.param("a\nb", "@@ -1,2 +1,3 @@\n a\n b\n+c\n", "a\nb\nc", id="added behind no final line feed"),
        pytest.param(
            "a\nb", "@@ -2 +2 @@\n-b\n\\ No newline at end of file\n+b\n", "a\nb\n", id="final line feed added"
        ),
        pytest.param(
            "a\nb\n", "@@ -2 +2 @@\n-b\n+b\n\\ No newline at end of file\n", "a\nb", id="final line feed removed"
        ),
    ],
)
async def test_patch(desk: Desk, before: str, diff: str, after: str) -> None:
    desk.put("n.txt", before)
    result = await desk.call("patch", file_path="n.txt", diff=diff)
    assert result.output == f"Applied 1 hunk(s) to {desk.root}/n.txt"
    assert result.metadata == {"file_path": "n.txt"}
    assert desk.get("n.txt") == after


@pytest.mark.parametrize(
    ("before", "diff", "after", "remark"),
    [
        ("x\n" * 9 + TEN, "@@ -4,3 +4,3 @@\n line 4\n-line 5\n+FIVE\n line 6", 13, "found at line 13 instead of 4"),
        ("a\n" * 3 + "b\n" + "a\n" * 3 + "b\n", "@@ -7,2 +7,2 @@\n a\n-b\n+B", 7, ""),
        ("if x:\n\ty = 1\n", "@@ -1,2 +1,2 @@\n if x:\n-    y = 1\n+\ty = 2", 2, "other whitespace"),
        (TEN, "@@ -4,4 +4,4 @@\n wrong\n line 4\n-line 5\n+FIVE\n line 6", 5, "without its outermost context"),
    ],
)
def test_hunk_that_is_not_exactly_there_goes_to_the_best_place_and_says_so(
    before: str, diff: str, after: int, remark: str
) -> None:
    patched = hunks.apply(before, hunks.parse(diff), "n.txt")
    changed = [
        n
        for n, (old, new) in enumerate(zip(before.split("\n"), patched.text.split("\n"), strict=True), 1)
        if old != new
    ]
    assert all(abs(n - after) <= 1 for n in changed)
    assert len(changed) == 1
    assert remark in "".join(patched.remarks)
    assert bool(remark) == bool(patched.remarks)


@pytest.mark.parametrize(
    ("diff", "problem"),
    [
        ("garbage", "No @@ hunk headers found in diff"),
        ("", "No @@ hunk headers found in diff"),
        ("@@ foo @@\n l1", "Invalid old range in hunk header: @@ foo @@"),
        ("@@ -1 +1 @@\n", "a hunk has no lines"),
        ("@@ -1 +1 @@\nuno", "line 2 begins neither with a space"),
        ("@@ -1,2 +1,2 @@\n nope\n-zzz\n+dos", "hunk 1 does not fit near line 1"),
        ("@@ -1 +1 @@\n-zzz\n+dos", "/n.txt has now."),
        ("@@ -1,2 +1,2 @@\n nope\n-two\n+dos", "hunk 1 does not fit near line 1. The nearest lines are:\n     1\tuno"),
        ("@@ -1 +1 @@\n-uno\n+1\n@@ -2 +2 @@\n-zzz\n+2", "hunk 2 does not fit"),
        ("@@ -9,0 +10 @@\n+x", "The file has only 2 lines"),
        ("@@ -1 +1 @@\n-uno\n\\ No newline at end of file\n+1", "does not fit"),
        ("--- a\n+++ a\n@@ -1 +1 @@\n-uno\n+1\n--- b\n+++ b\n@@ -1 +1 @@\n-x\n+y", "changes several files"),
    ],
)
async def test_patch_that_does_not_fit_changes_nothing(desk: Desk, diff: str, problem: str) -> None:
    desk.put("n.txt", "uno\ntwo\n")
    result = await desk.call("patch", file_path="n.txt", diff=diff)
    assert result.exit_code == 1
    assert problem in result.output
    assert desk.get("n.txt") == "uno\ntwo\n"


async def test_patch_creates_a_file_but_only_with_a_diff_that_does(desk: Desk) -> None:
    created = await desk.call(
        "patch", file_path="d/new.txt", diff="--- /dev/null\n+++ b/d/new.txt\n@@ -0,0 +1 @@\n+x\n"
    )
    assert created.exit_code == 0
    assert desk.get("d/new.txt") == "x\n"
    refused = await desk.call("patch", file_path="other.txt", diff="@@ -1 +1 @@\n-a\n+b\n")
    assert "does not exist" in refused.output
    assert not (desk.root / "other.txt").exists()


GIT_RENAME = "diff --git a/{0} b/{1}\nsimilarity index 100%\nrename from {0}\nrename to {1}\n"


async def test_patch_deletes_a_file_with_all_its_lines(desk: Desk) -> None:
    path = desk.put("n.txt", "a\r\nb\r\n")
    result = await desk.call("patch", file_path="n.txt", diff="--- a/n.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n")
    assert result.output == f"Applied 1 hunk(s) to {path}, which deleted it"
    assert not path.exists()
    desk.put("empty.txt", "")
    await desk.call("patch", file_path="empty.txt", diff="diff --git a/e b/e\ndeleted file mode 100644\nindex 1..0\n")
    assert not (desk.root / "empty.txt").exists()


@pytest.mark.parametrize(
    ("diff", "problem"),
    [
        ("--- a/n\n+++ /dev/null\n@@ -1 +0,0 @@\n-uno\n", "leaves 1 of its lines; a diff that deletes a file has to"),
        ("--- a/n\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-uno\n-dos\n", "hunk 1 does not fit near line 1"),
        ("deleted file mode 100644\n", "leaves 2 of its lines"),
        (GIT_RENAME.format("n.txt", "m.txt"), "m.txt exists already; delete it first"),
        (GIT_RENAME.format("n.txt", "d"), "d exists already; delete it first"),
        (GIT_RENAME.format("m.txt", "x.txt"), "renames m.txt to x.txt, but file_path is n.txt; give the old name"),
        (GIT_RENAME.format("n.txt", "../x.txt"), "path '../x.txt' escapes workspace"),
        (GIT_RENAME.format("n.txt", "x.txt") + "@@ -1 +1 @@\n-dos\n+2\n", "hunk 1 does not fit"),
        (GIT_RENAME.format("n.txt", "x.txt") * 2, "it changes several files; call patch once for each"),
        ("rename from n.txt\n", "a rename needs both lines"),
        ("copy from n.txt\ncopy to x.txt\n", "it copies a file; write the new file instead"),
    ],
)
async def test_deletion_or_rename_that_cannot_be_made_changes_nothing(desk: Desk, diff: str, problem: str) -> None:
    desk.put("n.txt", "uno\ntwo\n")
    desk.put("m.txt", "m\n")
    desk.put("d/x", "")
    result = await desk.call("patch", file_path="n.txt", diff=diff)
    assert result.exit_code == 1
    assert problem in result.output
    assert (desk.get("n.txt"), desk.get("m.txt"), desk.applied) == ("uno\ntwo\n", "m\n", [])


@pytest.mark.parametrize(
    ("diff", "target", "after"),
    [
        (GIT_RENAME.format("n.txt", "e/é.txt"), "e/é.txt", "a\nb\n"),
        (GIT_RENAME.format("n.txt", "m.txt") + "--- a/n.txt\n+++ b/m.txt\n@@ -2 +2 @@\n-b\n+c\n", "m.txt", "a\nc\n"),
        ("diff --git a/n.txt b/m.txt\n--- a/n.txt\n+++ b/m.txt\n@@ -2 +2 @@\n-b\n+c\n", "m.txt", "a\nc\n"),
        ('rename from n.txt\r\nrename to "\\303\\251 \\"x\\".txt"\r\n', 'é "x".txt', "a\nb\n"),
    ],
)
async def test_patch_renames_a_file(desk: Desk, diff: str, target: str, after: str) -> None:
    path = desk.put("n.txt", "a\nb\n")
    path.chmod(0o755)
    result = await desk.call("patch", file_path="n.txt", diff=diff)
    assert f"to {path}, and renamed it to {desk.root / target}" in result.output
    assert (desk.get(target), (desk.root / target).stat().st_mode & 0o777) == (after, 0o755)
    assert not path.exists()
    [change] = desk.applied[0].changes
    assert (change.path, change.source) == (str(desk.root / target), str(path))


async def test_other_names_above_a_plain_diff_rename_nothing(desk: Desk) -> None:
    desk.put("n.txt", "a\n")
    result = await desk.call(
        "patch", file_path="n.txt", diff="--- n.orig\t2020\n+++ n.new\t2020\n@@ -1 +1 @@\n-a\n+b\n"
    )
    assert (result.exit_code, desk.get("n.txt")) == (0, "b\n")


async def test_diff_of_a_rename_makes_it_again(desk: Desk) -> None:
    desk.put("n.txt", "a\nb\n")
    await desk.call("patch", file_path="n.txt", diff=GIT_RENAME.format("n.txt", "m.txt") + "@@ -1 +1 @@\n-a\n+1\n")
    [made] = desk.applied
    await desk.workspace.apply(made.inverse("undo"))
    assert desk.get("n.txt") == "a\nb\n"
    await desk.call("patch", file_path="n.txt", diff=made.diff(desk.root))
    assert desk.get("m.txt") == "1\nb\n"


async def test_patch_goes_to_the_open_document(desk: Desk) -> None:
    path = desk.put("n.txt", "saved\n")
    desk.editor.open(path, "typed\nmore\n")
    await desk.call("patch", file_path="n.txt", diff="@@ -1,2 +1,2 @@\n typed\n-more\n+less\n")
    assert desk.editor.text(path) == "typed\nless\n"


lines = st.lists(
    st.tuples(st.text("ab -+\\@\x0c\u2028", max_size=3), st.sampled_from(["\n", "\n", "\r\n"])), max_size=12
)
texts = st.builds(lambda parts, tail: "".join(a + b for a, b in parts) + tail, lines, st.text("ab-", max_size=2))


@given(before=texts, after=texts)
def test_diff_of_two_texts_makes_the_one_of_the_other(before: str, after: str) -> None:
    if before == after:
        return
    diff = ChangeSet("", (Change("/r/n.txt", before, after),)).diff(Path("/r"))
    assert hunks.apply(before, hunks.parse(diff), "n.txt").text == after


@example(before="\n\n\n\n", after="\n\n\n\na", drift=["x"])
@given(before=texts, after=texts, drift=st.lists(st.text("xyz", min_size=1, max_size=3), max_size=5))
def test_patch_follows_its_lines_when_others_came_before_them(before: str, after: str, drift: list[str]) -> None:
    if not before or before == after:
        return
    diff = ChangeSet("", (Change("/r/n.txt", before, after),)).diff(Path("/r"))
    moved = "".join(f"{line}\n" for line in drift)
    assert hunks.apply(moved + before, hunks.parse(diff), "n.txt").text.startswith(moved)
