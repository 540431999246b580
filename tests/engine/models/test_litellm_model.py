"""One turn over the network: what is sent, what comes back, and what is told when nothing does."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import aclosing
from dataclasses import replace

import pytest

from a3s_lsp.engine.config.settings import Cost
from a3s_lsp.engine.config.target import Target
from a3s_lsp.engine.errors import ModelError, ModelRefused
from a3s_lsp.engine.messages import AssistantMessage, Attachment, Message, ToolCall, ToolMessage, Usage, UserMessage
from a3s_lsp.engine.models.litellm_model import LiteLLMModel, Patience
from a3s_lsp.engine.models.prices import sees_images
from a3s_lsp.engine.models.retry import Retry
from a3s_lsp.engine.ports import CallDelta, Chunk, Finish, ModelRequest, ReasoningDelta, TextDelta, ToolSpec, Waiting
from tests.engine.models import openai_server as wire
from tests.engine.models.openai_server import Answer, Server, delta, text, usage

KEY = "sk-very-secret"
ASK = ModelRequest("be brief", (UserMessage("hi"),))


class Pauses:
    """Keeps the pauses instead of making them."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)


def model_at(server: Server, *, pauses: Pauses | None = None, **patience: float) -> LiteLLMModel:
    retry = Retry(sleep=(pauses or Pauses()).sleep, jitter=lambda: 0.0)
    target = Target("mine", "m", KEY, f"{server.url}/v1", {"X-Team": "blue-team-token"})
    return LiteLLMModel(target, retry=retry, patience=Patience(**patience) if patience else None)


async def chunks(model: LiteLLMModel, request: ModelRequest = ASK) -> list[Chunk]:
    async with asyncio.timeout(60):
        return [chunk async for chunk in model.stream(request) if not isinstance(chunk, Waiting)]


async def until(event: threading.Event) -> None:
    """Waits without blocking the loop."""
    assert await asyncio.to_thread(event.wait, 10)


async def test_an_answer_comes_in_pieces_with_its_usage() -> None:
    numbers: wire.Body = {**wire.USAGE, "prompt_tokens_details": {"cached_tokens": 60}}
    with Server(text("he", "llo", numbers=numbers)) as server:
        assert await chunks(model_at(server)) == [
            TextDelta("he"),
            TextDelta("llo"),
            Finish("stop", Usage(100, 20, 60)),
        ]


async def test_an_answer_may_repeat_itself() -> None:
    with Server(text(*["----"] * 300)) as server:
        assert len(await chunks(model_at(server))) == 301


async def test_the_request_is_what_the_provider_expects() -> None:
    tool = ToolSpec("read", "Reads.", {"type": "object", "properties": {"path": {"type": "string"}}})
    request = ModelRequest("be brief", (UserMessage("hi"),), (tool,), temperature=0.3)
    with Server(text("ok")) as server:
        await chunks(model_at(server), request)
    [sent] = server.requests
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["x-team"] == "blue-team-token"
    assert sent.body == {
        "model": "m",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "temperature": 0.3,
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [
            {
                "type": "function",
                "function": {"name": "read", "description": "Reads.", "parameters": tool.parameters},
            }
        ],
    }


async def test_nothing_that_was_not_asked_for_is_sent() -> None:
    with Server(text("ok")) as server:
        await chunks(model_at(server))
    assert set(server.requests[0].body) == {"model", "messages", "stream", "stream_options"}


async def test_an_output_limit_is_sent() -> None:
    with Server(text("ok")) as server:
        await chunks(LiteLLMModel(Target("mine", "m", KEY, f"{server.url}/v1", max_tokens=77)))
    assert server.requests[0].body["max_tokens"] == 77


async def test_a_model_without_a_key_is_not_given_one_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Server(text("ok")) as server:
        await chunks(LiteLLMModel(Target("local", "m", base_url=f"{server.url}/v1")))
    assert KEY not in str(server.requests[0].headers)


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (
            UserMessage("what is this?", (Attachment("QUJD", "image/png"),)),
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
                    {"type": "text", "text": "what is this?"},
                ],
            },
        ),
        (AssistantMessage("hello", reasoning="hm"), {"role": "assistant", "content": "hello"}),
        (
            AssistantMessage("", (ToolCall("c1", "read", '{ "path": "é" }'),), "hm"),
            {
                "role": "assistant",
                "content": "",
                "reasoning_content": "hm",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "read", "arguments": '{"path":"é"}'}}
                ],
            },
        ),
        (
            AssistantMessage("", (ToolCall("c1", "read", '{"pa'),)),
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "read", "arguments": "{}"}}],
            },
        ),
        (ToolMessage("c1", "text", is_error=True), {"role": "tool", "tool_call_id": "c1", "content": "text"}),
    ],
)
async def test_every_kind_of_message_reaches_the_provider(message: Message, sent: object) -> None:
    with Server(text("ok")) as server:
        await chunks(model_at(server), ModelRequest("", (message,)))
    assert server.requests[0].body["messages"] == [sent]


