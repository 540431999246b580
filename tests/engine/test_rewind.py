"""Rewinding a session: files and conversation, together or apart, to any prompt or call, and forth again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.facts import RunQueued
from a3s_lsp.engine.messages import ToolCall, UserMessage
from a3s_lsp.engine.session import Session
from a3s_lsp.engine.workspace.checkpoints import CheckpointStore
from a3s_lsp.testing import MemoryEditor, Pause, Reply, ScriptedModel, call
from tests.engine.stage import Stage, answer, slash


def bash(command: str) -> Reply:
    return Reply("", (call("bash", command=command),))


def edit(path: str, old: str, new: str) -> Reply:
    return Reply("", (call("edit", file_path=path, old_string=old, new_string=new),))


def write(path: str, content: str) -> Reply:
    return Reply("", (call("write", file_path=path, content=content),))


async def opened(tmp_path: Path, *replies: Reply | str, editor: MemoryEditor | None = None) -> Session:
    """A session on `tmp_path/w`, with checkpoints outside of it."""
    (tmp_path / "w").mkdir(exist_ok=True)
    stage = Stage(tmp_path / "w")
    store = CheckpointStore(tmp_path / "checkpoints.db")
    return await stage.open(stage.setup(ScriptedModel(list(replies)), editor=editor, checkpoints=store))


def tree(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Every path below a folder, with its mode and its bytes, or the target of a link."""
    found: dict[str, tuple[int, bytes | None]] = {}
    for path in sorted(folder.rglob("*")):
        content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (path.lstat().st_mode, content)
    return found


def prompts(session: Session) -> list[str]:
    return [message.text for message in session.state.messages if isinstance(message, UserMessage)]


DEEDS = (
    "mkdir -p new/deep && printf '\\000\\377' > new/deep/binary && chmod 751 new && ln -s ../a.txt new/link"
    " && rm gone.txt && mv b.txt c.txt && chmod 600 a.txt && echo more >> a.txt && rmdir empty"
    " && for n in $(seq 300); do echo $n > many$n; done"
)


async def test_what_a_command_did_is_taken_back_to_the_byte_and_brought_again(tmp_path: Path) -> None:
    session = await opened(tmp_path, bash(DEEDS), "done")
    root = tmp_path / "w"
    for name in ("a.txt", "b.txt", "gone.txt"):
        (root / name).write_text(f"{name}\r\n")
    (root / "empty").mkdir()
    before = tree(root)
    run = await answer(session, "go")
    after = tree(root)
    assert len(after) > 300, "the command did what it should"
    done = await session.rewind(run.run_id)
    assert (tree(root), done.left_out) == (before, ())
    assert prompts(session) == []
    assert done.id is not None
    await session.rewind(done.id)
    assert tree(root) == after
    assert prompts(session) == ["go"]


async def test_preview_tells_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    session = await opened(tmp_path, bash("echo 1 > one; echo x > a"), edit("a", "x", "y"), "done")
    root = tmp_path / "w"
    (root / "a").write_text("a\n")
    run = await answer(session, "go")
    after = tree(root)
    shown = await session.rewinding.preview(run.run_id)
    assert shown.files == ((root / "a", "modified"), (root / "one", "deleted"))
    assert (shown.messages, shown.id, tree(root)) == (0, None, after)


async def test_any_call_can_be_gone_back_to_with_the_conversation_as_it_was_then(tmp_path: Path) -> None:
    session = await opened(tmp_path, write("a", "1\n"), write("a", "2\n"), bash("echo 3 > a"), "done")
    root = tmp_path / "w"
    await answer(session, "go")
    points = await session.rewinding.points()
    assert [(point.kind, point.label) for point in points] == [
        ("tool", "bash echo 3 > a"),
        ("tool", "write a"),
        ("tool", "write a"),
        ("run", "go"),
    ]
    for point, text, messages in zip(points, ("2\n", "1\n", None, None), (5, 3, 1, 0), strict=True):
        done = await session.rewind(point.id)
        assert ((root / "a").read_text() if (root / "a").exists() else None) == text, point
        assert len(session.state.messages) == done.messages == messages


async def test_files_and_conversation_go_apart(tmp_path: Path) -> None:
    session = await opened(tmp_path, write("a", "1\n"), "done")
    root = tmp_path / "w"
    run = await answer(session, "go")
    await session.rewind(run.run_id, files=False)
    assert ((root / "a").read_text(), prompts(session)) == ("1\n", [])
    (last,) = [point.id for point in await session.rewinding.points() if point.kind == "rewind"]
    await session.rewind(last)
    assert prompts(session) == ["go"]
    await session.rewind(run.run_id, conversation=False)
    assert not (root / "a").exists()
    assert prompts(session)[-1].startswith("[The person took the files back"), "the model is told"


async def test_open_documents_go_back_in_the_editor_and_its_undo_knows(tmp_path: Path) -> None:
    editor = MemoryEditor()
    session = await opened(tmp_path, edit("a", "one", "1"), bash("echo new > b"), "done", editor=editor)
    root = tmp_path / "w"
    (root / "a").write_text("one\n")
    (root / "b").write_text("old\n")
    editor.open(root / "a", "# unsaved\none\n")
    editor.open(root / "b")
    run = await answer(session, "go")
    await session.rewind(run.run_id)
    assert (editor.text(root / "a"), (root / "a").read_text()) == ("# unsaved\none\n", "one\n")
    assert (editor.text(root / "b"), (root / "b").read_text()) == ("old\n", "old\n")
    editor.undo(root / "a")
    assert editor.text(root / "a") == "# unsaved\n1\n"


