"""Checkpoints on hostile ground: odd names, closed folders, a full disk, several processes, a sudden death."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections import UserDict
from collections.abc import ItemsView, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.workspace.checkpoint_listing import listed
from a3s_lsp.engine.workspace.checkpoints import CheckpointStore
from tests.engine.workspace.checkpoint_desk import Desk, tree_of

NOBODY = 65534


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    root = tmp_path / "tree"
    root.mkdir()
    store = CheckpointStore(tmp_path / "state" / "checkpoints.sqlite")
    yield Desk(root, store)
    store.close()


def test_names_of_any_bytes_and_any_case_come_back(desk: Desk) -> None:
    for name in (b"\xff\xfe", b"new\nline", b"Case", b"case", b"CASE", b" ", b"\\", b"*", b"x" * 255):
        Path(os.fsdecode(os.fsencode(desk.root) + b"/" + name)).write_bytes(name)
    desk.write({".ignore": "*.log", "new\nfolder/a": "1"})
    before, then = tree_of(desk.root), desk.take()
    desk.bash("rm -- *; mkdir $'\\xfe'; echo > $'\\xfe/\\xfd'; ln -s x $'new\nfolder/ignored.log'")
    changes = desk.changes(then, desk.take())
    assert ("\udcfe/\udcfd", "created") in changes
    assert ("new\nfolder/ignored.log", "created") not in changes
    (desk.root / "new\nfolder/ignored.log").unlink()
    after, now = tree_of(desk.root), desk.take()
    assert desk.rewind(then).failed == ()
    assert tree_of(desk.root) == before
    assert desk.rewind(now).failed == ()
    assert tree_of(desk.root) == after


def test_a_tree_too_deep_for_a_path_is_left_out_where_it_gets_too_deep(desk: Desk) -> None:
    desk.write({"a": "1"})
    desk.bash("name=$(printf 'd%.0s' {1..200}); for n in {1..30}; do mkdir $name; cd $name; done; echo > deep")
    then = desk.take()
    assert any("File name too long" in each.reason for each in then.left_out)
    desk.bash("echo 2 > a")
    changed = desk.rewind(then).changed
    desk.bash("rm -r dddd")  # pytest's own clean-up stops at Python's recursion limit
    assert changed == (desk.root / "a",)


async def test_a_pipe_in_the_place_of_an_ignore_file_holds_nobody_up(desk: Desk) -> None:
    os.mkfifo(desk.root / ".gitignore")
    with pytest.raises(StoreError, match="it took too long: run `rg` there by hand"):
        await listed(desk.root, patience_ms=300)
    (desk.root / "link").symlink_to("nowhere")  # asks for the rules of the folder
    then = await asyncio.to_thread(desk.store.take, desk.root, [])
    assert [each.path.name for each in then.left_out] == [".gitignore"]


def test_hard_links_get_their_bytes_back_and_none_outside_is_written_to(desk: Desk, tmp_path: Path) -> None:
    desk.write({"a": "1", "c": "1"})
    (tmp_path / "store").write_text("shared")
    desk.bash("ln a b; ln ../store s")
    before, then = tree_of(desk.root), desk.take()
    desk.bash("echo 2 > a; rm c; ln b c; rm s; cp ../store s; echo more >> s")
    assert desk.rewind(then).failed == ()
    assert tree_of(desk.root) == before

    (desk.root / "s").unlink()
    os.link(tmp_path / "store", desk.root / "s")
    linked = desk.take()
    desk.bash("echo agent > s")
    assert desk.rewind(linked).failed == ()
    assert (desk.root / "s").read_text() == "shared"
    assert (tmp_path / "store").read_text() == "agent\n"


@contextmanager
def _without_privileges() -> Iterator[Desk]:
    """A desk of a person for whom permissions count, also where the tests run as root."""
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "tree")
        root.mkdir()
        for path in (folder, root):
            os.chown(path, NOBODY if is_root else -1, -1)
        store = CheckpointStore(Path(folder, "state", "checkpoints.sqlite"))
        try:
            if is_root:
                os.seteuid(NOBODY)
            yield Desk(root, store)
        finally:
            if is_root:
                os.seteuid(0)
            store.close()


def test_closed_files_and_folders_are_opened_again() -> None:
    with _without_privileges() as desk:
        desk.write({"closed": "1", "folder/a": "2", "folder/sub/b": "3", "fixed/c": "4"})
        (desk.root / "fixed").chmod(0o555)
        before, then = tree_of(desk.root), desk.take()
        for name in ("closed", "folder/sub", "folder"):
            (desk.root / name).chmod(0)
        now = desk.take()
        assert [each.path.name for each in now.left_out] == ["folder"]
        assert desk.changes(then, now) == [("closed", "mode")]
        restored = desk.store.restore(desk.root, then.id, now.id)
        assert (restored.changed, restored.failed) == ((desk.root / "closed",), ())
        # What nobody could see in the closed folder was taken to be as it was; it can be seen now.
        (desk.root / "folder/sub").chmod(0o755)
        assert tree_of(desk.root) == before

        assert [each.path.name for each in desk.rewind(now).failed] == ["folder"]
        assert (desk.root / "closed").stat().st_mode & 0o777 == 0
        assert (desk.root / "folder").stat().st_mode & 0o777 == 0


def test_what_was_done_in_a_read_only_folder_is_taken_back_and_it_stays_read_only() -> None:
    with _without_privileges() as desk:
        desk.write({"fixed/a": "1", "fixed/b": "2", "fixed/sub/c": "3"})
        for name in ("fixed/sub", "fixed"):
            (desk.root / name).chmod(0o555)
        before, then = tree_of(desk.root), desk.take()
        for name in ("fixed", "fixed/sub"):
            (desk.root / name).chmod(0o755)
        desk.write({"fixed/a": "11", "fixed/new": "4", "fixed/sub/c": "33"})
        (desk.root / "fixed/b").unlink()
        for name in ("fixed/sub", "fixed"):
            (desk.root / name).chmod(0o555)
        assert desk.rewind(then).failed == ()
        assert tree_of(desk.root) == before


def test_a_closed_folder_of_a_program_is_taken_away() -> None:
    with _without_privileges() as desk:
        then = desk.take()
        desk.write({"new/a": "1"})
        current = desk.take()
        (desk.root / "new").chmod(0)
        assert desk.store.restore(desk.root, then.id, desk.take().id).failed == ()
        assert list(desk.root.iterdir()) == []
        assert desk.changes(then, current) == [("new/a", "created")]


def test_a_file_that_cannot_be_read_is_named_and_left_alone() -> None:
    with _without_privileges() as desk:
        desk.write({"a": "1", "secret": "2"})
        (desk.root / "secret").chmod(0)
        then = desk.take()
        assert [(each.path.name, each.reason) for each in then.left_out] == [
            ("secret", "It cannot be read: Permission denied.")
        ]
        (desk.root / "a").write_text("changed")
        (desk.root / "a").chmod(0)
        restored = desk.rewind(then)
        assert [each.path.name for each in restored.failed] == ["a"]
        (desk.root / "a").chmod(0o600)
        assert (desk.root / "a").read_text() == "changed"


@contextmanager
def _full_disk(room: int) -> Iterator[None]:
    """No file may grow beyond `room` bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_is_said_and_harms_nothing(desk: Desk) -> None:
    desk.write({"a": "1"})
    then = desk.take()
    desk.write({f"big{n}": os.urandom(300_000) for n in range(8)})
    with _full_disk(1_000_000), pytest.raises(StoreError, match="disk may be full: free some space and try again"):
        desk.store.take(desk.root, ["a", *(f"big{n}" for n in range(8))])
    assert desk.store.text(then.id, desk.root / "a") == b"1"

    now = desk.take()
    assert len(desk.changes(then, now)) == 8
    desk.rewind(then)
    empty = desk.take()
    with _full_disk(100_000):
        restored = desk.store.restore(desk.root, now.id, empty.id)
    assert (restored.changed, len(restored.failed)) == ((), 8)
    assert restored.failed[0].reason == "It could not be put back: File too large."
    assert [path.name for path in desk.root.iterdir()] == ["a"]


