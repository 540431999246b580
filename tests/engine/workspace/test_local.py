"""Change sets over disk and editor: whole or not at all."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import EditRefused, PathRefused, StaleEdit, ToolError
from a3s_lsp.engine.ports import BufferEdit, FileMove, Shown
from a3s_lsp.engine.workspace.local import LocalWorkspace
from a3s_lsp.engine.workspace.memory_editor import MemoryEditor
from a3s_lsp.engine.workspace.shielding import uninterrupted
from tests.engine.slow_editor import SlowEditor


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "closed.txt").write_text("closed\n")
    (tmp_path / "open.txt").write_text("open\n")
    return tmp_path


def snapshot(root: Path) -> dict[str, str]:
    """All files and folders with their text."""
    paths = sorted(root.rglob("*"))
    return {path.relative_to(root).as_posix(): path.read_text() if path.is_file() else "" for path in paths}


def changes(root: Path, **texts: tuple[str | None, str | None]) -> ChangeSet:
    """A change set; `a__b` stands for a/b.txt."""
    named = ((str(root / f"{name.replace('__', '/')}.txt"), texts[name]) for name in texts)
    return ChangeSet("test", tuple(Change(path, before, after) for path, (before, after) in named))


async def test_files_and_documents_change_together_and_back(root: Path) -> None:
    editor = MemoryEditor()
    editor.open(root / "open.txt")
    workspace = LocalWorkspace(root, editor)
    before = snapshot(root)
    change_set = changes(root, closed=("closed\n", "1\n"), open=("open\n", "2\n"), new__deep=(None, "3\n"))
    await workspace.apply(change_set)
    assert (root / "closed.txt").read_text() == "1\n"
    assert editor.text(root / "open.txt") == "2\n"
    assert (root / "new/deep.txt").read_text() == "3\n"
    await workspace.apply(change_set.inverse("undo"))
    assert editor.text(root / "open.txt") == "open\n"
    assert {name for name in snapshot(root)} == {*before, "new"}


async def test_editor_that_refuses_leaves_every_file_as_it_was(root: Path) -> None:
    editor = MemoryEditor()
    editor.open(root / "open.txt")
    editor.refuse("not now")
    before = snapshot(root)
    with pytest.raises(EditRefused, match="not now"):
        await LocalWorkspace(root, editor).apply(
            changes(root, closed=("closed\n", "1\n"), new__deep=(None, "3\n"), open=("open\n", "2\n"))
        )
    assert snapshot(root) == before


class HalfEditor(MemoryEditor):
    """Does the first edit and fails at the second."""

    async def apply(self, label: str, edits: Sequence[BufferEdit], moves: Sequence[FileMove] = ()) -> Sequence[Shown]:
        shown = await super().apply(label, edits[:1])
        if len(edits) > 1:
            raise EditRefused("The editor failed in the middle.")
        return shown


async def test_editor_that_failed_in_the_middle_gets_its_part_undone(root: Path) -> None:
    editor = HalfEditor()
    editor.open(root / "open.txt")
    editor.open(root / "closed.txt")
    with pytest.raises(EditRefused):
        await LocalWorkspace(root, editor).apply(
            changes(root, open=("open\n", "2\n"), closed=("closed\n", "1\n"), other=(None, "3\n"))
        )
    assert (editor.text(root / "open.txt"), editor.text(root / "closed.txt")) == ("open\n", "closed\n")
    assert not (root / "other.txt").exists()


@pytest.mark.parametrize("blocker", ["folder", "parent"])
async def test_file_that_cannot_be_written_rolls_the_others_back(root: Path, blocker: str) -> None:
    (root / "folder.txt").mkdir()
    name = "folder" if blocker == "folder" else "open.txt__child"
    before = snapshot(root)
    with pytest.raises(ToolError):
        await LocalWorkspace(root).apply(
            changes(root, closed=("closed\n", "1\n"), new__deep=(None, "2\n"), **{name: (None, "3\n")})
        )
    assert snapshot(root) == before


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """No file may become larger than this: the disk is full, as it were."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_full_disk_leaves_the_old_files_and_no_rubbish(root: Path) -> None:
    before = snapshot(root)
    big = "x" * 3_000_000
    with small_files(1_000_000), pytest.raises(EditRefused, match=r"Failed to write .*open.txt: File too large"):
        await LocalWorkspace(root).apply(changes(root, closed=("closed\n", "1\n"), open=("open\n", big)))
    assert snapshot(root) == before


