"""Plans: whether there is one, how it is carried out, and what is left when it is not."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.ports import ModelRequest
from a3s_lsp.testing import Pause, Reply, ScriptedModel, call

FREE = a3s.PermissionPolicy(default_decision="allow")


def plan(*steps: tuple[str, str] | tuple[str, str, list[str]], **more: object) -> str:
    """The answer of a model that plans: an id, what to do, and what comes before it."""
    rows = [
        {"id": step[0], "description": step[1], "tool": "bash", "dependencies": step[2] if len(step) == 3 else []}
        for step in steps
    ]
    goal = {"description": "the goal", "success_criteria": ["it works"]}
    said = {"intent": "GeneralPurpose", "requires_planning": True, "goal": goal}
    return json.dumps({**said, "execution_plan": {"complexity": "Medium", "steps": rows}, **more})


def opened(tmp_path: Path, model: ScriptedModel, **options: object) -> a3s.Session:
    options.setdefault("permission_policy", FREE)
    options.setdefault("planning_mode", "enabled")
    return a3s.Agent.with_model(model).session(str(tmp_path), **options)  # type: ignore[arg-type]


def data(event: a3s.AgentEvent) -> dict[str, object]:
    said = json.loads(event.data or "{}")
    assert isinstance(said, dict)
    return said


def statuses(event: a3s.AgentEvent) -> list[str]:
    tasks = data(event)["tasks"]
    assert isinstance(tasks, list)
    return [str(task["status"]) for task in tasks]


def of(events: list[a3s.AgentEvent], name: str) -> list[a3s.AgentEvent]:
    return [event for event in events if event.event_type == name]


def said(session: a3s.Session) -> list[str]:
    history: list[Any] = session.history()
    return [block["text"] for message in history for block in message["content"] if "text" in block]


@pytest.fixture
def two_at_once() -> Iterator[tuple[Pause, Pause]]:
    """Two pauses that are let go of once both are reached."""
    first, second = Pause(), Pause()

    def let_go() -> None:
        first.wait()
        second.wait()
        first.release()
        second.release()

    opener = threading.Thread(target=let_go)
    opener.start()
    yield first, second
    opener.join(15)


# ---------------------------------------------------------------- whether


def test_a_model_of_the_programs_own_is_not_asked_for_plans_unless_that_is_said(tmp_path: Path) -> None:
    for options in ({"planning_mode": "auto"}, {"planning_mode": None}, {"planning_mode": None, "planning": False}):
        model = ScriptedModel(["hello"])
        with opened(tmp_path, model, **options) as session:
            assert session.send("hi").text == "hello"
        assert len(model.requests) == 1


class Networked(ScriptedModel):
    """A model that is worth asking for plans."""

    plans = True


def test_auto_asks_once_and_goes_straight_to_work_where_no_plan_is_needed(tmp_path: Path) -> None:
    model = Networked([plan(("a", "Do A"), requires_planning=False), "hello"])
    with opened(tmp_path, model, planning_mode="auto") as session:
        types = [event.event_type for event in session.stream("hi")]
        assert said(session) == ["hi", "hello"]
    assert "requires_planning" in model.requests[0].system and not model.requests[0].tools
    assert not {"planning_start", "planning_end", "task_updated", "step_start"} & set(types)


def test_auto_plans_where_the_model_says_so(tmp_path: Path) -> None:
    model = Networked([plan(("a", "Do A")), "did A"])
    with opened(tmp_path, model, planning_mode="auto") as session:
        events = list(session.stream("go"))
    types = [event.event_type for event in events]
    assert types.index("planning_start") < types.index("planning_end") < types.index("step_start")
    assert events[-1].text == "did A"


@pytest.mark.parametrize(
    "mode, planning, asked", [("disabled", True, 0), (None, False, 0), (None, None, 1), (None, True, 1)]
)
def test_the_mode_wins_over_the_shortcut(tmp_path: Path, mode: str | None, planning: bool | None, asked: int) -> None:
    model = Networked([lambda request: plan(requires_planning=False) if not request.tools else "hi"] * 2)
    with opened(tmp_path, model, planning_mode=mode, planning=planning) as session:
        session.send("hi")
    assert sum("requires_planning" in request.system for request in model.requests) == asked


@pytest.mark.parametrize("reply", ["nonsense", "[]", "{}", "null", "{" * 5000, plan(), "", a3s.A3SError])
def test_without_a_usable_plan_the_prompt_is_just_answered(tmp_path: Path, reply: object) -> None:
    first = a3s_model_error() if reply is a3s.A3SError else reply
    model = ScriptedModel([first, "hello"])  # type: ignore[list-item]
    with opened(tmp_path, model) as session:
        events = list(session.stream("hi"))
        assert said(session) == ["hi", "hello"]
    assert events[0].event_type == "planning_start" and events[0].prompt == "hi"
    assert data(of(events, "planning_end")[0])["estimated_steps"] == 0
    assert (events[-1].event_type, events[-1].text) == ("end", "hello")


def a3s_model_error() -> Exception:
    from a3s_lsp.engine.errors import ModelError

    return ModelError("the network is gone")


def test_a_plan_with_too_many_steps_is_none(tmp_path: Path) -> None:
    model = ScriptedModel([plan(*((str(n), "x") for n in range(51))), "hello"])
    with opened(tmp_path, model) as session:
        assert session.send("hi").text == "hello"


def test_an_intent_brings_its_instructions_and_no_leave(tmp_path: Path) -> None:
    model = Networked(
        [plan(intent="Explore", requires_planning=False), Reply("", (call("bash", command="touch x"),)), "."]
    )
    with opened(tmp_path, model, planning_mode="auto") as session:
        events = list(session.stream("where is it?"))
    modes = [data(event) for event in of(events, "agent_mode_changed")]
    assert (modes[-1]["mode"], modes[-1]["agent"]) == ("explore", "explore")
    assert "You explore" in model.requests[1].system and (tmp_path / "x").exists()


def test_what_was_said_before_is_told_to_the_model_that_plans(tmp_path: Path) -> None:
    model = ScriptedModel([plan(), "hello", plan(), "again"])
    with opened(tmp_path, model) as session:
        session.send("my name is Ada")
        session.send("say it again")
    asked = model.requests[2].messages[-1].text  # type: ignore[union-attr]
    assert "PERSON: my name is Ada" in asked and "AGENT: hello" in asked and asked.endswith("say it again")


def test_planning_counts_for_the_run_and_the_budget(tmp_path: Path) -> None:
    with opened(tmp_path, ScriptedModel([plan(), "hello"])) as session:
        assert session.send("hi").total_tokens == 30
    session = opened(tmp_path, ScriptedModel([plan(("a", "Do A")), "x"]), budget=a3s.Budget(max_tokens=15))
    with session, pytest.raises(a3s.A3SError, match="Budget spent"):
        session.send("hi")


def test_children_do_not_plan(tmp_path: Path) -> None:
    model = ScriptedModel(["child done"])
    with opened(tmp_path, model) as session:
        session.task({"agent": "general", "description": "d", "prompt": "p"})
    assert len(model.requests) == 1


@pytest.mark.parametrize("name, value", [("plan_approval", "yes"), ("goal_tracking", 1), ("planning", "auto")])
def test_options_of_a_wrong_type_are_refused(name: str, value: object) -> None:
    with pytest.raises(TypeError):
        setattr(a3s.SessionOptions(), name, value)


# ---------------------------------------------------------------- one step after the other


def test_steps_come_one_after_the_other_in_one_conversation(tmp_path: Path) -> None:
    model = ScriptedModel([plan(("s1", "Make it"), ("s2", "Check it", ["s1"])), "made", "checked"])
    with opened(tmp_path, model) as session:
        events = list(session.stream("build the thing"))
        texts = said(session)
    types = [event.event_type for event in events]
    assert types[0] == "planning_start" and types[-1] == "end" and events[-1].text == "checked"
    assert types.count("end") == 1 and types.count("start") == 1
    assert [statuses(event) for event in of(events, "task_updated")] == [
        ["pending", "pending"],
        ["in_progress", "pending"],
        ["completed", "pending"],
        ["completed", "in_progress"],
        ["completed", "completed"],
    ]
    assert [(data(e)["step_id"], data(e)["step_number"], data(e)["status"]) for e in of(events, "step_end")] == [
        ("s1", 1, "completed"),
        ("s2", 2, "completed"),
    ]
    assert texts[0] == "build the thing" and "1. Make it\n2. Check it (after 1)" in texts[1]
    assert [text.splitlines()[0] for text in texts[2:]] == [
        "Step 1 of 2: Make it",
        "made",
        "Step 2 of 2: Check it",
        "checked",
    ]
    assert [event.turn for event in of(events, "turn_start")] == [1, 2]


def test_the_rounds_of_tools_are_counted_for_each_step(tmp_path: Path) -> None:
    model = ScriptedModel(
        [plan(("a", "A"), ("b", "B", ["a"])), Reply("", (call("ls"),)), "one", Reply("", (call("ls"),)), "two"]
    )
    with opened(tmp_path, model, max_tool_rounds=2) as session:
        assert session.send("go").text == "two"
    model = ScriptedModel([plan(("a", "A"), ("b", "B", ["a"])), *[Reply("", (call("ls"),))] * 3])
    session = opened(tmp_path, model, max_tool_rounds=2)
    with session, pytest.raises(a3s.A3SError, match=r"Max tool rounds \(2\) exceeded"):
        session.send("go")


def test_a_step_that_fails_ends_the_run_and_leaves_no_step_open(tmp_path: Path) -> None:
    model = ScriptedModel([plan(("a", "A"), ("b", "B", ["a"])), a3s_model_error()], name="scripted/model")
    with opened(tmp_path, model, circuit_breaker_threshold=1) as session:
        events = list(session.stream("go"))
        assert session.runs()[0]["status"] == "failed"
        assert statuses(of(events, "task_updated")[-1]) == ["failed", "skipped"]
        [ended] = of(events, "step_end")
        assert data(ended)["status"] == "failed" and "the network is gone" in (ended.error or "")
        assert events[-1].event_type == "error" and "the network is gone" in (events[-1].error or "")
        model.replies = [plan(), "fine again"]
        assert session.send("next").text == "fine again"


def test_a_stopped_run_leaves_no_step_open(tmp_path: Path) -> None:
    pause = Pause()
    model = ScriptedModel([plan(("a", "A"), ("b", "B", ["a"])), Reply("never", pause=pause)])
    with opened(tmp_path, model) as session:
        stream = session.stream("go")
        events = []
        for event in stream:
            events.append(event)
            if event.event_type == "step_start":
                assert pause.wait()
                session.cancel()
    assert statuses(of(events, "task_updated")[-1]) == ["cancelled", "cancelled"]
    assert [data(event)["status"] for event in of(events, "step_end")] == ["cancelled"]
    assert events[-1].event_type == "cancelled"


def test_steps_that_wait_for_each_other_are_named(tmp_path: Path) -> None:
    model = ScriptedModel([plan(("a", "A"), ("b", "B", ["c"]), ("c", "C", ["b"])), "did A"])
    with opened(tmp_path, model) as session:
        events = list(session.stream("go"))
    assert "its steps b, c wait for each other" in (events[-1].error or "")
    assert statuses(of(events, "task_updated")[-1]) == ["completed", "skipped", "skipped"]


def test_a_step_that_waits_for_one_that_is_not_there_can_begin(tmp_path: Path) -> None:
    with opened(tmp_path, ScriptedModel([plan(("a", "A", ["zzz"])), "did A"])) as session:
        assert session.send("go").text == "did A"


def test_a_message_of_the_person_reaches_the_plan(tmp_path: Path) -> None:
    pause = Pause()
    model = ScriptedModel([plan(("a", "A")), Reply("did A", pause=pause), "heard you"])
    with opened(tmp_path, model) as session:
        events = []
        for event in session.stream("go"):
            events.append(event.event_type)
            if event.event_type == "step_start":
                assert pause.wait()
                session.steer("also this")
                pause.release()
        assert "also this" in said(session) and "heard you" in said(session)
        assert events[-1] == "end"


# ---------------------------------------------------------------- beside each other


def test_independent_steps_go_on_at_once_and_their_answers_come_in_the_order_of_the_plan(
    tmp_path: Path, two_at_once: tuple[Pause, Pause]
) -> None:
    def answer(request: ModelRequest) -> Reply:
        first = "Step 1" in request.messages[-1].text  # type: ignore[union-attr]
        return Reply("RESULT-1" if first else "RESULT-2", pause=two_at_once[0 if first else 1])

    model = ScriptedModel([plan(("a", "Do A"), ("b", "Do B")), answer, answer])
    with opened(tmp_path, model) as session:
        result = session.send("do both")
        texts = said(session)
    assert result.text == "## Do A\n\nRESULT-1\n\n## Do B\n\nRESULT-2"
    assert result.total_tokens == 45
    assert [texts[3], texts[5]] == ["RESULT-1", "RESULT-2"] and "Step 2 of 2: Do B" in texts[4]


def test_the_step_after_a_wave_sees_its_answers(tmp_path: Path) -> None:
    model = ScriptedModel([plan(("a", "A"), ("b", "B"), ("c", "C", ["a", "b"])), "one", "two", "three"])
    with opened(tmp_path, model) as session:
        assert session.send("go").text == "three"
    seen = [message.text for message in model.requests[-1].messages]  # type: ignore[union-attr]
    assert "one" in seen and "two" in seen and seen[0] == "go"
    for request in model.requests[1:3]:
        assert "one" not in [message.text for message in request.messages]  # type: ignore[union-attr]


def test_steps_beside_each_other_work_with_tools_and_are_followed(tmp_path: Path) -> None:
    def work(request: ModelRequest) -> Reply | str:
        last = request.messages[-1]
        name = "a" if any("Step 1 of 2" in getattr(m, "text", "") for m in request.messages) else "b"
        if last.role == "tool":
            return f"wrote {name}"
        return Reply("", (call("write", file_path=f"{name}.txt", content=name),))

    model = ScriptedModel([plan(("a", "A"), ("b", "B")), work, work, work, work])
    with opened(tmp_path, model) as session:
        events = list(session.stream("go"))
        assert len(session.runs()) == 1
    assert (tmp_path / "a.txt").read_text() == "a" and (tmp_path / "b.txt").read_text() == "b"
    assert len(of(events, "files_changed")) == 2
    progress = [data(event) for event in of(events, "step_progress")]
    assert {(row["step_id"], row["status"]) for row in progress} == {
        (step, status) for step in "ab" for status in ("turn_completed", "tool_completed")
    }
    assert sorted(str(event.text) for event in of(events, "step_end")) == ["wrote a", "wrote b"]
    assert events[-1].event_type == "end" and "wrote a" in (events[-1].text or "")


def test_calls_of_steps_beside_each_other_are_told_apart(tmp_path: Path, two_at_once: tuple[Pause, Pause]) -> None:
    def work(request: ModelRequest) -> Reply | str:
        if request.messages[-1].role == "tool":
            return str(request.messages[-1].content)
        number = 1 if "Step 1" in request.messages[-1].text else 2
        command = replace(call("bash", command=f"echo from {number}"), id="the-same")
        return Reply("", (command,), pause=two_at_once[number - 1])

    policy = a3s.PermissionPolicy(ask=["bash"], default_decision="allow")
    confirmation = a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=20_000)
    model = ScriptedModel([plan(("a", "A"), ("b", "B")), work, work, work, work])
    with opened(tmp_path, model, permission_policy=policy, confirmation_policy=confirmation) as session:
        asked = []
        for event in session.stream("go"):
            if event.event_type == "confirmation_required":
                asked.append(event.tool_id)
            if len(asked) == 2:
                session.confirm_tool_use(str(asked.pop(0)), True)
                session.confirm_tool_use(str(asked.pop(0)), True)
    assert event.text == "## A\n\nfrom 1\n\n\n## B\n\nfrom 2\n"


def test_a_step_knows_the_files_that_were_read_before_its_wave_and_not_what_another_reads(
    tmp_path: Path, two_at_once: tuple[Pause, Pause]
) -> None:
    for name in "fg":
        (tmp_path / name).write_text("old")
    read, written = two_at_once

    def work(request: ModelRequest) -> Reply | str:
        seen = request.messages[6:]  # after the first step
        if "Step 2" in seen[0].text:  # type: ignore[union-attr]
            writes = tuple(call("write", file_path=name, content="new") for name in "fg")
            return Reply("", writes, pause=written) if len(seen) == 1 else "tried"
        return Reply("", (call("read", file_path="g"),)) if len(seen) == 1 else Reply("read", pause=read)

    steps = plan(("a", "A"), ("b", "B", ["a"]), ("c", "C", ["a"]))
    model = ScriptedModel([steps, Reply("", (call("read", file_path="f"),)), "did A", work, work, work, work])
    with opened(tmp_path, model) as session:
        session.send("go")
    assert ((tmp_path / "f").read_text(), (tmp_path / "g").read_text()) == ("new", "old")


def test_a_question_of_a_step_names_it(tmp_path: Path) -> None:
    def work(request: ModelRequest) -> Reply | str:
        asks = "Step 2 of 2" in getattr(request.messages[-1], "text", "")
        return Reply("", (call("bash", command="touch made"),)) if asks else "done"

    policy = a3s.PermissionPolicy(ask=["bash"], default_decision="allow")
    confirmation = a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=20_000)
    model = ScriptedModel([plan(("a", "A"), ("b", "B")), work, work, work])
    titles = []
    with opened(tmp_path, model, permission_policy=policy, confirmation_policy=confirmation) as session:
        for event in session.stream("go"):
            if event.event_type == "confirmation_required":
                titles.append(data(event)["title"])
                session.confirm_tool_use(str(event.tool_id), True)
    assert titles == ["Step 2: Run a command"] and (tmp_path / "made").exists()


def test_a_failure_in_a_wave_lets_the_others_finish_and_keeps_what_they_said(tmp_path: Path) -> None:
    def work(request: ModelRequest) -> str | BaseException:
        return a3s_model_error() if "Step 1" in request.messages[-1].text else "B is done"  # type: ignore[union-attr]

    model = ScriptedModel([plan(("a", "A"), ("b", "B"), ("c", "C", ["a"])), work, work])
    with opened(tmp_path, model, circuit_breaker_threshold=1) as session:
        events = list(session.stream("go"))
        assert "B is done" in said(session)
    assert statuses(of(events, "task_updated")[-1]) == ["failed", "completed", "skipped"]
    assert sorted(str(data(e)["status"]) for e in of(events, "step_end")) == ["completed", "failed"]
    assert events[-1].event_type == "error"


def test_stopping_a_wave_ends_its_commands_and_its_steps(tmp_path: Path) -> None:
    command = Reply("", (call("bash", command="echo begun; sleep 60; touch made"),))
    model = ScriptedModel([plan(("a", "A"), ("b", "B")), command, command])
    with opened(tmp_path, model) as session:
        events = []
        turns = 0
        for event in session.stream("go"):
            events.append(event)
            turns += event.event_type == "step_progress"
            if turns == 2:
                turns = 0
                session.cancel()
        assert not session.active_tools()
        assert statuses(of(events, "task_updated")[-1]) == ["cancelled", "cancelled"]
        assert events[-1].event_type == "cancelled" and not (tmp_path / "made").exists()
        model.replies = [plan(), "fine"]
        assert session.send("next").text == "fine"


def test_a_step_for_another_agent_is_a_task(tmp_path: Path) -> None:
    steps = {"steps": [{"id": "a", "description": "Look around", "tool": "task"}]}
    model = ScriptedModel([plan(execution_plan=steps), "all is there"])
    with opened(tmp_path, model) as session:
        events = list(session.stream("go"))
        assert "all is there" in said(session)
    types = [event.event_type for event in events]
    assert (
        types.index("step_start")
        < types.index("subagent_start")
        < types.index("subagent_end")
        < types.index("step_end")
    )
    assert events[-1].text == "all is there"
    assert "Look around" in model.requests[1].messages[0].text and len(model.requests[1].messages) == 1  # type: ignore[union-attr]


def test_a_task_that_the_policy_denies_fails_its_step(tmp_path: Path) -> None:
    steps = {"steps": [{"id": "a", "description": "Look around", "tool": "task"}]}
    policy = a3s.PermissionPolicy(deny=["task"], default_decision="allow")
    with opened(tmp_path, ScriptedModel([plan(execution_plan=steps)]), permission_policy=policy) as session:
        events = list(session.stream("go"))
    assert statuses(of(events, "task_updated")[-1]) == ["failed"] and "blocked by permission policy" in (
        events[-1].error or ""
    )


# ---------------------------------------------------------------- goals, hooks, leave


def test_goals_are_told_with_how_near_they_are(tmp_path: Path) -> None:
    model = ScriptedModel([plan(("a", "A"), ("b", "B", ["a"])), "one", "two"])
    with opened(tmp_path, model, goal_tracking=True) as session:
        events = list(session.stream("go"))
    types = [event.event_type for event in events]
    assert types.index("planning_start") < types.index("goal_extracted") < types.index("planning_end")
    goal = data(of(events, "goal_extracted")[0])["goal"]
    assert goal == {"description": "the goal", "success_criteria": ["it works"], "progress": 0.0, "achieved": False}
    assert [data(event)["progress"] for event in of(events, "goal_progress")] == [0.5, 1.0]
    assert data(of(events, "goal_achieved")[0])["total_steps"] == 2 and types[-2:] == ["goal_achieved", "end"]


def test_a_goal_is_not_reached_by_a_run_that_fails(tmp_path: Path) -> None:
    model = ScriptedModel([plan(("a", "A")), a3s_model_error()])
    with opened(tmp_path, model, goal_tracking=True, circuit_breaker_threshold=1) as session:
        types = [event.event_type for event in session.stream("go")]
    assert "goal_extracted" in types and "goal_achieved" not in types


def test_hooks_see_change_and_stop_planning(tmp_path: Path) -> None:
    model = ScriptedModel([plan(("a", "A")), "done"])
    told: list[Any] = []
    with opened(tmp_path, model) as session:
        session.register_hook("before", "pre_planning", lambda e: {"action": "continue", "modified": "another task"})
        session.register_hook("after", "post_planning", lambda e: told.append(e["payload"]))
        session.send("go")
        assert model.requests[0].messages[-1].text == "another task"  # type: ignore[union-attr]
        assert told[0]["subtasks"] == ["A"] and told[0]["success"] is True
        session.register_hook("stop", "pre_planning", lambda e: {"action": "block", "reason": "not today"})
        with pytest.raises(a3s.A3SError, match="Planning blocked by hook: not today"):
            session.send("go")
    assert len(model.requests) == 2


def approved_by(
    tmp_path: Path, model: ScriptedModel, *, approve: bool, note: str | None = None
) -> list[a3s.AgentEvent]:
    confirmation = a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=20_000)
    events = []
    with opened(tmp_path, model, plan_approval=True, confirmation_policy=confirmation) as session:
        for event in session.stream("go"):
            events.append(event)
            if event.event_type == "confirmation_required":
                session.confirm_tool_use(str(event.tool_id), approve, note)
    return events


def test_a_plan_waits_for_leave(tmp_path: Path) -> None:
    events = approved_by(tmp_path, ScriptedModel([plan(("a", "A")), "did A"]), approve=True)
    [asked] = of(events, "confirmation_required")
    assert asked.tool_name == "plan" and "1. A" in str(data(asked)["detail"])
    types = [event.event_type for event in events]
    assert types.index("planning_end") < types.index("confirmation_required") < types.index("step_start")
    assert events[-1].text == "did A"


def test_a_plan_without_leave_is_not_carried_out(tmp_path: Path) -> None:
    model = ScriptedModel([plan(("a", "A"))])
    events = approved_by(tmp_path, model, approve=False, note="too much")
    assert events[-1].event_type == "cancelled" and events[-1].error == "The plan was not approved: too much."
    assert statuses(of(events, "task_updated")[-1]) == ["cancelled"] and not of(events, "step_end")
    assert len(model.requests) == 1


def test_a_run_that_is_stopped_while_its_plan_waits_for_leave_asks_no_more(tmp_path: Path) -> None:
    confirmation = a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=20_000)
    model = ScriptedModel([plan(("a", "A"))])
    with opened(tmp_path, model, plan_approval=True, confirmation_policy=confirmation) as session:
        events = []
        for event in session.stream("go"):
            events.append(event)
            if event.event_type == "confirmation_required":
                session.cancel()
        assert session.pending_confirmations() == []
    assert [data(event)["approved"] for event in of(events, "confirmation_received")] == [False]
    assert events[-1].event_type == "cancelled" and statuses(of(events, "task_updated")[-1]) == ["cancelled"]


def test_a_list_in_the_answer_is_the_plan(tmp_path: Path) -> None:
    model = ScriptedModel([plan(("a", "A"), ("b", "B", ["a"])), "did B", "did C"])
    events = approved_by(tmp_path, model, approve=True, note="1. B\n2. C")
    assert [data(event)["description"] for event in of(events, "step_start")] == ["B", "C"]
    assert events[-1].text == "did C"


def test_a_remark_in_the_answer_is_told_to_the_model(tmp_path: Path) -> None:
    model = ScriptedModel([plan(("a", "A")), "did A"])
    approved_by(tmp_path, model, approve=True, note="without the tests")
    assert any("without the tests" in message.text for message in model.requests[1].messages)  # type: ignore[union-attr]


def test_without_anybody_who_could_approve_it_no_plan_is_carried_out(tmp_path: Path) -> None:
    session = opened(tmp_path, ScriptedModel([plan(("a", "A"))]), plan_approval=True)
    with session, pytest.raises(a3s.A3SError, match="nobody who could be asked"):
        session.send("go")


# ---------------------------------------------------------------- the model changes its plan


def test_the_model_changes_what_is_left_of_its_plan(tmp_path: Path) -> None:
    rows = [{"content": "C"}, {"id": "c", "content": "", "status": "skipped"}]
    change = Reply("", (call("update_plan", steps=rows),))
    model = ScriptedModel([plan(("a", "A"), ("b", "B", ["a"]), ("c", "X", ["b"])), change, "did A", "did C"])
    policy = a3s.PermissionPolicy(allow=["read"])
    with opened(tmp_path, model, permission_policy=policy) as session:
        events = list(session.stream("go"))
    assert [data(event)["description"] for event in of(events, "step_start")] == ["A", "C"]
    assert statuses(of(events, "task_updated")[-1]) == ["completed", "completed", "skipped"]
    assert events[-1].text == "did C"


def test_a_change_that_is_no_plan_changes_nothing(tmp_path: Path) -> None:
    change = Reply("", (call("update_plan", steps=[{"content": " "}]),))
    model = ScriptedModel([plan(("a", "A"), ("b", "B", ["a"])), change, "did A", "did B"])
    with opened(tmp_path, model) as session:
        events = list(session.stream("go"))
    [ended] = of(events, "tool_end")
    assert ended.exit_code == 1 and "The plan stays as it is" in (ended.tool_output or "")
    assert events[-1].text == "did B"


def test_update_plan_is_offered_while_a_plan_is_carried_out_and_else_not(tmp_path: Path) -> None:
    model = ScriptedModel([plan(("a", "A")), "did A", plan(), "hello"])
    with opened(tmp_path, model) as session:
        session.send("go")
        session.send("hi")
        assert "update_plan" not in session.tool_names()
    offered = [{tool.name for tool in request.tools} for request in (model.requests[1], model.requests[3])]
    assert ["update_plan" in names for names in offered] == [True, False]


def test_a_child_of_a_step_does_not_change_the_plan_of_its_parent(tmp_path: Path) -> None:
    give = Reply("", (call("task", agent="general", description="d", prompt="p"),))
    model = ScriptedModel([plan(("a", "A")), give, "child done", "did A"])
    with opened(tmp_path, model) as session:
        session.send("go")
    offered = [{tool.name for tool in request.tools} for request in model.requests[1:3]]
    assert "update_plan" in offered[0] and "update_plan" not in offered[1]


# ---------------------------------------------------------------- many


async def test_many_planned_runs_at_once_keep_apart(tmp_path: Path) -> None:
    async def one(number: int) -> str:
        model = ScriptedModel([plan(("a", "A"), ("b", "B")), f"x{number}", f"y{number}"])
        agent = a3s.AsyncAgent.with_model(model)
        async with await agent.session(str(tmp_path), planning_mode="enabled") as session:
            return (await session.send("go")).text

    texts = await asyncio.gather(*map(one, range(20)))
    assert all(f"x{number}" in text and f"y{number}" in text for number, text in enumerate(texts))
