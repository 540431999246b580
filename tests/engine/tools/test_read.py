"""What the model sees of a file."""

from __future__ import annotations

import asyncio
import codecs
import os

import pytest

from tests.engine.tools.desk import Desk


async def test_lines_are_numbered_and_the_last_gets_its_line_feed(desk: Desk) -> None:
    desk.put("a.txt", "one\r\ntwo")
    assert (await desk.call("read", file_path="a.txt")).output == "     1\tone\n     2\ttwo\n"
    assert (await desk.call("read", file_path=str(desk.root / "a.txt"))).exit_code == 0


async def test_unsaved_text_is_what_is_read(desk: Desk) -> None:
    path = desk.put("a.txt", "on the disk\n")
    desk.editor.open(path, "on the screen\n")
    assert (await desk.call("read", file_path="a.txt")).output == "     1\ton the screen\n"


async def test_document_that_is_open_under_the_name_of_a_link_is_found(desk: Desk) -> None:
    path = desk.put("a.txt", "on the disk\n")
    (desk.root / "link.txt").symlink_to(path)
    desk.editor.open(desk.root / "link.txt", "on the screen\n")
    assert "screen" in (await desk.call("read", file_path="a.txt")).output
    await desk.call("edit", file_path="a.txt", old_string="screen", new_string="paper")
    assert desk.editor.text(desk.root / "link.txt") == "on the paper\n"


async def test_rest_of_a_long_file_is_announced_with_its_length(desk: Desk) -> None:
    desk.put("a.txt", "".join(f"{n}\n" for n in range(5000)))
    result = await desk.call("read", file_path="a.txt", offset=4990, limit=4)
    assert result.output.startswith("  4991\t4990\n")
    assert result.output.endswith("  4994\t4993\n\n... (6 more lines not shown, use offset/limit to read more)\n")


@pytest.mark.parametrize(
    ("text", "offset", "limit", "shown"),
    [
        ("", 0, 2000, ""),
        ("a\nb\n", -3, 2000, "     1\ta\n     2\tb\n"),
        ("a\nb\n", 0, 0, "\n... (2 more lines not shown, use offset/limit to read more)\n"),
        ("a\nb", 1, 1, "     2\tb\n"),
        ("\ufeffa\n", 0, 1, "     1\t\ufeffa\n"),
        ("a\x0cb\u2028c\n", 0, 9, "     1\ta\x0cb\u2028c\n"),
    ],
)
async def test_window(desk: Desk, text: str, offset: int, limit: int, shown: str) -> None:
    desk.put("a.txt", text)
    assert (await desk.call("read", file_path="a.txt", offset=offset, limit=limit)).output == shown


@pytest.mark.parametrize("text", ["a\nb\n", "a\nb"])
async def test_offset_beyond_the_end_says_how_long_the_file_is(desk: Desk, text: str) -> None:
    desk.put("a.txt", text)
    result = await desk.call("read", file_path="a.txt", offset=2)
    assert result.exit_code == 1
    assert result.output == "Offset 2 exceeds file length (2 lines)."


async def test_cut_line_says_that_it_is_cut(desk: Desk) -> None:
    desk.put("a.txt", "é" * 3000 + "\nnext\n")
    first, second = (await desk.call("read", file_path="a.txt")).output.splitlines()
    assert first == f"     1\t{'é' * 2000}… [line cut: 2000 more bytes]"
    assert second == "     2\tnext"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("é\n".encode("utf-16"), "     1\t\ufeffé\n"),
        (codecs.BOM_UTF16_BE + "a\nb\r\n".encode("utf-16-be"), "     1\t\ufeffa\n     2\tb\n"),
        ("a\n".encode("utf-32"), "     1\t\ufeffa\n"),
        (b"ok\n\xe9t\xe9\n", "     1\tok\n     2\tété\n"),
        (b"\x1b[1m\xe9\x1b[0m\f\n", "     1\t\x1b[1mé\x1b[0m\f\n"),
    ],
)
async def test_text_in_other_encodings_is_shown(desk: Desk, content: bytes, shown: str) -> None:
    desk.put("a.txt", content)
    assert (await desk.call("read", file_path="a.txt")).output == shown


