"""Tasks for child agents, through the face that programs use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.messages import AssistantMessage, ToolCall
from a3s_lsp.engine.ports import ModelRequest
from a3s_lsp.testing import Pause, Reply, ScriptedModel, call

FREE = a3s.PermissionPolicy(default_decision="allow")


def opened(tmp_path: Path, *replies: object, **options: object) -> a3s.Session:
    options.setdefault("permission_policy", FREE)
    return a3s.Agent.with_model(ScriptedModel(list(replies))).session(str(tmp_path), **options)  # type: ignore[arg-type]


def asked(agent: str = "general", prompt: str = "do it", **more: object) -> dict[str, object]:
    return {"agent": agent, "description": "d", "prompt": prompt, **more}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    yield home


def test_a_child_sees_its_prompt_alone_and_reports(tmp_path: Path) -> None:
    model = ScriptedModel(["hello", Reply("", (call("ls"),)), "all is there"])
    with a3s.Agent.with_model(model).session(str(tmp_path), permission_policy=FREE) as session:
        session.send("a secret of the parent")
        result = session.task(asked("explore", "look around"))
        assert (result.name, result.exit_code) == ("task", 0)
        assert "all is there" in result.output and "Agent: explore" in result.output
        assert "a secret of the parent" not in str(model.requests[-1].messages)
        assert "You explore" in model.requests[-1].system
        assert [run["prompt"] for run in session.runs()] == ["a secret of the parent"]
        assert [message["role"] for message in session.history()] == ["user", "assistant"]


def test_a_child_is_offered_what_it_may_use_and_gives_no_tasks(tmp_path: Path) -> None:
    model = ScriptedModel(["found"])
    with a3s.Agent.with_model(model).session(str(tmp_path), permission_policy=FREE) as session:
        session.task(asked("explore"))
    offered = {tool.name for tool in model.requests[-1].tools}
    assert {"read", "ls", "glob", "grep"} == offered


def test_the_whole_output_of_a_task_can_be_fetched(tmp_path: Path) -> None:
    long = "x" * 3000 + "y" * 3000
    with opened(tmp_path, long) as session:
        result = session.task(asked())
        metadata = result.metadata or {}
        assert metadata["truncated_for_context"] is True and len(result.output) < 4500
        artifact = session.get_artifact(str(metadata["artifact_uri"]))
        assert artifact is not None and artifact["content"] == long


def test_the_denial_of_the_parent_wins(tmp_path: Path) -> None:
    policy = a3s.PermissionPolicy(deny=["bash"], default_decision="allow")
    replies = [Reply("", (call("task", agent="general", description="d", prompt="p"),))]
    replies += [Reply("", (call("bash", command="touch made"),)), "child done", "done"]  # type: ignore[list-item]
    with opened(tmp_path, *replies, permission_policy=policy) as session:
        session.send("go")
        session.task(asked())
    assert not (tmp_path / "made").exists()


def test_what_the_parent_would_be_asked_about_is_asked_about_for_a_child_by_its_name(tmp_path: Path) -> None:
    policy = a3s.PermissionPolicy(allow=["task"], ask=["bash"], default_decision="allow")
    give = Reply("", (call("task", agent="general", description="d", prompt="p"),))
    run = Reply("", (call("bash", command="touch made"),))
    confirmation = a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=20_000)
    options = {"permission_policy": policy, "confirmation_policy": confirmation}
    with opened(tmp_path, give, run, "child done", "done", **options) as session:
        seen = []
        for event in session.stream("go"):
            seen.append(event.event_type)
            if event.event_type == "confirmation_required":
                assert event.data is not None and '"agent": "general"' in event.data
                [question] = session.pending_confirmations()
                session.confirm_tool_use(str(question["tool_id"]), True)
        assert (tmp_path / "made").exists()
        assert seen.index("subagent_start") < seen.index("confirmation_required") < seen.index("subagent_end")
        assert seen.count("tool_end") == 1 and seen[-1] == "end"


def test_tasks_work_beside_each_other_and_fail_alone(tmp_path: Path) -> None:
    first, second = Pause(), Pause()

    def let_go() -> None:  # neither is let go before both are under way
        assert first.wait() and second.wait()
        first.release()
        second.release()

    with opened(tmp_path, Reply("one", pause=first), Reply("two", pause=second), max_parallel_tasks=2) as session:
        opener = threading.Thread(target=let_go)
        opener.start()
        result = session.tasks([asked("explore", "a"), asked("explore", "b"), asked("nobody", "c")])
        opener.join(5)
    assert result.exit_code == 1
    results = (result.metadata or {})["results"]
    assert isinstance(results, list) and [row["success"] for row in results] == [True, True, False]
    assert {row["output"] for row in results[:2]} == {"one", "two"}
    assert "[ERR]" in result.output and "Unknown agent type: 'nobody'" in result.output


def test_calls_of_children_that_work_at_once_have_ids_of_their_own(tmp_path: Path) -> None:
    first, second = Pause(), Pause()

    def let_go() -> None:  # both have announced their calls before either turn ends
        assert first.wait() and second.wait()
        first.release()
        second.release()

    look = ToolCall("same", "ls", "{}")
    replies = (Reply("", (look,), pause=first), Reply("", (look,), pause=second), "one", "two")
    with opened(tmp_path, *replies) as session:
        opener = threading.Thread(target=let_go)
        opener.start()
        session.tasks([asked("explore", "a"), asked("explore", "b")])
        opener.join(5)
        state = session._session.engine.state
        calls = [m.tool_calls for run in state.runs.values() for m in run.own or () if isinstance(m, AssistantMessage)]
        ids = [each.id for turn in calls for each in turn]
    assert len(ids) == 2 and len(set(ids)) == 2


def test_cancel_stops_the_children(tmp_path: Path) -> None:
    give = Reply("", (call("task", agent="general", description="d", prompt="p"),))
    run = Reply("", (call("bash", command="echo begun; sleep 60; touch made"),))
    with opened(tmp_path, give, run, "child done", "done") as session:
        stop = threading.Thread(target=session.cancel)
        types = []
        for event in session.stream("go"):
            types.append(event.event_type)
            if event.event_type == "subagent_progress":
                stop.start()
        stop.join(5)
        assert types[-1] == "cancelled" and types.count("subagent_end") == 1
        assert [task["status"] for task in session.subagent_tasks()] == ["cancelled"]


def test_a_background_task_is_listed_awaited_and_stopped(tmp_path: Path) -> None:
    pause = Pause()
    with opened(tmp_path, Reply("slow", pause=pause), Reply("", (call("bash", command="sleep 60"),))) as session:
        started = session.task(asked(background=True))
        assert started.exit_code == 0 and "started in background" in started.output
        assert pause.wait()
        [task] = session.subagent_tasks()
        assert task["status"] == "running"
        pause.release()
        assert session.wait_subagent_task(str(task["task_id"]))["output"] == "slow"
        session.task(asked(background=True))
        second = str(session.subagent_tasks()[-1]["task_id"])
        assert session.cancel_subagent_task(second) is True
        assert session.wait_subagent_task(second)["status"] == "cancelled"
        assert session.cancel_subagent_task(second) is False
        with pytest.raises(RuntimeError, match="There is no task nothing"):
            session.wait_subagent_task("nothing")


def test_hooks_and_the_budget_reach_children(tmp_path: Path) -> None:
    tools: list[object] = []

    def note(event: dict[str, object]) -> None:
        payload = event["payload"]
        assert isinstance(payload, dict)
        tools.append(payload["tool"])

    with opened(tmp_path, Reply("", (call("ls"),)), "seen", budget=a3s.Budget(max_tokens=10**6)) as session:
        session.register_hook("h", "pre_tool_use", handler=note)
        session.task(asked("explore"))
    assert tools == ["ls"]


def test_more_turns_than_the_agent_has_end_it(tmp_path: Path) -> None:
    def again(request: ModelRequest) -> Reply:
        return Reply("", (call("ls", path=f"{len(request.messages)}"),))

    with opened(tmp_path, *[again] * 5) as session:
        result = session.task(asked(max_steps=2))
    assert result.exit_code == 1 and "Max tool rounds (2) exceeded" in result.output


def test_what_a_child_changes_is_under_review_and_can_be_taken_back(tmp_path: Path) -> None:
    with opened(tmp_path, Reply("", (call("write", file_path="made.txt", content="text\n"),)), "done") as session:
        session.task(asked())
        assert (tmp_path / "made.txt").read_text() == "text\n"
        assert [hunk.path for hunk in session.review.hunks()] == [str(tmp_path / "made.txt")]
        session.review.undo()
    assert not (tmp_path / "made.txt").exists()


def test_tasks_outlive_the_session(tmp_path: Path) -> None:
    store = a3s.FileSessionStore(str(tmp_path / "store"))
    with opened(tmp_path, "found", session_store=store, session_id="s") as session:
        session.task(asked("explore"))
        before = session.subagent_tasks()
    options = a3s.SessionOptions()
    options.session_store = store
    with a3s.Agent.with_model(ScriptedModel([])).resume_session("s", options) as resumed:
        assert resumed.subagent_tasks() == before and resumed.runs() == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, ValueError),
        ({"agent": "explore", "description": "d"}, ValueError),
        ({"agent": 5, "description": "d", "prompt": "p"}, ValueError),
        ({"agent": "nobody", "description": "d", "prompt": "p"}, RuntimeError),
        ({"agent": "explore", "description": "d", "prompt": "p", "speed": 9}, RuntimeError),
        ({"agent": "explore", "description": "d", "prompt": "p", "max_steps": 0}, RuntimeError),
        ("explore", TypeError),
    ],
)
def test_a_task_that_cannot_be_given_says_why(tmp_path: Path, options: object, error: type[Exception]) -> None:
    with opened(tmp_path) as session, pytest.raises(error):
        session.task(options)  # type: ignore[arg-type]  # on purpose


# ---------------------------------------------------------------- who they are


def test_agents_come_from_files_of_the_project_the_person_and_the_program(home: Path, tmp_path: Path) -> None:
    for place, name in (
        (home / ".claude/agents", "mine"),
        (tmp_path / ".a3s/agents", "ours"),
        (tmp_path / "more", "given"),
    ):
        place.mkdir(parents=True)
        (place / f"{name}.md").write_text(
            f"---\nname: {name}\ndescription: Fix: everything\ntools: Read, Bash(git log*)\n---\nPROMPT-OF-{name}\n"
        )
    (tmp_path / "more" / "y.yaml").write_text(
        "name: yam\ndescription: y\nprompt: YAM\nmax_steps: 3\n"
        "permissions:\n  allow: [{rule: 'read*'}]\n  deny: [bash]\n"
    )
    (tmp_path / "more" / "bad.md").write_text("no head")
    (tmp_path / "more" / "worse.yaml").write_text("name: x\n\t- [unclosed\n")
    model = ScriptedModel(["a", "b", "c", "d"])
    options = a3s.SessionOptions()
    options.agent_dirs, options.permission_policy = [str(tmp_path / "more")], FREE
    with a3s.Agent.with_model(model).session(str(tmp_path), options) as session:
        for name in ("mine", "ours", "given"):
            assert session.task(asked(name)).exit_code == 0
            assert f"PROMPT-OF-{name}" in model.requests[-1].system
            assert {tool.name for tool in model.requests[-1].tools} == {"read", "bash"}
        assert session.task(asked("yam")).exit_code == 0
        problems = "\n".join(session.agent_problems())
    assert "bad.md is no agent: it has no head" in problems and "worse.yaml is no agent: line" in problems


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("kind", "bogus", ValueError),
        ("name", "", ValueError),
        ("confirmation_inheritance", "bogus", ValueError),
        ("confirmation_inheritance", "Auto_Approve", ValueError),
        ("max_steps", -1, OverflowError),
        ("permissions", "all", TypeError),
    ],
)
def test_a_worker_that_cannot_be_is_refused(tmp_path: Path, name: str, value: object, error: type[Exception]) -> None:
    spec = a3s.WorkerAgentSpec.custom("w", "d")
    setattr(spec, name, value)
    with opened(tmp_path) as session, pytest.raises(error):
        session.register_worker_agent(spec)
    options = a3s.SessionOptions()
    options.add_worker_agent(spec)
    with pytest.raises(error):
        a3s.Agent.with_model(ScriptedModel([])).session(str(tmp_path), options)


def test_automatic_delegation_that_is_not_there_yet_is_said(tmp_path: Path) -> None:
    with opened(tmp_path, auto_delegation=a3s.AutoDelegationConfig(enabled=True)) as session:
        assert "not handed to child agents by themselves yet" in (session.init_warning or "")
    with opened(tmp_path, auto_delegation=a3s.AutoDelegationConfig()) as session:
        assert session.init_warning is None


def test_a_session_can_be_an_agent(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("bash", command="touch made"),)), "done"])
    agent = a3s.Agent.with_model(model)
    with agent.session_for_agent(str(tmp_path), "explore") as session:
        session.send("go")
    assert "You explore" in model.requests[-1].system and not (tmp_path / "made").exists()
    with agent.session_for_worker(str(tmp_path), a3s.WorkerAgentSpec.verifier("v", "d")) as session:
        assert session.read_file("nothing").exit_code == 1
    with pytest.raises(RuntimeError, match="agent 'nope' not found"):
        agent.session_for_agent(str(tmp_path), "nope")
