"""Open documents, the edits between two texts, and the spelling of paths."""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import get_args

import pytest
from lsprotocol import types

from a3s_lsp.engine.texts import minimal_edits, split_lines
from a3s_lsp.server.textdocuments import Documents, Encoding, Happening, TextDocument
from a3s_lsp.server.uris import path_to_uri, posix_path, uri_key, uri_to_path, windows_path

URI = "file:///work/a.txt"
SAVE_REASON = types.TextDocumentSaveReason.Manual
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)


def at(line: int, character: int) -> types.Position:
    return types.Position(line, character)


def replacement(start: types.Position, end: types.Position, text: str) -> types.TextDocumentContentChangePartial:
    return types.TextDocumentContentChangePartial(types.Range(start, end), text)


def opened(text: str, version: int = 1, uri: str = URI) -> types.DidOpenTextDocumentParams:
    return types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "plaintext", version, text))


def changed(version: int, text: str, uri: str = URI) -> types.DidChangeTextDocumentParams:
    return types.DidChangeTextDocumentParams(
        types.VersionedTextDocumentIdentifier(version, uri), [types.TextDocumentContentChangeWholeDocument(text)]
    )


def closed(uri: str = URI) -> types.DidCloseTextDocumentParams:
    return types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri))


# ---------------------------------------------------------------- positions


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("text", "position", "offset"),
    [
        ("ab\ncd\n", at(1, 1), 4),
        ("ab\r\ncd", at(1, 0), 4),
        ("ab\rcd", at(1, 0), 3),
        ("ab\n", at(1, 0), 3),
        ("ab\r\ncd", at(0, 99), 2),
        ("ab\ncd", at(1, 99), 5),
        ("ab\ncd", at(99, 0), 5),
        ("ab\ncd", at(2**31 - 1, 2**31 - 1), 5),
        ("", at(0, 0), 0),
        ("a\fb\vc\x1cd\x1de\x1ef\x85g\u2028h\u2029i\nj", at(1, 1), 19),
    ],
)
def test_a_position_is_found_by_the_lines_of_lsp(
    text: str, position: types.Position, offset: int, encoding: Encoding
) -> None:
    assert TextDocument(URI, "plaintext", 1, text).offset(position, encoding) == offset


@pytest.mark.parametrize(
    ("encoding", "characters"), [("utf-8", [0, 1, 3, 6, 10]), ("utf-16", [0, 1, 2, 3, 5]), ("utf-32", [0, 1, 2, 3, 4])]
)
def test_columns_count_the_units_of_the_encoding(encoding: Encoding, characters: list[int]) -> None:
    document = TextDocument(URI, "plaintext", 1, "aé漢😀")
    assert [document.position(offset, encoding).character for offset in range(5)] == characters
    assert [document.offset(at(0, character), encoding) for character in characters] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("encoding", "inside"), [("utf-8", (4, 5, 6)), ("utf-16", (2,))])
def test_a_position_inside_a_character_is_before_it(encoding: Encoding, inside: tuple[int, ...]) -> None:
    document = TextDocument(URI, "plaintext", 1, "漢😀z")
    assert {document.offset(at(0, unit), encoding) for unit in inside} == {1}


def test_an_offset_outside_of_the_text_is_its_nearer_end() -> None:
    document = TextDocument(URI, "plaintext", 1, "a\nb")
    assert (document.position(-5, "utf-16"), document.position(99, "utf-16")) == (at(0, 0), at(1, 1))


def test_a_range_may_cover_several_lines() -> None:
    document = TextDocument(URI, "plaintext", 1, "a\r\n😀b\n")
    assert document.range(0, 4, "utf-16") == types.Range(at(0, 0), at(1, 2))


def test_lines_keep_their_ends() -> None:
    assert split_lines("a\r\n\rb\n\nc\f") == ["a\r\n", "\r", "b\n", "\n", "c\f"]
    assert split_lines("") == []


# ---------------------------------------------------------------- changes


