"""Looking at a session: what is at it, what it did, a run once more, and streams that nobody reads."""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path
from typing import Unpack

import pytest

import a3s_lsp as a3s
from a3s_lsp.sdk.named_options import NamedOptions
from a3s_lsp.testing import Pause, Reply, Script, ScriptedModel, call

ALLOWED = a3s.PermissionPolicy(default_decision="allow")
PATIENT = a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=60_000)


def session_with(model: ScriptedModel, folder: Path, /, **options: Unpack[NamedOptions]) -> a3s.Session:
    named: NamedOptions = {"permission_policy": ALLOWED}
    named.update(options)
    return a3s.Agent.with_model(model).session(str(folder), None, **named)


async def async_session(model: ScriptedModel, folder: Path, /, **options: Unpack[NamedOptions]) -> a3s.AsyncSession:
    named: NamedOptions = {"permission_policy": ALLOWED}
    named.update(options)
    return await a3s.AsyncAgent.with_model(model).session(str(folder), None, **named)


def shown(event: a3s.AgentEvent) -> tuple[object, ...]:
    return event.event_type, event.text, event.tool_id, event.tool_output, event.error, event.data


def test_a_run_tells_its_mode_before_its_start(tmp_path: Path) -> None:
    events = list(session_with(ScriptedModel(["hi"]), tmp_path).stream("go"))
    assert [event.event_type for event in events[:2]] == ["agent_mode_changed", "start"]
    mode = json.loads(events[0].data or "{}")
    assert (mode["mode"], mode["agent"]) == ("general", "general") and mode["description"]


# ---------------------------------------------------------------- tools at work, and what they did


def test_a_call_that_waits_for_leave_is_active_until_it_has_its_result(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("bash", command="echo 1"), call("ls"))), "done"])
    session = session_with(model, tmp_path, permission_policy=a3s.PermissionPolicy(), confirmation_policy=PATIENT)
    assert session.active_tools() == []
    for event in session.stream("go"):
        if event.event_type == "confirmation_required":
            [active] = session.active_tools()
            assert (active["id"], active["name"]) == (event.tool_id, event.tool_name)
            assert isinstance(active["started_at_ms"], int)
            assert session.confirm_tool_use(str(event.tool_id), True)
    assert session.active_tools() == []


def test_the_trace_has_a_row_for_each_call_of_the_model(tmp_path: Path) -> None:
    calls = (call("bash", command="exit 3"), call("nosuch"), call("bash", command="seq 30000"))
    session = session_with(ScriptedModel([Reply("", calls), "done"]), tmp_path)
    session.bash("echo not of the model")
    session.send("go")
    failed, unknown, long = session.trace_events()
    assert {"schema": failed["schema"], "kind": failed["kind"]} == {
        "schema": "a3s.trace_event.v1",
        "kind": "tool_execution",
    }
    assert (failed["name"], failed["success"], failed["exit_code"]) == ("bash", False, 1)
    assert failed["metadata_keys"] == ["exit_code"] and "artifact_uris" not in failed
    assert (unknown["name"], unknown["success"], unknown["duration_ms"]) == ("nosuch", False, 0)
    assert long["success"] is True and isinstance(long["duration_ms"], int)
    uris = long["artifact_uris"]
    assert isinstance(uris, list) and session.get_artifact(uris[0]) is not None
    failed["name"] = "changed by the program"
    assert session.trace_events()[0]["name"] == "bash"


def test_the_trace_is_there_after_a_restart(tmp_path: Path) -> None:
    options = a3s.SessionOptions()
    options.session_store, options.session_id = a3s.MemorySessionStore(), "s"
    options.permission_policy = ALLOWED
    agent = a3s.Agent.with_model(ScriptedModel([Reply("", (call("bash", command="echo 1"),)), "done"]))
    session = agent.session(str(tmp_path), options)
    session.send("go")
    before = session.trace_events()
    session.close()
    assert len(before) == 1 and agent.resume_session("s", options).trace_events() == before


def test_refresh_finds_what_others_did_to_the_files(tmp_path: Path) -> None:
    script: list[Script] = [Reply("", (call("write", file_path="a", content="one\n"),)), "done"]
    session = session_with(ScriptedModel(script), tmp_path)
    session.send("go")
    (tmp_path / "a").write_text("something else\n")
    session.refresh()
    assert [hunk.status for hunk in session.review.hunks()] != ["applied"]


# ---------------------------------------------------------------- a run once more


