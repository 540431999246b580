"""Whatever a shell program does to a tree, the tree as it was before and the one after it come back byte for byte."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a3s_lsp.engine.workspace.checkpoints import CheckpointStore
from tests.engine.workspace.checkpoint_desk import Desk, Tree, tree_of

NAMES = (
    b"a",
    b"A",
    b"b",
    b"d",
    b"e",
    b"sp ace",
    b"new\nline",
    "ümlaut".encode(),
    b"\xff\xfe",
    b"-dash",
    b"'q\"",
)
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(lambda names: b"./" + b"/".join(names))
TEXTS = st.sampled_from((b"", b"text\\n", b"crlf\\r\\n", b"\\0\\377\\0", b"long " * 300))
MODES = st.sampled_from((b"000", b"400", b"444", b"500", b"555", b"644", b"700", b"755", b"1777", b"4755"))
TARGETS = st.sampled_from((b"a", b"..", b"/etc/passwd", b"nowhere", b"d/../b", b"./"))


def _quoted(word: bytes) -> bytes:
    return b"'" + word.replace(b"'", b"'\\''") + b"'"


def _command(form: bytes, *words: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*(each.map(_quoted) for each in words)).map(lambda given: form % given)


COMMANDS = st.one_of(
    _command(b'p=%b; mkdir -p -- "${p%%/*}"; printf %b > "$p"', PATHS, TEXTS),
    _command(b"printf %b >> %b", TEXTS, PATHS),
    _command(b"mkdir -p -- %b", PATHS),
    _command(b"rm -rf -- %b", PATHS),
    _command(b"mv -f -- %b %b", PATHS, PATHS),
    _command(b"cp -r -- %b %b", PATHS, PATHS),
    _command(b"ln -sfn -- %b %b", TARGETS, PATHS),
    _command(b"ln -f -- %b %b", PATHS, PATHS),
    _command(b"chmod %b %b", MODES, PATHS | st.just(b".")),
    _command(b"touch -d '2001-01-01' -- %b", PATHS),
)
PROGRAMS = st.lists(COMMANDS, min_size=1, max_size=12).map(b"\n".join)


@settings(max_examples=60)
@given(before=PROGRAMS, program=PROGRAMS)
def test_every_program_can_be_taken_back_and_done_again(before: bytes, program: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder, "tree"), CheckpointStore(Path(folder, "checkpoints.sqlite")))
        desk.write({"a": "1", "d/b": "2", "d/e/a": b"\0", ".gitignore": "*.log", "x.log": "3", "ignored.log/a": "4"})
        desk.bash(before)
        tree, then = tree_of(desk.root), desk.take()
        desk.bash(program)
        after, now = tree_of(desk.root), desk.take()

        assert desk.store.restore(desk.root, then.id, now.id).failed == ()
        assert tree_of(desk.root) == tree
        assert desk.rewind(now).failed == ()
        assert tree_of(desk.root) == after
        desk.store.close()


@pytest.mark.slow
def test_ten_thousand_files_of_a_program_are_taken_back_and_come_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "tree", CheckpointStore(tmp_path / "checkpoints.sqlite"))
    desk.write({"a": "1"})
    before, then = tree_of(desk.root), desk.take()
    desk.bash("for d in {1..100}; do mkdir -p new/$d; for f in {1..100}; do echo $d $f > new/$d/$f; done; done; rm a")
    after, now = tree_of(desk.root), desk.take()
    restored = desk.rewind(then)
    assert (len(restored.changed), restored.failed) == (10_001, ())
    assert tree_of(desk.root) == before
    assert desk.rewind(now).failed == ()
    assert tree_of(desk.root) == after
    desk.store.close()


def test_git_never_notices(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "tree", CheckpointStore(tmp_path / "checkpoints.sqlite"))
    desk.write(
        {"a": "1\r\n", "b": "2", "staged": "3", "sub/inner/file": "4", "hook": "#!/bin/sh\necho ran >> ../ran\n"}
    )
    desk.bash(
        "export HOME=$PWD/..; git config --global user.email a@b.c; git config --global user.name n;"
        "git init -q; git -C sub/inner init -q; git -C sub/inner add .; git -C sub/inner commit -qm inner;"
        "git add .; git commit -qm one; echo stashed > b; git stash -q; echo 33 > staged; git add staged;"
        "for h in post-checkout post-index-change pre-commit; do cp hook .git/hooks/$h; chmod 755 .git/hooks/$h; done;"
        "echo dirty > a; echo new > untracked; git config core.autocrlf true;"
        "git config core.fsmonitor .git/hooks/pre-commit; git update-index --fsmonitor; rm ../ran"
    )
    before, then = tree_of(desk.root), desk.take()
    hidden, status = _git_state(desk)
    desk.bash("rm a; echo 5 > sub/inner/file; mv b c; rm -r sub; echo 6 > staged; mkdir z; rm untracked")
    desk.rewind(then)
    assert tree_of(desk.root) == before
    assert _git_state(desk)[1] == status != b""
    # `rm -r sub` took the inner repository with it: nothing of any .git is kept, and nothing else of them differs.
    assert _git_state(desk)[0] == {path: seen for path, seen in hidden.items() if not path.startswith("sub/")}
    assert not (tmp_path / "ran").exists()
    desk.store.close()


def _git_state(desk: Desk) -> tuple[Tree, bytes]:
    hidden = tree_of(desk.root, lambda path: ".git" in path.split("/"))
    desk.bash(
        "GIT_OPTIONAL_LOCKS=0 git -c core.fsmonitor=false status --porcelain > ../status; git stash list >> ../status"
    )
    return hidden, (desk.root.parent / "status").read_bytes()


def test_a_nested_repository_is_kept_but_for_its_git_folder(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "tree", CheckpointStore(tmp_path / "checkpoints.sqlite"))
    desk.write({"a": "1", "vendor/lib/x": "2", "vendor/lib/.git/HEAD": "ref", "worktree/.git": "gitdir: /elsewhere"})
    then = desk.take()
    desk.bash("echo 22 > vendor/lib/x; echo changed > vendor/lib/.git/HEAD; rm worktree/.git; mkdir -p new/.git")
    assert desk.rewind(then).changed == (desk.root / "vendor/lib/x",)
    assert (desk.root / "vendor/lib/.git/HEAD").read_text() == "changed\n"
    assert not os.path.lexists(desk.root / "worktree/.git")
    assert (desk.root / "new/.git").is_dir()
    desk.store.close()
