"""Hunks and rewinding for programs, in both faces."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3s_lsp import A3SError, Agent, AsyncAgent, PermissionPolicy, SessionOptions
from a3s_lsp.testing import Reply, ScriptedModel, call

REPLIES = (
    Reply("", (call("read", file_path="a.txt"),)),
    Reply("", (call("write", file_path="a.txt", content="1\n"),)),
    Reply("", (call("bash", command="echo 2 > b.txt"),)),
    "done",
)


def allowing(tmp_path: Path) -> SessionOptions:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "a.txt").write_text("one\n")
    options = SessionOptions()
    options.permission_policy = PermissionPolicy(default_decision="allow")
    options.checkpoint_dir = str(tmp_path / "checkpoints")
    return options


def test_blocking_program_keeps_undoes_and_rewinds(tmp_path: Path) -> None:
    options = allowing(tmp_path)
    with Agent.with_model(ScriptedModel(REPLIES)).session(str(tmp_path / "w"), options) as session:
        session.send("go")
        (hunk,) = session.review.hunks()
        assert (hunk.status, hunk.line, hunk.before, hunk.after, hunk.text) == ("applied", 1, "one\n", "1\n", "1\n")
        assert session.review.undo() == [hunk.id]
        assert (tmp_path / "w" / "a.txt").read_text() == "one\n"
        assert session.review.keep() == []
        run = session.review.points()[-1]
        assert (run.kind, run.label) == ("run", "go")
        shown = session.review.preview(run.id)
        assert [(path.name, kind) for path, kind in shown.files] == [("b.txt", "deleted")]
        done = session.review.rewind(run.id)
        assert (not (tmp_path / "w" / "b.txt").exists(), session.history()) == (True, [])
        assert done.id is not None
        session.review.rewind(done.id)
        assert (tmp_path / "w" / "b.txt").read_text() == "2\n"


async def test_asynchronous_program_keeps_hunks_and_hears_of_bad_points(tmp_path: Path) -> None:
    options = allowing(tmp_path)
    async with await AsyncAgent.with_model(ScriptedModel(REPLIES)).session(str(tmp_path / "w"), options) as session:
        await session.send("go")
        (hunk,) = await session.review.hunks()
        assert await session.review.keep([hunk.id, "nothing"]) == [hunk.id]
        assert [each.status for each in await session.review.hunks()] == ["kept"]
        with pytest.raises(A3SError, match="no prompt, call or rewind nowhere"):
            await session.review.rewind("nowhere")
