"""Stored sessions among processes and on disks: one process at a time, killed ones let go, no key is ever written."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import ScriptedModel
from tests.engine.models.openai_server import Server, error, text

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
_NOBODY = 65534

ASKS = """
import sys
import a3s_lsp as a3s
from a3s_lsp.testing import Pause, Reply, ScriptedModel
pause = Pause()
agent = a3s.Agent.with_model(ScriptedModel([Reply(chunks=("half", " of it"), pause=pause)]))
store = a3s.FileSessionStore(sys.argv[1])
session = agent.session(sys.argv[2], session_store=store, session_id="mine")
stream = session.stream("go")
pause.wait(30)
print("asked", flush=True)
sys.stdin.readline()
"""


def options(place: Path | str) -> a3s.SessionOptions:
    chosen = a3s.SessionOptions()
    chosen.session_store = a3s.FileSessionStore(str(place))
    chosen.planning_mode = "disabled"
    return chosen


@contextmanager
def program(text: str, *arguments: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which has come to where it prints something; it is killed in the end."""
    pipe = subprocess.PIPE
    running = subprocess.Popen([sys.executable, "-c", text, *arguments], stdin=pipe, stdout=pipe, text=True)
    with running:
        try:
            assert running.stdout is not None and running.stdout.readline().strip()
            yield running
        finally:
            running.kill()


def done(text: str, *arguments: Path, user: int | None = None) -> str:
    """What another program prints."""
    run = subprocess.run(
        [sys.executable, "-c", text, *arguments],
        cwd=ROOT,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(arguments[0])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_session_of_another_process_is_told_with_that_process_and_free_when_it_is_killed(tmp_path: Path) -> None:
    place, work = tmp_path / "sessions", tmp_path
    agent = a3s.Agent.with_model(ScriptedModel(["went on"]))
    with program(ASKS, place, work) as other:
        (lock,) = (place / "sessions.db.locks").iterdir()
        told = rf"Failed to resume session: Session mine is open .*process {other.pid} on {socket.gethostname()}, since"
        with pytest.raises(a3s.SessionBusy, match=told):
            agent.resume_session("mine", options(place))
        with pytest.raises(a3s.SessionBusy):
            agent.delete_session("mine", a3s.FileSessionStore(str(place)))
        rows = agent.list_sessions(a3s.FileSessionStore(str(place)))
        assert [(row["id"], row["status"]) for row in rows] == [("mine", "running")]
        with agent.fork_session("mine", options(place)) as fork:
            assert fork.runs()[0]["status"] == "cancelled", "what is open elsewhere may be forked"
    rows = agent.list_sessions(a3s.FileSessionStore(str(place)))
    assert {row["id"]: row["status"] for row in rows}["mine"] == "interrupted"
    with agent.resume_session("mine", options(place)) as session:
        result = session.resume()
        assert result is not None and result.text == "went on"
    assert not lock.exists(), "locks of the dead are cleared away"


def test_many_processes_may_use_one_store_at_once(tmp_path: Path) -> None:
    text = """
import sys
import a3s_lsp as a3s
from a3s_lsp.testing import ScriptedModel
store = a3s.FileSessionStore(sys.argv[1])
for number in range(5):
    agent = a3s.Agent.with_model(ScriptedModel(["a", "b"]))
    with agent.session(sys.argv[2], session_store=store) as session:
        session.send("q")
        session.send("r")
"""
    place = tmp_path / "sessions"
    running = [subprocess.Popen([sys.executable, "-c", text, place, tmp_path]) for _ in range(4)]
    assert [process.wait(60) for process in running] == [0] * 4
    store = a3s.FileSessionStore(str(place))
    assert [(row["messages"], row["status"]) for row in store.sessions()] == [(4, "completed")] * 20


def test_a_full_disk_is_told_and_what_was_there_stays(tmp_path: Path) -> None:
    text = """
import resource, sys
import a3s_lsp as a3s
from a3s_lsp.testing import ScriptedModel
store = a3s.FileSessionStore(sys.argv[1])
agent = a3s.Agent.with_model(ScriptedModel(["a", "b", "c"]))
session = agent.session(sys.argv[2], session_store=store, session_id="mine")
session.send("q")
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
for work in (lambda: session.send("x" * 500_000), session.save):
    try:
        work()
        print("nothing")
    except (a3s.StoreError, a3s.RunFailed) as error:
        print(type(error).__name__, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(session.send("again").text)
print(session.save())
"""
    lines = done(text, tmp_path / "sessions", tmp_path).splitlines()
    assert "the disk may be full: free some space" in lines[0] and lines[0].startswith("RunFailed")
    assert "the disk may be full: free some space" in lines[1] and lines[1].startswith("StoreError")
    assert lines[2] in "abc" and lines[3] == "None"
    session = a3s.Agent.with_model(ScriptedModel()).resume_session("mine", options(tmp_path / "sessions"))
    assert [len(str(run["prompt"])) for run in session.runs()] == [1, 500_000, 5]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    text = """
import sys
import a3s_lsp as a3s
from a3s_lsp.testing import ScriptedModel
try:
    a3s.Agent.with_model(ScriptedModel()).session("/", session_store=a3s.FileSessionStore(sys.argv[1]))
except a3s.StoreError as error:
    print(error)
"""
    place = tmp_path / "sessions"
    with a3s.Agent.with_model(ScriptedModel(["a"])).session(str(tmp_path), options(place)) as session:
        session.send("q")
    user = None
    if os.geteuid() == 0:  # nothing is forbidden to root
        user = _NOBODY
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        (place / "sessions.db").chmod(0o644)
    place.chmod(0o555)
    try:
        told = done(text, place, user=user)
    finally:
        place.chmod(0o755)
    assert "cannot be written: give the folder write permission, or give FileSessionStore another folder" in told


def test_no_key_is_ever_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [f"sk-{word}-0123456789abcdefghij" for word in ("config", "header", "variable")]
    configured, header, variable = keys
    monkeypatch.setenv("SERVICE_API_KEY", variable)
    place = tmp_path / "sessions"
    with Server(error(401, f"Incorrect API key provided: {configured}"), text("fine"), text("fine")) as server:
        agent = a3s.Agent.create(f"""
default_model = "openai/m"
providers "openai" {{
  api_key  = "{configured}"
  base_url = "{server.url}"
  headers  = {{ "X-Api-Key" = "{header}" }}
  models "m" {{ name = "m" }}
}}
""")
        session = agent.session(str(tmp_path), options(place))
        with pytest.raises(a3s.RunFailed) as failed:
            session.send(f"my key is {variable}")
        session.send(f"and another is {header}")
        session.bash(f"echo {header}; seq 1 30000; echo {variable}")
        session.export(str(place / "exported.json"))
        session.fork().close()
        session.close()
        assert server.requests[0].headers["x-api-key"] == header
    stored = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    assert len(stored) > 100_000
    for key in keys:
        assert key.encode() not in stored
        assert key not in str(failed.value)
