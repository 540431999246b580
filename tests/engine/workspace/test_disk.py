"""Bytes on the disk: what a change set does not mean to change stays, and what went wrong is taken back."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import EditRefused, StaleEdit, ToolError
from a3s_lsp.engine.workspace.disk import DiskWrites, current_text
from a3s_lsp.engine.workspace.encodings import Encoding, Unencodable, decode, encode
from a3s_lsp.engine.workspace.local import LocalWorkspace


def put(path: Path, content: str | bytes, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def state(root: Path) -> dict[str, tuple[bytes | None, int, int]]:
    """All files and folders with their bytes, mode and time."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        time = 0 if path.is_dir() else status.st_mtime_ns
        found[str(path.relative_to(root))] = (path.read_bytes() if path.is_file() else None, status.st_mode, time)
    return found


async def change(root: Path, *changes: Change) -> None:
    await LocalWorkspace(root).apply(ChangeSet("test", changes))


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"caf\xe9\r\n", b"th\xe9\r\n"),
        (codecs.BOM_UTF8 + "café\n".encode(), codecs.BOM_UTF8 + "thé\n".encode()),
        (codecs.BOM_UTF16_LE + "café".encode("utf-16-le"), codecs.BOM_UTF16_LE + "thé".encode("utf-16-le")),
        (codecs.BOM_UTF16_BE + "café".encode("utf-16-be"), codecs.BOM_UTF16_BE + "thé".encode("utf-16-be")),
        (codecs.BOM_UTF32_LE + "café".encode("utf-32-le"), codecs.BOM_UTF32_LE + "thé".encode("utf-32-le")),
    ],
)
async def test_file_keeps_the_encoding_that_it_has(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = put(tmp_path / "a.txt", before)
    text = current_text(path) or ""
    await change(tmp_path, Change(str(path), text, text.replace("caf", "th")))
    assert path.read_bytes() == after


async def test_new_file_is_utf8(tmp_path: Path) -> None:
    await change(tmp_path, Change(str(tmp_path / "a.txt"), None, "café\n"))
    assert (tmp_path / "a.txt").read_bytes() == "café\n".encode()


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (b"caf\xe9\n", "café\n5 €\n", r"line 2 has '€' \(U\+20AC EURO SIGN\), which LATIN-1, .* convert the file to"),
        (b"caf\xe9\n", "cafÃ©\n", "the new text would not be recognised as that"),
        ("a".encode("utf-16"), "a", "UTF-16-LE, and the new text .* keep its byte order mark"),
        (b"a", "\ud83d", r"line 1 has half of a surrogate pair \(U\+D83D\)"),
    ],
)
async def test_text_that_does_not_fit_is_refused_with_what_to_do(
    tmp_path: Path, before: bytes, after: str, problem: str
) -> None:
    path = put(tmp_path / "a.txt", before)
    with pytest.raises(EditRefused, match=problem):
        await change(tmp_path, Change(str(path), current_text(path), after))
    assert state(tmp_path).keys() == {"a.txt"}
    assert path.read_bytes() == before


@given(st.binary(max_size=40) | st.text(max_size=20).map(lambda text: text.encode("utf-16")))
def test_what_was_read_is_written_back_to_the_byte(data: bytes) -> None:
    decoded = decode(data)
    if decoded is not None:
        assert encode(decoded.text, decoded.encoding) == data


@given(
    st.text(st.characters(max_codepoint=0x2FF), max_size=20),
    st.sampled_from(("utf-8", "utf-16-le", "utf-32-be", "latin-1")),
)
def test_what_was_written_is_read_back_as_the_same_text(text: str, encoding: Encoding) -> None:
    try:
        data = encode(text, encoding)
    except Unencodable:
        return
    decoded = decode(data)
    assert decoded is not None
    assert decoded.text == text


# ---------------------------------------------------------------- what stays


def takes_attributes(path: Path) -> bool:
    """Whether this system and this file system have attributes; if so, the file gets one."""
    try:
        os.setxattr(path, "user.note", b"kept")
    except (AttributeError, OSError):
        return False
    return True


async def test_mode_owner_and_attributes_of_a_file_stay(tmp_path: Path) -> None:
    path = put(tmp_path / "run.sh", "a\n", 0o2754)
    if os.geteuid() == 0:
        os.chown(path, 1234, 2345)
        path.chmod(0o2754)
    os.utime(path, (0, 0))
    attributes = {"user.note": b"kept"} if takes_attributes(path) else {}
    owner = path.stat()
    await change(tmp_path, Change(str(path), "a\n", "b\n"))
    status = path.stat()
    assert (status.st_mode, status.st_uid, status.st_gid) == (owner.st_mode, owner.st_uid, owner.st_gid)
    assert status.st_mtime_ns > owner.st_mtime_ns
    assert {name: os.getxattr(path, name) for name in attributes} == attributes


async def test_moved_file_keeps_what_it_is_and_gets_its_new_text(tmp_path: Path) -> None:
    path = put(tmp_path / "old.txt", b"caf\xe9\n", 0o640)
    target = tmp_path / "new/name.txt"
    await change(tmp_path, Change(str(target), "café\n", "thé\n", source=str(path)))
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"th\xe9\n", 0o640)
    assert not path.exists()
    await change(tmp_path, Change(str(path), "thé\n", "thé\n", source=str(target)))
    assert path.read_bytes() == b"th\xe9\n"


