"""The guards of a run: it neither goes on for ever nor takes half an answer for a whole one."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Unpack

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.errors import ModelError
from a3s_lsp.engine.guards import CUT, looks_unfinished
from a3s_lsp.engine.messages import Json, ToolCall, ToolMessage, Usage
from a3s_lsp.engine.ports import Chunk, Finish, ModelRequest, TextDelta, Waiting
from a3s_lsp.sdk.named_options import NamedOptions
from a3s_lsp.testing import Pause, Reply, Script, ScriptedModel, call
from tests.engine.living import running, unique_seconds

ALLOWED = a3s.PermissionPolicy(default_decision="allow")


def session_with(model: ScriptedModel, folder: Path, /, **options: Unpack[NamedOptions]) -> a3s.Session:
    named: NamedOptions = {"permission_policy": ALLOWED}
    named.update(options)
    return a3s.Agent.with_model(model).session(str(folder), None, **named)


def bash(*commands: str) -> list[Script]:
    return [Reply("", (call("bash", command=command),)) for command in commands]


def kinds(events: list[a3s.AgentEvent], *names: str) -> list[str]:
    return [event.event_type for event in events if event.event_type in names]


def rest(event: a3s.AgentEvent) -> Json:
    """The fields that are no attributes."""
    data: Json = json.loads(event.data or "{}")
    return data


def last(event: a3s.AgentEvent, *names: str) -> Json:
    limits = rest(event)["limits"]
    assert isinstance(limits, dict)
    return {name: limits[name] for name in names}


# ---------------------------------------------------------------- calls that lead nowhere


def test_the_fourth_identical_call_is_not_made_and_ends_the_run(tmp_path: Path) -> None:
    model = ScriptedModel([*bash(*["echo hi"] * 9)])
    session = session_with(model, tmp_path)
    with pytest.raises(a3s.RunFailed, match="Tool 'bash' has been called 3 times with identical arguments") as failed:
        session.send("go")
    assert len(model.requests) == 4 and len(session.trace_events()) == 4
    assert failed.value.limits is not None and failed.value.limits["stopped_by"] == "identical_calls"
    said = [m.content for m in model.requests[-1].messages if isinstance(m, ToolMessage)]
    assert said[:2] == ["hi\n", "hi\n"] and "Made once more it ends the run" in said[2]
    assert [row["success"] for row in session.trace_events()] == [True, True, True, False]


def test_arguments_are_compared_by_what_they_say(tmp_path: Path) -> None:
    spellings = ['{"file_path":"a","offset":0}', '{"offset": 0, "file_path": "a"}'] * 2
    model = ScriptedModel([Reply("", (ToolCall("", "read", text),)) for text in spellings])
    with pytest.raises(a3s.RunFailed, match="identical arguments"):
        session_with(model, tmp_path).send("go")
    assert len(model.requests) == 4


def test_identical_calls_of_one_turn_count_too(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("glob", pattern="*"),) * 6)])
    session = session_with(model, tmp_path)
    with pytest.raises(a3s.RunFailed, match="identical arguments"):
        session.send("go")
    blocks = [message["content"] for message in session.history()[2:]]
    assert len(blocks) == 6  # each has its result, also those that were not made


@pytest.mark.parametrize(
    "commands",
    [
        ["echo x >> n; wc -l < n"] * 6,
        ["echo hi", "echo 1", "echo hi", "echo 2", "echo hi", "echo 3", "echo hi"],
        ["echo hi", "echo hi", "echo hi; true", "echo hi", "echo hi", "echo hi;  true"],
    ],
    ids=["other results", "something new in between", "other arguments"],
)
def test_calls_that_get_somewhere_are_let_be(tmp_path: Path, commands: list[str]) -> None:
    assert session_with(ScriptedModel([*bash(*commands), "done"]), tmp_path).send("go").text == "done"


def test_two_calls_that_take_turns_without_anything_new_are_noticed(tmp_path: Path) -> None:
    model = ScriptedModel(bash(*["echo a", "echo b"] * 9))
    with pytest.raises(a3s.RunFailed, match="identical arguments"):
        session_with(model, tmp_path).send("go")
    assert len(model.requests) < 12


def test_another_prompt_may_make_the_same_calls(tmp_path: Path) -> None:
    script: list[Script] = [*bash("echo hi", "echo hi"), "done"]
    session = session_with(ScriptedModel([*script, *script]), tmp_path)
    assert [session.send("go").text for _ in range(2)] == ["done", "done"]


async def test_the_count_survives_the_end_of_the_process(tmp_path: Path) -> None:
    store = a3s.MemorySessionStore()
    pause = Pause()
    first = a3s.AsyncAgent.with_model(ScriptedModel([*bash(*["echo hi"] * 3), Reply("never", pause=pause)]))
    options = a3s.SessionOptions()
    options.session_store, options.permission_policy, options.session_id = store, ALLOWED, "s"
    session = await first.session(str(tmp_path), options)
    stream = session.stream("go")
    await pause.reached()
    await session.engine.suspend()
    del stream
    later = ScriptedModel(bash("echo hi"))
    again = await a3s.AsyncAgent.with_model(later).resume_session("s", options)
    with pytest.raises(a3s.RunFailed, match="identical arguments"):
        await again.resume()


@pytest.mark.parametrize(("most", "requests"), [(0, 0), (1, 1), (2, 2)])
def test_a_run_has_so_many_turns_and_not_one_more(tmp_path: Path, most: int, requests: int) -> None:
    model = ScriptedModel(bash(*(f"echo {number}" for number in range(9))))
    with pytest.raises(a3s.RunFailed, match=rf"Max tool rounds \({most}\) exceeded") as failed:
        session_with(model, tmp_path, max_tool_rounds=most).send("go")
    assert len(model.requests) == requests
    assert failed.value.limits is not None and failed.value.limits["stopped_by"] == "max_tool_rounds"


def test_arguments_that_are_never_json_are_given_up(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (ToolCall("", "bash", "{" * number),)) for number in range(1, 9)])
    with pytest.raises(a3s.RunFailed, match=r"malformed tool arguments 3 time\(s\) in a row \(max_parse_retries=2\)"):
        session_with(model, tmp_path).send("go")
    assert len(model.requests) == 3


# ---------------------------------------------------------------- answers that are no end


@pytest.mark.parametrize(
    ("text", "unfinished"),
    [
        ("Let me check the file:", True),
        ("I will do it now.", True),
        ("I'll look", True),
        ("The test fails. I'm going to read it first.", True),
        ("We should...", True),
        ("Hello,", True),
        ("Done", False),
        ("Here is a list:\n- a\n- b", False),
        ("Let me know if you need more.", False),
        ("I will keep this in mind. The answer is 42.", False),
        ("I should use tabs, shouldn't I?", False),
        ("Willkommen. Let mermaids be.", False),
        ("To do this we call x. It works.", False),
    ],
)
def test_what_looks_unfinished(text: str, unfinished: bool) -> None:
    assert looks_unfinished(text) is unfinished


def test_an_answer_that_only_announces_is_sent_on(tmp_path: Path) -> None:
    model = ScriptedModel(["Let me check the file:", *bash("echo hi"), "It says hi."])
    session = session_with(model, tmp_path)
    events = list(session.stream("go"))
    told = next(event for event in events if event.event_type == "continuation")
    assert rest(told)["reason"] == "unfinished" and events[-1].text == "It says hi."
    assert last(events[-1], "continuations", "finish_reason") == {"continuations": 1, "finish_reason": "stop"}
    assert [m["role"] for m in session.history()][:3] == ["user", "assistant", "user"]


@pytest.mark.parametrize("text", ["Let me check the file:", ""])
def test_the_model_is_sent_on_three_times_and_then_taken_at_its_word(tmp_path: Path, text: str) -> None:
    model = ScriptedModel([text] * 9)
    assert session_with(model, tmp_path).send("go").text == text
    assert len(model.requests) == 4


@pytest.mark.parametrize(
    "options",
    [{"continuation_enabled": False}, {"max_continuation_turns": 0}, {"max_tool_rounds": 1}],
    ids=["switched off", "none allowed", "the last turn"],
)
def test_nobody_is_sent_on_where_that_is_not_wanted_or_not_possible(tmp_path: Path, options: NamedOptions) -> None:
    model = ScriptedModel(["Let me check:", "never"])
    assert session_with(model, tmp_path, **options).send("go").text == "Let me check:"


def test_an_answer_that_was_cut_goes_on_and_is_put_together(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("It is forty-", finish="length"), Reply("two, I th", finish="length"), "ink."])
    events = list(session_with(model, tmp_path).stream("go"))
    assert events[-1].text == "It is forty-two, I think."
    assert [rest(event)["reason"] for event in events if event.event_type == "continuation"] == ["length", "length"]
    assert [rest(event)["finish_reason"] for event in events if event.event_type == "turn_end"] == [
        "length",
        "length",
        "stop",
    ]
    assert model.requests[1].messages[-1].text == CUT  # type: ignore[union-attr]  # it is a message of the user


def test_an_answer_that_stays_cut_says_so(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("and ", finish="length")] * 9)
    result = session_with(model, tmp_path, max_continuation_turns=2).send("go")
    assert result.text == "and and and " and result.limits is not None
    assert result.limits["finish_reason"] == "length" and result.limits["continuations"] == 2


def test_an_earlier_answer_is_not_put_before_a_cut_one(tmp_path: Path) -> None:
    session = session_with(ScriptedModel(["first", Reply("sec", finish="length"), "ond"]), tmp_path)
    assert [session.send(prompt).text for prompt in ("one", "two")] == ["first", "second"]


def test_arguments_that_were_cut_are_told_as_that(tmp_path: Path) -> None:
    cut = Reply("", (ToolCall("", "write", '{"file_path": "a", "content": "half'),), finish="length")
    model = ScriptedModel([cut, "done"])
    session_with(model, tmp_path).send("go")
    [told] = [m.content for m in model.requests[1].messages if isinstance(m, ToolMessage)]
    assert "cut at its output limit" in told and not (tmp_path / "a").exists()


def test_an_answer_that_a_filter_cut_is_no_success(tmp_path: Path) -> None:
    session = session_with(ScriptedModel([Reply("half of it", finish="content_filter")]), tmp_path)
    with pytest.raises(a3s.RunFailed, match="content filter"):
        session.send("go")
    assert session.runs()[-1]["status"] == "failed"


# ---------------------------------------------------------------- models that fail


def test_a_failing_model_is_asked_again_and_a_success_counts_anew(tmp_path: Path) -> None:
    script: list[Script] = [ModelError("a"), ModelError("b"), *bash("echo 1"), ModelError("c"), ModelError("d"), "done"]
    events = list(session_with(ScriptedModel(script), tmp_path).stream("go"))
    assert events[-1].text == "done"
    retries = [rest(event) for event in events if event.event_type == "model_retry"]
    assert [(row["attempt"], row["message"]) for row in retries] == [(1, "a"), (2, "b"), (1, "c"), (2, "d")]


@pytest.mark.parametrize(
    ("threshold", "said"),
    [
        (0, "LLM call failed: boom"),
        (1, "LLM call failed: boom"),
        (2, r"LLM circuit breaker triggered: failed after 2 attempt\(s\): boom"),
        (None, r"LLM circuit breaker triggered: failed after 3 attempt\(s\): boom"),
    ],
)
def test_a_model_that_fails_in_a_row_is_given_up(tmp_path: Path, threshold: int | None, said: str) -> None:
    model = ScriptedModel([ModelError("boom")] * 9)
    with pytest.raises(a3s.RunFailed, match=said) as failed:
        session_with(model, tmp_path, circuit_breaker_threshold=threshold).send("go")
    assert len(model.requests) == max(1, 3 if threshold is None else threshold)
    assert failed.value.limits is not None and failed.value.limits["stopped_by"] == "circuit_breaker_threshold"


class Busy:
    """A model that has to wait before it answers."""

    name = "busy/model"

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        yield Waiting("rate_limit", 5, 1, "HTTP 429")
        yield TextDelta("at last")
        yield Finish("stop", Usage(1, 1))


def test_the_pauses_of_a_model_are_events(tmp_path: Path) -> None:
    session = a3s.Agent.with_model(Busy()).session(str(tmp_path))
    events = list(session.stream("go"))
    told = next(event for event in events if event.event_type == "model_retry")
    assert rest(told) == {"reason": "rate_limit", "attempt": 1, "delay_ms": 5, "message": "HTTP 429"}
    assert events[-1].text == "at last"


# ---------------------------------------------------------------- time


def test_the_time_limit_stops_a_command_that_is_running(tmp_path: Path) -> None:
    seconds = unique_seconds()
    session = session_with(ScriptedModel(bash(f"sleep {seconds}")), tmp_path, max_execution_time_ms=300)
    begun = time.monotonic()
    with pytest.raises(a3s.RunFailed, match=r"\(limit: 300 milliseconds\)\. Completed 1 turns") as failed:
        session.send("go")
    assert time.monotonic() - begun < 5 and not running(seconds)
    assert failed.value.limits is not None and failed.value.limits["stopped_by"] == "max_execution_time_ms"
    assert session.runs()[-1]["status"] == "failed" and len(session.history()) == 3


def test_the_time_limit_stops_a_model_that_is_answering(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", chunks=("a", "b"), pause=Pause()), "next"])
    session = session_with(model, tmp_path, max_execution_time_ms=100)
    events = list(session.stream("go"))
    assert events[-1].event_type == "error" and "Completed 0 turns" in str(events[-1].error)
    assert session.send("again").text == "next"


def test_the_time_limit_stops_a_question(tmp_path: Path) -> None:
    policy = a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=60_000)
    agent = a3s.Agent.with_model(ScriptedModel(bash("echo 1")))
    session = agent.session(str(tmp_path), None, confirmation_policy=policy, max_execution_time_ms=200)
    with pytest.raises(a3s.RunFailed, match="Execution timeout"):
        session.send("go")
    assert session.pending_confirmations() == [] and session.active_tools() == []


def test_no_time_at_all_is_over_at_once(tmp_path: Path) -> None:
    with pytest.raises(a3s.RunFailed, match=r"Execution timeout after .* \(limit: 0 milliseconds\)"):
        session_with(
            ScriptedModel([Reply("", chunks=("a", "b"), pause=Pause())]), tmp_path, max_execution_time_ms=0
        ).send("go")


@pytest.mark.parametrize(
    "name",
    ["max_tool_rounds", "circuit_breaker_threshold", "max_continuation_turns", "max_execution_time_ms"],
)
@pytest.mark.parametrize(("value", "error"), [(-1, OverflowError), (2**70, OverflowError), ("3", TypeError)])
def test_wrong_limits_are_told_at_once(tmp_path: Path, name: str, value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=name):
        setattr(a3s.SessionOptions(), name, value)
    with pytest.raises(error, match=name):
        session_with(ScriptedModel(), tmp_path, **{name: value})  # type: ignore[arg-type]  # on purpose


def test_the_limits_of_a_session_can_be_looked_at(tmp_path: Path) -> None:
    session = session_with(ScriptedModel(["hi"]), tmp_path, max_tool_rounds=7, tool_timeout_ms=0)
    assert session.limits["max_tool_rounds"] == 7 and session.limits["tool_timeout_ms"] is None
    result = session.send("go")
    assert result.limits is not None and result.limits["tool_rounds"] == 1 and result.limits["stopped_by"] is None
