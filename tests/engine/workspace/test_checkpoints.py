"""A work tree can be made as it was at a checkpoint, whatever was done to it since."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.workspace.checkpoints import CheckpointStore
from tests.engine.workspace.checkpoint_desk import Desk, tree_of


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    root = tmp_path / "tree"
    root.mkdir()
    store = CheckpointStore(tmp_path / "state" / "checkpoints.sqlite")
    yield Desk(root, store)
    store.close()


def test_what_a_command_did_is_taken_back_and_can_be_done_again(desk: Desk) -> None:
    desk.write({"a.py": "one\r\n", "src/b.py": "two", "src/c.bin": b"\0\xff" * 900, "old/name": "moved"})
    desk.bash("mkdir empty; ln -s src/b.py link; chmod 755 a.py")
    before, then = tree_of(desk.root), desk.take()
    desk.bash(
        "echo three >> a.py; rm -r src; mv old new; rmdir empty; mkdir -p deep/er; ln -sf nowhere link; chmod 600 a.py"
    )
    after, now = tree_of(desk.root), desk.take()

    assert desk.rewind(then).failed == ()
    assert tree_of(desk.root) == before
    assert desk.rewind(now).failed == ()
    assert tree_of(desk.root) == after


def test_what_differs_between_two_checkpoints_is_told_by_path(desk: Desk) -> None:
    desk.write({"gone": "1", "kept": "2", "mode": "3", "text": "4", "folder/moved": "5"})
    desk.bash("mkdir empty; ln -s kept link; mkdir private")
    then = desk.take()
    desk.bash(
        "rm gone; chmod 755 mode; echo 44 > text; touch kept; mv folder else; ln -sf text link; rmdir empty;"
        "mkdir bare; chmod 700 private"
    )
    assert desk.changes(then, desk.take()) == [
        ("bare", "created"),
        ("else/moved", "created"),
        ("empty", "deleted"),
        ("folder/moved", "deleted"),
        ("gone", "deleted"),
        ("link", "modified"),
        ("mode", "mode"),
        ("private", "mode"),
        ("text", "modified"),
    ]


def test_a_file_and_an_unsaved_text_are_read_as_they_were(desk: Desk) -> None:
    desk.write({"src/a.py": b"on disk \xff"})
    then = desk.take({desk.root / "src/a.py": "in the editor \ud800", desk.root / "untitled": ""})
    desk.bash("rm -r src")
    desk.take()
    assert desk.store.text(then.id, desk.root / "src/a.py") == b"on disk \xff"
    assert desk.store.text(then.id, desk.root / "src") is None
    assert desk.store.text(then.id, desk.root / "src/a.py/b") is None
    assert desk.store.text(then.id, Path("/etc/passwd")) is None
    assert desk.store.buffer(then.id, desk.root / "src/a.py") == "in the editor \ud800"
    assert desk.store.buffer(then.id, desk.root / "untitled") == ""
    assert desk.store.buffer(then.id, desk.root / "other") is None


def test_ignored_files_are_neither_kept_nor_touched(desk: Desk) -> None:
    desk.write(
        {".gitignore": "*.log\nbuild/\ncache/\nlocal\n", "a": "1", "x.log": "2", "build/out": "3", "sub/y.log": "4"}
    )
    desk.bash("ln -s a local; mkdir -p build/empty cache")
    then = desk.take()
    desk.bash("echo 22 > x.log; echo 33 > build/out; rm a; ln -sf x local; echo > z.log; rmdir build/empty cache")
    after = desk.take()
    assert desk.changes(then, after) == [("a", "deleted")]
    assert desk.rewind(then).changed == (desk.root / "a",)
    assert (desk.root / "x.log").read_text() == "22\n"
    assert (desk.root / "z.log").exists()
    assert not (desk.root / "cache").exists()
    assert os.readlink(desk.root / "local") == "x"  # noqa: PTH115, exactly as it is


def test_a_file_that_was_ignored_then_is_not_deleted_for_being_new(desk: Desk) -> None:
    desk.write({".gitignore": "secret\nbuild/\n", "secret": "mine", "build/out": "big", "sub/.gitignore": "*.tmp"})
    desk.write({"sub/a.tmp": "1"})
    then = desk.take()
    desk.bash("rm .gitignore sub/.gitignore; echo > new")
    assert ("secret", "created") in desk.changes(then, desk.take())
    desk.rewind(then)
    assert (desk.root / "secret").read_text() == "mine"
    assert (desk.root / "build/out").exists()
    assert (desk.root / "sub/a.tmp").exists()
    assert not (desk.root / "new").exists()


def test_a_file_that_is_ignored_since_is_still_taken_back(desk: Desk) -> None:
    desk.write({"a.log": "1", "sub/c.log": "1", "sub/e.log": "1"})
    then = desk.take()
    desk.bash(
        "echo '*.log' > .gitignore; echo 2 > a.log; echo > b.log; rm sub/c.log; echo 2 > sub/e.log; echo > sub/d.log"
    )
    assert desk.changes(then, desk.take()) == [
        (".gitignore", "created"),
        ("a.log", "modified"),
        ("sub/c.log", "deleted"),
        ("sub/e.log", "modified"),
    ]
    desk.rewind(then)
    assert (desk.root / "a.log").read_text() == "1"
    assert (desk.root / "b.log").exists()
    assert (desk.root / "sub/d.log").exists()


def test_what_is_ignored_by_rules_that_only_ripgrep_knows_is_not_touched_either(desk: Desk) -> None:
    desk.write({"a": "1", "vendor/lib/x": "2"})
    desk.bash("git init -q; echo vendor/ > .git/info/exclude; ln -s x vendor/lib/link; mkdir vendor/empty")
    then = desk.take()
    desk.bash("ln -sf y vendor/lib/link; rmdir vendor/empty; chmod 700 vendor/lib")
    assert desk.changes(then, desk.take()) == []


def test_a_file_that_git_tracks_is_kept_although_it_is_ignored(desk: Desk) -> None:
    desk.write({".gitignore": "*.log", "tracked.log": "1", "not.log": "2"})
    desk.bash("git init -q; git add -f tracked.log")
    then = desk.take()
    desk.bash("rm *.log")
    assert desk.rewind(then).changed == (desk.root / "tracked.log",)


def test_folders_with_nothing_but_folders_and_links_are_kept(desk: Desk) -> None:
    desk.bash("mkdir -p a/b/c d; ln -s ../nowhere d/link")
    before, then = tree_of(desk.root), desk.take()
    desk.bash("rm -r a d")
    assert desk.rewind(then).failed == ()
    assert tree_of(desk.root) == before


def test_what_has_another_type_now_is_put_back(desk: Desk) -> None:
    desk.write({"file": "1", "folder/inside": "2", "target": "3"})
    desk.bash("ln -s target link; ln -s folder to-folder")
    before, then = tree_of(desk.root), desk.take()
    desk.bash(
        "rm file; mkdir file; echo > file/x; rm -r folder; ln -s target folder; rm link; echo > link; rm to-folder;"
        "mkdir -p to-folder/deep"
    )
    after, now = tree_of(desk.root), desk.take()
    assert desk.rewind(then).failed == ()
    assert tree_of(desk.root) == before
    assert desk.rewind(now).failed == ()
    assert tree_of(desk.root) == after


def test_nothing_is_written_through_a_link_that_took_a_folders_place(desk: Desk, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    desk.write({"folder/a": "mine", "folder/b": "mine"})
    then = desk.take()
    desk.bash("echo agent > folder/a; rm folder/b")
    now = desk.take()
    desk.bash("mv folder kept; ln -s ../outside folder; echo theirs > ../outside/a")
    restored = desk.store.restore(desk.root, then.id, now.id)
    assert [each.path.name for each in restored.failed] == ["a", "b"]
    assert "not a folder any more" in restored.failed[0].reason
    assert tree_of(outside) == {".": (outside.stat().st_mode, b""), "a": ((outside / "a").stat().st_mode, b"theirs\n")}

    assert desk.rewind(then).failed == ()  # the link is part of the last checkpoint now
    assert (desk.root / "folder/a").read_text() == "mine"
    assert (outside / "a").read_text() == "theirs\n"


def test_what_changed_since_the_current_checkpoint_is_left_alone_and_named(desk: Desk) -> None:
    desk.write({"typed": "1", "gone": "1", "deleted": "1", "mode": "1", "fine": "1"})
    then = desk.take()
    desk.bash("echo 2 > typed; echo 2 > gone; rm deleted; echo 2 > mode; echo 2 > fine; echo 2 > created")
    now = desk.take()
    desk.bash("echo 3 > typed; rm gone; echo 3 > deleted; chmod 700 mode; echo 3 > created; touch fine")
    restored = desk.store.restore(desk.root, then.id, now.id)
    assert restored.changed == (desk.root / "fine",)
    assert {each.path.name for each in restored.failed} == {"typed", "gone", "deleted", "mode", "created"}
    assert all(each.reason.endswith(".") for each in restored.failed)
    assert {name: (desk.root / name).read_text() for name in ("typed", "deleted", "created", "fine")} == {
        "typed": "3\n",
        "deleted": "3\n",
        "created": "3\n",
        "fine": "1",
    }


def test_paths_to_skip_are_skipped(desk: Desk) -> None:
    desk.write({"a": "1", "b": "1"})
    then = desk.take()
    desk.bash("echo 2 > a; echo 2 > b; mkdir new; echo > new/c")
    skip = [desk.root / "a", desk.root / "new/c", Path("/elsewhere")]
    restored = desk.store.restore(desk.root, then.id, desk.take().id, skip)
    assert (restored.changed, restored.failed) == ((desk.root / "b",), ())
    assert (desk.root / "a").read_text() == "2\n"
    assert (desk.root / "new/c").exists()


def test_huge_and_strange_files_are_left_out_and_named(desk: Desk) -> None:
    desk.write({"a": "1", "huge": ""})
    os.truncate(desk.root / "huge", 16 * 1024 * 1024 + 1)
    os.mkfifo(desk.root / "pipe")
    then = desk.take()
    assert {each.path.name: each.reason for each in then.left_out} == {
        "huge": "It is larger than 16 MiB.",
        "pipe": "It is neither a file nor a link nor a folder.",
    }
    assert desk.store.checkpoint(then.id) == then

    desk.bash("echo small > huge; rm pipe a; mkfifo a")
    now = desk.take()
    assert desk.changes(then, now) == []
    restored = desk.store.restore(desk.root, then.id, now.id)
    assert restored.changed == ()
    assert [(each.path.name, each.reason.partition(",")[0]) for each in restored.failed] == [
        ("a", "It is not kept"),
        ("huge", "It was not kept at that time"),
        ("pipe", "It was not kept at that time"),
    ]
    assert (desk.root / "huge").read_text() == "small\n"
    assert stat.S_ISFIFO((desk.root / "a").stat().st_mode)


def test_a_file_that_goes_away_during_the_look_is_not_there(desk: Desk) -> None:
    desk.write({f"f{n}": str(n) for n in range(4)} | {"d/e/f": "x"})

    class Vandal(threading.Event):
        """Deletes, when the root has been looked at, while it is asked whether to stop."""

        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            if self.asked == 2:
                desk.bash("rm -rf f2 d")
            return False

    then = desk.store.take(desk.root, ["f0", "f1", "f2", "f3", "d/e/f", "never"], stop=Vandal())
    assert then.left_out == ()
    assert desk.store.text(then.id, desk.root / "f2") is None
    assert desk.store.text(then.id, desk.root / "f3") == b"3"
    assert desk.changes(then, desk.take()) == []


def test_a_checkpoint_that_is_stopped_keeps_nothing(desk: Desk) -> None:
    desk.write({"a": "1"})
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoreError, match="was stopped"):
        desk.store.take(desk.root, ["a"], stop=stop)
    assert desk.take().id


def test_what_is_not_there_is_an_error_that_says_so(desk: Desk) -> None:
    with pytest.raises(StoreError, match="no checkpoint nothing any more"):
        desk.store.changes("nothing", desk.take().id)
    with pytest.raises(StoreError, match="No such file"):
        desk.store.take(desk.root / "missing", [])


def test_without_ripgrep_the_same_files_are_found(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write({".gitignore": "*.log\n", "a": "1", "b/c": "2", "d.log": "3", ".hidden": "4"})
    then = desk.take()
    monkeypatch.setattr("a3s_lsp.engine.workspace.checkpoint_listing.ripgrep", lambda: None)
    fresh = CheckpointStore(desk.root.parent / "other.sqlite")
    other = Desk(desk.root, fresh).take()
    names = (".gitignore", "a", "b/c", "d.log", ".hidden")
    assert [desk.store.text(then.id, desk.root / name) for name in names] == [
        fresh.text(other.id, desk.root / name) for name in names
    ]
    fresh.close()


def test_nobody_else_may_read_the_store(desk: Desk) -> None:
    desk.take()
    folder = desk.root.parent / "state"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
