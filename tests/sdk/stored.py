"""What the tests of stored sessions share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import Reply, Script, ScriptedModel, call

ALLOW = a3s.PermissionPolicy(default_decision="allow")
LONG = Reply("", (call("bash", command="seq 1 30000"),))
"""A call whose output is too long to be shown whole."""


def options(store: object, **more: object) -> a3s.SessionOptions:
    chosen = a3s.SessionOptions()
    for name, value in {"session_store": store, "permission_policy": ALLOW, **more}.items():
        setattr(chosen, name, value)
    return chosen


def agent(*replies: Script) -> a3s.Agent:
    return a3s.Agent.with_model(ScriptedModel(replies))


def make(path: str) -> Reply:
    return Reply("", (call("write", file_path=path, content=f"{path}\n"),))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "sessions")


def write_reference(folder: Path, session_id: str, workspace: Path, **changed: object) -> Path:
    """The files that a3s-code 3.1 writes for a session of two prompts, one answered with two calls, one that failed."""
    name = session_id.replace("/", "_").replace("..", "_")
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cache_read_tokens": None}
    events: list[Mapping[str, object]] = [
        {"type": "agent_mode_changed", "mode": "general", "agent": "general", "description": "d"},
        {"type": "agent_start", "prompt": "first"},
        {"type": "turn_start", "turn": 1},
        {"type": "text_delta", "text": "I will "},
        {"type": "text_delta", "text": "look"},
        {"type": "tool_start", "id": "c1", "name": "bash"},
        {"type": "tool_input_delta", "delta": '{"command": '},
        {"type": "tool_input_delta", "delta": '"echo hi"}'},
        {"type": "turn_end", "turn": 1, "usage": usage},
        {"type": "tool_output_delta", "id": "c1", "name": "bash", "delta": "hi\n"},
        {"type": "tool_end", "id": "c1", "name": "bash", "output": "hi\n", "exit_code": 0, "metadata": {"x": 1}},
        {"type": "turn_start", "turn": 2},
        {"type": "reasoning_delta", "text": "hm"},
        {"type": "text_delta", "text": "done"},
        {"type": "turn_end", "turn": 2, "usage": usage},
        {"type": "agent_end", "text": "done", "usage": usage},
    ]
    times = {"created_at_ms": 1_700_000_000_000, "updated_at_ms": 1_700_000_000_900}
    done = {"id": "run-1", "session_id": session_id, "status": "completed", "prompt": "first", "result_text": "done"}
    failed = {"id": "run-2", "session_id": session_id, "status": "failed", "prompt": "second", "error": "broken"}
    listed = [{"sequence": n, "timestamp_ms": 1_700_000_000_000 + n, "event": e} for n, e in enumerate(events)]
    runs = [{"snapshot": {**done, **times}, "events": listed}, {"snapshot": {**failed, **times}, "events": []}]
    check = {"id": "t", "kind": "test", "description": "d", "status": "passed", "required": True}
    report = {"schema": "a3s.verification_report.v1", "subject": "it", "status": "passed", "checks": [check]}
    output = {
        "artifact_id": "tool-output:bash:d7ca8c07fee111cf",
        "artifact_uri": "a3s://tool-output/bash/d7ca8c07fee111cf",
        "tool_name": "bash",
        "content": "long\n" * 30_000,
        "original_bytes": 150_000,
        "shown_bytes": 102_400,
    }
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "first"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I will look"},
                {"type": "tool_use", "id": "c1", "name": "bash", "input": {"command": "echo hi"}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "hi\n", "is_error": False}],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "done"}], "reasoning_content": "hm"},
    ]
    session = {
        "id": session_id,
        "config": {"name": "", "workspace": str(workspace), "system_prompt": None, "planning_mode": "Disabled"},
        "state": "Active",
        "messages": messages,
        "total_usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        "model_name": "scripted/model",
        "tool_names": ["bash"],
        "created_at": 1_700_000_000,
        "updated_at": 1_700_000_001,
        "llm_config": {"provider": "scripted", "model": "model", "base_url": None},
        "tasks": [],
        **changed,
    }
    files: dict[str, object] = {
        f"{name}.json": session,
        f"runs/{name}.json": runs,
        f"traces/{name}.json": [],
        f"verification/{name}.json": [report],
        f"artifacts/{name}/artifacts.json": {"artifacts": [output]},
    }
    for path, value in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(value, indent=2))
    return folder / f"{name}.json"
