"""Commands that a project names as hooks: the person at the editor is asked once, by whatever the editor can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3s_lsp.engine.messages import Json
from a3s_lsp.testing import Reply, ScriptedModel, call
from tests.server.desk import desk

CONFIG = 'hooks "audit" { event = "pre_tool_use" command = "touch ran" }\n'
BASH = Reply(calls=(call("bash", command="echo hi"),))


@pytest.mark.parametrize(("choice", "ran"), [("allow_once", True), ("reject_once", False)])
async def test_a_client_that_can_confirm_is_asked_once_for_each_session(tmp_path: Path, choice: str, ran: bool) -> None:
    root = tmp_path / "w"
    root.mkdir()
    (root / "agent.acl").write_text(CONFIG)
    async with desk(root, ScriptedModel([BASH, BASH, "done", "again"]), posture="auto") as d:
        questions: list[Json] = []

        def confirm(params: Json) -> Json:
            questions.append(params)
            return {"choice": choice}

        d.editor.respond["a3s/confirm"] = confirm
        await d.editor.prompt("go")
        await d.editor.prompt("go on")
        (question,) = questions
        assert question["toolName"] == "hooks" and "touch ran" in str(question["detail"])
        assert (root / "ran").exists() is ran
        started = [event["tool_id"] for event in d.editor.events if event["type"] == "tool_start"]
        ended = [event["tool_id"] for event in d.editor.events if event["type"] == "tool_end"]
        assert started == ended and started[0] == question["toolId"]


async def test_a_client_that_can_only_show_messages_is_asked_by_one(tmp_path: Path) -> None:
    root = tmp_path / "w"
    root.mkdir()
    (root / "agent.acl").write_text(CONFIG)
    async with desk(root, ScriptedModel([BASH, "done"]), flags=("events",), posture="auto") as d:
        messages: list[Json] = []

        def choose(params: Json) -> Json:
            messages.append(params)
            return {"title": "Allow once"}

        d.editor.respond["window/showMessageRequest"] = choose
        await d.editor.prompt("go")
        assert "touch ran" in str(messages[0]["message"]) and (root / "ran").exists()


async def test_a_projects_mcp_servers_start_only_once_the_person_has_allowed_them(tmp_path: Path) -> None:
    root = tmp_path / "w"
    root.mkdir()
    (root / "agent.acl").write_text('mcp_servers "x" { command = "touch" args = ["started"] timeout_ms = 2000 }\n')
    async with desk(root, ScriptedModel(["first", "second"]), posture="auto") as d:
        questions: list[Json] = []

        def confirm(params: Json) -> Json:
            questions.append(params)
            assert not (root / "started").exists()
            return {"choice": "allow_once"}

        d.editor.respond["a3s/confirm"] = confirm
        await d.editor.prompt("go")
        (question,) = questions
        assert "MCP server x: touch started" in str(question["detail"])
        assert (root / "started").exists()
