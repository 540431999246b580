"""Child agents of a session in an editor: the person is asked by the child's name, and follows it in the run."""

from __future__ import annotations

from pathlib import Path

from a3s_lsp.engine.messages import Json
from a3s_lsp.testing import Reply, ScriptedModel, call
from tests.server.desk import desk

GIVE = Reply(calls=(call("task", agent="general", description="make it", prompt="p"),))
BASH = Reply(calls=(call("bash", command="touch made"),))


async def test_a_childs_question_names_it_and_its_steps_are_told_in_the_run_that_sent_it(tmp_path: Path) -> None:
    root = tmp_path / "w"
    root.mkdir()
    async with desk(root, ScriptedModel([GIVE, BASH, "made it", "done"]), posture="ask") as d:
        questions: list[Json] = []

        def confirm(params: Json) -> Json:
            questions.append(params)
            return {"choice": "allow_once"}

        d.editor.respond["a3s/confirm"] = confirm
        await d.editor.prompt("go")
        assert [question["toolName"] for question in questions] == ["task", "bash"]
        assert str(questions[1]["title"]).startswith("general: ")
        assert (root / "made").exists()
        told = [event for event in d.editor.events if str(event["type"]).startswith("subagent_")]
        assert (told[0]["type"], told[-1]["type"]) == ("subagent_start", "subagent_end")
        assert len({event["runId"] for event in d.editor.events}) == 1
        assert sum(event["type"] == "end" for event in d.editor.events) == 1


async def test_what_a_child_writes_arrives_in_the_open_buffer(tmp_path: Path) -> None:
    root = tmp_path / "w"
    root.mkdir()
    path = root / "a.py"
    path.write_text("x = 1\n")
    edit = Reply(calls=(call("edit", file_path="a.py", old_string="x = 1", new_string="x = 2"),))
    async with desk(root, ScriptedModel([GIVE, edit, "made it", "done"]), posture="auto") as d:
        d.editor.open(path)
        await d.editor.prompt("go")
        assert d.editor.text(path) == "x = 2\n" and path.read_text() == "x = 1\n"