def piece(index: int, arguments: str, call_id: str | None = None, name: str | None = None) -> wire.Body:
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    call = {"index": index, "function": function, **({"id": call_id, "type": "function"} if call_id else {})}
    return delta({"tool_calls": [call]})


async def test_reasoning_and_calls_are_kept_apart() -> None:
    events = [
        delta({"reasoning_content": "hm"}),
        piece(0, '{"a', "one", "read"),
        piece(0, '":1}'),
        piece(1, "{}", "two", "write"),
        delta({}, "tool_calls"),
        usage(),
    ]
    with Server(Answer(events=events)) as server:
        assert await chunks(model_at(server)) == [
            ReasoningDelta("hm"),
            CallDelta(0, "one", "read", '{"a'),
            CallDelta(0, arguments='":1}'),
            CallDelta(1, "two", "write", "{}"),
            Finish("tool_calls", Usage(100, 20)),
        ]


async def test_calls_that_share_an_index_are_told_apart() -> None:
    events = [piece(0, "{}", "one", "read"), piece(0, "{}", "two", "read"), delta({}, "tool_calls")]
    with Server(Answer(events=events)) as server:
        found = [chunk for chunk in await chunks(model_at(server)) if isinstance(chunk, CallDelta)]
    assert [(call.index, call.id) for call in found] == [(0, "one"), (1, "two")]


async def test_configured_prices_make_the_cost() -> None:
    numbers: wire.Body = {**wire.USAGE, "prompt_tokens_details": {"cached_tokens": 60}}
    with Server(text("ok", numbers=numbers)) as server:
        cost = Cost(input=10.0, output=100.0, cache_read=1.0)
        found = await chunks(LiteLLMModel(Target("mine", "m", KEY, f"{server.url}/v1", cost=cost)))
    assert cost_of(found) == pytest.approx((40 * 10 + 60 * 1 + 20 * 100) / 1e6)


def cost_of(found: list[Chunk]) -> float | None:
    assert isinstance(found[-1], Finish)
    return found[-1].usage.cost


async def test_anthropic_is_spoken_to_in_its_own_words_with_cached_parts() -> None:
    counts = {"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3}
    start = {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "c", "usage": counts}
    events: list[object] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hey"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]
    called = AssistantMessage("", (ToolCall("c1", "read", "{}"),))
    with Server(Answer(events=events, done=False)) as server:
        target = Target("anthropic", "claude-sonnet-4-5", KEY, f"{server.url}/v1")
        found = await chunks(
            LiteLLMModel(target), ModelRequest("s", (UserMessage("hi"), called, ToolMessage("c1", "r")))
        )
    assert found == [TextDelta("hey"), Finish("stop", Usage(18, 9, 5, 3, cost_of(found)))]
    assert cost_of(found) == pytest.approx((10 * 3 + 5 * 0.3 + 3 * 3.75 + 9 * 15) / 1e6)
    [sent] = server.requests
    assert (sent.path, sent.headers["x-api-key"]) == ("/v1/messages", KEY)
    assert "cache_control" in str(sent.body["system"])
    messages = sent.body["messages"]
    assert isinstance(messages, list)
    assert messages[1]["content"] == [{"type": "tool_use", "id": "c1", "name": "read", "input": {}}]
    assert "cache_control" in str(messages[-1])


PICTURE = Attachment("QUJD", "image/png")
LOOKED = (
    UserMessage("hi"),
    AssistantMessage("", (ToolCall("c1", "read", "{}"), ToolCall("c2", "ls", "{}"))),
    ToolMessage("c1", "PNG image", attachments=(PICTURE,)),
    ToolMessage("c2", "files"),
)


async def test_images_of_results_stand_behind_them_where_results_can_only_be_text() -> None:
    with Server(text("ok")) as server:
        await chunks(model_at(server), ModelRequest("s", (*LOOKED, AssistantMessage("fine"))))
    messages = server.requests[0].body["messages"]
    assert isinstance(messages, list)
    assert [message["role"] for message in messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
        "user",
        "assistant",
    ]
    assert messages[3]["content"] == "PNG image"
    assert messages[5]["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        {"type": "text", "text": "[Images from the tools:\nPNG image]"},
    ]


async def test_images_of_results_are_inside_them_for_anthropic() -> None:
    with Server(Answer(events=[], done=False)) as server, pytest.raises(ModelError):
        target = Target("anthropic", "claude-sonnet-4-5", KEY, f"{server.url}/v1")
        await chunks(LiteLLMModel(target, retry=Retry(sleep=Pauses().sleep)), ModelRequest("s", LOOKED))
    messages = server.requests[0].body["messages"]
    assert isinstance(messages, list)
    result = messages[-1]["content"][0]
    assert (result["type"], result["tool_use_id"]) == ("tool_result", "c1")
    assert result["content"][1]["source"] == {"type": "base64", "media_type": "image/png", "data": "QUJD"}


async def test_a_model_that_is_known_not_to_see_is_told_that_there_is_an_image() -> None:
    blind = Target("mine", "m", KEY, images=False)
    asked = (UserMessage("look", (PICTURE,)), *LOOKED[1:])
    with Server(text("ok")) as server:
        await chunks(LiteLLMModel(replace(blind, base_url=f"{server.url}/v1")), ModelRequest("s", asked))
    messages = server.requests[0].body["messages"]
    assert isinstance(messages, list)
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "tool"]
    assert messages[1]["content"] == "look\n[image/png: you cannot see images]"
    assert messages[3]["content"] == "PNG image\n[image/png: you cannot see images]"


