"""Reports are about what is on the screen as well."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.verification import Check, Report
from a3s_lsp.engine.verification_json import Command
from a3s_lsp.engine.verifying import Requirement
from a3s_lsp.testing import MemoryEditor, Pause, Reply, ScriptedModel, call
from tests.engine.stage import Stage


async def test_an_edit_of_unsaved_text_makes_reports_stale(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\n")
    editor = MemoryEditor()
    editor.open(path, "one\n")
    pause = Pause()
    again = Reply("", (call("edit", file_path="a.txt", old_string="two", new_string="three"),), pause=pause)
    model = ScriptedModel(
        [
            Reply("", (call("read", file_path="a.txt"),)),
            Reply("", (call("edit", file_path="a.txt", old_string="one", new_string="two"),)),
            again,
            "Done.",
        ]
    )
    stage = Stage(tmp_path)
    setup = replace(stage.setup(model, editor=editor), verification=Requirement(names=("c",), attempts=0))
    session = await stage.open(setup)
    run = session.start(f.RunQueued("go"))
    await pause.reached()
    await session.verification.record([Report("s", "passed", (Check("c", "test", "d", "passed", required=True),))])
    pause.release()
    async with asyncio.timeout(10):
        ended = await run.wait()
    assert path.read_text() == "one\n", "nothing was saved"
    assert ended.status == "failed"
    assert "c: nothing was reported about the files as they are now" in (ended.error or "")


async def test_a_call_that_was_cut_with_its_process_is_not_taken_to_go_on(tmp_path: Path) -> None:
    batch = Reply("", (call("batch", invocations=[{"tool": "bash", "args": {"command": "touch begun; sleep 60"}}]),))
    stage = Stage(tmp_path)
    session = await stage.open(stage.setup(ScriptedModel([batch])))
    session.start(f.RunQueued("go"))
    async with asyncio.timeout(10):
        while not (tmp_path / "begun").exists():  # noqa: ASYNC110 - what it waits for is a file
            await asyncio.sleep(0.01)
    await session.suspend()
    records = tuple(stage.store.read("s"))
    while not isinstance(records[-1].fact, f.CallBegan):  # as a kill leaves it
        records = records[:-1]
    stage.store = MemoryStore()
    stage.store.append("s", records, sync=True)

    pause = Pause()
    write = Reply("", (call("write", file_path="a.txt", content="x"),))
    model = ScriptedModel([write, Reply("Done.", pause=pause)])
    setup = replace(stage.setup(model), verification=Requirement(names=("s",), attempts=0))
    again = await stage.load(setup)
    run = again.start(f.RunQueued("once more"))
    await pause.reached()
    await again.verification.run("s", [Command("c", "test", "d", "true", required=True)])
    pause.release()
    async with asyncio.timeout(10):
        assert (await run.wait()).text == "Done."
