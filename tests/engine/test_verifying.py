"""Reports are about what is on the screen as well."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.verification import Check, Report
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
