"""Plans: what is read of a model's answer, how they change, and that a plan goes on where its process was killed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.hooks import Hook, Hooks
from a3s_lsp.engine.messages import AssistantMessage, ToolCall, Usage, UserMessage
from a3s_lsp.engine.planning.analysis import read_analysis
from a3s_lsp.engine.planning.plans import MOST_STEPS, Plan, PlanPolicy, Step, edited, ready, revised, with_status
from a3s_lsp.engine.run import RunResult
from a3s_lsp.engine.session import Session, Setup
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.testing import Reply, ScriptedApprover, ScriptedModel, call
from tests.engine.stage import Stage, assert_well_formed

A, B, C = Step("a", "A"), Step("b", "B", dependencies=("a",)), Step("c", "C", dependencies=("a",))
TEXT = "[the plan]"

# ---------------------------------------------------------------- reading

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "description", "x"]), inner),
    max_leaves=12,
)
rows = st.fixed_dictionaries(
    {},
    optional={name: values for name in ("id", "description", "content", "tool", "dependencies", "success_criteria")},
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "intent": values,
            "requires_planning": values,
            "goal": values,
            "execution_plan": st.fixed_dictionaries({"steps": st.lists(rows | values, max_size=6) | values}) | values,
        },
    )
)
def test_whatever_a_model_says_is_a_plan_that_can_be_told_and_stored(said: object) -> None:
    plan = read_analysis(said).plan
    ids = [step.id for step in plan.steps]
    assert len(set(ids)) == len(ids) and all(step.id and step.content for step in plan.steps)
    assert len(plan.text().splitlines()) >= len(ids)
    assert f.decode(f.encode(f.PlanMade(plan))) == f.PlanMade(plan)


@pytest.mark.parametrize("said", [[], "x", None, 3])
def test_what_is_no_object_is_no_analysis(said: object) -> None:
    with pytest.raises(ValueError, match="no object"):
        read_analysis(said)


def test_a_plan_is_read_with_all_it_says() -> None:
    step = {"id": 1, "description": "look", "tool": "grep", "dependencies": ["0"], "success_criteria": "found"}
    said = {
        "intent": "Explore",
        "requires_planning": True,
        "goal": {"description": "g", "success_criteria": ["one", "two"]},
        "execution_plan": {"complexity": "Complex", "required_tools": ["grep"], "steps": [step]},
    }
    steps = (Step("1", "look", tool="grep", dependencies=("0",), success_criteria="found"),)
    analysis = read_analysis(said)
    assert (analysis.intent, analysis.requires_planning) == ("Explore", True)
    assert analysis.plan == Plan(steps, "g", ("one", "two"), "Complex", ("grep",))


# ---------------------------------------------------------------- waves


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=10))
def test_waves_keep_the_order_and_come_to_an_end(dependencies: list[list[int]]) -> None:
    names = [str(number) for number in range(len(dependencies))]
    steps = tuple(
        Step(name, name, dependencies=tuple(map(str, before))) for name, before in zip(names, dependencies, strict=True)
    )
    done: list[str] = []
    for _ in range(len(steps) + 1):
        wave = ready(steps)
        for step in wave:
            assert all(before in done or before not in names for before in step.dependencies)
        done += [step.id for step in wave]
        steps = with_status(steps, [step.id for step in wave], "completed")
    assert not ready(steps) and len(set(done)) == len(done)
    for step in steps:  # what is left waits for something that is left
        assert step.id in done or any(before in names and before not in done for before in step.dependencies)


# ---------------------------------------------------------------- changing


def test_what_has_begun_stays_when_a_plan_is_changed() -> None:
    steps = (replace(A, status="completed"), replace(B, status="in_progress"), C)
    changed = revised(steps, [{"id": "a", "content": "again"}, {"id": "b", "content": "x"}, {"content": "D"}])
    assert changed[:2] == steps[:2] and [step.content for step in changed] == ["A", "B", "D"]
    assert changed[2].dependencies == ("b",)


def test_a_step_is_only_begun_by_carrying_it_out() -> None:
    [step] = revised((A,), [{"id": "a", "content": "A", "status": "in_progress"}])
    assert step.status == "pending"


@pytest.mark.parametrize(
    "given_rows",
    [
        [{"content": ""}],
        [{"id": "a", "content": "A"}, {"id": "a", "content": "A"}],
        [{"id": "a", "content": "A", "status": "odd"}],
        [{"content": "x"}] * (MOST_STEPS + 1),
    ],
)
def test_what_is_no_plan_is_refused(given_rows: list[dict[str, object]]) -> None:
    with pytest.raises(ValueError):
        revised((A,), given_rows)


@pytest.mark.parametrize("note", ["- A\n- D", "1. A\n\n2) D", "* [ ] A\n* [x] D"])
def test_a_note_that_is_a_list_is_a_plan(note: str) -> None:
    plan = edited(Plan((A, B)), note)
    assert plan is not None and [step.content for step in plan.steps] == ["A", "D"]
    assert plan.steps[0] is A and plan.steps[1].dependencies == ("a",)


@pytest.mark.parametrize("note", ["", "looks good", "- A\nand then some", "-A", "1."])
def test_any_other_note_is_a_remark(note: str) -> None:
    assert edited(Plan((A,)), note) is None


# ---------------------------------------------------------------- after a kill


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    folder = tmp_path / "work"
    folder.mkdir()
    return Stage(folder, SQLiteStore(tmp_path / "s.db"))


def log(stage: Stage, *facts: f.Fact | tuple[str, f.Fact]) -> None:
    """Write a log as a process leaves it that was killed right after the last of these facts; a pair has its run."""
    records = [f.Record(0, None, None, 1, f.SessionOpened(str(stage.folder), "scripted/model"))]
    seqs: dict[str, int] = {}
    for position, item in enumerate(facts, start=1):
        run_id, fact = item if isinstance(item, tuple) else ("r", item)
        shown = not isinstance(fact, f.CallBegan | f.PromptAnalysed | f.PlanSettled | f.StepsGathered)
        seq = seqs.get(run_id, 0)
        records.append(f.Record(position, run_id, seq if shown else None, position, fact))
        seqs[run_id] = seq + shown
    stage.store.append("s", records, sync=False)


def planned(*steps: Step) -> list[f.Fact]:
    """What there is in the log when a plan begins to be carried out."""
    plan = Plan(steps, "g")
    start: list[f.Fact] = [f.PlanningStarted("go"), f.RunStarted("go")]
    return [*start, f.PlanMade(plan), f.PromptAnalysed(), f.PlanSettled(plan, TEXT), f.TasksUpdated(steps)]


async def resumed(stage: Stage, model: ScriptedModel, **more: object) -> tuple[Session, RunResult]:
    policy = PlanPolicy("enabled", approval=bool(more.get("approver")))
    setup: Setup = replace(stage.setup(model), planning=policy, **more)  # type: ignore[arg-type]  # fields of it
    session = await stage.load(setup)
    run = session.resume()
    assert run is not None
    result = await run.wait()
    assert_well_formed([event for event in await session.past_events() if event.run_id == "r"])
    return session, result


def told(session: Session) -> list[str]:
    return [getattr(message, "text", "") for message in session.state.messages]


async def test_a_plan_that_was_made_is_not_asked_for_again(stage: Stage) -> None:
    plan = Plan((A,), "g")
    log(stage, f.PlanningStarted("go"), f.RunStarted("go"), f.PlanMade(plan))
    model = ScriptedModel(["did A"])
    _, result = await resumed(stage, model)
    assert result.text == "did A" and len(model.requests) == 1


async def test_a_step_that_was_done_is_not_done_again(stage: Stage) -> None:
    done = replace(A, status="completed")
    log(
        stage,
        *planned(A, B),
        f.StepBegan("a", "A", 1, 2, "Step 1"),
        f.TurnEnded(1, AssistantMessage("did A"), Usage(1, 1)),
        f.TasksUpdated((done, B)),
        f.StepEnded("a", "completed", 1, 2, "did A"),
    )
    session, result = await resumed(stage, ScriptedModel(["did B"]))
    assert result.text == "did B"
    assert told(session)[:4] == ["go", TEXT, "Step 1", "did A"] and told(session)[-1] == "did B"


async def test_a_step_that_was_cut_goes_on_where_it_stood(stage: Stage) -> None:
    turn = AssistantMessage("on it", (ToolCall("c1", "bash", '{"command": "touch made"}'),))
    going = f.TasksUpdated((replace(A, status="in_progress"), B))
    log(stage, *planned(A, B), going, f.StepBegan("a", "A", 1, 2, "Step 1"), f.TurnEnded(1, turn, Usage(1, 1)))
    session, result = await resumed(stage, ScriptedModel(["did A", "did B"]))
    assert result.text == "did B" and (stage.folder / "made").exists()
    assert told(session).count("Step 1") == 1


async def test_hooks_do_not_see_a_prompt_again_whose_plan_goes_on(stage: Stage) -> None:
    asked: list[object] = []
    hook = Hook("seen", "pre_prompt", asked.append)
    log(stage, *planned(A))
    await resumed(stage, ScriptedModel(["did A"]), hooks=Hooks((hook,)))
    assert asked == []


async def test_a_step_that_was_about_to_begin_begins(stage: Stage) -> None:
    log(stage, *planned(A, B), f.TasksUpdated((replace(A, status="in_progress"), B)))
    _, result = await resumed(stage, ScriptedModel(["did A", "did B"]))
    assert result.text == "did B"


def wave(stage: Stage, *more: f.Fact | tuple[str, f.Fact]) -> None:
    steps = (A, Step("x", "X"))
    began = [f.StepBegan(s.id, s.content, n, 2, f"Step {n}", f"step-r.{s.id}") for n, s in enumerate(steps, 1)]
    log(stage, *planned(*steps), f.TasksUpdated(with_status(steps, ["a", "x"], "in_progress")), *began, *more)


async def test_a_wave_goes_on_with_the_steps_that_have_no_end(stage: Stage) -> None:
    wave(
        stage,
        ("step-r.x", f.TurnEnded(1, AssistantMessage("did X"), Usage(1, 1))),
        ("step-r.x", f.RunEnded("completed", "did X")),
        f.StepEnded("x", "completed", 2, 2, "did X"),
    )
    model = ScriptedModel(["did A"])
    session, result = await resumed(stage, model)
    assert result.text == "## A\n\ndid A\n\n## X\n\ndid X"
    assert [m.text for m in model.requests[0].messages] == ["go", TEXT, "Step 1"]  # type: ignore[union-attr]
    assert [text for text in told(session) if text.startswith("did")] == ["did A", "did X"]


async def test_a_turn_of_a_wave_that_was_paid_for_is_not_asked_for_again(stage: Stage) -> None:
    ended = [(f"step-r.{name}", f.TurnEnded(1, AssistantMessage(f"did {name}"), Usage(1, 1))) for name in "ax"]
    wave(stage, *ended)
    model = ScriptedModel()
    _, result = await resumed(stage, model)
    assert result.text == "## A\n\ndid a\n\n## X\n\ndid x" and model.requests == []


async def test_answers_that_the_conversation_does_not_have_join_it(stage: Stage) -> None:
    ended = [f.StepEnded(name, "completed", number, 2, f"did {name}") for number, name in enumerate("ax", 1)]
    runs = [(f"step-r.{name}", f.RunEnded("completed", f"did {name}")) for name in "ax"]
    wave(stage, *runs, *ended, f.TasksUpdated((replace(A, status="completed"), Step("x", "X", "completed"))))
    session, result = await resumed(stage, ScriptedModel())
    assert result.text == "## A\n\ndid a\n\n## X\n\ndid x" and told(session)[-1] == "did x"


async def test_what_was_said_after_the_last_step_is_not_said_again(stage: Stage) -> None:
    log(
        stage,
        *planned(A),
        f.StepBegan("a", "A", 1, 1, "Step 1"),
        f.TurnEnded(1, AssistantMessage("did A"), Usage(1, 1)),
        f.TasksUpdated((replace(A, status="completed"),)),
        f.StepEnded("a", "completed", 1, 1, "did A"),
        f.Steered("and?"),
        f.TurnEnded(2, AssistantMessage("heard you"), Usage(1, 1)),
    )
    model = ScriptedModel()
    _, result = await resumed(stage, model)
    assert result.text == "heard you" and model.requests == []


async def test_a_step_that_had_failed_ends_the_run_with_its_reason(stage: Stage) -> None:
    failed = f.TasksUpdated((replace(A, status="failed"), B, Step("x", "X")))
    log(
        stage,
        *planned(A, B, Step("x", "X")),
        f.StepBegan("a", "A", 1, 3, "Step 1", "step-r.a"),
        ("step-r.a", f.RunEnded("failed", error="the network is gone")),
        failed,
        f.StepEnded("a", "failed", 1, 3, error="the network is gone"),
    )
    model = ScriptedModel()
    session, result = await resumed(stage, model)
    assert (result.status, result.error, model.requests) == ("failed", "the network is gone", [])
    assert [step.status for step in session.state.runs["r"].planning.steps] == ["failed", "skipped", "skipped"]


async def test_a_question_about_a_plan_is_asked_again(stage: Stage) -> None:
    plan = Plan((A,), "g")
    asked = f.QuestionAsked("r.plan", "plan", {}, "Carry out this plan?")
    log(stage, f.PlanningStarted("go"), f.RunStarted("go"), f.PlanMade(plan), f.PromptAnalysed(), asked)
    approver = ScriptedApprover(["approved"])
    _, result = await resumed(stage, ScriptedModel(["did A"]), approver=approver)
    assert result.text == "did A" and [question.call_id for question in approver.questions] == ["r.plan"]


async def test_a_plan_that_nobody_goes_on_with_is_closed_when_the_next_prompt_comes(stage: Stage) -> None:
    cut = AssistantMessage("on it", (ToolCall("c1", "bash", "{}"),))
    wave(stage, ("step-r.a", f.TurnEnded(1, cut, Usage(1, 1))))
    session = await stage.load(stage.setup(ScriptedModel(["hello"])))
    result = await session.start(f.RunQueued("next")).wait()
    assert result.text == "hello"
    planning = session.state.runs["r"].planning
    assert [step.status for step in planning.steps] == ["failed", "failed"]
    assert {end.status for end in planning.ended.values()} == {"failed"}
    assert all(run.ended for run in session.state.runs.values())
    own = session.state.runs["step-r.a"].own
    assert own is not None and own[-1].role == "tool"


async def test_a_plan_survives_being_put_aside_and_taken_up_again(stage: Stage) -> None:
    """Suspended in the middle of a wave and of a command, as by the end of a server."""
    steps = [{"id": "a", "description": "A"}, {"id": "x", "description": "X"}]
    said = json.dumps({"requires_planning": True, "execution_plan": {"steps": steps}})
    command = Reply("", (call("bash", command="echo begun >> begun; sleep 30"),))
    setup = replace(stage.setup(ScriptedModel([said, command, command])), planning=PlanPolicy("enabled"))
    session = await stage.open(setup)
    session.start(f.RunQueued("go"))
    await stage.seen("step_progress")
    await session.suspend()
    assert not [run for run in session.state.runs.values() if run.ended]

    again = await stage.load(replace(stage.setup(ScriptedModel(["one", "two"])), planning=PlanPolicy("enabled")))
    run = again.resume()
    assert run is not None
    result = await run.wait()
    assert result.status == "completed" and {"one", "two"} <= set(result.text.split())
    assert all(isinstance(m, UserMessage | AssistantMessage) for m in again.state.messages)


async def test_what_has_to_be_verified_is_demanded_after_the_last_step_and_once(stage: Stage) -> None:
    steps = [{"id": "a", "description": "A"}, {"id": "b", "description": "B", "dependencies": ["a"]}]
    said = json.dumps({"requires_planning": True, "execution_plan": {"steps": steps}})
    write = Reply("", (call("write", file_path="x", content="x"),))
    model = ScriptedModel([said, write, "did A", "did B", "verified?"])
    session = await stage.open(demanding(replace(stage.setup(model), planning=PlanPolicy("enabled"))))
    result = await session.start(f.RunQueued("go")).wait()
    types = stage.types()
    assert types.count("verification_required") == 1
    assert types.index("verification_required") > max(i for i, t in enumerate(types) if t == "step_end")
    assert result.status == "failed" and len(model.requests) == 5


def demanding(setup: Setup) -> Setup:
    from a3s_lsp.engine.verifying import Requirement

    return replace(setup, verification=Requirement())
