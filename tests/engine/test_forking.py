"""Forks, at any point of any log: each call has one result, each run one end, and nothing is missing between."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.events import project
from a3s_lsp.engine.forking import fork, forked
from a3s_lsp.engine.messages import AssistantMessage, Message, ToolCall, ToolMessage, Usage
from a3s_lsp.engine.rewind_points import points_of
from a3s_lsp.engine.state import State
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.testing import Reply, Script, ScriptedModel, call
from tests.engine.stage import Stage, answer, assert_well_formed


async def a_log(folder: Path) -> list[f.Record]:
    """Three runs, of which one fails and two use tools, with a prompt that waited and one that was added."""
    stage = Stage(folder)
    replies: list[Script] = [
        Reply("both", (call("write", file_path="a.txt", content="a\n"), call("bash", command="echo hi"))),
        Reply("more", (call("bash", command="false"),), reasoning="hm"),
        "done",
        RuntimeError("a defect of the model"),
        Reply("last", (call("edit", file_path="a.txt", old_string="a", new_string="b"),)),
        "end",
    ]
    session = await stage.open(stage.setup(ScriptedModel(replies)))
    for prompt in ("first", "second", "third"):
        await answer(session, prompt)
    await session.settled()
    return list(stage.store.read("s"))


def assert_sound(records: list[f.Record]) -> State:
    """What holds for the log of every session."""
    assert [record.position for record in records] == list(range(len(records)))
    state = State()
    for record in records:
        state.apply(record)
    assert state.open_runs == [] and not state.questions
    assert_answered(state.messages)
    assert_well_formed(event for record in records if record.run_id and (event := project("s", record)) is not None)
    return state


def assert_answered(messages: list[Message]) -> None:
    asked = [c.id for message in messages if isinstance(message, AssistantMessage) for c in message.tool_calls]
    assert [message.call_id for message in messages if isinstance(message, ToolMessage)] == asked


async def test_a_fork_of_any_part_of_a_log_is_sound(tmp_path: Path) -> None:
    records = await a_log(tmp_path)
    for end in range(1, len(records) + 1):  # as if the session was forked while it was just there
        log = list(forked(records[:end], "s", None))
        assert log[-1].fact == f.SessionForked("s")
        assert_sound(log)


async def test_a_fork_at_any_point_has_what_a_rewind_would_leave(tmp_path: Path) -> None:
    records = await a_log(tmp_path)
    points = points_of(records)
    assert {point.kind for point in points} == {"run", "tool"}
    for point in points:
        state = assert_sound(list(forked(records, "s", point.id)))
        expected = State()
        for record in records:
            if isinstance(record.fact, f.TurnEnded) and any(c.id == point.id for c in record.fact.message.tool_calls):
                break
            if isinstance(record.fact, f.RunStarted) and record.run_id == point.id:
                break
            expected.apply(record)
        assert state.messages == expected.messages


@given(forks=st.lists(st.integers(0, 30), max_size=5))
@settings(max_examples=40)
def test_forks_of_forks_are_sound(forks: list[int]) -> None:
    store = MemoryStore()
    turn = f.TurnEnded(1, AssistantMessage("x", (ToolCall("c", "bash", "{}"),)), Usage(1, 1))
    store.append("0", [f.Record(0, None, None, 1, f.SessionOpened("/w", "p/m"))], sync=False)
    run: list[f.Fact] = [f.RunStarted("go"), f.TurnStarted(1), f.TextStreamed("x"), turn]
    store.append("0", [f.Record(n, "r", n - 1, 1, fact) for n, fact in enumerate(run, 1)], sync=False)
    for number, at in enumerate(forks):
        ids = [point.id for point in points_of(list(store.read(str(number))))] + [None]
        fork(store, str(number), ids[at % len(ids)], str(number + 1))
        assert_sound(list(store.read(str(number + 1))))