async def test_what_was_typed_since_stays_where_it_can_be_told_apart(tmp_path: Path) -> None:
    editor = MemoryEditor()
    session = await opened(tmp_path, edit("a", "two", "2"), edit("a", "2", "2!"), "done", editor=editor)
    path = tmp_path / "w" / "a"
    path.write_text("one\ntwo\nthree\n")
    editor.open(path)
    run = await answer(session, "go")
    editor.type(path, "typed\n" + editor.text(path))
    done = await session.rewind(run.run_id)
    assert editor.text(path) == "typed\none\ntwo\nthree\n"
    assert done.id is not None
    await session.rewind(done.id)
    assert editor.text(path) == "typed\none\n2!\nthree\n"
    editor.type(path, editor.text(path).replace("2!", "2! and typed"))
    await session.rewind(run.run_id)
    assert editor.text(path) == "one\ntwo\nthree\n", "on the same line it is the text of then; undo has the other"


async def test_what_others_did_to_other_files_stays(tmp_path: Path) -> None:
    session = await opened(tmp_path, bash("echo 2 > a"), "done")
    root = tmp_path / "w"
    (root / "a").write_text("1\n")
    (root / "mine").write_text("1\n")
    run = await answer(session, "go")
    (root / "mine").write_text("2, by the person\n")
    await session.rewind(run.run_id)
    assert ((root / "a").read_text(), (root / "mine").read_text()) == ("1\n", "2, by the person\n")


async def test_git_does_not_notice_checkpoints_and_rewinds(tmp_path: Path) -> None:
    root = tmp_path / "w"
    root.mkdir()

    def git(*args: str) -> str:
        # Without the option, looking at the status writes what it has seen into the index.
        command = ["git", "--no-optional-locks", "-c", "user.name=n", "-c", "user.email=e", *args]
        return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    (root / "a").write_text("1\n")
    (root / "staged").write_text("1\n")
    git("add", ".")
    git("commit", "-qm", "first")
    (root / "a").write_text("stashed\n")
    git("stash")
    (root / "staged").write_text("2\n")
    git("add", "staged")

    def state() -> tuple[str, str, str, bytes]:
        return (
            git("status", "--porcelain"),
            git("rev-parse", "HEAD"),
            git("stash", "list"),
            (root / ".git/index").read_bytes(),
        )

    before = state()
    session = await opened(tmp_path, bash("echo 3 > a; echo 4 > new"), edit("a", "3", "5"), "done")
    run = await answer(session, "go")
    await session.rewind(run.run_id)
    assert state() == before


async def test_a_rewind_survives_a_restart(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    stage = Stage(tmp_path / "w")
    setup = stage.setup(
        ScriptedModel([write("a", "1\n"), "done", "fresh"]), checkpoints=CheckpointStore(tmp_path / "c.db")
    )
    session = await stage.open(setup)
    run = await answer(session, "go")
    done = await session.rewind(run.run_id)
    await session.suspend()
    again = await stage.load(setup)
    assert prompts(again) == []
    assert (await answer(again, "once more")).text == "fresh"
    assert done.id is not None
    await again.rewind(done.id)
    assert prompts(again) == ["go"]
    assert (tmp_path / "w" / "a").read_text() == "1\n"


async def test_hunks_that_were_rewound_are_not_under_review_and_the_model_is_not_told(tmp_path: Path) -> None:
    session = await opened(tmp_path, write("a", "1\n"), "done", "fresh")
    run = await answer(session, "go")
    await session.rewind(run.run_id)
    assert session.review.ledger.live() == []
    await answer(session, "once more")
    assert prompts(session) == ["once more"]


async def test_without_a_store_edits_can_be_rewound_and_commands_not(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    session = await stage.open(stage.setup(ScriptedModel([write("a", "1\n"), bash("echo 2 > b"), "done"])))
    run = await answer(session, "go")
    await session.rewind(run.run_id)
    assert (not (tmp_path / "a").exists(), (tmp_path / "b").exists()) == (True, True)


async def test_unknown_points_and_running_runs_are_refused_with_what_to_do(tmp_path: Path) -> None:
    session = await opened(tmp_path, Reply("hm", pause=Pause()))
    with pytest.raises(A3SError, match="There is no prompt, call or rewind nowhere in this session"):
        await session.rewind("nowhere")
    run = session.start(RunQueued("go"))
    with pytest.raises(A3SError, match="A run is going: stop it"):
        await session.rewind(run.id)
    await run.cancel()


async def test_the_slash_command_lists_rewinds_and_redoes(tmp_path: Path) -> None:
    session = await opened(tmp_path, write("a", "1\n"), "done")
    assert await slash(session, "rewind") == "There is nothing to go back to yet."
    assert await slash(session, "rewind", "redo") == "There is no rewind to take back."
    run = await answer(session, "make a")
    assert f"{run.run_id}  make a" in await slash(session, "rewind")
    told = await slash(session, "rewind", run.run_id)
    assert told.splitlines()[:2] == ["Rewound: 1 files; the conversation has 0 messages.", "  deleted a"]
    assert "created a" in await slash(session, "rewind", "redo")
    assert (tmp_path / "w" / "a").read_text() == "1\n"


async def test_a_provider_that_counts_its_calls_anew_after_a_rewind_does_not_mix_them_up(tmp_path: Path) -> None:
    first, second = (
        Reply("", (ToolCall("call_1", "write", f'{{"file_path": "a", "content": "{text}"}}'),)) for text in "12"
    )
    session = await opened(tmp_path, first, "done", second, "done")
    run = await answer(session, "go")
    await session.rewind(run.run_id)
    await answer(session, "again")
    assert [(hunk.after, hunk.status) for hunk in session.review.ledger.hunks.values()] == [
        ("1", "undone"),
        ("2", "applied"),
    ]
