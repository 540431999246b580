"""How a model is to choose its words, and how long it may think before: in the terms that its provider takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from a3s_lsp.engine.config.target import Target
from a3s_lsp.engine.messages import AssistantMessage, Json, Message
from a3s_lsp.engine.models.prices import thinks
from a3s_lsp.engine.ports import ModelRequest

_BY_TOKENS = frozenset({"anthropic", "gemini", "vertex_ai"})
"""Providers that take a number of tokens; the others take a word."""
_LEAST_TOKENS = 1024
_WORDS = ((4096, "low"), (16384, "medium"))


def sampling(target: Target, request: ModelRequest, listed: Mapping[str, Mapping[str, object]]) -> Json:
    """The arguments for temperature and thinking. What a model is known not to take is left out."""
    thinking = _thinking(target, request, listed)
    if "thinking" in thinking and target.provider == "anthropic":
        return thinking  # which takes no temperature beside it
    if request.temperature is None or not target.temperature:
        return thinking
    return {"temperature": request.temperature, **thinking}


def _thinking(target: Target, request: ModelRequest, listed: Mapping[str, Mapping[str, object]]) -> Json:
    budget = request.thinking_budget
    if not budget or not thinks(target, listed):
        return {}
    if target.provider not in _BY_TOKENS:
        effort = next((word for most, word in _WORDS if budget <= most), "high")
        return {"reasoning_effort": effort, "allowed_openai_params": ["reasoning_effort"]}
    if target.max_tokens is not None:
        budget = min(budget, target.max_tokens - 1)
    if target.max_tokens is not None and budget < _LEAST_TOKENS:
        return {}
    if target.provider == "anthropic" and (request.tool_choice is not None or _in_mid_turn(request.messages)):
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": max(budget, _LEAST_TOKENS)}}


def _in_mid_turn(messages: Sequence[Message]) -> bool:
    """Whether results of calls are being given. Anthropic then wants the signed thoughts that led to the calls, which
    are not kept; without them the model goes on without thinking."""
    last = next((message for message in reversed(messages) if isinstance(message, AssistantMessage)), None)
    return last is not None and bool(last.tool_calls)
