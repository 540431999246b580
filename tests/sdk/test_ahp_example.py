"""The harness in examples/ does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import Reply, ScriptedModel, call

SCRIPT = str(Path(__file__).parents[2] / "examples" / "ahp_harness.py")


@pytest.fixture
def served() -> Iterator[str]:
    """The address of the harness over HTTP."""
    command = [sys.executable, SCRIPT, "--http", "0"]
    environment = {**os.environ, "AHP_TOKEN": "TOKEN"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def calls(*commands: str) -> list[str | Reply]:
    return [*(Reply(calls=(call("bash", command=command),)) for command in commands), "done"]


def outputs(folder: Path, transport: object, replies: list[str | Reply]) -> list[str]:
    options = a3s.SessionOptions()
    options.permission_policy = a3s.PermissionPolicy(default_decision="allow")
    options.ahp_transport = transport  # type: ignore[assignment]  # one of four
    session = a3s.Agent.with_model(ScriptedModel(replies)).session(str(folder), options)
    try:
        return [str(event.tool_output) for event in session.stream("go") if event.event_type == "tool_end"]
    finally:
        session.close()


def test_it_guards_a_session_over_standard_input_and_output(tmp_path: Path) -> None:
    replies = calls("echo hi", "rm -rf build", "cat .env", "git push origin main")
    transport = a3s.StdioTransport(sys.executable, [SCRIPT])
    fine, destroys, secret, publishes = outputs(tmp_path, transport, replies)
    assert fine == "hi\n"
    assert "cannot be brought back" in destroys and "may hold secrets" in secret
    assert "nobody who could be asked" in publishes


def test_it_guards_a_session_over_http_and_bounds_how_often_a_tool_is_used(tmp_path: Path, served: str) -> None:
    done = outputs(tmp_path, a3s.HttpTransport(served, "TOKEN"), calls(*(f"echo {n}" for n in range(11))))
    assert done[:10] == [f"{n}\n" for n in range(10)] and "10 times within 60 seconds" in done[10]


def test_it_refuses_whoever_has_not_its_token(tmp_path: Path, served: str) -> None:
    with pytest.raises(RuntimeError, match="HTTP status 401"):
        outputs(tmp_path, a3s.HttpTransport(served, "another"), ["done"])


def test_it_answers_questions(tmp_path: Path) -> None:
    agent = a3s.Agent.with_model(ScriptedModel([]))
    session = agent.session(str(tmp_path), ahp_transport=a3s.StdioTransport(sys.executable, [SCRIPT]))
    assert "10 calls" in str(session.query_harness("limits")["answer"])
    session.close()