def test_a_store_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "broken").write_bytes(b"no database at all" * 100)
    (tmp_path / "file").write_text("")
    for path, remedy in ((tmp_path / "broken", "move it away"), (tmp_path / "file/store", "A3S_STATE_DIR")):
        with pytest.raises(StoreError, match=remedy):
            CheckpointStore(path).take(tmp_path / "tree", [])


def test_damage_is_told_and_other_files_still_come_back(desk: Desk) -> None:
    desk.write({"a": "good " * 100, "b": "bad " * 5})
    then = desk.take()
    desk.bash("rm a b")
    now = desk.take()
    desk.store.close()
    path = desk.root.parent / "state" / "checkpoints.sqlite"
    path.write_bytes(path.read_bytes().replace(b"bad bad", b"BAD bad"))
    restored = desk.store.restore(desk.root, then.id, now.id)
    assert restored.changed == (desk.root / "a",)
    assert [(each.path.name, "damaged" in each.reason) for each in restored.failed] == [("b", True)]


TAKE = """
import asyncio, os, sys
from pathlib import Path
from a3s_lsp.engine.workspace.checkpoint_listing import listed
from a3s_lsp.engine.workspace.checkpoints import CheckpointStore
root, path, reads = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
files = asyncio.run(listed(root))
store = CheckpointStore(path)
"""
DIE_READING = """
seen = 0
def count(event, args):
    global seen
    if event == "open" and isinstance(args[0], str) and args[0].startswith(str(root)):
        seen += 1
        if seen == reads:
            os.kill(os.getpid(), 9)
sys.addaudithook(count)
store.take(root, files)
"""
DIE_WRITING = """
class Deadly(dict):
    def items(self):
        os.kill(os.getpid(), 9)
store.take(root, files, Deadly(a="1"))
"""