async def test_failed_rollback_is_said(root: Path) -> None:
    class Saboteur(MemoryEditor):
        async def apply(
            self, label: str, edits: Sequence[BufferEdit], moves: Sequence[FileMove] = ()
        ) -> Sequence[Shown]:
            (root / "closed.txt").unlink()
            (root / "closed.txt").mkdir()
            raise EditRefused("No.")

    saboteur = Saboteur()
    saboteur.open(root / "open.txt")
    with pytest.raises(EditRefused, match=r"No\. These files could not be rolled back: .*closed\.txt"):
        await LocalWorkspace(root, saboteur).apply(changes(root, closed=("closed\n", "1\n"), open=("open\n", "2\n")))


@pytest.mark.parametrize("stale", ["closed", "open", "created"])
async def test_stale_text_anywhere_stops_the_whole_change(root: Path, stale: str) -> None:
    editor = MemoryEditor()
    editor.open(root / "open.txt")
    workspace = LocalWorkspace(root, editor)
    change_set = changes(root, first=(None, "0"), closed=("closed\n", "1\n"), open=("open\n", "2\n"), made=(None, "3"))
    match stale:
        case "closed":
            (root / "closed.txt").write_text("someone else's\n")
        case "open":
            editor.type(root / "open.txt", "typed\n")
        case _:
            (root / "made.txt").write_text("someone else's\n")
    before = snapshot(root)
    with pytest.raises(StaleEdit, match={"created": "made"}.get(stale, stale)):
        await workspace.apply(change_set)
    assert snapshot(root) == before
    assert editor.applied == []


async def test_unsaved_document_is_never_deleted_under_the_person(root: Path) -> None:
    editor = MemoryEditor()
    editor.open(root / "open.txt", "typed\n")
    with pytest.raises(EditRefused, match="unsaved"):
        await LocalWorkspace(root, editor).apply(changes(root, open=("open\n", None)))
    assert (root / "open.txt").exists()


async def test_change_outside_the_workspace_is_refused(root: Path) -> None:
    (root / "ws").mkdir()
    with pytest.raises(PathRefused):
        await LocalWorkspace(root / "ws").apply(changes(root, closed=("closed\n", "1\n")))
    assert (root / "closed.txt").read_text() == "closed\n"


async def test_path_that_became_a_link_is_not_followed(root: Path) -> None:
    change_set = changes(root, closed=("closed\n", "1\n"))
    (root / "closed.txt").rename(root / "moved.txt")
    (root / "closed.txt").symlink_to(root / "moved.txt")
    with pytest.raises(StaleEdit, match="link"):
        await LocalWorkspace(root).apply(change_set)
    assert (root / "moved.txt").read_text() == "closed\n"


async def test_cancellation_while_the_editor_thinks_takes_the_files_back(root: Path) -> None:
    editor = SlowEditor()
    editor.open(root / "open.txt")
    before = snapshot(root)
    work = LocalWorkspace(root, editor).apply(changes(root, closed=("closed\n", "1\n"), open=("open\n", "2\n")))
    running = asyncio.ensure_future(uninterrupted(work, grace=0.05))
    async with asyncio.timeout(5):
        await editor.asked.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert snapshot(root) == before
    assert editor.text(root / "open.txt") == "open\n"


async def test_work_that_ends_within_its_grace_is_done_although_it_was_cancelled() -> None:
    release = asyncio.Event()
    done: list[str] = []

    async def work() -> None:
        await release.wait()
        done.append("done")

    running = asyncio.ensure_future(uninterrupted(work(), grace=5))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.sleep(0)
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert done == ["done"]


def test_paths_are_shown_as_people_know_them(root: Path) -> None:
    workspace = LocalWorkspace(root)
    assert workspace.display(workspace.resolve("a/./b/../c.txt")) == "a/c.txt"
    assert workspace.display(workspace.resolve("")) == "."
    assert workspace.resolve("~/x") == root / "~/x"


def test_unsaved_documents_of_other_folders_do_not_count(root: Path) -> None:
    (root / "ws").mkdir()
    editor = MemoryEditor()
    editor.open(root / "open.txt", "typed\n")
    editor.open(root / "ws/new.txt", "new\n")
    assert [document.path for document in LocalWorkspace(root / "ws", editor).unsaved()] == [root / "ws/new.txt"]
