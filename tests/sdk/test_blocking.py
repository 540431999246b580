"""The blocking face: every call waits for its answer and for nothing else, and Ctrl-C always gets through."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Unpack

import pytest

import a3s_lsp as a3s
from a3s_lsp.sdk.named_options import NamedOptions
from a3s_lsp.testing import Pause, Reply, ScriptedModel, call
from tests.engine.living import alive

STOP_SECONDS = 0.5


def session_with(model: ScriptedModel, folder: Path, /, **options: Unpack[NamedOptions]) -> a3s.Session:
    named: NamedOptions = {"permission_policy": a3s.PermissionPolicy(default_decision="allow")}
    named.update(options)
    return a3s.Agent.with_model(model).session(str(folder), None, **named)


def test_send_gives_the_answer_with_its_usage(tmp_path: Path) -> None:
    session = session_with(ScriptedModel(["hello"]), tmp_path)
    result = session.send("hi")
    assert (result.text, str(result), result.total_tokens, result.tool_calls_count) == ("hello", "hello", 15, 0)
    assert result.verification_status == "skipped"
    assert [message["role"] for message in session.history()] == ["user", "assistant"]


def test_stream_ends_with_the_terminal_event_and_history_is_there(tmp_path: Path) -> None:
    session = session_with(ScriptedModel([Reply("", (call("bash", command="echo 1"),)), "done"]), tmp_path)
    events = list(session.stream("go"))
    kinds = [event.event_type for event in events]
    assert kinds[:2] == ["agent_mode_changed", "start"] and kinds[-1] == "end" and events[-1].text == "done"
    ended = next(event for event in events if event.event_type == "tool_end")
    assert (ended.tool_name, ended.tool_output, ended.exit_code) == ("bash", "1\n", 0)
    assert len(session.history()) == 4
    assert session.current_run() is None


def test_the_blocking_stream_can_be_read_by_a_coroutine(tmp_path: Path) -> None:
    session = session_with(ScriptedModel(["hello"]), tmp_path)

    async def read() -> list[str]:
        return [event.event_type async for event in session.stream("go")]

    assert asyncio.run(read())[-1] == "end"


def test_leaving_a_stream_early_stops_its_run(tmp_path: Path) -> None:
    pause = Pause()
    session = session_with(ScriptedModel([Reply("", chunks=("a", "b"), pause=pause), "next"]), tmp_path)
    with session.stream("go") as stream:
        next(stream)
        assert pause.wait()
    assert session.runs()[-1]["status"] == "cancelled"
    assert session.send("again").text == "next"


def test_a_stream_that_is_let_go_stops_its_run(tmp_path: Path) -> None:
    pause = Pause()
    session = session_with(ScriptedModel([Reply("", chunks=("a", "b"), pause=pause), "next"]), tmp_path)
    stream = session.stream("go")
    next(stream)
    assert pause.wait()
    del stream
    gc.collect()
    assert session.send("again").text == "next"
    assert [run["status"] for run in session.runs()] == ["cancelled", "completed"]


def test_questions_are_answered_from_another_thread(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("bash", command="echo hi"),)), "done"])
    session = session_with(
        model,
        tmp_path,
        permission_policy=a3s.PermissionPolicy(ask=["bash*"], default_decision="allow"),
        confirmation_policy=a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=20_000),
    )
    seen: list[object] = []

    def approve() -> None:
        deadline = time.monotonic() + 10
        while not (waiting := session.pending_confirmations()) and time.monotonic() < deadline:
            pass
        seen.extend(waiting)
        session.confirm_tool_use(str(waiting[0]["tool_id"]), approved=True)

    thread = threading.Thread(target=approve)
    thread.start()
    assert session.send("go").text == "done"
    thread.join()
    assert len(seen) == 1 and session.pending_confirmations() == []


def test_concurrent_sends_lose_nothing(tmp_path: Path) -> None:
    session = session_with(ScriptedModel(["a", "b"]), tmp_path)
    threads = [threading.Thread(target=session.send, args=(text,)) for text in ("1", "2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(session.history()) == 4


CTRL_C = """
import sys, threading, time
import a3s_lsp as a3s
from a3s_lsp.testing import Reply, ScriptedModel, call
model = ScriptedModel([Reply("", (call("bash", command="echo $$ > pid; sleep 60 & wait"),))])
session = a3s.Agent.with_model(model).session(".", permission_policy=a3s.PermissionPolicy(default_decision="allow"))
print("ready", flush=True)
try:
    {what}
