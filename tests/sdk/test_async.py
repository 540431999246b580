"""The asynchronous face has the names of the blocking one, and runs on the caller's own loop."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import Pause, Reply, ScriptedModel


def test_both_faces_have_the_same_names() -> None:
    def names(face: type) -> set[str]:
        return {name for name, _ in inspect.getmembers(face) if not name.startswith("_")}

    assert names(a3s.Session) - {"of"} <= names(a3s.AsyncSession)
    assert names(a3s.Agent) <= names(a3s.AsyncAgent)


async def test_many_sessions_answer_at_once_on_one_loop(tmp_path: Path) -> None:
    sessions = [
        await a3s.AsyncAgent.with_model(ScriptedModel([f"answer {n}"])).session(str(tmp_path)) for n in range(50)
    ]
    results = await asyncio.gather(*(session.send("go") for session in sessions))
    assert [result.text for result in results] == [f"answer {n}" for n in range(50)]


async def test_a_cancelled_send_stops_its_run(tmp_path: Path) -> None:
    pause = Pause()
    session = await a3s.AsyncAgent.with_model(ScriptedModel([Reply("never", pause=pause)])).session(str(tmp_path))
    sending = asyncio.create_task(session.send("go"))
    await pause.reached()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert session.runs()[-1]["status"] == "cancelled"


async def test_a_stopped_run_raises_what_stopped_it(tmp_path: Path) -> None:
    pause = Pause()
    session = await a3s.AsyncAgent.with_model(ScriptedModel([Reply("never", pause=pause)])).session(str(tmp_path))
    sending = asyncio.create_task(session.send("go"))
    await pause.reached()
    assert await session.cancel() is True
    with pytest.raises(a3s.RunCancelled, match="cancelled by user"):
        await sending
    assert await session.cancel() is False


async def test_leaving_a_stream_early_stops_its_run(tmp_path: Path) -> None:
    pause = Pause()
    session = await a3s.AsyncAgent.with_model(ScriptedModel([Reply("", chunks=("a", "b"), pause=pause)])).session(
        str(tmp_path)
    )
    async with session.stream("go") as stream:
        await anext(stream)
    assert session.runs()[-1]["status"] == "cancelled"
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
