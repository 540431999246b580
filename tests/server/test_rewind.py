"""Going back from the editor: listed, previewed, done, and undone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from a3s_lsp.engine.messages import Json
from a3s_lsp.server.fake_editor import ServerError
from a3s_lsp.testing import Reply, ScriptedModel, call
from tests.server.desk import desk

EDIT = Reply("", (call("edit", file_path="a.py", old_string="old", new_string="new"),))


async def test_from_the_list_over_the_preview_back_and_forth(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel([EDIT, "done"])) as d:
        path = d.root / "a.py"
        d.editor.open(path, "# typed\nold\n")
        await d.editor.prompt("make it new")
        points = (await d.editor.command("a3s.rewind"))["points"]
        assert isinstance(points, list)
        assert [(point["kind"], point["label"]) for point in points] == [("tool", "edit a.py"), ("run", "make it new")]
        run = points[1]["id"]
        shown = await d.editor.command("a3s.rewind", {"to": run, "preview": True})
        assert shown == {"files": [{"path": str(path), "change": "modified"}], "messages": 0, "leftOut": []}
        assert d.editor.text(path) == "# typed\nnew\n"
        done = await d.editor.command("a3s.rewind", {"to": run})
        assert d.editor.text(path) == "# typed\nold\n"
        rewound = await d.editor.event(lambda event: event["type"] == "rewound")
        assert (rewound["runId"], rewound["id"], rewound["messages"]) == (None, done["rewindId"], 0)
        await d.editor.command("a3s.rewind", {"to": done["rewindId"]})
        assert d.editor.text(path) == "# typed\nnew\n"


async def test_the_slash_command_has_the_same_name(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel([])) as d:
        assert await d.editor.command("a3s.rewind", {"args": ""}) == {"text": "There is nothing to go back to yet."}


async def test_a_point_that_is_not_there_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel([])) as d:
        with pytest.raises(ServerError, match="There is no prompt, call or rewind x in this session"):
            await d.editor.command("a3s.rewind", {"to": "x"})


async def test_two_prompts_that_come_together_are_for_one_session(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel(["one", "two"])) as d:
        both = await asyncio.gather(*(d.editor.command("a3s.prompt", {"text": text}) for text in "12"))
        assert both[0]["sessionId"] == both[1]["sessionId"]
        await d.editor.ending(str(both[1]["runId"]))


async def test_an_editor_that_tells_of_changes_only_after_its_command_was_answered_can_rewind(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel([EDIT, "done"])) as d:
        path = d.root / "a.py"
        d.editor.open(path, "old\n")
        run = (await d.editor.prompt("go"))["runId"]
        d.editor.notify("workspace/didChangeConfiguration", {"settings": {"a3s": {"client": {"events": False}}}})
        apply = d.editor.respond["workspace/applyEdit"]

        def slow(params: Json) -> object:
            asyncio.get_running_loop().call_soon(d.editor.hold)
            return apply(params)

        d.editor.respond["workspace/applyEdit"] = slow
        answer = await d.editor.command("a3s.rewind", {"to": run})
        assert answer["files"] == [{"path": str(path), "change": "modified"}]
        d.editor.release()
        await d.editor.until(lambda: d.editor.text(path) == "old\n")