@pytest.mark.parametrize(
    ("target", "sees"),
    [
        (Target("openai", "gpt-known"), True),
        (Target("openai", "gpt-blind"), False),
        (Target("openai", "gpt-new"), True),
        (Target("mine", "gpt-blind", base_url="http://127.0.0.1:1"), True),
        (Target("openai", "gpt-blind", images=True), True),
    ],
)
def test_who_sees_images_is_configured_or_listed_and_else_tried(target: Target, sees: bool) -> None:
    assert sees_images(target, {"gpt-known": {"supports_vision": True}, "gpt-blind": {"mode": "chat"}}) is sees


@pytest.mark.parametrize(
    "failure",
    [
        wire.error(429, "slow down"),
        wire.error(500, "boom"),
        wire.error(503, "busy"),
        Answer(events=[], done=False),
        Answer(events=[], done=True),
        Answer(body="<html>no model here</html>"),
    ],
    ids=["429", "500", "503", "cut at once", "empty", "not a stream"],
)
async def test_a_failure_that_may_pass_is_asked_again(failure: Answer) -> None:
    pauses = Pauses()
    with Server(failure, failure, text("ok")) as server:
        assert (await chunks(model_at(server, pauses=pauses)))[0] == TextDelta("ok")
    assert pauses.taken == [1.0, 2.0]


async def test_the_pause_that_the_provider_asks_for_is_kept() -> None:
    pauses = Pauses()
    with Server(wire.error(429, "slow down", Retry_After="7"), text("ok")) as server:
        await chunks(model_at(server, pauses=pauses))
    assert pauses.taken == [7.0]


async def test_every_pause_is_told_before_it_is_made() -> None:
    with Server(wire.error(429, "slow down", Retry_After="7"), wire.error(503, "busy"), text("ok")) as server:
        async with asyncio.timeout(60):
            told = [chunk async for chunk in model_at(server).stream(ASK) if isinstance(chunk, Waiting)]
    assert told == [
        Waiting("rate_limit", 7000, 1, "mine/m answered HTTP 429: slow down"),
        Waiting("overloaded", 2000, 2, "mine/m answered HTTP 503: busy"),
    ]


async def test_too_long_a_pause_is_not_waited_for() -> None:
    with Server(wire.error(429, "slow down", Retry_After="3600")) as server:
        with pytest.raises(ModelError, match="HTTP 429: slow down; it asks for a pause of 3600 s"):
            await chunks(model_at(server))
        assert len(server.requests) == 1


