"""The conversation as programs and exports see it: `[{"role", "content": [blocks]}]`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from a3s_lsp.engine.messages import AssistantMessage, Json, Message, ToolCall, ToolMessage, UserMessage


def write_history(messages: Sequence[Message]) -> list[Json]:
    """The messages in the SDK's format."""
    return [_write_message(message) for message in messages]


def _write_message(message: Message) -> Json:
    match message:
        case UserMessage(text=text, attachments=attachments):
            images: list[Json] = [
                {"type": "image", "source": {"type": "base64", "media_type": a.media_type, "data": a.data}}
                for a in attachments
            ]
            return {"role": "user", "content": [*images, {"type": "text", "text": text}]}
        case AssistantMessage(text=text, tool_calls=calls, reasoning=reasoning):
            blocks: list[Json] = [{"type": "text", "text": text}] if text or not calls else []
            blocks += [{"type": "tool_use", "id": c.id, "name": c.name, "input": _input(c)} for c in calls]
            extra: Json = {"reasoning_content": reasoning} if reasoning else {}
            return {"role": "assistant", "content": blocks, **extra}
        case ToolMessage(call_id=call_id, content=content, is_error=is_error):
            block = {"type": "tool_result", "tool_use_id": call_id, "content": content, "is_error": is_error}
            return {"role": "user", "content": [block]}


def _input(call: ToolCall) -> Json:
    try:
        value = json.loads(call.arguments or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