@pytest.mark.parametrize(
    ("before", "change", "after", "lines"),
    [
        ("a\rb", replacement(at(1, 0), at(1, 0), "\n"), "a\r\nb", 2),
        ("a\nb", replacement(at(0, 1), at(0, 1), "\r"), "a\r\nb", 2),
        ("a\r\nb", replacement(at(0, 1), at(1, 0), ""), "ab", 1),
        ("a\r\nb\r\nc", replacement(at(0, 0), at(1, 0), "x\ny\n"), "x\ny\nb\r\nc", 4),
        ("a\nb", replacement(at(1, 1), at(0, 1), "-"), "a-", 1),
        ("a", replacement(at(9, 9), at(9, 9), "\n"), "a\n", 2),
    ],
)
def test_a_change_next_to_a_line_end_keeps_the_lines_right(
    before: str, change: types.TextDocumentContentChangePartial, after: str, lines: int
) -> None:
    document = TextDocument(URI, "plaintext", 1, before)
    document.apply([change], "utf-16")
    assert (document.text, document.line_count) == (after, lines)


def test_each_change_is_made_in_the_text_that_the_one_before_left() -> None:
    document = TextDocument(URI, "plaintext", 1, "one\ntwo\n")
    document.apply(
        [
            replacement(at(0, 0), at(1, 0), ""),
            types.TextDocumentContentChangeWholeDocument("new\n"),
            replacement(at(0, 3), at(0, 3), "er"),
        ],
        "utf-16",
    )
    assert document.text == "newer\n"


# ---------------------------------------------------------------- the store


def test_a_document_is_found_however_its_uri_is_spelled() -> None:
    documents = Documents()
    documents.open(opened("text", uri="file:///c%3A/a%20b"))
    for spelling in ("file:///c:/a b", "file:///C:/a%20b", "file:///C%3a/a%20b"):
        document = documents.get(spelling)
        assert document is not None and document.uri == "file:///c%3A/a%20b"


def saved(uri: str = URI) -> types.DidSaveTextDocumentParams:
    return types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri))


def opened_file(file: Path, text: str) -> tuple[Documents, TextDocument, str]:
    """A file on the disk, opened in the editor with this text."""
    uri, documents = path_to_uri(file), Documents()
    documents.open(opened(text, uri=uri))
    document = documents.get(uri)
    assert document is not None
    return documents, document, uri


def state(document: TextDocument) -> tuple[str, ...]:
    return tuple(name for name, holds in (("dirty", document.dirty), ("behind", document.behind)) if holds)


