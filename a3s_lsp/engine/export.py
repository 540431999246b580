"""A conversation as a file: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from a3s_lsp.engine.history_format import write_history
from a3s_lsp.engine.messages import AssistantMessage, Attachment, Message, ToolCall, ToolMessage, UserMessage

SCHEMA = "a3s.conversation.v1"


def as_json(session_id: str, model: str, messages: Sequence[Message]) -> str:
    """The messages in the format of `session.history()`, with where they come from."""
    head = {"schema": SCHEMA, "session_id": session_id, "model": model}
    return json.dumps({**head, "messages": write_history(messages)}, ensure_ascii=False, indent=2) + "\n"


def as_markdown(session_id: str, model: str, messages: Sequence[Message]) -> str:
    """The conversation to be read: prompts, answers, calls with their results; images by their size."""
    names = {call.id: call.name for m in messages if isinstance(m, AssistantMessage) for call in m.tool_calls}
    parts = [f"# Session {session_id}\n\nModel: {model}", *(_section(message, names) for message in messages)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(message: Message, names: dict[str, str]) -> str:
    match message:
        case UserMessage(text=text, attachments=attachments):
            return "\n\n".join(["## User", *(_attached(each) for each in attachments), *([text] if text else [])])
        case AssistantMessage(text=text, tool_calls=calls):
            return "\n\n".join(["## Assistant", *([text] if text else []), *(_called(call) for call in calls)])
        case ToolMessage(call_id=call_id, content=content, is_error=is_error):
            title = f"### Result of {names.get(call_id, call_id)}{' (failed)' if is_error else ''}"
            return f"{title}\n\n{_fenced(content)}"


def _attached(attachment: Attachment) -> str:
    return f"*[{attachment.media_type}, {len(attachment.data) * 3 // 4} bytes]*"


def _called(call: ToolCall) -> str:
    return f"### Call of {call.name}\n\n{_fenced(call.arguments, 'json')}"


def _fenced(text: str, language: str = "") -> str:
    """A fence that is longer than any within the text."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.removesuffix(chr(10))}\n{fence}"