except KeyboardInterrupt:
    print("interrupted", session.runs()[-1]["status"] if session.runs() else "-", flush=True)
"""


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("what", "status"),
    [
        ('session.send("go")', "cancelled"),
        ('list(session.stream("go"))', "cancelled"),
        ('session.bash("echo $$ > pid; sleep 60 & wait")', "-"),
    ],
)
def test_ctrl_c_stops_the_call_and_its_processes_within_half_a_second(tmp_path: Path, what: str, status: str) -> None:
    program = [sys.executable, "-c", CTRL_C.format(what=what)]
    with subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        pid = _written(tmp_path / "pid")
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        line = process.stdout.readline()
        assert time.monotonic() - begun < STOP_SECONDS + 0.2, "with the time that the signal and the pipe take"
        assert line == f"interrupted {status}\n"
    assert not alive(pid)


def _written(path: Path) -> int:
    deadline = time.monotonic() + 20
    while not (path.exists() and path.read_text().strip()):
        assert time.monotonic() < deadline, f"{path} was not written"
    return int(path.read_text())


def test_a_session_is_stored_and_resumed_with_its_runs_and_rules(tmp_path: Path) -> None:
    store = a3s.FileSessionStore(str(tmp_path / "sessions"))
    agent = a3s.Agent.with_model(ScriptedModel(["one", "two"]))
    session = agent.session(str(tmp_path), session_store=store, session_id="mine")
    session.send("first")
    assert session.save() is None  # type: ignore[func-returns-value]
    options = a3s.SessionOptions()
    options.session_store = a3s.FileSessionStore(str(tmp_path / "sessions"))
    again = agent.resume_session("mine", options)
    assert (again.session_id, again.workspace) == ("mine", str(tmp_path))
    assert again.history() == session.history() and again.runs() == session.runs()
    run_id = str(again.runs()[0]["id"])
    stored = again.run_events(run_id)
    assert [row["sequence"] for row in stored] == list(range(len(stored)))
    with pytest.raises(a3s.SessionNotFound, match="nope"):
        agent.resume_session("nope", options)
    with pytest.raises(RuntimeError, match="requires a session_store"):
        agent.resume_session("mine", a3s.SessionOptions())


def test_a_stored_session_id_is_not_overwritten(tmp_path: Path) -> None:
    store = a3s.MemorySessionStore()
    agent = a3s.Agent.with_model(ScriptedModel(["one"]))
    agent.session(str(tmp_path), session_store=store, session_id="mine").send("first")
    with pytest.raises(RuntimeError, match="exists already"):
        agent.session(str(tmp_path), session_store=store, session_id="mine")


def test_direct_tools_have_the_shapes_of_the_reference(tmp_path: Path) -> None:
    session = session_with(ScriptedModel(), tmp_path)
    written = session.write_file("d/a.txt", "one\ntwo\n")
    assert (written.name, written.exit_code, written.ok) == ("write", 0, True)
    text = session.read_file("d/a.txt")
    assert isinstance(text, str) and text == "     1\tone\n     2\ttwo\n" and text.ok
    missing = session.read_file("nope")
    assert missing.exit_code == 1 and not missing.ok
    assert session.edit_file("d/a.txt", "two", "zwei").ok
    assert session.patch_file("d/a.txt", "@@ -1,2 +1,2 @@\n-one\n+eins\n zwei\n").ok
    assert (tmp_path / "d/a.txt").read_text() == "eins\nzwei\n"
    assert session.glob("**/*.txt") == ["d/a.txt"]
    assert ">d/a.txt:1: eins" in session.grep("eins")
    assert session.bash("exit 3").exit_code == 1
    assert session.ls().ok
    assert session.tool("bash", {"command": "true"}).metadata == {"exit_code": 0}
    with pytest.raises(TypeError):
        session.tool("bash", "true")  # type: ignore[arg-type]
    long = session.bash("seq 1 60000")
    assert long.artifact_uri is not None
    artifact = session.get_artifact(long.artifact_uri)
    assert artifact is not None and str(artifact["content"]).endswith("60000\n")


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({}, ValueError),
        ({"prompt": 5}, TypeError),
        (None, TypeError),
        (5, TypeError),
        ({"prompt": "a", "attachments": "x"}, TypeError),
        ({"prompt": "a", "attachments": [{}]}, ValueError),
        ({"prompt": "a", "history": "x"}, TypeError),
        ({"prompt": "a", "history": [{"role": "user", "content": "plain"}]}, TypeError),
    ],
)
def test_bad_requests_are_named_and_never_reach_the_model(
    tmp_path: Path, request_: object, error: type[Exception]
) -> None:
    model = ScriptedModel(["never"])
    with pytest.raises(error):
        session_with(model, tmp_path).send(request_)  # type: ignore[arg-type]
    assert model.requests == []


def test_a_history_goes_in_as_it_came_out(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("look", (call("bash", command="echo 1"),)), "done", "isolated"])
    session = session_with(model, tmp_path)
    session.send({"prompt": "go", "attachments": [{"data": b"png", "media_type": "image/png"}]})
    history = session.history()
    assert session.send("again", history).text == "isolated"
    assert model.requests[2].messages[:-1] == tuple(session._session.engine.state.messages)
    assert session.history() == history


@pytest.mark.parametrize(
    "name",
    [
        "Agent",
        "Session",
        "AsyncAgent",
        "AsyncSession",
        "AgentResult",
        "AgentEvent",
        "ToolResult",
        "EventStream",
        "EventType",
    ],
)
def test_what_only_the_package_makes_cannot_be_constructed(name: str) -> None:
    with pytest.raises(TypeError, match=f"No constructor defined for {name}"):
        getattr(a3s, name)()


def test_wrong_options_are_named(tmp_path: Path) -> None:
    agent = a3s.Agent.with_model(ScriptedModel())
    with pytest.raises(AttributeError):
        a3s.SessionOptions().no_such_option = 1
    with pytest.raises(TypeError, match="no_such_option"):
        agent.session(str(tmp_path), no_such_option=1)  # type: ignore[call-arg]  # on purpose
    with pytest.raises(ValueError, match="Invalid planning_mode 'weird'"):
        a3s.SessionOptions().planning_mode = "weird"
    with pytest.raises(ValueError, match="default_decision must be"):
        agent.session(str(tmp_path), permission_policy=a3s.PermissionPolicy(default_decision="maybe"))
    with pytest.raises(ValueError, match="timeout_action must be"):
        agent.session(str(tmp_path), confirmation_policy=a3s.ConfirmationPolicy(timeout_action="explode"))
    with pytest.raises(ValueError, match="Invalid lane 'bogus'"):
        agent.session(str(tmp_path), confirmation_policy=a3s.ConfirmationPolicy(yolo_lanes=["bogus"]))
    with pytest.raises(TypeError):
        agent.session(tmp_path)  # type: ignore[arg-type]


def test_a_closed_session_is_closed(tmp_path: Path) -> None:
    with session_with(ScriptedModel(["never"]), tmp_path) as session:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        session.send("go")


def test_slash_commands_never_reach_the_model(tmp_path: Path) -> None:
    model = ScriptedModel()
    session = session_with(model, tmp_path)
    assert "/clear" in session.send("/help").text
    events = list(session.stream("/history"))
    assert [event.event_type for event in events] == ["text_delta", "end"] and "Messages: 0" in (events[-1].text or "")
    assert session.runs() == [] and model.requests == []