async def test_nothing_is_moved_onto_a_file_that_is_there(tmp_path: Path) -> None:
    path, target = put(tmp_path / "a.txt", "a\n"), put(tmp_path / "b.txt", "b\n")
    before = state(tmp_path)
    with pytest.raises(EditRefused, match=r"b\.txt exists already; delete it first, or choose another name"):
        await change(tmp_path, Change(str(target), "a\n", "c\n", source=str(path)))
    assert state(tmp_path) == before


async def test_read_only_file_is_left_alone_and_so_are_the_others(tmp_path: Path) -> None:
    path = put(tmp_path / "a.txt", "a\n", 0o444)
    other = put(tmp_path / "b.txt", "b\n")
    before = state(tmp_path)
    for after in ("new\n", None):
        with pytest.raises(EditRefused, match=r"a\.txt: the file is read-only; make it writable first"):
            await change(tmp_path, Change(str(other), "b\n", "new\n"), Change(str(path), "a\n", after))
    assert state(tmp_path) == before


# ---------------------------------------------------------------- roll-back


def many(root: Path) -> list[Change]:
    """A change of each kind."""
    put(root / "changed.txt", b"caf\xe9\r\n", 0o751)
    put(root / "deleted.txt", "gone\n", 0o600)
    put(root / "moved.txt", codecs.BOM_UTF8 + b"same\n", 0o640)
    put(root / "both.txt", "one\n")
    return [
        Change(str(root / "changed.txt"), "café\r\n", "thé\r\n"),
        Change(str(root / "deleted.txt"), "gone\n", None),
        Change(str(root / "a/b/made.txt"), None, "made\n"),
        Change(str(root / "a/moved.txt"), "\ufeffsame\n", "\ufeffsame\n", source=str(root / "moved.txt")),
        Change(str(root / "a/both.txt"), "one\n", "two\n", source=str(root / "both.txt")),
    ]


def test_rolled_back_is_every_byte_mode_and_time(tmp_path: Path) -> None:
    changes = many(tmp_path)
    before = state(tmp_path)
    writes = DiskWrites()
    writes.write_all(changes)
    files = {name for name, (data, _, _) in state(tmp_path).items() if data is not None}
    assert files == {"changed.txt", "a/b/made.txt", "a/moved.txt", "a/both.txt"}
    assert writes.roll_back() == []
    assert state(tmp_path) == before


@pytest.mark.parametrize("place", range(6))
def test_failure_at_any_place_of_a_change_set_changes_nothing(tmp_path: Path, place: int) -> None:
    changes = many(tmp_path)
    put(tmp_path / "stale.txt", "not what was read\n")
    before = state(tmp_path)
    changes.insert(place, Change(str(tmp_path / "stale.txt"), "read\n", "new\n"))
    writes = DiskWrites()
    with pytest.raises(StaleEdit, match=r"stale\.txt was changed by someone else"):
        writes.write_all(changes)
    assert writes.roll_back() == []
    assert state(tmp_path) == before


def test_failure_after_the_first_file_has_changed_is_taken_back_too(tmp_path: Path) -> None:
    changes = many(tmp_path)
    before = state(tmp_path)
    writes = DiskWrites()
    with pytest.raises(StaleEdit, match=r"changed\.txt was changed by someone else"):
        writes.write_all([*changes, changes[0]])
    assert writes.roll_back() == []
    assert state(tmp_path) == before


def test_what_somebody_wrote_meanwhile_is_not_rolled_back_but_named(tmp_path: Path) -> None:
    changes = many(tmp_path)
    writes = DiskWrites()
    writes.write_all(changes)
    put(tmp_path / "changed.txt", "theirs\n")
    put(tmp_path / "deleted.txt", "theirs\n")
    put(tmp_path / "both.txt", "theirs\n")
    (tmp_path / "a/b/made.txt").unlink()
    left = writes.roll_back()
    assert left == [str(tmp_path / name) for name in ("a/both.txt", "deleted.txt", "changed.txt")]
    assert {(tmp_path / name).read_text() for name in ("changed.txt", "deleted.txt", "both.txt")} == {"theirs\n"}
    assert (tmp_path / "a/both.txt").read_text() == "one\n"
    assert (tmp_path / "moved.txt").exists()


@pytest.mark.parametrize(
    ("before", "on_disk", "problem"),
    [
        ("a\n", None, "was deleted by someone else"),
        (None, "a\n", "was created by someone else meanwhile; read it"),
        ("a\n", "b\n", "was changed by someone else since it was read; read it again"),
    ],
)
def test_stale_text_says_what_became_of_it(
    tmp_path: Path, before: str | None, on_disk: str | None, problem: str
) -> None:
    path = tmp_path / "a.txt"
    if on_disk is not None:
        put(path, on_disk)
    with pytest.raises(StaleEdit, match=problem):
        DiskWrites().write_all([Change(str(path), before, "new\n")])


def test_binary_file_is_never_taken_for_text(tmp_path: Path) -> None:
    path = put(tmp_path / "a.png", b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ToolError, match="valid UTF-8"):
        DiskWrites().write_all([Change(str(path), "", "new\n")])
    assert path.read_bytes() == b"\x89PNG\r\n\x1a\n"
