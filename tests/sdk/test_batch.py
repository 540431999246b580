"""The tool `batch`: several calls as one, each governed and told as if it stood alone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Unpack

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, ToolSpec
from a3s_lsp.sdk.named_options import NamedOptions
from a3s_lsp.testing import Reply, ScriptedModel, call
from tests.engine.tools.pictures import png


def invocation(tool: str, **args: object) -> dict[str, object]:
    return {"tool": tool, "args": args}


def session_on(folder: Path, *replies: Reply | str, **options: Unpack[NamedOptions]) -> a3s.Session:
    named: NamedOptions = {"permission_policy": a3s.PermissionPolicy(default_decision="allow")}
    named.update(options)
    return a3s.Agent.with_model(ScriptedModel(replies)).session(str(folder), None, **named)


def batch(*invocations: dict[str, object]) -> Reply:
    return Reply("", (call("batch", invocations=list(invocations)),))


def test_results_stand_under_headings_and_failures_are_marked(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("X\n")
    session = session_on(tmp_path)
    calls = [invocation("read", file_path="x.txt"), invocation("nosuch"), invocation("bash", command="printf hi")]
    result = session.tool("batch", {"invocations": calls})
    assert result.exit_code == 1
    first, second, third = result.output.split("--- [")[1:]
    assert first == "1: read] ---\n     1\tX\n\n"
    assert second.startswith("2: nosuch] ---\nERROR: Unknown tool: nosuch")
    assert third == "3: bash] ---\nhi\n\n"
    assert session.tool("batch", {"invocations": [calls[0]]}).exit_code == 0


@pytest.mark.parametrize(
    ("invocations", "problem"),
    [
        ([], "must not be empty"),
        ([{"tool": "batch", "args": {"invocations": []}}], "nested batch calls are not allowed"),
        ([{"tool": "ls", "args": {}}, {"tool": "batch"}], "nested batch calls are not allowed"),
        ([invocation("ls")] * 33, "33 invocations are too many"),
        ("ls", "must be a list"),
        (["ls"], "invocation 1 must be an object"),
        ([{"tool": 3, "args": {}}], "invocation 1 must be an object"),
        ([{"tool": "ls", "args": []}], "args of invocation 1 must be an object"),
        ([{"tool": "ls", "args": {"path": b"x"}}], "args of invocation 1 are not JSON"),
    ],
)
def test_a_batch_that_makes_no_sense_says_why_and_does_nothing(
    tmp_path: Path, invocations: object, problem: str
) -> None:
    result = session_on(tmp_path).tool("batch", {"invocations": invocations})
    assert result.exit_code == 1 and problem in result.output


def test_inner_calls_of_the_model_have_ids_and_events_of_their_own(tmp_path: Path) -> None:
    session = session_on(tmp_path, batch(invocation("write", file_path="a", content="1"), invocation("ls")), "done")
    events = list(session.stream("go"))
    outer = next(e.tool_id for e in events if e.event_type == "tool_start")
    told = [(e.event_type, e.tool_id, e.tool_name) for e in events if e.event_type in ("tool_start", "tool_end")]
    assert told[-1] == ("tool_end", outer, "batch")
    for kind in ("tool_start", "tool_end"):
        assert (kind, f"{outer}.1", "write") in told and (kind, f"{outer}.2", "ls") in told
    assert [message["role"] for message in session.history()] == ["user", "assistant", "user", "assistant"]


def test_each_inner_call_meets_the_policy(tmp_path: Path) -> None:
    policy = a3s.PermissionPolicy(deny=["bash*"], default_decision="allow")
    calls = batch(invocation("bash", command="touch made"), invocation("write", file_path="ok", content=""))
    session = session_on(tmp_path, calls, "done", permission_policy=policy)
    events = list(session.stream("go"))
    denied = next(e for e in events if e.event_type == "permission_denied")
    assert denied.tool_name == "bash" and denied.tool_id is not None and denied.tool_id.endswith(".1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ok"]


def test_a_program_that_uses_batch_itself_is_not_asked(tmp_path: Path) -> None:
    session = session_on(tmp_path, permission_policy=a3s.PermissionPolicy(deny=["*"], default_decision="deny"))
    assert session.tool("batch", {"invocations": [invocation("bash", command="touch made")]}).exit_code == 0
    assert (tmp_path / "made").exists()


def test_the_person_is_asked_for_inner_calls_one_by_one_in_order(tmp_path: Path) -> None:
    policy = a3s.PermissionPolicy(allow=["batch"], default_decision="ask")
    confirmation = a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=20_000)
    calls = batch(*(invocation("write", file_path=name, content=name) for name in "abc"))
    session = session_on(tmp_path, calls, "done", permission_policy=policy, confirmation_policy=confirmation)
    asked: list[str] = []
    for event in session.stream("go"):
        if event.event_type == "confirmation_required":
            assert len(session.pending_confirmations()) == 1
            assert event.tool_id is not None and event.data is not None
            name = str(json.loads(event.data)["args"]["file_path"])
            asked.append(name)
            assert session.confirm_tool_use(event.tool_id, name != "b")
    assert asked == ["a", "b", "c"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]


def test_calls_that_change_something_run_one_after_another(tmp_path: Path) -> None:
    step = "test ! -e going && touch going && sleep 0.05 && rm going"
    calls = [invocation("bash", command=step)] * 4
    assert session_on(tmp_path).tool("batch", {"invocations": calls}).exit_code == 0


class Meet:
    """A tool that reads, and waits for company."""

    lane: Lane = "query"
    spec = ToolSpec("meet", "Meet.", {"type": "object"})

    def __init__(self) -> None:
        self._everybody = asyncio.Barrier(2)

    def subject(self, args: Json) -> str:
        return ""

    async def plan(self, args: Json, context: ToolContext) -> None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        async with asyncio.timeout(20), self._everybody:
            return ToolResult("met")


async def test_reading_calls_run_at_the_same_time(tmp_path: Path) -> None:
    session = await a3s.AsyncAgent.with_model(ScriptedModel()).session(str(tmp_path))
    session.engine.tools.register(Meet())
    assert (await session.tool("batch", {"invocations": [invocation("meet")] * 2})).exit_code == 0
    await session.close()


class Turns:
    """A tool that takes its time, and fails if it is not alone although it writes."""

    def __init__(self, name: str, lane: Lane, at_it: set[str]) -> None:
        self.lane, self.spec, self._at_it = lane, ToolSpec(name, "Takes its time.", {"type": "object"}), at_it

    def subject(self, args: Json) -> str:
        return ""

    async def plan(self, args: Json, context: ToolContext) -> None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        self._at_it.add(context.call_id)
        alone = len(self._at_it) == 1
        for _ in range(200):  # more turns of the loop than the way to the next call takes
            await asyncio.sleep(0)
        alone = alone and len(self._at_it) == 1
        self._at_it.discard(context.call_id)
        return ToolResult("", int(self.lane == "execute" and not alone))


async def test_a_call_that_changes_something_waits_for_those_that_read(tmp_path: Path) -> None:
    session = await a3s.AsyncAgent.with_model(ScriptedModel()).session(str(tmp_path))
    at_it: set[str] = set()
    session.engine.tools.register(Turns("look", "query", at_it))
    session.engine.tools.register(Turns("do", "execute", at_it))
    order = [invocation(name) for name in ("look", "do", "look", "look", "do", "do")]
    assert (await session.tool("batch", {"invocations": order})).exit_code == 0
    await session.close()


def test_stopping_a_batch_ends_all_its_calls_with_a_result_for_each(tmp_path: Path) -> None:
    calls = batch(invocation("bash", command="echo begun; sleep 60"), invocation("bash", command="touch never"))
    session = session_on(tmp_path, calls, "done")
    events = []
    for event in session.stream("go"):
        events.append(event)
        if event.event_type == "tool_output_delta":
            session.cancel()
    ended = {event.tool_id for event in events if event.event_type == "tool_end"}
    started = {event.tool_id for event in events if event.event_type == "tool_start"}
    assert events[-1].event_type == "cancelled" and ended == started
    assert not (tmp_path / "never").exists()


def test_an_image_that_a_batch_reads_reaches_the_model(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(png(2, 1))
    model = ScriptedModel([batch(invocation("read", file_path="p.png")), "done"])
    session = a3s.Agent.with_model(model).session(
        str(tmp_path), permission_policy=a3s.PermissionPolicy(default_decision="allow")
    )
    session.send("go")
    last = model.requests[-1].messages[-1]
    assert [image.media_type for image in getattr(last, "attachments", ())] == ["image/png"]
