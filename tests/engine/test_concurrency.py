"""The calls of one turn: beside each other where they cannot conflict, in order where they can, one result each."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.concurrency import MOST_AT_ONCE
from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.facts import Record, RunQueued
from a3s_lsp.engine.kit import Limits
from a3s_lsp.engine.messages import Json, ToolCall, ToolMessage
from a3s_lsp.engine.policy.permissions import PermissionPolicy
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, ToolSpec
from a3s_lsp.engine.session import Setup
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.tools.applying import commit, text_or_none
from a3s_lsp.engine.workspace.checkpoints import CheckpointStore
from a3s_lsp.testing import Reply, ScriptedApprover, ScriptedModel, call
from tests.engine.stage import Stage, answer, assert_well_formed

WAIT_SECONDS = 5.0


@dataclass
class Floor:
    """Where the calls of `Visit` meet: who came, who went, and who waits for whom."""

    log: list[str] = field(default_factory=list)
    inside: set[str] = field(default_factory=set)
    most: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def enter(self, name: str) -> None:
        self.log.append(f"+{name}")
        self.inside.add(name)
        self.most = max(self.most, len(self.inside))
        self._changed.set()

    def leave(self, name: str) -> None:
        self.log.append(f"-{name}")
        self.inside.discard(name)
        self._changed.set()

    async def until(self, wanted: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not wanted():
                self._changed.clear()
                await self._changed.wait()

    async def saw(self, *entries: str) -> None:
        """Wait until all of this has happened."""
        await self.until(lambda: set(entries) <= set(self.log))


class Visit:
    """A tool that is on the floor for as long as its arguments say; with a file_path it writes that file."""

    def __init__(self, floor: Floor, name: str = "look", lane: Lane = "query") -> None:
        self.floor = floor
        self.lane: Lane = lane
        names = ("name", "file_path", "after", "crash")
        self.spec = ToolSpec(name, "", {"type": "object", "properties": {each: {"type": "string"} for each in names}})

    def subject(self, args: Json) -> str:
        return str(args["name"])

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        if "file_path" not in args:
            return None
        path = context.workspace.resolve(str(args["file_path"]))
        before = await text_or_none(context.workspace, path)
        return ChangeSet("visit", (Change(str(path), before, f"{before or ''}{args['name']}\n"),))

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        name = str(args["name"])
        self.floor.enter(name)
        try:
            if after := str(args.get("after", "")):
                await self.floor.saw(*after.split())
            for _ in range(3):  # others get their chance to come in
                await asyncio.sleep(0)
            if "crash" in args:
                raise RuntimeError(name)
            changes = await self.plan(args, context)
            if changes is not None:
                await commit(context, changes)
            return ToolResult(f"{name} was here")
        finally:
            self.floor.leave(name)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    folder = tmp_path / "work"
    folder.mkdir()
    return Stage(folder)


def turn(*calls: ToolCall) -> ScriptedModel:
    return ScriptedModel([Reply("", calls), "done"])


def with_visits(setup: Setup, floor: Floor) -> Setup:
    """`look` only reads, `put` writes the file that it names, or does nobody knows what."""
    setup.tools.register(Visit(floor))
    setup.tools.register(Visit(floor, "put", "execute"))
    return setup


def results(model: ScriptedModel) -> list[str]:
    return [message.content for message in model.requests[1].messages if isinstance(message, ToolMessage)]


@pytest.mark.parametrize(
    "calls",
    [
        (call("look", name="a", after="+b"), call("look", name="b", after="+a")),
        (call("put", name="a", file_path="a", after="+b"), call("put", name="b", file_path="b", after="+a")),
    ],
    ids=["calls that read", "calls that change other files"],
)
async def test_calls_that_cannot_conflict_are_at_it_together(stage: Stage, calls: tuple[ToolCall, ...]) -> None:
    model, floor = turn(*calls), Floor()
    session = await stage.open(with_visits(stage.setup(model), floor))
    assert (await answer(session, "go")).text == "done"
    assert results(model) == ["a was here", "b was here"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (call("put", name="a", file_path="same"), call("put", name="b", file_path="./same")),
        (call("put", name="a", file_path="place"), call("put", name="b", file_path="place/in")),
        (call("put", name="a"), call("put", name="b")),
        (call("put", name="a"), call("look", name="b")),
        (call("look", name="a"), call("put", name="b", file_path="b")),
        (call("put", name="a", file_path="a"), call("look", name="b")),
        (call("put", name="a", file_path="a"), call("put", name="b")),
        (call("look", name="a"), call("look", name="a")),
    ],
)
async def test_calls_that_may_conflict_come_after_each_other(stage: Stage, first: ToolCall, second: ToolCall) -> None:
    floor = Floor()
    session = await stage.open(with_visits(stage.setup(turn(first, second)), floor))
    await answer(session, "go")
    assert floor.most == 1 and floor.log[:2] == ["+a", "-a"]


async def test_a_command_is_alone_and_sees_what_the_calls_before_it_wrote(stage: Stage) -> None:
    calls = [
        call("write", file_path="a", content="one\n"),
        call("write", file_path="b", content="two\n"),
        call("bash", command="cat a b; echo more >> a"),
        call("read", file_path="a"),
    ]
    model = turn(*calls)
    await answer(await stage.open(stage.setup(model)), "go")
    assert results(model)[2] == "one\ntwo\n"
    assert "more" in results(model)[3]


async def test_results_are_in_the_order_of_the_calls_whichever_ends_first(stage: Stage) -> None:
    model, floor = turn(call("look", name="slow", after="-quick"), call("look", name="quick", after="+slow")), Floor()
    setup = with_visits(stage.setup(model), floor)
    session = await stage.open(setup)
    await answer(session, "go")
    assert [event.fields["tool_output"] for event in stage.events if event.type == "tool_end"] == [
        "quick was here",
        "slow was here",
    ]
    assert results(model) == ["slow was here", "quick was here"]
    await session.close()
    again = await stage.load(setup)
    assert [m.content for m in again.state.messages if isinstance(m, ToolMessage)] == results(model)


async def test_a_crash_of_one_call_does_not_end_those_beside_it(stage: Stage) -> None:
    model = turn(call("look", name="bad", after="+good", crash="yes"), call("look", name="good", after="-bad"))
    session = await stage.open(with_visits(stage.setup(model), Floor()))
    assert (await answer(session, "go")).status == "completed"
    assert "RuntimeError: bad" in results(model)[0] and results(model)[1] == "good was here"


async def test_stop_ends_all_that_goes_on_and_each_has_one_result(stage: Stage) -> None:
    floor = Floor()
    calls = [call("look", name=name, after="never") for name in "abc"]
    session = await stage.open(with_visits(stage.setup(turn(*calls, call("put", name="d"))), floor))
    run = session.start(RunQueued("go"))
    await floor.saw("+a", "+b", "+c")
    assert await session.cancel()
    assert (await run.wait()).status == "cancelled"
    assert not floor.inside and "+d" not in floor.log
    said = [message.content for message in session.state.messages if isinstance(message, ToolMessage)]
    assert [text.split()[0] for text in said] == ["Stopped", "Stopped", "Stopped", "Not"]
    assert_well_formed(stage.events)


async def test_the_time_limit_of_a_tool_ends_each_call_by_itself(stage: Stage) -> None:
    model = turn(call("look", name="a", after="never"), call("look", name="b"), call("look", name="c", after="never"))
    limits = Limits(tool_timeout_ms=100)
    session = await stage.open(with_visits(stage.setup(model, limits=limits), Floor()))
    await answer(session, "go")
    assert ["timed out" in text for text in results(model)] == [True, False, True]


async def test_questions_come_one_by_one_in_the_order_of_the_calls_while_others_go_on(stage: Stage) -> None:
    floor, approver = Floor(), ScriptedApprover(["approved", "rejected", "approved"])
    calls = [
        call("put", name=name, file_path=name, after=after) for name, after in zip("abc", ("+c", "", ""), strict=True)
    ]
    model = turn(*calls)
    setup = with_visits(stage.setup(model, permission=PermissionPolicy(), approver=approver), floor)
    await answer(await stage.open(setup), "go")
    assert [question.args["name"] for question in approver.questions] == ["a", "b", "c"]
    assert [text.split()[-1] == "here" for text in results(model)] == [True, False, True]
    shown = [event.type for event in stage.events if event.type.startswith("confirmation")]
    assert shown == ["confirmation_required", "confirmation_received"] * 3


async def test_not_more_than_a_handful_go_on_at_once(stage: Stage) -> None:
    floor = Floor()
    calls = [call("look", name=f"{number}") for number in range(3 * MOST_AT_ONCE)]
    model = turn(*calls)
    await answer(await stage.open(with_visits(stage.setup(model), floor)), "go")
    assert floor.most == MOST_AT_ONCE
    assert results(model) == [f"{number} was here" for number in range(3 * MOST_AT_ONCE)]


async def test_files_that_were_changed_side_by_side_can_all_be_rewound(stage: Stage, tmp_path: Path) -> None:
    model = turn(*(call("write", file_path=name, content="new\n") for name in ("a", "b", "c/d")))
    session = await stage.open(stage.setup(model, checkpoints=CheckpointStore(tmp_path / "checkpoints.db")))
    result = await answer(session, "go")
    assert {path.name for path in stage.folder.rglob("*") if path.is_file()} == {"a", "b", "d"}
    await session.rewind(result.run_id)
    assert not [path for path in stage.folder.rglob("*") if path.is_file()]


async def test_a_result_that_was_there_survives_the_end_of_the_process(stage: Stage) -> None:
    floor = Floor()
    setup = with_visits(stage.setup(turn(call("look", name="slow", after="never"), call("look", name="quick"))), floor)
    session = await stage.open(setup)
    session.start(RunQueued("go"))
    await stage.seen("tool_end")
    await session.suspend()
    later = ScriptedModel(["done"])
    again = await stage.load(with_visits(stage.setup(later), floor))
    run = again.resume()
    assert run is not None and (await run.wait()).text == "done"
    first, second = (m.content for m in later.requests[0].messages if isinstance(m, ToolMessage))
    assert first.startswith("Interrupted") and second == "quick was here"


class FullDisk(MemoryStore):
    """A store that takes nothing any more from the first result on."""

    def append(self, session_id: str, records: Sequence[Record], *, sync: bool) -> None:
        if any(record.fact.type == "call_ended" for record in records):
            raise StoreError("the disk is full")
        super().append(session_id, records, sync=sync)


async def test_a_log_that_cannot_be_written_ends_all_calls_and_the_run(stage: Stage) -> None:
    floor = Floor()
    stage.store = FullDisk()
    calls = [call("look", name="a", after="never"), call("look", name="b", after="+a")]
    session = await stage.open(with_visits(stage.setup(turn(*calls)), floor))
    result = await answer(session, "go")
    assert result.status == "failed" and "the disk is full" in (result.error or "")
    assert not floor.inside


_paths = st.sampled_from([None, "a", "b", "c", "c/d"])
_visits = st.lists(st.tuples(st.sampled_from(["look", "put"]), _paths), min_size=1, max_size=7)


@given(_visits)
@settings(max_examples=60)
def test_whatever_the_calls_those_that_conflict_keep_their_order(visits: list[tuple[str, str | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_play(Stage(Path(folder)), visits))


async def _play(stage: Stage, visits: Sequence[tuple[str, str | None]]) -> None:
    floor = Floor()
    calls = [
        call(tool, name=str(at), **({} if path is None or tool == "look" else {"file_path": path}))
        for at, (tool, path) in enumerate(visits)
    ]
    model = turn(*calls)
    await answer(await stage.open(with_visits(stage.setup(model), floor)), "go")
    assert len(results(model)) == len(calls)
    for second, two in enumerate(visits):
        for first, one in enumerate(visits[:second]):
            if _conflict(one, two) and f"+{second}" in floor.log and f"-{first}" in floor.log:
                assert floor.log.index(f"-{first}") < floor.log.index(f"+{second}"), floor.log
    assert_well_formed(event for event in stage.events if event.run_id)


def _conflict(one: tuple[str, str | None], two: tuple[str, str | None]) -> bool:
    if one[0] == two[0] == "look":
        return False
    if "look" in (one[0], two[0]) or one[1] is None or two[1] is None:
        return True
    return one[1] == two[1] or {one[1], two[1]} == {"c", "c/d"}
