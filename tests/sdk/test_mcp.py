"""MCP servers, real ones, as parts of a session."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import Reply, ScriptedModel, call

SERVER = Path(__file__).with_name("mcp_server.py")
STDIO: dict[str, object] = {"type": "stdio", "command": sys.executable, "args": [str(SERVER), "stdio"]}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[a3s.Session]:
    with a3s.Agent.with_model(ScriptedModel([])).session(str(tmp_path)) as made:
        yield made


def added(session: a3s.Session, **more: object) -> a3s.Session:
    assert session.add_mcp({"name": "tests", "transport": STDIO, "timeout_ms": 20_000, **more}) == 7
    return session


def children() -> list[psutil.Process]:
    return [each for each in psutil.Process().children(recursive=True) if str(SERVER) in command_line(each)]


def command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(what: str, holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.mark.e2e
def test_the_tools_of_a_server_join_the_session_and_leave_with_it(session: a3s.Session) -> None:
    added(session)
    assert "mcp__tests__add" in session.tool_names()
    assert session.tool("mcp__tests__add", {"a": 2, "b": 3}).output == "5"
    failed = session.tool("mcp__tests__fail", {})
    assert failed.exit_code == 1 and "fail" in failed.output
    assert session.mcps()["tests"] == {"connected": True, "tool_count": 7, "error": None, "status": "connected"}
    assert "tests (7 tools)" in session.send("/mcp").text
    assert len(children()) == 1
    session.remove_mcp("tests")
    assert session.mcps() == {} and "mcp__tests__add" not in session.tool_names() and children() == []


@pytest.mark.e2e
def test_closing_the_session_ends_its_servers(tmp_path: Path) -> None:
    session = added(a3s.Agent.with_model(ScriptedModel([])).session(str(tmp_path)))
    session.close()
    assert children() == []


@pytest.mark.e2e
@pytest.mark.parametrize("kind", ["http", "sse"])
def test_a_server_at_an_address(session: a3s.Session, kind: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, SERVER, kind, str(port)], stderr=subprocess.DEVNULL) as process:
        try:
            until("the server listens", lambda: listening(port))
            path = "mcp" if kind == "http" else "sse"
            url = f"http://127.0.0.1:{port}/{path}"
            assert session.add_mcp({"name": "far", "transport": {"type": kind, "url": url}}) == 7
            assert session.tool("mcp__far__add", {"a": 2, "b": 3}).output == "5"
            session.remove_mcp("far")
        finally:
            process.kill()


@pytest.mark.e2e
def test_calls_of_the_model_pass_the_gate_and_show_their_progress(tmp_path: Path) -> None:
    calls = (call("mcp__tests__wait", seconds=0.01), call("mcp__tests__add", a=1, b=2))
    policy = a3s.PermissionPolicy(allow=["mcp__tests__wait"], default_decision="deny")
    with a3s.Agent.with_model(ScriptedModel([Reply("", calls), "done"])).session(
        str(tmp_path), permission_policy=policy
    ) as session:
        added(session)
        events = list(session.stream("go"))
    ended = {event.tool_name: event.exit_code for event in events if event.event_type == "tool_end"}
    assert ended == {"mcp__tests__wait": 0, "mcp__tests__add": 1}
    assert "half: 1 of 2\n" in "".join(e.text or "" for e in events if e.event_type == "tool_output_delta")


@pytest.mark.e2e
def test_a_call_that_takes_too_long_is_given_up_and_the_server_stays(session: a3s.Session) -> None:
    added(session, timeout_ms=3000)
    late = session.tool("mcp__tests__wait", {"seconds": 30})
    assert late.exit_code == 1 and "timed out after 3s" in late.output
    assert session.tool("mcp__tests__add", {"a": 2, "b": 3}).output == "5"


@pytest.mark.e2e
def test_a_server_that_dies_in_mid_call_is_said_at_once_and_connected_again(session: a3s.Session) -> None:
    added(session)
    died = session.tool("mcp__tests__die", {})
    assert died.exit_code == 1 and "ended during the call" in died.output
    assert session.tool("mcp__tests__add", {"a": 2, "b": 3}).output == "5"
    [process] = children()
    process.send_signal(signal.SIGKILL)
    until("it is connected again", lambda: children() not in ([], [process]))
    assert session.tool("mcp__tests__add", {"a": 2, "b": 4}).output == "6"


@pytest.mark.e2e
def test_cancel_ends_a_call_to_a_server_at_once(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("mcp__tests__wait", seconds=60),)), "done"])
    policy = a3s.PermissionPolicy(default_decision="allow")
    with a3s.Agent.with_model(model).session(str(tmp_path), permission_policy=policy) as session:
        added(session)
        stop = threading.Thread(target=session.cancel)
        types = []
        for event in session.stream("go"):
            types.append(event.event_type)
            if event.event_type == "tool_output_delta":
                stop.start()
        stop.join(5)
        assert types[-1] == "cancelled"
        assert session.tool("mcp__tests__add", {"a": 2, "b": 3}).output == "5"


@pytest.mark.e2e
def test_a_server_gets_its_own_variables_and_none_that_look_like_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-never")
    with a3s.Agent.with_model(ScriptedModel([])).session(str(tmp_path)) as session:
        added(session, env={"MY_TOKEN": "given"})
        assert session.tool("mcp__tests__variable", {"name": "SOME_API_KEY"}).output == ""
        assert "iven" in session.tool("mcp__tests__variable", {"name": "MY_TOKEN"}).output


@pytest.mark.e2e
def test_an_image_of_a_server_reaches_the_model(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("mcp__tests__picture"),)), "seen"])
    policy = a3s.PermissionPolicy(default_decision="allow")
    with a3s.Agent.with_model(model).session(str(tmp_path), permission_policy=policy) as session:
        added(session)
        session.send("go")
    [result] = [message for message in model.requests[-1].messages if message.role == "tool"]
    assert [image.media_type for image in result.attachments] == ["image/png"]


@pytest.mark.e2e
def test_what_a_server_tells_is_marked_as_coming_from_outside(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("mcp__tests__prose"), call("mcp__tests__add", a=1, b=2))), "seen"])
    policy = a3s.PermissionPolicy(default_decision="allow")
    with a3s.Agent.with_model(model).session(str(tmp_path), permission_policy=policy) as session:
        added(session)
        session.send("go")
    prose, number = [message for message in model.requests[-1].messages if message.role == "tool"]
    assert prose.content.startswith("[External content from the MCP server tests.") and number.content == "3"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("command", "why"),
    [("/nope/server", "No such file"), ("true", ""), ("sleep", "timed out after 1s")],
)
def test_a_server_that_cannot_be_had_is_an_error_and_stays_listed(session: a3s.Session, command: str, why: str) -> None:
    with pytest.raises(RuntimeError, match="add_mcp_server failed") as caught:
        session.add_mcp(
            {"name": "bad", "transport": {"type": "stdio", "command": command, "args": ["60"]}, "timeout_ms": 1000}
        )
    assert why in str(caught.value)
    status = session.mcps()["bad"]
    assert status["connected"] is False and status["error"]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"name": "x"},
        {"name": "a b", "transport": STDIO},
        {"name": "x", "transport": {"type": "carrier pigeon"}},
        {"name": "x", "transport": {"type": "stdio"}},
        {"name": "x", "transport": {"type": "http", "url": "ftp://x"}},
        {"name": "x", "transport": STDIO, "timeout_ms": 0},
    ],
)
def test_a_configuration_that_cannot_be_right_is_refused(session: a3s.Session, config: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Invalid MCP server config"):
        session.add_mcp(config)


def test_headers_and_variables_do_not_show() -> None:
    from a3s_lsp.engine.mcp.servers_spec import parse_server

    shown = repr(
        parse_server({"name": "x", "transport": {"type": "http", "url": "http://h", "headers": {"A": "SECRET"}}})
    )
    shown += repr(parse_server({"name": "x", "transport": STDIO, "env": {"TOKEN": "SECRET"}}))
    assert "SECRET" not in shown


@pytest.mark.e2e
def test_the_servers_of_the_configuration_are_connected_before_the_first_run(tmp_path: Path) -> None:
    (tmp_path / "agent.acl").write_text(
        'default_model = "offline/assistant"\n'
        f'mcp_servers "tests" {{\n  command = "{sys.executable}"\n  args = ["{SERVER}", "stdio"]\n}}\n'
        'mcp_servers "bad" {\n  command = "/nope/server"\n}\n'
    )
    agent = a3s.Agent.create(str(tmp_path / "agent.acl"))
    with agent.session(str(tmp_path), planning_mode="disabled") as session:
        session.send("where is x?")
        assert session.mcps()["tests"]["connected"] is True and session.mcps()["bad"]["connected"] is False
