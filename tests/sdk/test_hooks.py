"""Hooks see what a session does, and may change or stop it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import cast

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.hooks import EVENTS
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Chunk, ModelRequest, Waiting
from a3s_lsp.testing import Pause, Reply, ScriptedModel, call

ALLOW = a3s.PermissionPolicy(default_decision="allow")
REFERENCE_EVENTS = EVENTS[:22]
"""The events that a3s-code knows."""


def bash(command: str) -> Reply:
    return Reply(calls=(call("bash", command=command),))


def session_on(folder: Path, *replies: str | Reply | BaseException, **named: object) -> a3s.Session:
    options = a3s.SessionOptions()
    for name, value in {"permission_policy": ALLOW, **named}.items():
        setattr(options, name, value)
    return a3s.Agent.with_model(ScriptedModel(replies)).session(str(folder), options)


def model_of(session: a3s.Session) -> ScriptedModel:
    model = session._session.engine.setup.model
    assert isinstance(model, ScriptedModel)
    return model


class Heard:
    """A handler that keeps what it is called with, and answers always the same."""

    def __init__(self, answer: object = None) -> None:
        self.events: list[Json] = []
        self.answer = answer

    def __call__(self, event: Json) -> object:
        self.events.append(event)
        return self.answer

    @property
    def types(self) -> list[str]:
        return [str(event["event_type"]) for event in self.events]

    def payload(self, event_type: str) -> Json:
        payload = next(event["payload"] for event in self.events if event["event_type"] == event_type)
        assert isinstance(payload, dict)
        return payload


def tool_ends(events: list[a3s.AgentEvent]) -> list[tuple[str, int]]:
    return [(str(e.tool_output), int(e.exit_code or 0)) for e in events if e.event_type == "tool_end"]


def data_of(events: list[a3s.AgentEvent], event_type: str) -> list[str]:
    return [str(e.data) for e in events if e.event_type == event_type]


# ---------------------------------------------------------------- what is told


def test_every_step_of_a_run_is_told_in_order_before_send_returns(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("echo hi"), Reply("done", reasoning="hm"))
    heard = Heard()
    for event in REFERENCE_EVENTS:
        session.register_hook(event, event, handler=heard)
    session.send("go")
    told = [name for name in heard.types if "context" not in name and "memory" not in name]
    assert told == [
        "session_start",
        "pre_prompt",
        "generate_start",
        "generate_end",
        "pre_tool_use",
        "post_tool_use",
        "on_success",
        "generate_start",
        "pre_reasoning",
        "post_reasoning",
        "generate_end",
        "post_response",
        "on_success",
    ]
    session.close()
    assert heard.types[-1] == "session_end"


def test_payloads_have_the_fields_of_the_reference(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("echo hi"), bash("exit 3"), "done")
    heard = Heard()
    for event in REFERENCE_EVENTS:
        session.register_hook(event, event, handler=heard)
    session.send("go")
    session.close()
    assert all(cast("Json", event["payload"])["session_id"] == session.session_id for event in heard.events)
    assert set(heard.payload("pre_prompt")) == {"session_id", "prompt", "system_prompt", "message_count"}
    assert heard.payload("pre_prompt")["message_count"] == 0
    started = heard.payload("generate_start")
    assert (started["prompt"], started["model_provider"], started["model_name"]) == ("go", "scripted", "model")
    assert "bash" in cast("list[str]", started["available_tools"]) and started["system_prompt"]
    ended = heard.payload("generate_end")
    assert ended["tool_calls"] == [{"name": "bash", "args": {"command": "echo hi"}}]
    assert ended["usage"] == {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    assert ended["response_text"] == "" and isinstance(ended["duration_ms"], int)
    used = heard.payload("pre_tool_use")
    assert used == {
        "session_id": session.session_id,
        "tool": "bash",
        "args": {"command": "echo hi"},
        "working_directory": str(tmp_path),
        "recent_tools": [],
    }
    second = [cast("Json", e["payload"]) for e in heard.events if e["event_type"] == "pre_tool_use"][1]
    assert second["recent_tools"] == ['bash:{"command":"echo hi"} => ok']
    result = cast("Json", heard.payload("post_tool_use")["result"])
    assert {**result, "duration_ms": 0} == {"success": True, "output": "hi\n", "exit_code": 0, "duration_ms": 0}
    response = heard.payload("post_response")
    assert (response["response_text"], response["tool_calls_count"]) == ("done", 2)
    assert cast("Json", response["usage"])["total_tokens"] == 45
    failed = heard.payload("on_error")
    assert failed["error_type"] == "tool_failure" and cast("Json", failed["context"])["tool"] == "bash"
    closed = heard.payload("session_end")
    assert (closed["total_tokens"], closed["total_tool_calls"]) == (45, 2)


def test_a_model_that_fails_is_told(tmp_path: Path) -> None:
    session = session_on(tmp_path, a3s.ModelError("no line"), circuit_breaker_threshold=1)
    heard = Heard()
    session.register_hook("h", "on_error", handler=heard)
    with pytest.raises(a3s.RunFailed):
        session.send("go")
    assert heard.payload("on_error")["error_type"] == "llm_failure"
    assert "no line" in str(heard.payload("on_error")["error_message"])


def test_a_denied_call_is_told_as_denied(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("ls"), "done", permission_policy=a3s.PermissionPolicy(deny=["bash*"]))
    heard = Heard()
    session.register_hook("h", "on_error", handler=heard)
    session.send("go")
    assert heard.payload("on_error")["error_type"] == "permission_denied"


def test_a_provider_that_makes_us_wait_is_told(tmp_path: Path) -> None:
    class Busy(ScriptedModel):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
            yield Waiting("rate_limit", 1200, 1)
            async for chunk in super().stream(request):
                yield chunk

    session = a3s.Agent.with_model(Busy(["hello"])).session(str(tmp_path))
    heard = Heard()
    session.register_hook("h", "on_rate_limit", handler=heard)
    session.send("go")
    assert heard.payload("on_rate_limit")["retry_after_ms"] == 1200


def test_a_question_is_told_and_can_be_refused_before_it_is_put(tmp_path: Path) -> None:
    ask = {
        "permission_policy": a3s.PermissionPolicy(default_decision="ask"),
        "confirmation_policy": a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=50),
    }
    session = session_on(tmp_path, bash("touch made"), bash("touch made"), "done", **ask)
    heard = Heard()
    session.register_hook("told", "on_confirmation", handler=heard)
    list(session.stream("go"))
    assert "touch made" in str(heard.payload("on_confirmation")["message"])

    session = session_on(tmp_path, bash("touch made"), "done", **ask)
    session.register_hook("told", "on_confirmation", handler=(unasked := Heard()))
    session.register_hook("gate", "permission_request", handler=Heard({"action": "block", "reason": "not at night"}))
    events = list(session.stream("go"))
    assert not unasked.events and "confirmation_required" not in [event.event_type for event in events]
    assert tool_ends(events) == [("Tool 'bash' blocked by hook: not at night", 1)]


# ---------------------------------------------------------------- block


def test_a_blocked_call_is_not_run_and_the_model_is_told_why(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("touch made"), "fin")
    session.register_hook("h", "pre_tool_use", handler=lambda event: {"action": "block", "reason": "because"})
    events = list(session.stream("go"))
    assert not (tmp_path / "made").exists()
    assert tool_ends(events) == [("Tool 'bash' blocked by hook: because", 1)]
    assert '"reason": "because"' in data_of(events, "permission_denied")[0]
    assert events[-1].text == "fin"


@pytest.mark.parametrize(
    "answer", [{"action": "block"}, {"action": "BLOCK", "reason": ""}, {"action": "block", "reason": 5}]
)
def test_a_block_without_a_reason_has_one(tmp_path: Path, answer: object) -> None:
    session = session_on(tmp_path, bash("touch made"), "fin")
    session.register_hook("h", "pre_tool_use", handler=Heard(answer))
    assert tool_ends(list(session.stream("go"))) == [("Tool 'bash' blocked by hook: Blocked by hook", 1)]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("pre_prompt", "Prompt blocked by hook: no"),
        ("generate_start", "Generation blocked by hook: no"),
        ("generate_end", "Response blocked by hook: no"),
        ("post_response", "Response blocked by hook: no"),
    ],
)
def test_a_blocked_run_fails_and_says_so(tmp_path: Path, event: str, message: str) -> None:
    session = session_on(tmp_path, "secret", "second")
    session.register_hook("h", event, handler=Heard({"action": "block", "reason": "no"}))
    with pytest.raises(a3s.RunFailed, match=message):
        session.send("go")
    assert session.runs()[-1]["status"] == "failed"
    assert len(model_of(session).requests) == (0 if event in ("pre_prompt", "generate_start") else 1)
    session.unregister_hook("h")
    assert session.send("again").text


def test_a_withheld_answer_is_in_no_later_request(tmp_path: Path) -> None:
    session = session_on(tmp_path, "the secret is 42", "second")
    session.register_hook("h", "generate_end", handler=Heard({"action": "block", "reason": "no"}))
    with pytest.raises(a3s.RunFailed):
        session.send("go")
    session.unregister_hook("h")
    session.send("again")
    assert "42" not in str(model_of(session).requests[-1].messages)
    assert session.runs()[0]["status"] == "failed"


def test_a_withheld_output_does_not_reach_the_model(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("echo 42"), "fin")
    session.register_hook("h", "post_tool_use", handler=Heard({"action": "block", "reason": "private"}))
    session.send("go")
    assert "Tool 'bash' was run, but a hook withholds its output: private" in str(session.history())
    assert "42\\n" not in str(model_of(session).requests[-1].messages)


def test_what_cannot_be_blocked_is_reported(tmp_path: Path) -> None:
    session = session_on(tmp_path, "fin")
    session.register_hook("h", "on_success", handler=Heard({"action": "block"}))
    events = list(session.stream("go"))
    assert events[-1].text == "fin"
    assert "nothing to stop at on_success" in str(next(e.error for e in events if e.event_type == "hook_failed"))


# ---------------------------------------------------------------- change


@pytest.mark.parametrize("modified", [{"args": {"command": "echo two"}}, {"command": "echo two"}])
def test_changed_arguments_are_run_and_the_result_says_so(tmp_path: Path, modified: Json) -> None:
    session = session_on(tmp_path, bash("echo one"), "fin")
    session.register_hook("h", "pre_tool_use", handler=Heard({"action": "continue", "modified": modified}))
    output, code = tool_ends(list(session.stream("go")))[0]
    assert output.startswith("two\n") and code == 0
    assert "The hook 'h' changed the arguments" in output and "echo two" in output


def test_changed_arguments_are_judged_by_the_policy(tmp_path: Path) -> None:
    policy = a3s.PermissionPolicy(deny=["bash(touch:*)"], default_decision="allow")
    session = session_on(tmp_path, bash("echo one"), "fin", permission_policy=policy)
    session.register_hook("h", "pre_tool_use", handler=Heard({"modified": {"command": "touch made"}}))
    assert tool_ends(list(session.stream("go")))[0][1] == 1
    assert not (tmp_path / "made").exists()


def test_changed_arguments_that_do_not_fit_run_nothing(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("touch made"), "fin")
    session.register_hook("h", "pre_tool_use", handler=Heard({"modified": {"args": {"comand": "x"}}}))
    output, code = tool_ends(list(session.stream("go")))[0]
    assert code == 1 and "'h'" in output and "command" in output and not (tmp_path / "made").exists()


def test_a_later_hook_sees_what_an_earlier_one_changed(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("echo one"), "fin")
    session.register_hook("b", "pre_tool_use", None, {"priority": 200}, (later := Heard()))
    session.register_hook("a", "pre_tool_use", None, {"priority": 1}, Heard({"modified": {"command": "echo two"}}))
    session.send("go")
    assert later.payload("pre_tool_use")["args"] == {"command": "echo two"}


def test_what_a_hook_does_to_its_copy_changes_nothing(tmp_path: Path) -> None:
    def spoil(event: Json) -> None:
        cast("Json", cast("Json", event["payload"])["args"])["command"] = "touch made"

    session = session_on(tmp_path, bash("echo one"), "fin")
    session.register_hook("h", "pre_tool_use", handler=spoil)
    assert tool_ends(list(session.stream("go"))) == [("one\n", 0)]


def test_a_changed_prompt_is_what_the_model_and_the_history_have(tmp_path: Path) -> None:
    session = session_on(tmp_path, "fin")
    session.register_hook("h", "pre_prompt", handler=lambda event: {"modified": {"prompt": "polite"}})
    events = list(session.stream("rude"))
    assert "rude" not in str(model_of(session).requests[0].messages)
    assert "polite" in str(session.history()) and "rude" not in str(session.history())
    assert [event.prompt for event in events if event.event_type == "prompt_rewritten"] == ["polite"]


@pytest.mark.parametrize(
    ("answer", "told"), [({"modified": "polite"}, "polite"), ({"action": "block", "reason": "rude"}, "hook withholds")]
)
def test_a_message_that_is_added_on_the_way_passes_the_same_gate(tmp_path: Path, answer: Json, told: str) -> None:
    pause = Pause()
    session = session_on(tmp_path, Reply("", (call("bash", command="echo hi"),), pause=pause), "fin")
    stream = session.stream("go")
    assert pause.wait()
    session.register_hook("h", "pre_prompt", handler=Heard(answer))
    assert session.steer("hurry, dimwit") is True
    pause.release()
    assert list(stream)[-1].text == "fin"
    assert "dimwit" not in str(model_of(session).requests[-1].messages)
    assert told in str(session.history()) and "dimwit" not in str(session.history())


def test_text_can_be_added_to_the_system_prompt_or_put_in_its_place(tmp_path: Path) -> None:
    session = session_on(tmp_path, "one", "two", extra="MINE")
    session.register_hook("h", "generate_start", handler=Heard({"modified": "Be brief."}))
    session.send("go")
    session.register_hook("h", "generate_start", handler=Heard({"modified": {"system_prompt": "Be long."}}))
    session.send("go")
    first, second = (request.system for request in model_of(session).requests)
    assert "MINE" in first and first.endswith("\n\nBe brief.") and second == "Be long."


@pytest.mark.parametrize("modified", ["[cut]\n", {"output": "[cut]\n"}, {"result": {"output": "[cut]\n"}}])
def test_a_changed_output_is_what_the_model_has(tmp_path: Path, modified: object) -> None:
    session = session_on(tmp_path, bash("echo 4711"), "fin")
    session.register_hook("h", "post_tool_use", handler=Heard({"modified": modified}))
    assert tool_ends(list(session.stream("go"))) == [("[cut]\n", 0)]


def test_a_changed_answer(tmp_path: Path) -> None:
    session = session_on(tmp_path, "raw", "raw")
    session.register_hook("h", "generate_end", handler=Heard({"modified": {"response_text": "kept"}}))
    assert session.send("go").text == "kept" and "raw" not in str(session.history())
    session.unregister_hook("h")
    session.register_hook("h", "post_response", handler=Heard({"modified": "shown"}))
    assert session.send("go").text == "shown" and "raw" in str(session.history())


# ---------------------------------------------------------------- skip, retry, order


def test_skip_stops_the_hooks_that_come_later(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("echo one"), "fin")
    session.register_hook("late", "pre_tool_use", None, {"priority": 5}, (late := Heard({"action": "block"})))
    session.register_hook("first", "pre_tool_use", None, {"priority": 1}, Heard({"action": "skip"}))
    assert tool_ends(list(session.stream("go"))) == [("one\n", 0)] and not late.events


def test_hooks_are_asked_by_priority_and_then_in_the_order_of_registration(tmp_path: Path) -> None:
    session = session_on(tmp_path, "fin")
    order: list[str] = []

    def note(name: str) -> Callable[[Json], object]:
        return lambda event: order.append(name)

    for name, priority in [("c", 100), ("a", -5), ("d", 100), ("b", 7)]:
        session.register_hook(name, "pre_prompt", None, {"priority": priority}, note(name))
    session.send("go")
    assert order == ["a", "b", "c", "d"]


def test_a_gating_hook_may_ask_to_be_asked_again(tmp_path: Path) -> None:
    answers = iter([{"action": "retry", "retry_delay_ms": 1}, {"action": "retry"}, None])
    session = session_on(tmp_path, bash("echo one"), "fin")
    session.register_hook("h", "pre_tool_use", handler=lambda event: next(answers))
    assert tool_ends(list(session.stream("go"))) == [("one\n", 0)]


def test_a_gating_hook_that_never_ends_asking_blocks(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("touch made"), "fin")
    session.register_hook("h", "pre_tool_use", None, {"max_retries": 2}, (heard := Heard({"action": "retry"})))
    assert "asked for another try 3 times" in tool_ends(list(session.stream("go")))[0][0]
    assert len(heard.events) == 3 and not (tmp_path / "made").exists()


def test_a_call_can_be_run_again(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("echo x >> log; cat log"), "fin")
    session.register_hook("h", "post_tool_use", None, {"max_retries": 2}, Heard({"action": "retry"}))
    assert tool_ends(list(session.stream("go"))) == [("x\nx\nx\n", 0)]


def test_a_turn_can_be_made_again_and_all_its_tokens_count(tmp_path: Path) -> None:
    def longer(event: Json) -> object:
        return {"action": "retry"} if cast("Json", event["payload"])["response_text"] == "short" else None

    session = session_on(tmp_path, "short", "long enough")
    session.register_hook("h", "generate_end", handler=longer)
    result = session.send("go")
    assert result.text == "long enough" and result.total_tokens == 30
    assert "short" not in str(session.history())


# ---------------------------------------------------------------- failures


def broken(event: Json) -> object:
    raise ValueError("no disk")


def leaving(event: Json) -> object:
    raise SystemExit(1)


async def leaving_too(event: Json) -> object:
    raise SystemExit(1)


async def cancelled(event: Json) -> object:
    raise asyncio.CancelledError


def stopping(event: Json) -> object:
    raise StopIteration


@pytest.mark.parametrize(
    ("handler", "told"),
    [
        (broken, "ValueError: no disk"),
        (leaving, "SystemExit"),
        (leaving_too, "SystemExit"),
        (cancelled, "cancelled"),
        (stopping, "StopIteration"),
        (Heard(True), "it answered True"),
        (Heard("block"), "it answered 'block'"),
        (Heard({"decision": "block"}), "decision"),
        (Heard({"action": "deny"}), "the action 'deny'"),
        (Heard({"action": 5}), "the action 5"),
        (Heard({"action": "continue", "modified": {"args": object()}}), "not JSON"),
        (Heard({"action": "continue", "modified": {"args": {"command": "\ud800"}}}), "not JSON"),
        (Heard({"action": "continue", "modified": "ls"}), "in place of the args"),
        (Heard({"action": "retry", "retry_delay_ms": -1}), "retry_delay_ms"),
        (Heard({"action": "retry", "retry_delay_ms": 10**400}), "retry_delay_ms"),
    ],
)
def test_a_gate_that_fails_is_closed(tmp_path: Path, handler: Callable[[Json], object], told: str) -> None:
    session = session_on(tmp_path, bash("touch made"), "fin")
    session.register_hook("gate", "pre_tool_use", handler=handler)
    events = list(session.stream("go"))
    output, code = tool_ends(events)[0]
    assert not (tmp_path / "made").exists() and code == 1
    assert "the hook 'gate' failed" in output and told in output
    assert [event.error for event in events if event.event_type == "hook_failed" and told in str(event.error)]
    assert events[-1].text == "fin"


@pytest.mark.parametrize("handler", [broken, leaving, leaving_too, cancelled, Heard(7)])
def test_elsewhere_a_hook_that_fails_is_reported_and_the_next_is_asked(
    tmp_path: Path, handler: Callable[[Json], object]
) -> None:
    session = session_on(tmp_path, bash("echo one"), "fin")
    session.register_hook("bad", "post_tool_use", handler=handler)
    session.register_hook("good", "post_tool_use", handler=(good := Heard()))
    events = list(session.stream("go"))
    assert tool_ends(events) == [("one\n", 0)] and good.events
    assert ['"bad"' in data and '"post_tool_use"' in data for data in data_of(events, "hook_failed")] == [True]


@pytest.mark.parametrize("event", ["pre_prompt", "generate_start", "pre_tool_use"])
def test_a_gate_that_takes_too_long_is_closed(tmp_path: Path, event: str) -> None:
    released = threading.Event()
    session = session_on(tmp_path, bash("touch made"), "fin")
    session.register_hook("slow", event, None, {"timeout_ms": 30}, lambda _: released.wait(20))
    events = list(session.stream("go"))
    released.set()
    assert not (tmp_path / "made").exists()
    assert "no answer within 30 ms" in str(events[-1].error or tool_ends(events))


async def test_a_coroutine_that_clings_to_life_holds_nobody_up(tmp_path: Path) -> None:
    released = asyncio.Event()

    async def clinging(event: Json) -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    session = await a3s.AsyncAgent.with_model(ScriptedModel(["fin"])).session(str(tmp_path))
    session.register_hook("h", "pre_prompt", None, {"timeout_ms": 20}, clinging)
    with pytest.raises(a3s.RunFailed, match="no answer within 20 ms"):
        await asyncio.wait_for(session.send("go"), 5)
    released.set()


def test_cancelling_does_not_wait_for_a_hook(tmp_path: Path) -> None:
    reached, released = threading.Event(), threading.Event()

    def slow(event: Json) -> None:
        reached.set()
        released.wait(20)

    session = session_on(tmp_path, bash("touch made"), "fin")
    session.register_hook("slow", "pre_tool_use", handler=slow)
    stream = session.stream("go")
    assert reached.wait(5)
    assert session.cancel() is True
    released.set()
    assert [event.event_type for event in stream][-1] == "cancelled"
    assert not (tmp_path / "made").exists()
    assert session.runs()[-1]["status"] == "cancelled"


# ---------------------------------------------------------------- hooks and their session


def test_a_hook_may_use_the_tools_of_its_session(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("echo one"), "fin")
    session.register_hook(
        "h", "pre_tool_use", handler=lambda event: {"action": "block", "reason": session.bash("echo two")}
    )
    assert "two" in tool_ends(list(session.stream("go")))[0][0]


def test_a_coroutine_that_uses_the_blocking_face_is_told_that_it_cannot(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("echo one"), "fin")

    async def misled(event: Json) -> str:
        return session.bash("echo two")

    session.register_hook("h", "pre_tool_use", misled)
    assert "cannot use the blocking face" in tool_ends(list(session.stream("go")))[0][0]


def test_a_hook_that_sends_to_its_own_session_is_told_that_it_cannot(tmp_path: Path) -> None:
    session = session_on(tmp_path, "one", "two")
    session.register_hook("h", "pre_prompt", handler=lambda event: session.send("again").text)
    with pytest.raises(a3s.RunFailed, match="cannot send a prompt to its own session"):
        session.send("go")


def test_a_hook_may_send_to_another_session(tmp_path: Path) -> None:
    other = session_on(tmp_path, "yes, do")
    session = session_on(tmp_path, "fin")
    session.register_hook("h", "pre_prompt", handler=lambda event: {"modified": other.send("may I?").text})
    session.send("go")
    assert "yes, do" in str(session.history())


async def test_what_a_hook_left_behind_may_send_when_it_has_answered(tmp_path: Path) -> None:
    pause = Pause()
    session = await a3s.AsyncAgent.with_model(ScriptedModel([Reply("one", pause=pause), "two"])).session(str(tmp_path))
    later: list[asyncio.Task[a3s.AgentResult]] = []

    async def follow_up() -> a3s.AgentResult:
        await pause.reached()
        return await session.send("and then")

    async def begin(event: Json) -> None:
        later.append(asyncio.create_task(follow_up()))
        session.unregister_hook("h")

    session.register_hook("h", "pre_prompt", begin)
    going = asyncio.create_task(session.send("go"))
    async with asyncio.timeout(5):
        while len(session.runs()) < 2:  # noqa: ASYNC110 - a run that waits has no event in this face
            await asyncio.sleep(0)
        pause.release()
        assert ((await going).text, (await later[0]).text) == ("one", "two")


async def test_a_coroutine_is_called_on_the_loop(tmp_path: Path) -> None:
    loops: list[object] = []

    async def note(event: Json) -> None:
        loops.append(asyncio.get_running_loop())

    session = await a3s.AsyncAgent.with_model(ScriptedModel(["fin"])).session(str(tmp_path))
    session.register_hook("h", "pre_prompt", note)
    await session.send("go")
    assert loops == [asyncio.get_running_loop()]


def test_a_slow_hook_does_not_hold_up_other_sessions(tmp_path: Path) -> None:
    reached, released = threading.Event(), threading.Event()
    agent = a3s.Agent.with_model(ScriptedModel(["one", "two"]))
    slow, quick = agent.session(str(tmp_path)), agent.session(str(tmp_path))

    def wait(event: Json) -> None:
        reached.set()
        released.wait(10)

    slow.register_hook("h", "pre_prompt", handler=wait)
    stream = slow.stream("go")
    assert reached.wait(5)
    assert quick.send("go").text == "one"
    released.set()
    assert list(stream)[-1].text == "two"


def test_a_hook_that_nobody_waits_for_changes_and_holds_up_nothing(tmp_path: Path) -> None:
    released, done = threading.Event(), threading.Event()

    def slow(event: Json) -> object:
        released.wait(10)
        done.set()
        return {"modified": "changed"}

    session = session_on(tmp_path, "fin")
    session.register_hook("h", "post_response", None, {"async_execution": True}, slow)
    assert session.send("go").text == "fin"
    released.set()
    assert done.wait(5)


def test_a_gate_is_waited_for_also_if_it_should_not_be(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("touch made"), "fin")
    session.register_hook("h", "pre_tool_use", None, {"async_execution": True}, Heard({"action": "block"}))
    session.send("go")
    assert not (tmp_path / "made").exists()


def test_a_program_that_uses_the_tools_itself_is_not_hooked(tmp_path: Path) -> None:
    session = session_on(tmp_path)
    session.register_hook("h", "pre_tool_use", handler=Heard({"action": "block"}))
    assert session.bash("echo one") == "one\n"


def test_a_run_that_is_resumed_keeps_the_prompt_that_hooks_made(tmp_path: Path) -> None:
    options = a3s.SessionOptions()
    options.session_store = a3s.FileSessionStore(str(tmp_path / "store"))
    pause = Pause()

    async def main() -> None:
        session = await a3s.AsyncAgent.with_model(ScriptedModel([Reply("never", pause=pause)])).session(
            str(tmp_path), options, session_id="s"
        )
        session.register_hook("h", "pre_prompt", handler=Heard({"modified": "polite"}))
        sending = asyncio.create_task(session.send("rude"))
        await pause.reached()
        await session.engine.suspend()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        model = ScriptedModel(["fin"])
        again = await a3s.AsyncAgent.with_model(model).resume_session("s", options)
        again.register_hook("h", "pre_prompt", handler=(heard := Heard({"modified": "other"})))
        result = await again.resume()
        assert result is not None and result.text == "fin" and not heard.events
        assert "polite" in str(model.requests[0].messages) and "rude" not in str(model.requests[0].messages)
        await again.close()

    asyncio.run(main())


# ---------------------------------------------------------------- matchers


@pytest.mark.parametrize(
    ("matcher", "hit"),
    [
        ({}, True),
        ({"tool": "bash"}, True),
        ({"tool": "BASH"}, True),
        ({"tool": "b*"}, True),
        ({"tool": "{read,bash}"}, True),
        ({"tool": "read"}, False),
        ({"command_pattern": "^ec.o"}, True),
        ({"command_pattern": "^rm"}, True),
        ({"command_pattern": "^rm$"}, False),
        ({"tool": "bash", "command_pattern": "zzz"}, False),
        ({"path_pattern": "*"}, False),
        ({"skill": "*"}, False),
        ({"session_id": "mine"}, True),
        ({"session_id": "other"}, False),
        ({"tool": None}, True),
    ],
)
def test_a_matcher_selects_calls(tmp_path: Path, matcher: Json, hit: bool) -> None:
    session = session_on(tmp_path, bash("echo hi && /bin/rm -f x"), "fin", session_id="mine")
    session.register_hook("h", "pre_tool_use", matcher, None, (heard := Heard()))
    session.send("go")
    assert bool(heard.events) is hit


@pytest.mark.parametrize(
    ("pattern", "hit"),
    [
        ("src/*.py", True),
        ("./src/*.py", True),
        ("*.py", True),
        ("**/a.py", True),
        ("src/**", True),
        ("{root}/src/*", True),
        ("/src/*", False),
        ("lib/*", False),
    ],
)
@pytest.mark.parametrize("path", ["src/a.py", "./src/a.py", "lib/../src/a.py", "link/a.py", "{root}/src/a.py"])
def test_a_path_pattern_is_matched_against_the_real_place(tmp_path: Path, pattern: str, path: str, hit: bool) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "src/a.py").write_text("x\n")
    (tmp_path / "link").symlink_to("src")
    given = path.replace("{root}", str(tmp_path))
    session = session_on(tmp_path, Reply(calls=(call("read", file_path=given),)), "fin")
    matcher = {"path_pattern": pattern.replace("{root}", str(tmp_path))}
    session.register_hook("h", "pre_tool_use", matcher, None, (heard := Heard()))
    session.register_hook("h2", "post_tool_use", matcher, None, heard)
    session.send("go")
    assert len(heard.events) == (2 if hit else 0)


def test_a_call_that_names_no_file_is_matched_by_what_it_would_change(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/a.txt").write_text("one\n")
    session = session_on(tmp_path, Reply(calls=(call("replace", pattern="one", replacement="two"),)), "fin")
    session.register_hook("h", "pre_tool_use", {"path_pattern": "secret/**"}, None, Heard({"action": "block"}))
    session.send("go")
    assert (tmp_path / "secret/a.txt").read_text() == "one\n"


# ---------------------------------------------------------------- registering


def test_the_call_form_of_the_readme(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("echo one"), "fin")
    session.register_hook("audit", "pre_tool_use", (heard := Heard()))
    session.register_hook("first", "pre_tool_use", (first := Heard({"action": "skip"})), {"priority": 1})
    session.send("go")
    assert first.types == ["pre_tool_use"] and not heard.events


def test_the_same_id_replaces(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("echo one"), "fin")
    session.register_hook("h", "pre_tool_use", (old := Heard()))
    session.register_hook("h", "pre_tool_use", (new := Heard()))
    assert session.hook_count() == 1
    session.send("go")
    assert new.events and not old.events
    assert session.unregister_hook("h") is True
    assert session.unregister_hook("h") is False
    assert session.hook_count() == 0


def test_a_hook_without_a_handler_counts_and_does_nothing(tmp_path: Path) -> None:
    session = session_on(tmp_path, bash("echo one"), "fin")
    session.register_hook("h", "pre_tool_use")
    assert session.hook_count() == 1
    assert session.send("go").text == "fin"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("h", "bogus"), ValueError),
        (("h", "PRE_TOOL_USE"), ValueError),
        (("h", "pre_tool_use", {"command_pattern": "("}), ValueError),
        (("h", "pre_tool_use", {"tool": "[z-a]"}), ValueError),
        (("h", "pre_tool_use", {"path_pattern": "[z-a]"}), ValueError),
        (("\ud800", "pre_tool_use"), ValueError),
        ((5, "pre_tool_use"), TypeError),
        (("h", 5), TypeError),
        (("h", "pre_tool_use", []), TypeError),
        (("h", "pre_tool_use", {"tool": 1}), TypeError),
        (("h", "pre_tool_use", None, []), TypeError),
        (("h", "pre_tool_use", None, {"priority": "x"}), TypeError),
        (("h", "pre_tool_use", None, {"timeout_ms": 1.5}), TypeError),
        (("h", "pre_tool_use", None, {"timeout_ms": -1}), OverflowError),
        (("h", "pre_tool_use", None, {"timeout_ms": 10**400}), OverflowError),
        (("h", "pre_tool_use", None, {"max_retries": -1}), OverflowError),
        (("h", "pre_tool_use", None, {"async_execution": "yes"}), TypeError),
        (("h", "pre_tool_use", None, None, "notcallable"), TypeError),
        (("h", "pre_tool_use", broken, None, broken), TypeError),
    ],
)
def test_what_cannot_be_a_hook_is_refused_at_once(
    tmp_path: Path, arguments: tuple[str, str], error: type[Exception]
) -> None:
    session = session_on(tmp_path)
    with pytest.raises(error):
        session.register_hook(*arguments)
    assert session.hook_count() == 0


def test_an_unknown_event_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'bogus'\. Expected one of: pre_tool_use, post_tool_use, .*on_confirmation"):
        session_on(tmp_path).register_hook("h", "bogus")


@pytest.mark.parametrize("event", EVENTS)
def test_all_event_names_are_taken(tmp_path: Path, event: str) -> None:
    session_on(tmp_path).register_hook("h", event, broken)


def test_unknown_keys_are_warned_about(tmp_path: Path) -> None:
    session = session_on(tmp_path)
    with pytest.warns(UserWarning, match=r"'tools' in its matcher: did you mean 'tool'\?") as caught:
        session.register_hook("h", "pre_tool_use", {"tools": "bash"}, {}, broken)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="'timeout' in its config"):
        session.register_hook("h", "pre_tool_use", None, {"timeout": 5}, broken)


def test_hooks_may_come_and_go_while_a_run_is_going(tmp_path: Path) -> None:
    session = session_on(tmp_path, *[bash(f"echo {n}") for n in range(10)], "fin")
    going = threading.Event()

    def churn() -> None:
        while not going.is_set():
            session.register_hook("x", "pre_tool_use", Heard())
            session.unregister_hook("x")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        assert session.send("go").text == "fin"
    finally:
        going.set()
        thread.join(5)


# ---------------------------------------------------------------- commands of the configuration


def test_a_program_that_names_a_configuration_has_its_hooks(tmp_path: Path) -> None:
    config = """
        default_model = "offline/assistant"
        hooks "audit" { event = "pre_prompt" command = "echo no >&2; exit 2" }
    """
    session = a3s.Agent.create(config).session(str(tmp_path))
    assert session.hook_count() == 1
    with pytest.raises(a3s.RunFailed, match="Prompt blocked by hook: no"):
        session.send("go")
    session.unregister_hook("audit")
    assert session.send("hello").text
