"""A plan whose process is killed in the middle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import ScriptedModel

PROGRAM = """
import json, sys
import a3s_lsp as a3s
from a3s_lsp.testing import Reply, ScriptedModel, call
rows = [{"id": "a", "description": "A"}, {"id": "b", "description": "B", "dependencies": ["a"]}]
rows += [{"id": "c", "description": "C", "dependencies": ["b"]}]
plan = json.dumps({"requires_planning": True, "execution_plan": {"steps": rows}})
first = Reply("", (call("bash", command="echo once >> first"),))
second = Reply("", (call("bash", command="echo once >> second; echo begun; sleep 30"),))
session = a3s.Agent.with_model(ScriptedModel([plan, first, "did A", second])).session(
    sys.argv[2], session_id="mine", session_store=a3s.FileSessionStore(sys.argv[1]), planning_mode="enabled",
    permission_policy=a3s.PermissionPolicy(default_decision="allow"))
for event in session.stream("go"):
    print(event.event_type, event.text, flush=True)
"""


@pytest.mark.e2e
def test_a_killed_plan_goes_on_without_doing_a_step_twice(tmp_path: Path) -> None:
    place, work = tmp_path / "sessions", tmp_path / "work"
    work.mkdir()
    with subprocess.Popen([sys.executable, "-c", PROGRAM, place, work], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line.startswith("tool_output_delta begun") for line in process.stdout)
        process.kill()

    model = ScriptedModel(["did B", "did C"])
    store = a3s.FileSessionStore(str(place))
    with a3s.Agent.with_model(model).resume_session("mine", wanted(store)) as session:
        result = session.resume()
        assert result is not None and result.text == "did C"
        run = str(session.runs()[0]["id"])
        types = [event.event_type for event in session.replay(run)]
    assert "Interrupted" in str(model.requests[0].messages[-1]) and len(model.requests) == 2
    assert [(work / name).read_text() for name in ("first", "second")] == ["once\n", "once\n"]
    assert (types.count("planning_end"), types.count("step_start"), types.count("step_end")) == (1, 3, 3)


def wanted(store: a3s.FileSessionStore) -> a3s.SessionOptions:
    options = a3s.SessionOptions()
    options.session_store, options.planning_mode = store, "enabled"
    options.permission_policy = a3s.PermissionPolicy(default_decision="allow")
    return options