def test_a_document_is_dirty_from_a_change_until_it_is_saved(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    documents, document, uri = opened_file(file, "text")
    assert state(document) == ()
    documents.change(changed(2, "more", uri))
    assert state(document) == ("dirty",)
    file.write_text("more")
    documents.save(saved(uri))
    assert state(document) == ()


def test_undone_to_the_saved_text_a_document_is_not_dirty(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    documents, document, uri = opened_file(file, "text")
    documents.change(changed(2, "next", uri))
    documents.change(changed(3, "text", uri))
    assert state(document) == ()


def test_what_is_typed_while_the_file_is_written_is_not_saved(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    documents, document, uri = opened_file(file, "text")
    documents.change(changed(2, "text saved", uri))
    file.write_text("text saved")
    documents.change(changed(3, "text saved, and more", uri))
    documents.save(saved(uri))
    assert state(document) == ("dirty",)


def test_a_file_that_somebody_else_writes_is_ahead_of_its_document(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    documents, document, uri = opened_file(file, "text")
    file.write_text("disk")
    assert state(document) == ("behind",)
    documents.change(changed(2, "typed", uri))
    assert state(document) == ("dirty", "behind")
    file.write_text("typed")
    assert state(document) == ()


def test_a_file_that_is_written_again_and_again_is_looked_at_each_time(tmp_path: Path) -> None:
    """Faster than the clock of the file system, and with the same length."""
    file = tmp_path / "a.txt"
    file.write_text("text 0")
    _, document, _ = opened_file(file, "text 0")
    for number in range(1, 100):
        with file.open("r+") as writing:
            writing.write(f"text {number % 10}")
        assert document.behind == (number % 10 != 0)


def test_what_the_person_types_although_the_disk_has_it_too_was_not_reloaded(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    documents, _, uri = opened_file(file, "text")
    seen: list[str] = []
    documents.subscribe(lambda happening: seen.append(happening.kind))
    documents.change(changed(2, "typed", uri))
    file.write_text("typed more")
    documents.change(changed(3, "typed more", uri))
    assert seen == ["changed", "changed"]


def test_a_file_that_is_written_again_right_after_saving_is_ahead_of_its_document(tmp_path: Path) -> None:
    """As a formatter does that works on the file."""
    file = tmp_path / "a.txt"
    file.write_text("old")
    documents, document, uri = opened_file(file, "old")
    documents.change(changed(2, "text", uri))
    file.write_text("Text")
    documents.save(saved(uri))
    assert state(document) == ("behind",)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("é", b"\xe9"),
        ("€", b"\xa4"),  # ISO 8859-15, which looks like Latin-1
        ("“", b"\x93"),  # Windows-1252
        ("é", "\ufeffé".encode("utf-16-le")),
    ],
)
def test_a_document_is_saved_in_whatever_encoding(tmp_path: Path, text: str, data: bytes) -> None:
    file = tmp_path / "a.txt"
    file.write_text("")
    documents, document, uri = opened_file(file, "")
    documents.change(changed(2, text, uri))
    file.write_bytes(data)
    documents.save(saved(uri))
    assert state(document) == ()
    file.write_bytes(b"other" + data)
    assert state(document) == ("behind",)


def test_a_document_whose_file_is_deleted_is_dirty(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    _, document, _ = opened_file(file, "text")
    file.unlink()
    assert state(document) == ("dirty",)
    file.mkdir()
    assert state(document) == ("dirty",)


@pytest.mark.parametrize(
    ("content", "dirty"),
    [
        (b"text", False),
        (b"\xef\xbb\xbftext", False),
        ("\ufefftext".encode("utf-16-be"), False),
        (b"other", True),
        (b"\xff", True),
        (b"\0\xff", True),
        (None, True),
    ],
)
def test_a_document_that_is_opened_with_unsaved_text_is_dirty(
    content: bytes | None, dirty: bool, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    if content is not None:
        file.write_bytes(content)
    documents = Documents()
    documents.open(opened("text", uri=path_to_uri(file)))
    assert [document.dirty for document in documents] == [dirty]


def test_a_document_that_is_not_a_file_is_dirty() -> None:
    documents = Documents()
    documents.open(opened("text", uri="untitled:Untitled-1"))
    assert [document.dirty for document in documents] == [True]


def test_a_change_of_a_document_that_is_not_open_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    documents = Documents()
    documents.change(changed(2, "text"))
    assert len(documents) == 0
    assert f"The editor changed {URI}, which is not open; that is ignored." in caplog.text


def test_closing_a_document_that_is_not_open_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    Documents().close(closed())
    assert f"The editor closed {URI}, which is not open; that is ignored." in caplog.text


def test_opening_again_takes_the_new_text(caplog: pytest.LogCaptureFixture) -> None:
    documents = Documents()
    documents.open(opened("old"))
    documents.open(opened("new", version=9))
    assert [(document.text, document.version) for document in documents] == [("new", 9)]
    assert "again without closing" in caplog.text


def test_whatever_happens_is_told_when_it_has_happened_until_one_leaves(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    uri, documents, seen = path_to_uri(file), Documents(), list[tuple[str, str, int]]()

    def note(happening: Happening) -> None:
        seen.append((happening.kind, happening.document.text, len(documents)))

    leave = documents.subscribe(note)
    documents.open(opened("old", uri=uri))
    documents.change(changed(2, "new", uri))
    documents.will_save(types.WillSaveTextDocumentParams(types.TextDocumentIdentifier(uri), SAVE_REASON))
    file.write_text("new")
    documents.save(saved(uri))
    file.write_text("from elsewhere")
    documents.change(changed(3, "from elsewhere", uri))
    documents.close(closed(uri))
    leave()
    documents.open(opened("old", uri=uri))
    assert seen == [
        ("opened", "old", 1),
        ("changed", "new", 1),
        ("saving", "new", 1),
        ("saved", "new", 1),
        ("reloaded", "from elsewhere", 1),
        ("closed", "from elsewhere", 0),
    ]


# ---------------------------------------------------------------- edits between two texts


def applied(before: str, edits: list[tuple[int, int, str]]) -> str:
    for start, end, text in reversed(edits):
        before = before[:start] + text + before[end:]
    return before


@pytest.mark.parametrize(
    ("before", "after", "edits"),
    [
        ("same", "same", []),
        ("", "new", [(0, 0, "new")]),
        ("old", "", [(0, 3, "")]),
        ("a\nb\nc\n", "a\nB\nc\n", [(2, 3, "B")]),
        ("def f(a):\n", "def f(a, b):\n", [(7, 7, ", b")]),
        ("a\nb\nc\nd\n", "A\nb\nc\nD\n", [(0, 1, "A"), (6, 7, "D")]),
        ("a\nb\n", "a\nx\nb\n", [(2, 2, "x\n")]),
        ("a\nb\nc\n", "a\nc\n", [(2, 4, "")]),
        ("a\r\n", "a\n", [(1, 3, "\n")]),
        ("a\n", "a\r\n", [(1, 2, "\r\n")]),
        ("a\r", "a\r\n", [(1, 2, "\r\n")]),
        ("\ud83d\ude00", "\ud83d\ude01", [(0, 2, "\ud83d\ude01")]),
    ],
)
def test_edits_are_as_small_as_a_client_can_apply(before: str, after: str, edits: list[tuple[int, int, str]]) -> None:
    assert minimal_edits(before, after) == edits


def test_a_large_difference_is_one_edit() -> None:
    old, new = ([f"{number}\n" for number in range(first, first + 8000)] for first in (0, 8000))
    old[4000] = new[4000] = "the same in both\n"
    before, after = "".join(["first\n", *old, "last\n"]), "".join(["first\n", *new, "last\n"])
    edits = minimal_edits(before, after)
    assert len(edits) == 1 and edits[0].start == len("first\n")
    assert applied(before, list(edits)) == after


def test_scattered_changes_in_a_long_text_stay_apart() -> None:
    lines = [f"line {number}\n" for number in range(5000)]
    changed_lines = [f"LINE{line[4:]}" if number % 500 == 7 else line for number, line in enumerate(lines)]
    before, after = "".join(lines), "".join(changed_lines)
    edits = minimal_edits(before, after)
    assert [edit.text for edit in edits] == ["LINE"] * 10
    assert applied(before, list(edits)) == after


# ---------------------------------------------------------------- URIs


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///home/a/b.py", PurePosixPath("/home/a/b.py")),
        ("file:///home/a%20b/%C3%A9%23.py", PurePosixPath("/home/a b/é#.py")),
        ("file://localhost/etc", PurePosixPath("/etc")),
        ("file:///raw/%ff", PurePosixPath("/raw/\udcff")),
        ("file:relative", None),
        ("untitled:Untitled-1", None),
        ("vscode-remote://ssh/home/a", None),
        ("file://[broken/a", None),
        ("", None),
    ],
)
def test_a_posix_path_is_read_from_its_uri(uri: str, path: PurePath | None) -> None:
    assert posix_path(uri) == path


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///c%3A/Users/a%20b", PureWindowsPath("C:/Users/a b")),
        ("file:///C:/Users", PureWindowsPath("C:/Users")),
        ("file://server/share/x", PureWindowsPath("//server/share/x")),
        ("untitled:Untitled-1", None),
    ],
)
def test_a_windows_path_is_read_from_its_uri(uri: str, path: PurePath | None) -> None:
    assert windows_path(uri) == path
    if path is not None:
        assert str(windows_path(uri)) == str(path)


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (PurePosixPath("/a b/é#?%.py"), "file:///a%20b/%C3%A9%23%3F%25.py"),
        (PureWindowsPath("C:/a b"), "file:///C:/a%20b"),
        (PureWindowsPath("//server/share/x"), "file://server/share/x"),
    ],
)
def test_a_path_is_written_as_a_uri(path: PurePath, uri: str) -> None:
    assert path_to_uri(path) == uri


def test_a_real_path_survives_the_way_through_a_uri(tmp_path: Path) -> None:
    odd = tmp_path / "a b#é%41.txt"
    assert uri_to_path(path_to_uri(odd)) == odd
    assert uri_key(path_to_uri(odd)) == uri_key(path_to_uri(odd).replace("%20", " "))
