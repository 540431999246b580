"""Fifty sessions at once in one process, each streaming: nothing is lost, nothing comes out of order."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import Pause, Reply, ScriptedModel, call

COUNT = 50
ALLOW = a3s.PermissionPolicy(default_decision="allow")


def replies(number: int, pause: Pause) -> list[Reply]:
    """A turn with two calls, then an answer in many pieces; every session has texts of its own."""
    calls = tuple(call("write", file_path=f"{number}-{n}.txt", content=f"{number}\n") for n in range(2))
    return [Reply("", calls, pause=pause), Reply(chunks=pieces(number))]


def pieces(number: int) -> tuple[str, ...]:
    return tuple(f"{number}.{n} " for n in range(100))


def check(number: int, shown: list[a3s.AgentEvent], stored: list[dict[str, object]], folder: Path) -> None:
    """What was streamed is whole and in order, and so is what was stored."""
    assert "".join(event.text or "" for event in shown if event.event_type == "text_delta") == "".join(pieces(number))
    assert [event.event_type for event in shown].count("end") == 1 and shown[-1].event_type == "end"
    ended = [event.tool_id or "" for event in shown if event.event_type == "tool_end"]
    assert sorted(ended) == ["call_1", "call_2"]
    assert [event["sequence"] for event in stored] == list(range(len(stored)))
    assert len(stored) == len(shown)
    assert [(folder / f"{number}-{n}.txt").read_text() for n in range(2)] == [f"{number}\n"] * 2


@pytest.mark.parametrize("stored", [True, False])
async def test_fifty_sessions_stream_at_once_on_one_loop(tmp_path: Path, stored: bool) -> None:
    store = a3s.FileSessionStore(str(tmp_path / "sessions")) if stored else None
    pause = Pause()

    async def one(number: int) -> None:
        agent = a3s.AsyncAgent.with_model(ScriptedModel(replies(number, pause)))
        async with await agent.session(str(tmp_path), permission_policy=ALLOW, session_store=store) as session:
            stream = session.stream("go")
            begun.append(number)
            if len(begun) == COUNT:
                pause.release()
            shown = [event async for event in stream]
            check(number, shown, await session.run_events(str(session.runs()[0]["id"])), tmp_path)

    begun: list[int] = []
    async with asyncio.timeout(60):
        await asyncio.gather(*(one(number) for number in range(COUNT)))
    if store is not None:
        assert {row["status"] for row in store.sessions()} == {"completed"} and len(store.sessions()) == COUNT


def test_fifty_threads_stream_at_once_through_one_store(tmp_path: Path) -> None:
    store = a3s.FileSessionStore(str(tmp_path / "sessions"))
    pause, together = Pause(), threading.Barrier(COUNT, action=lambda: pause.release())
    failed: list[BaseException] = []
    whole: list[int] = []

    def one(number: int) -> None:
        try:
            agent = a3s.Agent.with_model(ScriptedModel(replies(number, pause)))
            with agent.session(str(tmp_path), permission_policy=ALLOW, session_store=store) as session:
                stream = session.stream("go")
                together.wait(60)
                check(number, list(stream), session.run_events(str(session.runs()[0]["id"])), tmp_path)
            whole.append(number)
        except BaseException as error:  # told by the test, not by the thread
            failed.append(error)

    threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(COUNT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert failed == []
    assert sorted(whole) == list(range(COUNT))


def test_fifty_sessions_of_one_agent_stream_at_once(tmp_path: Path) -> None:
    said = [Reply(chunks=pieces(0)) for _ in range(COUNT)]
    agent = a3s.Agent.with_model(ScriptedModel(said))
    sessions = [agent.session(str(tmp_path)) for _ in range(COUNT)]
    streams = [session.stream("go") for session in sessions]
    for session, stream in zip(sessions, streams, strict=True):
        shown = list(stream)
        assert "".join(event.text or "" for event in shown if event.event_type == "text_delta") == "".join(pieces(0))
        stored = session.run_events(str(session.runs()[0]["id"]))
        assert [event["sequence"] for event in stored] == list(range(len(shown)))