async def test_four_tries_are_enough() -> None:
    pauses = Pauses()
    with Server(wire.error(500, "boom")) as server:
        with pytest.raises(ModelError) as failed:
            await chunks(model_at(server, pauses=pauses))
        assert len(server.requests) == 4
    assert str(failed.value) == "mine/m answered HTTP 500: boom" and failed.value.tries == 4
    assert not isinstance(failed.value, ModelRefused)
    assert pauses.taken == [1.0, 2.0, 4.0]


async def test_a_server_that_is_not_there_is_named() -> None:
    with Server(text("ok")) as server:
        gone = model_at(server)
    with pytest.raises(ModelError, match=rf"^mine/m: {server.url}/v1 cannot be reached: "):
        await chunks(gone)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_a_refusal_is_final_and_in_the_providers_words(status: int) -> None:
    with Server(wire.error(status, f"no, {KEY} of blue-team-token is wrong")) as server:
        with pytest.raises(ModelRefused) as refused:
            await chunks(model_at(server))
        assert len(server.requests) == 1
    assert str(refused.value) == f"mine/m answered HTTP {status}: no, [secret] of [secret] is wrong"


async def test_a_spent_quota_is_a_refusal() -> None:
    body = '{"error": {"message": "You exceeded your quota.", "code": "insufficient_quota"}}'
    with Server(Answer(429, body=body)) as server:
        with pytest.raises(ModelRefused, match=r"HTTP 429: You exceeded your quota\."):
            await chunks(model_at(server))
        assert len(server.requests) == 1


async def test_anthropics_refusal_is_told_in_its_words() -> None:
    body = '{"type": "error", "error": {"type": "invalid_request_error", "message": "it\'s too long"}}'
    with Server(Answer(400, body=body)) as server, pytest.raises(ModelRefused, match=r"HTTP 400: it's too long$"):
        await chunks(LiteLLMModel(Target("anthropic", "claude-sonnet-4-5", KEY, server.url)))


async def test_a_cut_answer_is_an_error_after_its_pieces_were_shown() -> None:
    seen: list[Chunk] = []
    with Server(wire.cut("half"), text("whole")) as server:
        with pytest.raises(ModelError, match=r"^mine/m: the answer was cut before its end$"):
            async for chunk in model_at(server).stream(ASK):
                seen.append(chunk)
        assert len(server.requests) == 1
    assert seen == [TextDelta("half")]


async def test_an_error_in_the_middle_is_told_in_the_providers_words() -> None:
    events = [delta({"content": "a"}), {"error": {"message": "overloaded now"}}]
    with Server(Answer(events=events)) as server, pytest.raises(ModelError, match=r"^mine/m: overloaded now$"):
        await chunks(model_at(server))


async def test_a_provider_that_nobody_knows_needs_an_address() -> None:
    with pytest.raises(ModelRefused, match=r"no provider 'nosuch' is known; give it a base_url in agent\.acl"):
        await chunks(LiteLLMModel(Target("nosuch", "m", KEY)))


@pytest.mark.parametrize("hold_at", [wire.SILENCE, 0], ids=["no status", "no event"])
async def test_silence_before_the_first_word_is_asked_again(hold_at: int) -> None:
    with Server(Answer(hold_at=hold_at), text("ok")) as server:
        assert (await chunks(model_at(server, first=0.3)))[0] == TextDelta("ok")
        assert len(server.requests) == 2


async def test_silence_in_the_middle_is_an_error() -> None:
    with Server(text("he", "llo", hold_at=2)) as server:
        with pytest.raises(ModelError, match="no word from the provider for too long"):
            await chunks(model_at(server, first=10.0, idle=0.3))
        assert len(server.requests) == 1


@pytest.mark.parametrize("hold_at", [0, 2], ids=["before the first word", "in the middle"])
async def test_cancelling_ends_the_request_at_once(hold_at: int) -> None:
    with Server(text("he", "llo", hold_at=hold_at)) as server:
        model = model_at(server)
        reading = asyncio.create_task(chunks(model))
        await until(server.held)
        started = time.monotonic()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert time.monotonic() - started < 0.5
        await until(server.hung_up)


async def test_closing_the_stream_ends_the_request_at_once() -> None:
    with Server(text("he", "llo", hold_at=2)) as server:
        async with aclosing(model_at(server).stream(ASK)) as stream:
            assert await anext(stream) == TextDelta("he")
        await until(server.hung_up)


def test_one_model_serves_one_loop_after_the_other() -> None:
    with Server(text("ok")) as server:
        model = model_at(server)
        for _ in range(3):
            assert asyncio.run(chunks(model))[0] == TextDelta("ok")
