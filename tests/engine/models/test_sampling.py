"""Temperature and thinking reach the provider as they were asked for, where the model takes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from a3s_lsp.engine.config.target import Target
from a3s_lsp.engine.errors import ModelRefused
from a3s_lsp.engine.messages import AssistantMessage, Json, ToolCall, ToolMessage, UserMessage
from a3s_lsp.engine.models.litellm_model import LiteLLMModel
from a3s_lsp.engine.models.sampling import sampling
from a3s_lsp.engine.ports import ModelRequest
from tests.engine.models.openai_server import Answer, Server, text
from tests.engine.models.test_litellm_model import chunks

ASK = ModelRequest("s", (UserMessage("hi"),), temperature=0.3, thinking_budget=5000)
AFTER_A_CALL = replace(
    ASK, messages=(UserMessage("hi"), AssistantMessage("", (ToolCall("c", "ls", "{}"),)), ToolMessage("c", "a"))
)
LATER = replace(ASK, messages=(*AFTER_A_CALL.messages, AssistantMessage("done"), UserMessage("more")))
LISTED: dict[str, dict[str, object]] = {
    "claude-x": {"supports_reasoning": True},
    "gpt-x": {"supports_reasoning": True},
    "plain": {},
}
CLAUDE = Target("anthropic", "claude-x")
GPT = Target("openai", "gpt-x")
MINE = Target("mine", "m", base_url="http://127.0.0.1:1/v1")


def enabled(tokens: int) -> Json:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


def effort(word: str) -> Json:
    return {"temperature": 0.3, "reasoning_effort": word, "allowed_openai_params": ["reasoning_effort"]}


@pytest.mark.parametrize(
    ("target", "request_", "arguments"),
    [
        (CLAUDE, ASK, enabled(5000)),
        (CLAUDE, replace(ASK, thinking_budget=1), enabled(1024)),
        (CLAUDE, replace(ASK, thinking_budget=0), {"temperature": 0.3}),
        (CLAUDE, replace(ASK, thinking_budget=None), {"temperature": 0.3}),
        (CLAUDE, AFTER_A_CALL, {"temperature": 0.3}),
        (CLAUDE, LATER, enabled(5000)),
        (CLAUDE, replace(ASK, tool_choice="emit"), {"temperature": 0.3}),
        (replace(CLAUDE, max_tokens=2000), ASK, enabled(1999)),
        (replace(CLAUDE, max_tokens=500), ASK, {"temperature": 0.3}),
        (Target("gemini", "claude-x"), AFTER_A_CALL, {"temperature": 0.3, **enabled(5000)}),
        (GPT, ASK, effort("medium")),
        (GPT, replace(ASK, thinking_budget=1000), effort("low")),
        (GPT, replace(ASK, thinking_budget=50_000), effort("high")),
        (replace(GPT, temperature=False), replace(ASK, thinking_budget=None), {}),
        (Target("openai", "plain"), ASK, {"temperature": 0.3}),
        (MINE, ASK, {"temperature": 0.3}),
        (replace(MINE, reasoning=True), ASK, effort("medium")),
    ],
)
def test_each_provider_is_asked_in_its_terms(target: Target, request_: ModelRequest, arguments: Json) -> None:
    assert sampling(target, request_, LISTED) == arguments


async def test_what_is_sent_is_what_was_asked_for() -> None:
    with Server(text("ok"), text("ok")) as server:
        target = Target("mine", "gpt-4o", "k", f"{server.url}/v1", reasoning=True)
        await chunks(LiteLLMModel(target), ASK)
        await chunks(LiteLLMModel(replace(target, reasoning=False)), ASK)
    thinking, plain = (sent.body for sent in server.requests)
    assert (thinking["temperature"], thinking["reasoning_effort"]) == (0.3, "medium")
    assert plain["temperature"] == 0.3 and "reasoning_effort" not in plain and "thinking" not in plain


async def test_anthropic_is_given_the_tokens() -> None:
    with Server(Answer(400, body="{}")) as server:
        target = Target("anthropic", "claude-sonnet-4-5", "k", server.url)
        with pytest.raises(ModelRefused):
            await chunks(LiteLLMModel(target), ASK)
    sent = server.requests[0].body
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 5000}
    assert "temperature" not in sent and isinstance(sent["max_tokens"], int) and sent["max_tokens"] > 5000
