"""Sessions that were cut: what was paid for is kept, what had begun is told, what waits is asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import A3SError, SessionNotFound
from a3s_lsp.engine.messages import AssistantMessage, ToolCall, ToolMessage, Usage, UserMessage
from a3s_lsp.engine.policy.permissions import PermissionPolicy
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.testing import Pause, Reply, ScriptedApprover, ScriptedModel, call
from tests.engine.stage import Stage, answer, assert_well_formed

CALL = ToolCall("c1", "bash", '{"command": "echo hey > made"}')
TURN = AssistantMessage("on it", (CALL,))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    folder = tmp_path / "work"
    folder.mkdir()
    return Stage(folder, SQLiteStore(tmp_path / "s.db"))


def log(stage: Stage, *facts: f.Fact) -> None:
    """Write a log as a process leaves it that was killed right after the last of these facts."""
    records = [f.Record(0, None, None, 1, f.SessionOpened(str(stage.folder), "scripted/model"))]
    seq = 0
    for position, fact in enumerate(facts, start=1):
        shown = not isinstance(fact, f.CallBegan)
        records.append(f.Record(position, "r", seq if shown else None, position, fact))
        seq += shown
    stage.store.append("s", records, sync=False)


async def test_a_cut_turn_is_asked_for_again(stage: Stage) -> None:
    log(stage, f.RunStarted("go"), f.TurnStarted(1), f.TextStreamed("half of"))
    model = ScriptedModel(["the whole"])
    session = await stage.load(stage.setup(model))
    run = session.resume()
    assert run is not None and (await run.wait()).text == "the whole"
    assert session.state.messages == [UserMessage("go"), AssistantMessage("the whole")]
    assert stage.types()[0] == "run_resumed"
    assert_well_formed(await session.past_events())


async def test_a_stored_turn_is_not_asked_for_again(stage: Stage) -> None:
    log(stage, f.RunStarted("go"), f.TurnStarted(1), f.TurnEnded(1, TURN, Usage(10, 5)))
    model = ScriptedModel(["done"])
    session = await stage.load(stage.setup(model))
    run = session.resume()
    assert run is not None and (await run.wait()).usage.total_tokens == 30
    assert len(model.requests) == 1
    assert (stage.folder / "made").read_text() == "hey\n"


async def test_a_stored_final_answer_only_needs_its_end(stage: Stage) -> None:
    log(stage, f.RunStarted("go"), f.TurnStarted(1), f.TurnEnded(1, AssistantMessage("done"), Usage(1, 1)))
    model = ScriptedModel()
    session = await stage.load(stage.setup(model))
    run = session.resume()
    assert run is not None and (await run.wait()).text == "done"
    assert model.requests == []


async def test_a_call_that_had_begun_is_told_and_not_run_again(stage: Stage) -> None:
    log(
        stage,
        f.RunStarted("go"),
        f.TurnStarted(1),
        f.TurnEnded(1, TURN, Usage(10, 5)),
        f.CallBegan("c1", "bash", {"command": "echo hey > made"}),
    )
    model = ScriptedModel(["I will look first"])
    session = await stage.load(stage.setup(model))
    run = session.resume()
    assert run is not None
    await run.wait()
    assert not (stage.folder / "made").exists()
    told = model.requests[0].messages[-1]
    assert isinstance(told, ToolMessage) and told.is_error and told.content.startswith("Interrupted")


async def test_a_pending_question_is_asked_again(stage: Stage) -> None:
    asked = f.QuestionAsked("c1", "bash", {"command": "echo hey > made"}, "Run a command", "echo hey > made")
    log(stage, f.RunStarted("go"), f.TurnStarted(1), f.TurnEnded(1, TURN, Usage()), asked)
    approver = ScriptedApprover(["approved"])
    setup = stage.setup(ScriptedModel(["done"]), permission=PermissionPolicy(), approver=approver)
    session = await stage.load(setup)
    assert list(session.state.questions) == ["c1"]
    run = session.resume()
    assert run is not None
    await run.wait()
    assert [question.call_id for question in approver.questions] == ["c1"]
    assert (stage.folder / "made").exists()


async def test_prompts_that_waited_are_answered_in_their_order(stage: Stage) -> None:
    log(stage, f.RunStarted("one"), f.TurnStarted(1))
    stage.store.append("s", [f.Record(3, "q", 0, 9, f.RunQueued("two"))], sync=False)
    session = await stage.load(stage.setup(ScriptedModel(["1", "2"])))
    assert [run.status for run in session.state.open_runs] == ["executing", "queued"]
    session.resume()
    second = session.run("q")
    assert second is not None and (await second.wait()).text == "2"
    assert [m.text for m in session.state.messages] == ["one", "1", "two", "2"]  # type: ignore[union-attr]


async def test_a_message_that_waited_for_the_turn_reaches_the_model_after_a_restart(stage: Stage) -> None:
    log(stage, f.RunStarted("go"), f.TurnStarted(1))
    stage.store.append("s", [f.Record(3, "r", None, 9, f.SteerQueued("the other file"))], sync=False)
    model = ScriptedModel(["done"])
    session = await stage.load(stage.setup(model))
    run = session.resume()
    assert run is not None
    await run.wait()
    assert [m.text for m in model.requests[0].messages] == ["go", "the other file"]  # type: ignore[union-attr]


async def test_a_new_prompt_ends_what_was_cut_and_keeps_its_history(stage: Stage) -> None:
    log(stage, f.RunStarted("go"), f.TurnStarted(1), f.TurnEnded(1, TURN, Usage()), f.CallBegan("c1", "bash", {}))
    session = await stage.load(stage.setup(ScriptedModel(["fine"])))
    assert (await answer(session, "never mind")).text == "fine"
    cut = session.state.runs["r"]
    assert cut.status == "failed" and "Interrupted" in (cut.error or "")
    kinds = [type(message).__name__ for message in session.state.messages]
    assert kinds == ["UserMessage", "AssistantMessage", "ToolMessage", "UserMessage", "AssistantMessage"]


async def test_a_suspended_run_goes_on_where_it_was(stage: Stage) -> None:
    pause = Pause()
    turns = [Reply("", (call("bash", command="echo 1 >> made"),)), Reply("never seen", pause=pause)]
    session = await stage.open(stage.setup(ScriptedModel(turns)))
    run = session.start(f.RunQueued("go"))
    await pause.reached()
    await session.suspend()
    assert "cancelled" not in stage.types()
    again = await stage.load(stage.setup(ScriptedModel(["done"])))
    resumed = again.resume()
    assert resumed is not None and resumed.id == run.id
    assert (await resumed.wait()).text == "done"
    assert (stage.folder / "made").read_text() == "1\n", "the finished step was not repeated"
    assert_well_formed(await again.past_events())


async def test_nothing_to_resume_is_none(stage: Stage) -> None:
    session = await stage.open(stage.setup(ScriptedModel(["hi"])))
    await answer(session, "go")
    assert session.resume() is None


async def test_the_same_id_twice_is_refused_and_the_first_is_untouched(stage: Stage) -> None:
    session = await stage.open(stage.setup(ScriptedModel(["hi"])))
    await answer(session, "go")
    await session.close()
    with pytest.raises(A3SError, match="exists already"):
        await stage.open(stage.setup(ScriptedModel()))
    again = await stage.load(stage.setup(ScriptedModel()))
    assert len(again.state.messages) == 2


async def test_an_unknown_session_is_named(stage: Stage) -> None:
    with pytest.raises(SessionNotFound, match="nope"):
        await stage.load(stage.setup(ScriptedModel()), "nope")
