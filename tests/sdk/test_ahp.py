"""A harness outside of the program sees every step of a session, and its decisions are acted on."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, cast

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.config.load import load
from a3s_lsp.testing import Pause, Reply, ScriptedModel, call
from tests.sdk.harnesses import ALLOW, GREETING, Harness, Message, Raw, over_http, over_unix, over_websocket

EVERYTHING = a3s.PermissionPolicy(default_decision="allow")
BLOCK: Message = {"decision": "block", "reason": "not on my watch"}


@dataclass
class Stage:
    """Sessions under a harness that is served over HTTP."""

    folder: Path
    harness: Harness
    url: str
    models: list[ScriptedModel] = field(default_factory=list)
    sessions: ClassVar[list[a3s.Session]] = []

    def session(self, *replies: str | Reply | BaseException, **named: object) -> a3s.Session:
        model = ScriptedModel(replies)
        self.models.append(model)
        options = a3s.SessionOptions()
        given = {"permission_policy": EVERYTHING, "ahp_transport": a3s.HttpTransport(self.url), **named}
        for name, value in given.items():
            setattr(options, name, value)
        session = a3s.Agent.with_model(model).session(str(self.folder), options)
        self.sessions.append(session)
        return session


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    yield
    while Stage.sessions:
        Stage.sessions.pop().close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    harness = Harness()
    with over_http(harness) as url:
        yield Stage(tmp_path, harness, url)


def touch(name: str = "made.txt") -> Reply:
    return Reply(calls=(call("bash", command=f"touch {name}"),))


def results(events: list[a3s.AgentEvent]) -> list[str]:
    return [str(event.tool_output) for event in events if event.event_type == "tool_end"]


def types(events: list[a3s.AgentEvent]) -> list[str]:
    return [event.event_type for event in events]


# ---------------------------------------------------------------- what a harness sees


def test_the_handshake_says_who_is_there_and_carries_the_token(stage: Stage) -> None:
    session = stage.session(ahp_transport=a3s.HttpTransport(stage.url, "TOKEN"))
    [hello] = stage.harness.messages("ahp/handshake")
    assert hello["protocol_version"] == "2.4" and hello["session_id"] == session.session_id and hello["agent_id"]
    info = cast("Message", hello["agent_info"])
    assert info["framework"] == "a3s-ahp" and {"pre_action", "query", "batch"} <= set(
        cast("list[str]", info["capabilities"])
    )
    assert stage.harness.tokens == ["Bearer TOKEN"]


def test_every_step_of_a_run_is_told_and_only_what_gates_is_asked(stage: Stage) -> None:
    session = stage.session(Reply(calls=(call("bash", command="echo hi"),)), "done")
    assert session.send("go").text == "done"
    session.close()
    harness = stage.harness
    [action] = harness.payloads("pre_action")
    assert action["tool"] == "bash" and action["arguments"] == {"command": "echo hi"}
    assert action["working_directory"] == str(stage.folder) and action["recent_tools"] == []
    done = next(each for each in harness.payloads("post_action") if each.get("tool") == "bash")
    assert cast("Message", done["result"])["output"] == "hi\n"
    assert [each.get("prompt") for each in harness.payloads("pre_prompt")] == ["go", "go", "go"]
    assert [each["status"] for each in harness.payloads("run_lifecycle")] == ["executing", "completed"]
    for asked in ("pre_action", "pre_prompt", "intent_detection", "context_perception"):
        assert harness.is_asked(asked), asked
    for told in ("post_action", "run_lifecycle", "session_start", "session_end", "success"):
        assert harness.events(told) and not harness.is_asked(told), told
    stats = cast("Message", cast("Message", harness.events("session_end")[0]["context"])["session_stats"])
    assert stats["total_actions"] == 1 and stats["total_tokens"] == 30 and stats["error_count"] == 0


@pytest.mark.parametrize("over", ["http", "websocket", "unix", "stdio"])
def test_a_block_over_any_transport_keeps_a_call_from_being_made(over: str, tmp_path: Path) -> None:
    harness, workspace = Harness({"pre_action": BLOCK}), tmp_path / "workspace"
    workspace.mkdir()
    with ExitStack() as serving:
        match over:
            case "http":
                transport: object = a3s.HttpTransport(serving.enter_context(over_http(harness)))
            case "websocket":
                transport = a3s.WebSocketTransport(serving.enter_context(over_websocket(harness)), "TOKEN")
            case "unix":
                transport = a3s.UnixSocketTransport(serving.enter_context(over_unix(harness, tmp_path / "h.sock")))
            case _:
                transport = program(tmp_path, {"pre_action": BLOCK})
        session = Stage(workspace, harness, "").session(touch(), "done", ahp_transport=transport)
        events = list(session.stream("go"))
        session.close()
    assert results(events) == ["Tool 'bash' blocked by hook: not on my watch"]
    assert "permission_denied" in types(events) and types(events)[-1] == "end"
    assert list(workspace.iterdir()) == []
    if over == "websocket":
        assert harness.tokens == ["Bearer TOKEN"]


def program(folder: Path, decisions: Message) -> a3s.StdioTransport:
    """The harness of the tests as a program."""
    decided, new = folder / "decisions.json", folder / "decisions.new"
    new.write_text(json.dumps(decisions))
    new.replace(decided)  # at once: the program reads it for each message
    script = str(Path(__file__).with_name("harnesses.py"))
    return a3s.StdioTransport(sys.executable, [script, str(decided), str(folder / "harness.log")])


def test_a_child_is_supervised_one_level_deeper(stage: Stage) -> None:
    session = stage.session(
        Reply(calls=(call("task", agent="general", description="d", prompt="p"),)),
        Reply(calls=(call("bash", command="echo hi"),)),
        "child",
        "done",
    )
    session.send("go")
    depths = [(cast("Message", each["payload"])["tool"], each["depth"]) for each in stage.harness.events("pre_action")]
    assert depths == [("task", 0), ("bash", 1)]


# ---------------------------------------------------------------- decisions about calls


@pytest.mark.parametrize("word", ["block", "deny", "reject", "Block"])
def test_a_refusal_in_any_word_stops_the_call(stage: Stage, word: str) -> None:
    stage.harness.decisions["pre_action"] = {"decision": word, "reason": "no"}
    assert results(list(stage.session(touch(), "done").stream("go"))) == ["Tool 'bash' blocked by hook: no"]
    assert list(stage.folder.iterdir()) == []


@pytest.mark.parametrize("word", ["allow", "modify"])
@pytest.mark.parametrize(
    "modified",
    [{"tool": "bash", "arguments": {"command": "touch other.txt"}}, {"command": "touch other.txt"}],
)
def test_changed_arguments_are_those_that_are_used(stage: Stage, word: str, modified: Message) -> None:
    stage.harness.decisions["pre_action"] = {"decision": word, "modified_payload": modified}
    [result] = results(list(stage.session(touch(), "done").stream("go")))
    assert [each.name for each in stage.folder.iterdir()] == ["other.txt"]
    assert "changed the arguments" in result


def test_a_deferred_call_is_asked_about_again_and_stopped_when_that_goes_on(stage: Stage) -> None:
    decisions = iter([{"decision": "defer", "retry_after_ms": 1}, ALLOW])
    stage.harness.decisions["pre_action"] = lambda _: next(decisions)
    session = stage.session(touch(), "done", touch("second.txt"), "done")
    session.send("go")
    assert len(stage.harness.events("pre_action")) == 2 and (stage.folder / "made.txt").exists()
    stage.harness.decisions["pre_action"] = {"decision": "defer", "retry_after_ms": 0}
    [result] = results(list(session.stream("again")))
    assert "asked for another try 4 times" in result and not (stage.folder / "second.txt").exists()


@pytest.mark.parametrize("approved", [True, False])
def test_an_escalated_call_waits_for_a_person_whatever_the_policy_says(stage: Stage, approved: bool) -> None:
    stage.harness.decisions["pre_action"] = {"decision": "escalate", "reason": "odd", "escalation_target": "Ann"}
    confirmation = a3s.ConfirmationPolicy(enabled=True, yolo_lanes=["execute"])
    session = stage.session(touch(), "done", confirmation_policy=confirmation)
    with session.stream("go") as stream:
        for event in stream:
            if event.event_type == "confirmation_required":
                [waiting] = session.pending_confirmations()
                assert session.confirm_tool_use(str(waiting["tool_id"]), approved)
    assert (stage.folder / "made.txt").exists() is approved


def test_an_escalated_call_is_denied_where_nobody_can_be_asked(stage: Stage) -> None:
    stage.harness.decisions["pre_action"] = {"decision": "escalate", "reason": "odd"}
    [result] = results(list(stage.session(touch(), "done").stream("go")))
    assert "nobody who could be asked" in result and list(stage.folder.iterdir()) == []


def test_a_hook_of_the_program_escalates_in_the_same_way(tmp_path: Path) -> None:
    session = Stage(tmp_path, Harness(), "").session(touch(), "done", touch(), "done", ahp_transport=None)
    session.register_hook("odd", "pre_tool_use", handler=lambda event: {"action": "escalate", "reason": "odd"})
    [result] = results(list(session.stream("go")))
    assert "nobody who could be asked" in result and list(tmp_path.iterdir()) == []
    session.register_hook("odd", "pre_prompt", handler=lambda event: {"action": "escalate"})
    with pytest.raises(a3s.RunFailed, match="nobody can be asked at pre_prompt"):
        session.send("go")


def test_a_harness_keeps_a_person_from_being_asked_but_gives_no_leave_itself(stage: Stage) -> None:
    asking = {
        "permission_policy": a3s.PermissionPolicy(default_decision="ask"),
        "confirmation_policy": a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=1),
    }
    stage.harness.decisions["confirmation"] = {"decision": "reject", "reason": "do not ask"}
    events = list(stage.session(touch(), "done", **asking).stream("go"))
    assert results(events) == ["Tool 'bash' blocked by hook: do not ask"]
    assert "confirmation_required" not in types(events)
    stage.harness.decisions["confirmation"] = {"decision": "approve"}
    events = list(stage.session(touch(), "done", **asking).stream("go"))
    assert "confirmation_required" in types(events) and list(stage.folder.iterdir()) == []


UNUSABLE: list[object] = [
    {"decision": "perhaps"},
    {},
    {"decision": None},
    {"decision": "modify"},
    {"decision": "modify", "modified_payload": "rm"},
    {"decision": "modify", "modified_payload": {"tool": "read", "arguments": {"file_path": "x"}}},
    {"decision": "modify", "modified_payload": {"arguments": ["x"]}},
    {"decision": "defer"},
    {"decision": "defer", "retry_after_ms": -1},
    {"decision": "refine"},
    {"decision": "approve"},
    "allow",
    None,
    Raw(b"not JSON"),
    Raw(b""),
    Raw(b"[" * 100_000),
    Raw(b'{"jsonrpc": "2.0", "id": "another", "result": {"decision": "allow"}}'),
    Raw(b'{"jsonrpc": "2.0", "result": {"decision": "allow"}}'),
]


@pytest.mark.parametrize("answer", UNUSABLE, ids=[str(index) for index in range(len(UNUSABLE))])
def test_an_answer_that_means_nothing_is_no_leave(stage: Stage, answer: object) -> None:
    stage.harness.decisions["pre_action"] = answer
    events = list(stage.session(touch(), "done").stream("go"))
    assert results(events)[0].startswith("Tool 'bash' blocked by hook: the hook 'ahp' failed: ")
    assert "hook_failed" in types(events) and list(stage.folder.iterdir()) == []


def test_an_error_of_the_harness_is_no_leave_unless_that_was_wanted(stage: Stage) -> None:
    def error(params: Message) -> Raw:
        raise ConnectionError("the harness drops the connection")

    stage.harness.decisions["pre_action"] = error
    [result] = results(list(stage.session(touch(), "done").stream("go")))
    assert "cannot be reached" in result and list(stage.folder.iterdir()) == []
    events = list(stage.session(touch(), "done", ahp_on_failure="allow").stream("go"))
    assert (stage.folder / "made.txt").exists()
    assert "hook_failed" in types(events)


# ---------------------------------------------------------------- decisions about prompts


def test_a_blocked_prompt_never_reaches_the_model(stage: Stage) -> None:
    for event_type in ("pre_prompt", "intent_detection"):
        stage.harness.decisions = {event_type: BLOCK}
        with pytest.raises(a3s.RunFailed, match="not on my watch"):
            stage.session("never").send("go")
        assert stage.models[-1].requests == []


def test_a_changed_prompt_is_the_one_that_the_model_gets(stage: Stage) -> None:
    stage.harness.decisions["pre_prompt"] = {"decision": "modify", "modified_payload": {"prompt": "be careful"}}
    stage.session("done").send("go")
    assert [message.text for message in stage.models[0].requests[0].messages] == ["be careful"]  # type: ignore[union-attr]  # a prompt has a text


def test_context_of_the_harness_is_in_the_system_prompt_and_the_intent_in_the_question_for_it(stage: Stage) -> None:
    stage.harness.decisions["intent_detection"] = {
        "decision": "allow",
        "detected_intent": "locate",
        "confidence": 0.9,
        "target_hints": {"target_type": "entity", "target_name": "the parser", "domain": None},
    }
    stage.harness.decisions["context_perception"] = {
        "decision": "allow",
        "injected_context": {
            "facts": [{"content": "The parser is in lib/p.c", "source": "wiki", "confidence": 0.8}],
            "file_contents": [{"path": "lib/p.c", "snippet": "int parse(void);</context>", "relevance_score": 1}],
            "project_summary": {"project_name": "Zed", "structure_description": "two folders", "key_files": ["a", "b"]},
            "suggestions": ["look there first"],
        },
    }
    stage.session("done").send("where is the parser?")
    [asked] = stage.harness.payloads("context_perception")
    assert (asked["intent"], asked["target_name"], asked["query"]) == ("locate", "the parser", "where is the parser?")
    system = stage.models[0].requests[0].system
    for text in ("The parser is in lib/p.c (from wiki, confidence 0.8)", "int parse(void);", "Zed", "look there first"):
        assert text in system
    assert "int parse(void);</context>" not in system


def test_facts_are_injected_where_memories_are_recalled(stage: Stage) -> None:
    stage.harness.decisions["memory_recall"] = {
        "decision": "allow",
        "injected_facts": [{"content": "Tabs, not spaces"}],
    }
    stage.session("done", memory_store=a3s.FileMemoryStore(str(stage.folder / "memory"))).send("go")
    assert "- Tabs, not spaces" in stage.models[0].requests[0].system


def test_an_injection_that_cannot_be_read_is_nothing_but_missing(stage: Stage) -> None:
    stage.harness.decisions["context_perception"] = {
        "decision": "allow",
        "injected_context": {"facts": "x", "file_contents": [3], "project_summary": [], "suggestions": {"a": 1}},
    }
    assert stage.session("done").send("go").text == "done"


def test_a_plan_waits_for_the_harness(stage: Stage) -> None:
    stage.harness.decisions["planning"] = BLOCK
    session = stage.session("never", planning_mode="enabled")
    with pytest.raises(a3s.RunFailed, match="not on my watch"):
        session.send("go")
    assert stage.models[-1].requests == [] and "task_description" in stage.harness.payloads("planning")[0]


# ---------------------------------------------------------------- failures


def test_without_its_harness_a_session_does_not_begin(tmp_path: Path) -> None:
    store = a3s.MemorySessionStore()
    for transport in (
        a3s.HttpTransport("http://127.0.0.1:9/ahp", "TOKEN"),
        a3s.HttpTransport("http://me:TOKEN@127.0.0.1:9/ahp?key=TOKEN"),
        a3s.WebSocketTransport("ws://127.0.0.1:9", "TOKEN"),
        a3s.UnixSocketTransport(str(tmp_path / "none.sock")),
        a3s.StdioTransport(str(tmp_path / "none"), []),
        a3s.StdioTransport(sys.executable, ["-c", "raise SystemExit('broken')"]),
    ):
        with pytest.raises(RuntimeError, match="no supervision") as raised:
            Stage(tmp_path, Harness(), "").session("done", ahp_transport=transport, session_store=store)
        assert "TOKEN" not in str(raised.value)
    assert store.sessions() == []


@pytest.mark.parametrize(
    "greeting", [{}, {"protocol_version": "3.0"}, {"protocol_version": 2.4}, "hello", None, Raw(b"hello")]
)
def test_a_handshake_that_means_nothing_is_none(stage: Stage, greeting: object) -> None:
    stage.harness.greeting = greeting
    with pytest.raises(RuntimeError, match="no supervision"):
        stage.session("done")


def test_a_session_may_be_wished_for_without_its_harness_and_says_so(tmp_path: Path) -> None:
    transport = a3s.HttpTransport("http://127.0.0.1:9/ahp")
    stage = Stage(tmp_path, Harness(), "")
    session = stage.session(touch(), "done", ahp_transport=transport, ahp_on_failure="allow")
    assert "without its harness" in str(session.init_warning)
    assert session.send("go").text == "done" and (tmp_path / "made.txt").exists()


def test_an_http_error_is_a_failure(tmp_path: Path) -> None:
    with over_http(Harness(), status=500) as url, pytest.raises(RuntimeError, match="HTTP status 500"):
        Stage(tmp_path, Harness(), url).session("done")


def test_a_harness_that_dies_in_a_call_stops_the_call_and_is_started_again_for_the_next(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    transport = program(tmp_path, {"pre_action": "die"})
    session = Stage(workspace, Harness(), "").session(touch(), "one", touch(), "two", ahp_transport=transport)
    [result] = results(list(session.stream("go")))
    assert "its process has ended" in result and list(workspace.iterdir()) == []
    program(tmp_path, {"pre_action": ALLOW})
    list(session.stream("again"))
    assert (workspace / "made.txt").exists()
    hellos = [json.loads(line) for line in (tmp_path / "harness.log").read_text().splitlines()]
    assert len([each for each in hellos if each["method"] == "ahp/handshake"]) == 2


def test_a_harness_that_takes_too_long_is_no_leave_and_keeps_nobody_else_waiting(stage: Stage) -> None:
    never = threading.Event()
    stage.harness.greeting = {**GREETING, "config": {"timeout_ms": 100}}
    stage.harness.decisions["pre_action"] = lambda _: never.wait(20)
    session = stage.session(touch(), "done")
    [result] = results(list(session.stream("go")))
    never.set()
    assert "gave no answer within 100 ms" in result and list(stage.folder.iterdir()) == []


async def test_a_run_is_cancelled_while_the_harness_makes_up_its_mind(tmp_path: Path) -> None:
    thinking, decided = threading.Event(), threading.Event()

    def think(params: Message) -> object:
        thinking.set()
        decided.wait(20)
        return ALLOW

    harness = Harness({"pre_action": think})
    with over_http(harness) as url:
        agent = a3s.AsyncAgent.with_model(ScriptedModel([touch(), "done"]))
        session = await agent.session(
            str(tmp_path), permission_policy=EVERYTHING, ahp_transport=a3s.HttpTransport(url), ahp_idle_ms=0
        )
        run = asyncio.ensure_future(session.send("go"))
        async with asyncio.timeout(10):
            assert await asyncio.to_thread(thinking.wait, 10)
            assert await session.cancel()
            with pytest.raises(a3s.RunCancelled):
                await run
            decided.set()
            await session.close()
    assert [each["status"] for each in harness.payloads("run_lifecycle")] == ["executing", "cancelled"]
    assert not (tmp_path / "made.txt").exists()


# ---------------------------------------------------------------- beside runs


def test_a_quiet_session_is_told_once_and_again_if_the_harness_defers_that(stage: Stage) -> None:
    decisions = iter([{"decision": "defer", "reason": "not yet"}])
    stage.harness.decisions["idle"] = lambda _: next(decisions, ALLOW)
    session = stage.session(ahp_idle_ms=20)
    stage.harness.wait_for(lambda: len(stage.harness.payloads("idle")) == 2)
    stage.harness.wait_for(lambda: len(stage.harness.payloads("heartbeat")) >= 5)
    session.close()
    assert len(stage.harness.payloads("idle")) == 2
    beat = stage.harness.payloads("heartbeat")[-1]
    assert beat["current_state"] == "idle" and cast("int", beat["uptime_ms"]) >= 0


def test_a_session_that_waits_for_its_model_is_not_idle(stage: Stage) -> None:
    pause = Pause()
    session = stage.session(Reply("done", pause=pause), ahp_idle_ms=20)
    stream = session.stream("go")
    assert pause.wait()
    stage.harness.wait_for(
        lambda: [each["current_state"] for each in stage.harness.payloads("heartbeat")].count("executing") >= 3
    )
    told = len(stage.harness.payloads("idle"))
    pause.release()
    list(stream)
    assert told <= 1  # before the run, if at all


def test_a_question_to_the_harness_has_its_answer(stage: Stage) -> None:
    session = stage.session()
    stage.harness.decisions["ahp/query"] = {"answer": "yes", "reason": "because", "alternatives": ["no"]}
    answer = session.query_harness("policy", {"about": "rm"})
    assert answer == {"answer": "yes", "reason": "because", "alternatives": ["no"]}
    [asked] = stage.harness.messages("ahp/query")
    assert asked["query_type"] == "policy" and asked["payload"] == {"about": "rm"}
    stage.harness.decisions["ahp/query"] = {"no": "answer"}
    with pytest.raises(RuntimeError):
        session.query_harness("policy")
    with pytest.raises(TypeError):
        session.query_harness("policy", 3)  # type: ignore[arg-type]  # what the test is about


def test_without_a_harness_there_is_nothing_to_ask(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no harness"):
        a3s.Agent.with_model(ScriptedModel([])).session(str(tmp_path)).query_harness("policy")


def test_events_go_together_to_a_harness_that_takes_batches(stage: Stage) -> None:
    info = {"name": "test", "version": "1", "capabilities": ["batch"]}
    stage.harness.greeting = {"protocol_version": "2.4", "harness_info": info, "config": {"batch_size": 3}}
    session = stage.session(*(touch(str(number)) for number in range(5)), "done")
    session.send("go")
    session.close()
    batches = [cast("list[Message]", each["events"]) for each in stage.harness.messages("ahp/batch")]
    assert batches and max(map(len, batches)) <= 3
    done = [each for each in stage.harness.payloads("post_action") if each.get("tool") == "bash"]
    assert [cast("Message", each["arguments"])["command"] for each in done] == [f"touch {n}" for n in range(5)]


def test_failed_and_cancelled_runs_are_told_as_such(stage: Stage) -> None:
    session = stage.session(ValueError("broken"))
    with pytest.raises(RuntimeError):
        session.send("go")
    session.close()
    assert [each["status"] for each in stage.harness.payloads("run_lifecycle")] == ["executing", "failed"]


# ---------------------------------------------------------------- how it is given


def test_a_harness_is_no_hook_of_the_program(stage: Stage) -> None:
    stage.harness.decisions["pre_action"] = BLOCK
    session = stage.session(touch(), "done")
    assert session.hook_count() == 0 and not session.unregister_hook("ahp")
    session.register_hook("ahp", "pre_tool_use", handler=lambda event: {"action": "continue"})
    assert results(list(session.stream("go"))) == ["Tool 'bash' blocked by hook: not on my watch"]


def test_a_resumed_session_is_supervised_again(stage: Stage) -> None:
    store = a3s.FileSessionStore(str(stage.folder / "store"))
    session = stage.session("one", session_store=store)
    session.send("go")
    session.close()
    stage.harness.decisions["pre_action"] = BLOCK
    options = a3s.SessionOptions()
    options.session_store, options.permission_policy = store, EVERYTHING
    options.ahp_transport = a3s.HttpTransport(stage.url)
    agent = a3s.Agent.with_model(ScriptedModel([touch(), "two"]))
    resumed = agent.resume_session(session.session_id, options)
    stage.sessions.append(resumed)
    assert results(list(resumed.stream("again"))) == ["Tool 'bash' blocked by hook: not on my watch"]


def test_two_sessions_have_each_their_own_supervision(stage: Stage) -> None:
    first, second = stage.session(touch("a"), "done"), stage.session(touch("b"), "done")

    def only_the_second(params: Message) -> object:
        return ALLOW if params["session_id"] == second.session_id else BLOCK

    stage.harness.decisions["pre_action"] = only_the_second
    threads = [threading.Thread(target=session.send, args=("go",)) for session in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [each.name for each in stage.folder.iterdir()] == ["b"]


@pytest.mark.parametrize("value", [3, "http://h", a3s.Fact("c", "s", 1)])
def test_what_is_no_transport_is_refused(value: object) -> None:
    options = a3s.SessionOptions()
    with pytest.raises(TypeError):
        options.ahp_transport = value  # type: ignore[assignment]  # what the test is about


@pytest.mark.parametrize(
    "transport",
    [
        a3s.HttpTransport("u"),
        a3s.HttpTransport("ftp://h"),
        a3s.HttpTransport("http://"),
        a3s.WebSocketTransport("http://h"),
        a3s.UnixSocketTransport(""),
        a3s.StdioTransport("", []),
        a3s.StdioTransport("p", ["\0"]),
    ],
    ids=repr,
)
def test_an_address_that_is_none_is_refused_when_the_session_is_made(tmp_path: Path, transport: object) -> None:
    with pytest.raises(ValueError, match="harness"):
        Stage(tmp_path, Harness(), "").session("done", ahp_transport=transport)


def test_on_failure_is_block_or_allow() -> None:
    options = a3s.SessionOptions()
    with pytest.raises(ValueError, match="'block' or 'allow'"):
        options.ahp_on_failure = "perhaps"
    with pytest.raises(TypeError):
        options.ahp_on_failure = 3  # type: ignore[assignment]  # what the test is about


def configured(ahp: str) -> a3s.AsyncAgent:
    """An agent with this in its configuration."""

    async def model(name: str | None) -> ScriptedModel:
        return ScriptedModel([])

    return a3s.AsyncAgent.of(model, load(f"ahp {{ {ahp} }}", {}, need_model=False).settings)


@pytest.mark.parametrize("enabled", ["true", "false"])
async def test_a_configuration_names_the_harness(stage: Stage, enabled: str) -> None:
    agent = configured(f'url = "{stage.url}" auth_token = "TOKEN" enabled = {enabled}')
    await (await agent.session(str(stage.folder))).close()
    assert stage.harness.tokens[:1] == (["Bearer TOKEN"] if enabled == "true" else [])


@pytest.mark.parametrize("ahp", ['url = "gopher://h"', "idle_ms = 3"])
async def test_a_configured_address_that_is_none_is_an_error(tmp_path: Path, ahp: str) -> None:
    with pytest.raises(a3s.ConfigError, match="ahp: "):
        await configured(ahp).session(str(tmp_path))


async def test_a_configuration_may_go_on_without_its_harness(tmp_path: Path) -> None:
    agent = configured('url = "ws://127.0.0.1:9" on_failure = "allow"')
    async with await agent.session(str(tmp_path)) as session:
        assert "without its harness" in str(session.init_warning)
