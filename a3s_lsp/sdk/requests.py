"""Prompts and histories as programs write them, and as the engine has them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from a3s_lsp.engine.facts import RunQueued
from a3s_lsp.engine.messages import AssistantMessage, Attachment, Message, ToolCall, ToolMessage, UserMessage

Request: TypeAlias = str | Mapping[str, object]
"""A prompt, or `{"prompt", "history"?, "attachments"?}`."""
History: TypeAlias = Sequence[Mapping[str, object]]
"""`[{"role", "content": [blocks]}]`, with blocks of the types text, image, tool_use and tool_result."""


def parse_request(request: Request, history: History | None = None) -> RunQueued:
    """The prompt that was meant. TypeError and ValueError say what is wrong with it."""
    if isinstance(request, str):
        return RunQueued(request, history=None if history is None else parse_history(history))
    if not isinstance(request, Mapping):
        raise TypeError("session input must be a prompt string or request dict")
    if "prompt" not in request:
        raise ValueError("request missing 'prompt' field")
    prompt = request["prompt"]
    if not isinstance(prompt, str):
        raise TypeError(f"request.prompt must be a string, not {type(prompt).__name__}")
    given = history if history is not None else request.get("history")
    messages = None if given is None else parse_history(given)
    return RunQueued(prompt, parse_attachments(request.get("attachments")), messages)


def parse_attachments(value: object) -> tuple[Attachment, ...]:
    """Attachments are `{"data": bytes, "media_type": str}`."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise TypeError("request.attachments must be a list")
    return tuple(_attachment(item) for item in value)


def _attachment(item: object) -> Attachment:
    if not isinstance(item, Mapping):
        raise TypeError("an attachment must be a dict with 'data' and 'media_type'")
    for name in ("data", "media_type"):
        if name not in item:
            raise ValueError(f"Attachment missing '{name}' field")
    data, media_type = item["data"], item["media_type"]
    if not isinstance(data, bytes | bytearray) or not isinstance(media_type, str):
        raise TypeError("an attachment's 'data' must be bytes and its 'media_type' a string")
    return Attachment(base64.b64encode(data).decode(), media_type)


def parse_history(value: object) -> tuple[Message, ...]:
    """The messages of a history in the SDK's format. TypeError if it is not that."""
    if not isinstance(value, list | tuple):
        raise TypeError(f"Invalid history format: expected a list of messages, not {type(value).__name__}")
    return tuple(message for item in value for message in _parse_message(item))


def _parse_message(item: object) -> list[Message]:
    if not isinstance(item, Mapping) or not isinstance(item.get("role"), str):
        raise TypeError("Invalid history format: a message must be a dict with 'role' and 'content'")
    blocks = item.get("content")
    if not isinstance(blocks, list | tuple) or not all(isinstance(block, Mapping) for block in blocks):
        raise TypeError("Invalid history format: 'content' was expected to be a sequence of blocks")
    text = "".join(_text(block, "text") for block in blocks if block.get("type") == "text")
    if item["role"] == "assistant":
        calls = tuple(_parse_call(block) for block in blocks if block.get("type") == "tool_use")
        return [AssistantMessage(text, calls, _text(item, "reasoning_content"))]
    results: list[Message] = [_parse_result(block) for block in blocks if block.get("type") == "tool_result"]
    images = tuple(_parse_image(block) for block in blocks if block.get("type") == "image")
    return results if results and not text and not images else [*results, UserMessage(text, images)]


def _parse_call(block: Mapping[str, object]) -> ToolCall:
    return ToolCall(_text(block, "id"), _text(block, "name"), json.dumps(block.get("input") or {}))


def _parse_result(block: Mapping[str, object]) -> ToolMessage:
    content = block.get("content")
    if isinstance(content, list | tuple):
        content = "".join(_text(part, "text") for part in content if isinstance(part, Mapping))
    return ToolMessage(_text(block, "tool_use_id"), str(content or ""), bool(block.get("is_error")))


def _parse_image(block: Mapping[str, object]) -> Attachment:
    source = block.get("source")
    if not isinstance(source, Mapping):
        raise TypeError("Invalid history format: an image block needs a 'source'")
    return Attachment(_text(source, "data"), _text(source, "media_type"))


def _text(block: Mapping[str, object], name: str) -> str:
    value = block.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"Invalid history format: '{name}' must be a string, not {type(value).__name__}")
    return value