@pytest.mark.e2e
@pytest.mark.parametrize(("how", "reads"), [(DIE_READING, 1), (DIE_READING, 1400), (DIE_WRITING, 0)])
def test_a_process_that_is_killed_in_the_middle_harms_nothing(desk: Desk, how: str, reads: int) -> None:
    desk.write({"a": "1"})
    then = desk.take()
    desk.write({f"d{n % 50}/{n}": f"{n} " * 100 for n in range(1500)})
    path = desk.root.parent / "state" / "checkpoints.sqlite"
    died = subprocess.run([sys.executable, "-c", TAKE + how, desk.root, path, str(reads)], check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    before, now = tree_of(desk.root), desk.take()
    assert len(desk.changes(then, now)) == 1500
    assert desk.rewind(then).failed == ()
    assert [each.name for each in desk.root.iterdir()] == ["a"]
    assert desk.rewind(now).failed == ()
    assert tree_of(desk.root) == before


@pytest.mark.e2e
def test_processes_that_share_a_store_do_not_disturb_each_other(desk: Desk) -> None:
    roots = [desk.root / str(n) for n in range(3)]
    for root in roots:
        Desk(root, desk.store).write({f"{n}": f"{n} " * 50 for n in range(600)})
    path = desk.root.parent / "state" / "checkpoints.sqlite"
    code = TAKE + "print(*(store.take(root, files).id for _ in range(5)))"
    command = [sys.executable, "-c", code]
    running = [
        subprocess.Popen([*command, root, path, "0"], stdout=subprocess.PIPE, text=True) for root in (*roots, roots[0])
    ]
    taken = [process.communicate(timeout=60)[0].split() for process in running]
    assert [process.returncode for process in running] == [0] * 4
    assert [len(ids) for ids in taken] == [5] * 4
    for root, ids in zip((*roots, roots[0]), taken, strict=True):
        assert all(desk.store.text(each, root / "599") == b"599 " * 50 for each in ids)


def test_threads_may_share_a_store(desk: Desk) -> None:
    roots = [desk.root / str(n) for n in range(4)]
    for root in roots:
        Desk(root, desk.store).write({f"{n}": f"{n} " * 50 for n in range(300)})
    taken: dict[Path, str] = {}

    def take(root: Path) -> None:
        taken[root] = desk.store.take(root, [str(n) for n in range(300)]).id

    threads = [threading.Thread(target=take, args=(root,)) for root in roots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(desk.store.text(taken[root], root / "299") == b"299 " * 50 for root in roots)


def test_what_is_thrown_away_while_a_checkpoint_is_taken_is_stored_again(desk: Desk) -> None:
    files = {f"{n % 100}/{n}": f"{n} " * 50 for n in range(2000)}
    desk.write(files)
    other = CheckpointStore(desk.root.parent / "state" / "checkpoints.sqlite")

    class Sweeper(threading.Event):
        """Prunes in another process's stead while it is asked whether to stop."""

        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            if self.asked == 104:  # after 101 folders and two of eight groups of files
                other.prune(keep_days=0)
            return False

    then = desk.store.take(desk.root, files, stop=Sweeper())
    assert all(desk.store.text(then.id, desk.root / name) == text.encode() for name, text in files.items())
    other.close()


def test_an_error_in_the_middle_leaves_nothing_behind_and_nothing_locked(desk: Desk) -> None:
    class Broken(UserDict[Path, str]):
        """Texts that cannot be had."""

        def items(self) -> ItemsView[Path, str]:
            raise KeyError("nothing here")

    desk.write({"a": "1"})
    with pytest.raises(KeyError):
        desk.take(Broken({desk.root: ""}))
    then = desk.take()
    other = CheckpointStore(desk.root.parent / "state" / "checkpoints.sqlite")
    assert other.text(then.id, desk.root / "a") == b"1"
    other.close()


def test_growth_is_bounded_by_age_and_by_size(desk: Desk) -> None:
    taken = []
    for n in range(6):
        desk.write({"a": os.urandom(100_000), "same": "1"})
        taken.append(desk.take({desk.root / "buffer": f"{n}"}))
    other = Desk(desk.root.parent / "other", desk.store)
    other.write({"only": "one"})
    old = other.take()
    desk.write({"a": "last"})
    taken.append(desk.take())

    def kept() -> list[int]:
        return [n for n, each in enumerate(taken) if _is_kept(desk.store, each.id)]

    desk.store.prune()
    assert kept() == [0, 1, 2, 3, 4, 5, 6]
    desk.store.prune(max_bytes=350_000)
    assert kept() == [3, 4, 5, 6]
    assert desk.store.buffer(taken[3].id, desk.root / "buffer") == "3"
    path = desk.root.parent / "state" / "checkpoints.sqlite"
    desk.store.prune(keep_days=0)
    desk.store.close()
    assert kept() == [6]
    assert path.stat().st_size < 200_000
    assert desk.store.text(taken[6].id, desk.root / "a") == b"last"
    assert other.store.text(old.id, other.root / "only") == b"one"
    with pytest.raises(StoreError, match="kept for 14 days"):
        desk.store.restore(desk.root, taken[0].id, taken[6].id)


def test_a_file_with_the_bytes_of_a_folders_list_does_not_hide_what_is_in_that_folder(desk: Desk) -> None:
    desk.write({"folder/inside": "precious"})
    desk.take()
    with closing(sqlite3.connect(desk.root.parent / "state" / "checkpoints.sqlite")) as db:
        stored = [data for (data,) in db.execute("SELECT data FROM contents")]
    lists = [data for data in stored if b'"inside"' in data]
    desk.write({"first": lists[0], "zz last": lists[0]})
    then = desk.take()
    desk.store.prune()
    assert desk.store.text(then.id, desk.root / "folder/inside") == b"precious"


def _is_kept(store: CheckpointStore, checkpoint: str) -> bool:
    try:
        return store.checkpoint(checkpoint).id == checkpoint
    except StoreError:
        return False
