"""Plans in an editor: only where they are wanted, shown first in the plan posture, told as one run."""

from __future__ import annotations

import json
from pathlib import Path

from a3s_lsp.engine.messages import Json
from a3s_lsp.testing import ScriptedModel
from tests.server.desk import desk

ROWS = [{"id": "a", "description": "Look"}, {"id": "b", "description": "Ask"}]
PLAN = json.dumps({"requires_planning": True, "execution_plan": {"steps": ROWS}})


async def test_an_editor_that_says_nothing_gets_no_plans(tmp_path: Path) -> None:
    model = ScriptedModel(["hello"])
    async with desk(tmp_path / "w", model) as d:
        ending = await d.editor.prompt("hi")
        assert (ending["type"], len(model.requests)) == ("end", 1)


async def test_a_plan_is_one_run_for_the_editor(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel([PLAN, "seen", "asked"]), planning="enabled") as d:
        ending = await d.editor.prompt("hi")
        assert ending["type"] == "end" and {event["runId"] for event in d.editor.events} == {ending["runId"]}
        types = [event["type"] for event in d.editor.events]
        assert types[0] == "planning_start" and types.count("step_end") == types.count("step_progress") == 2
        assert [event["seq"] for event in d.editor.events] == list(range(len(types)))


async def test_in_the_plan_posture_the_plan_is_shown_first(tmp_path: Path) -> None:
    questions: list[Json] = []

    def confirm(params: Json) -> Json:
        questions.append(params)
        return {"choice": "reject_once"}

    model = ScriptedModel([PLAN])
    async with desk(tmp_path / "w", model, planning="enabled", posture="plan") as d:
        d.editor.respond["a3s/confirm"] = confirm
        ending = await d.editor.prompt("hi")
        assert ending["type"] == "cancelled" and "not approved" in str(ending["error"])
    assert questions[0]["detail"] == "1. Look\n2. Ask" and len(model.requests) == 1
