"""A demand for a certain shape, on the wire: each provider has its own words for it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing

import pytest

from a3s_lsp.engine.config.target import Target
from a3s_lsp.engine.errors import ModelError
from a3s_lsp.engine.messages import Json, UserMessage
from a3s_lsp.engine.models.litellm_model import LiteLLMModel
from a3s_lsp.engine.ports import ModelRequest, ToolSpec
from tests.engine.models.openai_server import Answer, Server, text

TOOL = ToolSpec("emit_result", "Hand it over.", {"type": "object", "properties": {"n": {"type": "integer"}}})
SHAPE: Json = {"type": "json_schema", "json_schema": {"name": "r", "schema": {"type": "object"}, "strict": True}}


async def sent(provider: str, model: str, request: ModelRequest, answer: Answer) -> Mapping[str, object]:
    with Server(answer) as server:
        target = Target(provider, model, "key", f"{server.url}/v1")
        try:
            async with aclosing(LiteLLMModel(target).stream(request)) as chunks:
                async for _ in chunks:
                    pass
        except ModelError:
            pass  # what is asked here is what was sent
        return server.requests[0].body


async def test_a_tool_that_has_to_be_called_is_named() -> None:
    request = ModelRequest("", (UserMessage("hi"),), (TOOL,), tool_choice="emit_result")
    body = await sent("mine", "m", request, text("ok"))
    assert body["tool_choice"] == {"type": "function", "function": {"name": "emit_result"}}
    body = await sent("anthropic", "claude-sonnet-4-5", request, Answer(400, body="{}"))
    assert body["tool_choice"] == {"type": "tool", "name": "emit_result"}


@pytest.mark.parametrize("shape", [SHAPE, {"type": "json_object"}])
async def test_the_shape_of_the_answer_is_handed_on(shape: Json) -> None:
    body = await sent("mine", "m", ModelRequest("", (UserMessage("hi"),), response_format=shape), text("{}"))
    assert body["response_format"] == shape


async def test_without_a_demand_nothing_is_said_of_it() -> None:
    body = await sent("mine", "m", ModelRequest("", (UserMessage("hi"),), (TOOL,)), text("ok"))
    assert {"tool_choice", "response_format"} & body.keys() == set()
