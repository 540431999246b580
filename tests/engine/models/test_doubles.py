"""The doubles behave as the models that they stand for."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from a3s_lsp.engine.errors import ModelError, ModelRefused
from a3s_lsp.engine.facts import QuestionAsked
from a3s_lsp.engine.messages import AssistantMessage, ToolCall, ToolMessage, Usage, UserMessage
from a3s_lsp.engine.ports import (
    Answer,
    CallDelta,
    Chunk,
    Finish,
    Model,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    ToolSpec,
)
from a3s_lsp.testing import Pause, RecordedModel, Reply, Script, ScriptedApprover, ScriptedModel, call

ASK = ModelRequest("s", (UserMessage("hi"),))
LATER = ModelRequest(
    "s",
    (
        UserMessage("hi"),
        AssistantMessage("", (ToolCall("c", "read", "{}"),)),
        ToolMessage("c", "é"),
    ),
    (ToolSpec("read", "d", {"type": "object"}),),
    0.5,
)


async def chunks(model: Model, request: ModelRequest = ASK) -> list[Chunk]:
    async with asyncio.timeout(5):
        return [chunk async for chunk in model.stream(request)]


async def test_replies_come_in_order_and_requests_are_kept() -> None:
    model = ScriptedModel(["one", Reply("two", (call("read", path="a"), call("ls")), "hm", usage=Usage(1, 2))])
    assert await chunks(model) == [TextDelta("one"), Finish("stop", Usage(10, 5))]
    assert await chunks(model, LATER) == [
        ReasoningDelta("hm"),
        TextDelta("two"),
        CallDelta(0, "call_1", "read", '{"path": "a"}'),
        CallDelta(1, "call_2", "ls", "{}"),
        Finish("tool_calls", Usage(1, 2)),
    ]
    assert model.requests == [ASK, LATER]


async def test_a_reply_may_depend_on_the_request_or_be_an_error() -> None:
    model = ScriptedModel([lambda request: request.system, ModelRefused("no")])
    assert (await chunks(model))[0] == TextDelta("s")
    with pytest.raises(ModelRefused, match="no"):
        await chunks(model)


async def test_more_requests_than_replies_are_an_error() -> None:
    with pytest.raises(ModelError, match="the script of scripted/model has no reply to request 1"):
        await chunks(ScriptedModel())


@pytest.mark.parametrize(
    ("reply", "before"),
    [(Reply(chunks=("a", "b", "c")), ["a"]), (Reply("a"), ["a"]), (Reply(), [])],
)
async def test_a_paused_reply_waits_after_its_first_chunk(reply: Reply, before: list[str]) -> None:
    pause = Pause()
    seen: list[Chunk] = []

    async def read() -> None:
        async for chunk in ScriptedModel([Reply(reply.text, chunks=reply.chunks, pause=pause)]).stream(ASK):
            seen.append(chunk)

    reading = asyncio.create_task(read())
    await pause.reached()
    assert seen == [TextDelta(text) for text in before]
    pause.release()
    async with asyncio.timeout(5):
        await reading
    assert isinstance(seen[-1], Finish)


async def test_a_recording_plays_exactly_what_was_said(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    replies: list[Script] = [Reply("é\u2028", (call("read", path="a"),), "hm", usage=Usage(1, 2, 3, 4, 0.5)), "two"]
    recording = RecordedModel(path, ScriptedModel(replies))
    said = [await chunks(recording), await chunks(recording, LATER)]
    player = RecordedModel(path)
    assert [await chunks(player), await chunks(player, LATER)] == said
    with pytest.raises(ModelError, match="ends before request 3"):
        await chunks(player)


async def test_a_recording_plays_on_another_day(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    monday, tuesday = (ModelRequest(f"s\n- Date: {day}\n- Platform: p", ASK.messages) for day in ("01", "02"))
    said = await chunks(RecordedModel(path, ScriptedModel(["one"])), monday)
    assert await chunks(RecordedModel(path), tuesday) == said


async def test_a_recorded_failure_fails_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    recording = RecordedModel(path, ScriptedModel([ModelRefused("no"), ModelError("cut")]))
    for kind in (ModelRefused, ModelError):
        with pytest.raises(kind):
            await chunks(recording)
    player = RecordedModel(path)
    with pytest.raises(ModelRefused, match=r"^no$"):
        await chunks(player)
    with pytest.raises(ModelError, match=r"^cut$") as failed:
        await chunks(player)
    assert not isinstance(failed.value, ModelRefused)


async def test_a_turn_that_was_left_half_read_is_cut_in_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    stream = RecordedModel(path, ScriptedModel([Reply(chunks=("a", "b"))])).stream(ASK)
    assert await anext(stream) == TextDelta("a")
    await stream.aclose()
    with pytest.raises(ModelError, match="request 1 was cut in the recording"):
        await chunks(RecordedModel(path))


@pytest.mark.parametrize(
    ("request_", "where"),
    [
        (ModelRequest("t", ASK.messages), 'system: "t" instead of "s"'),
        (ModelRequest("s", (UserMessage("ho"),)), 'messages[0].text: "ho" instead of "hi"'),
        (LATER, 'messages[1]: {"text": "", "tool_calls": [{'),
        (ModelRequest("s", ASK.messages, temperature=1.0), "temperature: 1.0 instead of null"),
    ],
)
async def test_another_request_than_the_recorded_one_is_told(
    tmp_path: Path, request_: ModelRequest, where: str
) -> None:
    path = tmp_path / "r.jsonl"
    await chunks(RecordedModel(path, ScriptedModel(["one"])))
    with pytest.raises(ModelError) as failed:
        await chunks(RecordedModel(path), request_)
    assert f"request 1 is not the one of the recording {path}: it differs at {where}" in str(failed.value)


async def test_turns_that_overlap_keep_the_order_in_which_they_were_asked(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    pause = Pause()
    recording = RecordedModel(path, ScriptedModel([Reply("slow", pause=pause), "quick"]))
    slow = asyncio.create_task(chunks(recording))
    await pause.reached()
    await chunks(recording, LATER)
    pause.release()
    await slow
    assert [json.loads(line)["turn"] for line in path.read_text("utf-8").splitlines()] == [1, 0]
    player = RecordedModel(path)
    assert (await chunks(player))[0] == TextDelta("slow")
    assert (await chunks(player, LATER))[0] == TextDelta("quick")


async def test_a_scripted_approver_answers_in_order_and_then_says_no() -> None:
    approver = ScriptedApprover(["approved", Answer("rejected", "not now")])
    questions = [QuestionAsked(str(index), "bash", {}, "run?") for index in range(3)]
    answers = [await approver.ask(question) for question in questions]
    assert [(answer.outcome, answer.reason) for answer in answers] == [
        ("approved", None),
        ("rejected", "not now"),
        ("rejected", "the script has no answer to this question"),
    ]
    assert approver.questions == questions
