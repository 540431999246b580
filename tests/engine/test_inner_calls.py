"""Calls that a call makes, when the process dies or the provider is sly with ids, and how a rewind sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.messages import AssistantMessage, ToolCall, ToolMessage, Usage
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.testing import Reply, ScriptedModel
from tests.engine.stage import Stage, answer, assert_well_formed
from tests.engine.test_resume import log


def batch(call_id: str, *invocations: dict[str, object]) -> ToolCall:
    return ToolCall(call_id, "batch", json.dumps({"invocations": list(invocations)}))


def writing(name: str) -> dict[str, object]:
    return {"tool": "write", "args": {"file_path": name, "content": name}}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    folder = tmp_path / "work"
    folder.mkdir()
    return Stage(folder, SQLiteStore(tmp_path / "s.db"))


async def test_a_batch_that_was_cut_tells_what_its_calls_had_done_and_is_not_run_again(stage: Stage) -> None:
    made = stage.folder / "a"
    made.write_text("a")
    changes = ChangeSet("write a", (Change(str(made), None, "a"),))
    turn = AssistantMessage("", (batch("c", writing("a"), writing("b")),))
    log(
        stage,
        f.RunStarted("go"),
        f.TurnStarted(1),
        f.TurnEnded(1, turn, Usage(1, 1)),
        f.CallBegan("c", "batch", {}),
        f.CallBegan("c.1", "write", {"file_path": "a"}),
        f.FilesChanged("c.1", changes),
    )
    session = await stage.load(stage.setup(ScriptedModel(["done"])))
    run = session.resume()
    assert run is not None and (await run.wait()).text == "done"
    [result] = [message for message in session.state.messages if isinstance(message, ToolMessage)]
    assert result.content.startswith("Interrupted") and "It had changed a by then." in result.content
    assert not (stage.folder / "b").exists()
    assert not session.state.begun, "nothing is left that counts as going on"
    await session.close()


async def test_ids_of_the_provider_that_look_like_inner_ones_get_their_own_results(stage: Stage) -> None:
    calls = (batch("c", writing("a"), writing("b")), ToolCall("c.1", "ls", "{}"), ToolCall("c.2", "ls", "{}"))
    session = await stage.open(stage.setup(ScriptedModel([Reply("", calls), "done"])))
    assert (await answer(session, "go")).text == "done"
    results = [message for message in session.state.messages if isinstance(message, ToolMessage)]
    assert [result.call_id for result in results] == ["c", "c.1", "c.2"]
    assert "--- [1: write] ---" in results[0].content and "Directory:" in results[1].content
    assert_well_formed(event for event in await session.past_events() if event.run_id)
    await session.close()


async def test_a_rewind_to_before_a_batch_takes_back_what_its_calls_did(stage: Stage) -> None:
    calls = (batch("c", writing("a"), writing("b")),)
    session = await stage.open(stage.setup(ScriptedModel([Reply("", calls), "done"])))
    await answer(session, "go")
    assert sorted(path.name for path in stage.folder.iterdir()) == ["a", "b"]
    await session.rewind("c")
    assert list(stage.folder.iterdir()) == []
    await session.close()