def test_a_run_is_replayed_as_it_was_seen(tmp_path: Path) -> None:
    session = session_with(ScriptedModel([Reply("", (call("bash", command="echo 1"),)), "done"]), tmp_path)
    seen = [shown(event) for event in session.stream("go")]
    [run] = session.runs()
    with session.replay(str(run["id"])) as once_more:
        again = [shown(event) for event in once_more]
    assert again == seen and again[-1][0] == "end"
    assert session.runs() == [run]


def test_a_failed_run_is_replayed_to_its_error(tmp_path: Path) -> None:
    session = session_with(ScriptedModel([]), tmp_path)
    with pytest.raises(a3s.RunFailed):
        session.send("go")
    events = list(session.replay(str(session.runs()[0]["id"])))
    assert events[-1].event_type == "error" and "has no reply" in str(events[-1].error)


async def test_a_run_that_is_going_is_replayed_to_its_end_and_leaving_stops_nothing(tmp_path: Path) -> None:
    pause = Pause()
    session = await async_session(ScriptedModel([Reply("", chunks=("a", "b"), pause=pause)]), tmp_path)
    sending = asyncio.create_task(session.send("go"))
    await pause.reached()
    run_id = str(session.runs()[0]["id"])
    async with session.replay(run_id) as left_early:
        assert (await anext(left_early)).event_type == "agent_mode_changed"
    watching = asyncio.create_task(_text(session.replay(run_id)))
    pause.release()
    assert (await sending).text == "ab"
    assert await watching == ("ab", "end")


async def _text(stream: a3s.AsyncEventStream) -> tuple[str, str]:
    text, last = "", ""
    async with asyncio.timeout(5):
        async for event in stream:
            text += (event.text or "") if event.event_type == "text_delta" else ""
            last = event.event_type
    return text, last


async def test_a_replay_that_begins_with_its_run_has_each_event_once(tmp_path: Path) -> None:
    session = await async_session(ScriptedModel(["hello"]), tmp_path)
    stream = session.stream("go")
    async with asyncio.timeout(5):
        again = [shown(event) async for event in session.replay(str(session.runs()[0]["id"]))]
        assert again == [shown(event) async for event in stream]


async def test_a_run_that_was_cut_is_replayed_as_far_as_it_came(tmp_path: Path) -> None:
    pause, options = Pause(), a3s.SessionOptions()
    options.session_store, options.session_id = a3s.MemorySessionStore(), "s"
    agent = a3s.AsyncAgent.with_model(ScriptedModel([Reply("", chunks=("a", "b"), pause=pause)]))
    session = await agent.session(str(tmp_path), options)
    stream = session.stream("go")
    await pause.reached()
    await session.engine.suspend()
    again = await agent.resume_session("s", options)
    assert await _text(again.replay(str(again.runs()[0]["id"]))) == ("a", "text_delta")
    del stream


def test_an_unknown_run_is_told_with_those_there_are(tmp_path: Path) -> None:
    session = session_with(ScriptedModel(["hi"]), tmp_path)
    with pytest.raises(a3s.A3SError, match=r"no run x in this session\. Known are: none"):
        session.replay("x")
    session.send("go")
    with pytest.raises(a3s.A3SError, match=str(session.runs()[0]["id"])):
        session.replay("x")


# ---------------------------------------------------------------- streams that nobody reads


async def test_a_stream_that_is_let_go_stops_its_run(tmp_path: Path) -> None:
    pause = Pause()
    session = await async_session(ScriptedModel([Reply("", chunks=("a", "b"), pause=pause)]), tmp_path)
    async for event in session.stream("go"):
        if event.event_type == "turn_start":
            break
    gc.collect()
    async with asyncio.timeout(5):
        while session.current_run() is not None:  # noqa: ASYNC110 - nobody is there to be told
            await asyncio.sleep(0)
    assert session.runs()[0]["status"] == "cancelled"


async def test_a_stream_that_is_kept_half_read_stops_nothing(tmp_path: Path) -> None:
    pause = Pause()
    session = await async_session(ScriptedModel([Reply("", chunks=("a", "b"), pause=pause)]), tmp_path)
    kept = session.stream("go")
    assert (await anext(kept)).event_type == "agent_mode_changed"
    gc.collect()
    await pause.reached()
    pause.release()
    assert await _text(kept) == ("ab", "end")
    assert session.runs()[0]["status"] == "completed"


async def test_a_stream_that_was_read_to_its_end_can_be_let_go(tmp_path: Path) -> None:
    session = await async_session(ScriptedModel(["one", "two"]), tmp_path)
    assert await _text(session.stream("go")) == ("one", "end")
    gc.collect()
    assert (await session.send("go")).text == "two"
    assert [run["status"] for run in session.runs()] == ["completed", "completed"]
