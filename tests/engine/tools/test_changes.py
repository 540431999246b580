"""Tools that change files: write and edit, over the disk and over the editor."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.engine.slow_editor import SlowEditor
from tests.engine.tools.desk import Desk


async def test_write_creates_folders_and_counts_what_it_wrote(desk: Desk) -> None:
    result = await desk.call("write", file_path="d/e/notes.txt", content="one\ntwo\n")
    assert result.output == f"Wrote 8 bytes (2 lines) to {desk.root}/d/e/notes.txt"
    assert result.metadata == {"file_path": "d/e/notes.txt", "after": "one\ntwo\n"}
    assert desk.get("d/e/notes.txt") == "one\ntwo\n"
    [change] = desk.applied[0].changes
    assert (change.before, change.after) == (None, "one\ntwo\n")


@pytest.mark.parametrize(("content", "lines"), [("x\ny", 2), ("", 0), ("\n", 1), ("é", 1)])
async def test_write_counts_lines(desk: Desk, content: str, lines: int) -> None:
    result = await desk.call("write", file_path="a", content=content)
    assert f"({lines} lines)" in result.output
    assert f" {len(content.encode())} bytes" in result.output


async def test_open_document_is_changed_in_the_editor_and_not_on_the_disk(desk: Desk) -> None:
    path = desk.put("a.txt", "disk\n")
    desk.editor.open(path, "typed\n")
    await desk.call("edit", file_path="a.txt", old_string="typed", new_string="edited")
    assert desk.editor.text(path) == "edited\n"
    assert desk.get("a.txt") == "disk\n"
    assert [label for label, _ in desk.editor.applied] == ["edit a.txt"]


async def test_written_text_that_the_editor_refuses_is_an_error_and_no_change(desk: Desk) -> None:
    path = desk.put("a.txt", "old\n")
    desk.editor.open(path)
    desk.editor.refuse("the document is read-only")
    result = await desk.call("write", file_path="a.txt", content="new\n")
    assert result.exit_code == 1
    assert "the document is read-only" in result.output
    assert (desk.editor.text(path), desk.applied) == ("old\n", [])


async def test_write_keeps_what_the_person_typed_after_approving_and_says_so(desk: Desk) -> None:
    path = desk.put("a.txt", "old\n")
    desk.editor.open(path)
    approved = await desk.plan("write", file_path="a.txt", content="new\n")
    desk.editor.type(path, "old\nand what the person added\n")
    result = await desk.call("write", approved, file_path="a.txt", content="new\n")
    assert desk.editor.text(path) == "new\nand what the person added\n"
    assert "[Text that came into it meanwhile was kept:" in result.output
    assert "+and what the person added" in result.output


async def test_write_is_refused_with_the_new_text_when_the_person_typed_there_after_approving(desk: Desk) -> None:
    path = desk.put("a.txt", "old\n")
    desk.editor.open(path)
    approved = await desk.plan("write", file_path="a.txt", content="new\n")
    desk.editor.type(path, "old, typed\n")
    result = await desk.call("write", approved, file_path="a.txt", content="new\n")
    assert (result.exit_code, desk.editor.text(path)) == (1, "old, typed\n")
    assert "+old, typed" in result.output


async def test_edit_is_rebased_on_what_the_person_typed_after_approving(desk: Desk) -> None:
    path = desk.put("a.txt", "one\ntwo\n")
    desk.editor.open(path)
    approved = await desk.plan("edit", file_path="a.txt", old_string="two", new_string="2")
    desk.editor.type(path, "zero\none\ntwo\n")
    result = await desk.call("edit", approved, file_path="a.txt", old_string="two", new_string="2")
    assert result.exit_code == 0
    assert desk.editor.text(path) == "zero\none\n2\n"


async def test_approval_of_one_file_does_not_cover_another(desk: Desk) -> None:
    desk.put("a.txt", "x\n")
    target = desk.put("b.txt", "x\n")
    link = desk.root / "link.txt"
    link.symlink_to(desk.root / "a.txt")
    approved = await desk.plan("edit", file_path="link.txt", old_string="x", new_string="y")
    link.unlink()
    link.symlink_to(target)
    result = await desk.call("edit", approved, file_path="link.txt", old_string="x", new_string="y")
    assert result.exit_code == 1
    assert "not approved" in result.output
    assert desk.get("b.txt") == "x\n"


async def test_edit_needs_one_place_or_replace_all(desk: Desk) -> None:
    desk.put("a.txt", "x\nx\nx\n")
    refused = await desk.call("edit", file_path="a.txt", old_string="x", new_string="y")
    assert refused.exit_code == 1
    assert "found 3 times" in refused.output
    done = await desk.call("edit", file_path="a.txt", old_string="x", new_string="y", replace_all=True)
    assert done.output == f"Replaced 3 occurrence(s) in {desk.root}/a.txt"
    assert done.metadata == {"file_path": "a.txt", "before": "x\nx\nx\n", "after": "y\ny\ny\n", "match": "exact"}
    assert desk.get("a.txt") == "y\ny\ny\n"


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        ("", "y", "use write"),
        ("same", "same", "nothing would change"),
        (
            "def f(x):\n   return x",
            "def f(x):\n  y",
            "Only whitespace differs. The file has:\n     1\tdef f(x):\n     2\t    return x",
        ),
        ("return y * 2", "y", "The nearest lines are:\n     4\treturn y * 3"),
        ("nothing of the kind at all", "y", "Nothing in the file is like it"),
    ],
)
async def test_edit_that_cannot_be_made_says_what_to_do(desk: Desk, old: str, new: str, advice: str) -> None:
    desk.put("a.py", "def f(x):\n    return x\nsame\nreturn y * 3\n")
    result = await desk.call("edit", file_path="a.py", old_string=old, new_string=new)
    assert result.exit_code == 1
    assert advice in result.output
    assert desk.applied == []


async def test_edit_keeps_line_endings_and_byte_order_mark(desk: Desk) -> None:
    desk.put("a.txt", "\ufeffone\r\ntwo\r\n")
    await desk.call("edit", file_path="a.txt", old_string="one", new_string="1\n1.5")
    assert desk.get("a.txt") == "\ufeff1\r\n1.5\r\ntwo\r\n"


@pytest.mark.parametrize(("content", "after"), [("1\n2\n", "1\r\n2\r\n"), ("1\n2\r\n", "1\n2\r\n")])
async def test_written_file_keeps_its_line_endings_unless_the_text_has_its_own(
    desk: Desk, content: str, after: str
) -> None:
    desk.put("a.txt", "one\r\ntwo\r\n")
    result = await desk.call("write", file_path="a.txt", content=content)
    assert (desk.get("a.txt"), (result.metadata or {})["after"]) == (after, after)


async def test_written_file_has_one_byte_order_mark_also_where_the_model_moved_it_with_its_line(desk: Desk) -> None:
    desk.put("a.txt", "\ufeff\ntwo\n")
    await desk.call("write", file_path="a.txt", content="new\n\ufeff\ntwo\n")
    assert desk.get("a.txt") == "\ufeffnew\n\ntwo\n"


async def test_written_file_keeps_its_byte_order_mark_and_encoding(desk: Desk) -> None:
    path = desk.put("a.txt", "one\n".encode("utf-16"))
    assert (await desk.call("write", file_path="a.txt", content="zwei €\n")).exit_code == 0
    assert path.read_bytes() == "zwei €\n".encode("utf-16")


async def test_file_mode_and_links_inside_are_kept(desk: Desk) -> None:
    path = desk.put("run.sh", "echo a\n")
    path.chmod(0o755)
    (desk.root / "link.sh").symlink_to(path)
    await desk.call("edit", file_path="link.sh", old_string="a", new_string="b")
    assert (desk.root / "link.sh").is_symlink()
    assert desk.get("run.sh") == "echo b\n"
    assert path.stat().st_mode & 0o777 == 0o755


async def test_nothing_is_written_where_there_is_no_workspace(desk: Desk) -> None:
    desk.root.rmdir()
    result = await desk.call("write", file_path="a.txt", content="x")
    assert result.exit_code == 1
    assert "does not exist" in result.output
    assert not desk.root.exists()


async def test_binary_file_is_not_overwritten(desk: Desk) -> None:
    path = desk.put("a.png", b"\x89PNG")
    result = await desk.call("write", file_path="a.png", content="x")
    assert (result.exit_code, "delete it first" in result.output) == (1, True)
    assert path.read_bytes() == b"\x89PNG"


async def test_parallel_edits_of_one_file_lose_nothing(desk: Desk) -> None:
    desk.put("a.txt", "".join(f"<{n}>\n" for n in range(8)))
    calls = (desk.call("edit", file_path="a.txt", old_string=f"<{n}>", new_string=f"[{n}]") for n in range(8))
    results = await asyncio.gather(*calls)
    done = [f"[{n}]" if result.exit_code == 0 else f"<{n}>" for n, result in enumerate(results)]
    assert desk.get("a.txt").split() == done
    assert results[0].exit_code == 0


async def test_change_that_was_made_is_told_although_the_call_was_cancelled(tmp_path: Path) -> None:
    editor = SlowEditor()
    desk = Desk(tmp_path, editor)
    path = desk.put("a.txt", "old\n")
    editor.open(path)
    running = asyncio.ensure_future(desk.call("edit", file_path="a.txt", old_string="old", new_string="new"))
    async with asyncio.timeout(5):
        await editor.asked.wait()
        running.cancel()
        await asyncio.sleep(0)
        editor.answer.set()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert (editor.text(path), len(desk.applied)) == ("new\n", 1)
