"""The conversation as programs and exports see it: `[{"role", "content": [blocks]}]`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from a3s_lsp.engine.messages import AssistantMessage, Attachment, Json, Message, ToolCall, ToolMessage, UserMessage


def write_history(messages: Sequence[Message]) -> list[Json]:
    """The messages in the SDK's format."""
    return [_write_message(message) for message in messages]


def _write_message(message: Message) -> Json:
    match message:
        case UserMessage(text=text, attachments=attachments):
            return {"role": "user", "content": [*map(_image, attachments), {"type": "text", "text": text}]}
        case AssistantMessage(text=text, tool_calls=calls, reasoning=reasoning):
            blocks: list[Json] = [{"type": "text", "text": text}] if text or not calls else []
            blocks += [{"type": "tool_use", "id": c.id, "name": c.name, "input": _input(c)} for c in calls]
            extra: Json = {"reasoning_content": reasoning} if reasoning else {}
            return {"role": "assistant", "content": blocks, **extra}
        case ToolMessage(call_id=call_id, content=text, is_error=is_error, attachments=images):
            content = [{"type": "text", "text": text}, *map(_image, images)] if images else text
            block = {"type": "tool_result", "tool_use_id": call_id, "content": content, "is_error": is_error}
            return {"role": "user", "content": [block]}


def _image(attachment: Attachment) -> Json:
    source = {"type": "base64", "media_type": attachment.media_type, "data": attachment.data}
    return {"type": "image", "source": source}


def _input(call: ToolCall) -> Json:
    try:
        value = json.loads(call.arguments or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


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
    images: tuple[Attachment, ...] = ()
    if isinstance(content, list | tuple):
        parts = [part for part in content if isinstance(part, Mapping)]
        images = tuple(_parse_image(part) for part in parts if part.get("type") == "image")
        content = "".join(_text(part, "text") for part in parts)
    return ToolMessage(_text(block, "tool_use_id"), str(content or ""), bool(block.get("is_error")), images)


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