async def test_window_of_a_wide_text_is_counted_in_its_own_lines(desk: Desk) -> None:
    desk.put("a.txt", "".join(f"{n}\n" for n in range(9)).encode("utf-16"))
    result = await desk.call("read", file_path="a.txt", offset=7, limit=1)
    assert result.output == "     8\t7\n\n... (1 more lines not shown, use offset/limit to read more)\n"


@pytest.mark.parametrize("content", [b"\xff\xfea", b"ok\n\xff\0\n", b"\x93quoted\x94\n"])
async def test_what_is_not_text_is_refused_with_the_path(desk: Desk, content: bytes) -> None:
    path = desk.put("a.bin", content)
    result = await desk.call("read", file_path="a.bin")
    assert result.exit_code == 1
    assert f"Failed to read file {path}" in result.output
    assert "valid UTF-8" in result.output


async def test_missing_file_and_directory_say_what_they_are(desk: Desk) -> None:
    missing = await desk.call("read", file_path="nope/a.txt")
    assert "No such file or directory (os error 2)" in missing.output
    assert missing.error_kind == {"type": "not_found", "path": str(desk.root / "nope/a.txt")}
    folder = (await desk.call("read", file_path=".")).output
    assert "Is a directory (os error 21)" in folder and "list it with ls" in folder


async def test_pipe_and_device_never_block(desk: Desk) -> None:
    os.mkfifo(desk.root / "pipe")
    async with asyncio.timeout(2):
        result = await desk.call("read", file_path="pipe")
    assert "named pipe" in result.output


async def test_two_gigabytes_are_read_line_by_line(desk: Desk) -> None:
    path = desk.put("big.log", "first\nsecond\nthird\n")
    os.truncate(path, 2 * 1024**3)
    async with asyncio.timeout(20):
        result = await desk.call("read", file_path="big.log", offset=1, limit=2)
    rest = "... (more lines not shown, use offset/limit to read more, or bash with tail for the end)"
    assert result.output == f"     2\tsecond\n     3\tthird\n\n{rest}\n"
    whole = await desk.call("edit", file_path="big.log", old_string="first", new_string="x")
    assert whole.exit_code == 1
    assert "read it in parts" in whole.output


@pytest.mark.parametrize("path", ["/etc/hostname", "../x", "a/../../x", "out/f", "out/new"])
@pytest.mark.parametrize("tool", ["read", "write", "edit", "patch", "ls", "grep", "glob", "replace"])
async def test_no_tool_leaves_the_workspace(desk: Desk, tool: str, path: str) -> None:
    outside = desk.root.parent / "outside"
    outside.mkdir()
    (outside / "f").write_text("SECRET")
    (desk.root / "out").symlink_to(outside)
    args = {
        "read": {"file_path": path},
        "write": {"file_path": path, "content": "q"},
        "edit": {"file_path": path, "old_string": "SECRET", "new_string": "b"},
        "patch": {"file_path": path, "diff": "@@ -1 +1 @@\n-SECRET\n+b"},
        "ls": {"path": path},
        "grep": {"path": path, "pattern": "SECRET"},
        "glob": {"path": path, "pattern": "*"},
        "replace": {"path": path, "pattern": "SECRET", "replacement": "x"},
    }
    result = await desk.call(tool, **args[tool])
    assert result.exit_code == 1
    assert f"path '{path}' escapes workspace '{desk.root}'" in result.output
    assert [entry.name for entry in outside.iterdir()] == ["f"]
    assert (outside / "f").read_text() == "SECRET"
    assert not (desk.root.parent / "x").exists()
