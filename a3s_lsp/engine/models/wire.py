"""The conversation as OpenAI's chat API writes it, which litellm translates for the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal
from uuid import uuid4

from a3s_lsp.engine.messages import AssistantMessage, Attachment, Json, Message, ToolCall, ToolMessage, UserMessage
from a3s_lsp.engine.ports import CallDelta, ModelRequest, ToolSpec


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a provider wants it. `silence` stands beside calls for text that is not there; `images` of tool results are
    put into them, into a message of the person behind them, or are only named."""

    silence: str | None = ""
    images: Literal["inside", "behind", "named"] = "behind"


def wire_messages(request: ModelRequest, dialect: Dialect | None = None) -> list[Json]:
    """The system prompt, then the messages in order."""
    wanted = dialect or Dialect()
    wired: list[Json] = [{"role": "system", "content": request.system}] if request.system else []
    for are_results, group in groupby(request.messages, lambda message: isinstance(message, ToolMessage)):
        messages = list(group)
        wired += (_message(message, wanted) for message in messages)
        if are_results and wanted.images == "behind":
            wired += _shown_behind(messages)
    return wired


def _shown_behind(results: list[Message]) -> Iterator[Json]:
    """The images of the results before it, as a message of the person: results can only be text here."""
    found = [result for result in results if isinstance(result, ToolMessage) and result.attachments]
    images = [_image(attachment) for result in found for attachment in result.attachments]
    if images:
        named = "\n".join(result.content for result in found)
        yield {"role": "user", "content": [*images, {"type": "text", "text": f"[Images from the tools:\n{named}]"}]}


def wire_tool(tool: ToolSpec) -> Json:
    """A tool as it is offered."""
    function: Json = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _message(message: Message, dialect: Dialect) -> Json:
    match message:
        case UserMessage(text=text, attachments=()):
            return {"role": "user", "content": text}
        case UserMessage(text=text, attachments=attachments) if dialect.images == "named":
            return {"role": "user", "content": _named(text, attachments)}
        case UserMessage(text=text, attachments=attachments):
            images = [_image(attachment) for attachment in attachments]
            return {"role": "user", "content": [*images, {"type": "text", "text": text}]}
        case AssistantMessage(text=text, tool_calls=()):
            return {"role": "assistant", "content": text}
        case AssistantMessage(text=text, tool_calls=calls, reasoning=reasoning):
            # Providers that show their reasoning want it back beside the calls that it led to.
            thoughts: Json = {"reasoning_content": reasoning} if reasoning else {}
            content = text if text.strip() else dialect.silence
            return {"role": "assistant", "content": content, "tool_calls": [_call(call) for call in calls], **thoughts}
        case ToolMessage(call_id=call_id, content=content, attachments=attachments):
            return {"role": "tool", "tool_call_id": call_id, "content": _result(content, attachments, dialect)}


def _result(text: str, attachments: tuple[Attachment, ...], dialect: Dialect) -> str | list[Json]:
    if not attachments or dialect.images == "behind":
        return text
    if dialect.images == "named":
        return _named(text, attachments)
    return [{"type": "text", "text": text}, *map(_image, attachments)]


def _named(text: str, attachments: tuple[Attachment, ...]) -> str:
    kinds = ", ".join(attachment.media_type for attachment in attachments)
    return f"{text}\n[{kinds}: you cannot see images]"


def _image(attachment: Attachment) -> Json:
    url = f"data:{attachment.media_type};base64,{attachment.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _call(call: ToolCall) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _arguments(call.arguments)}}


def _arguments(text: str) -> str:
    """The arguments as compact JSON. Providers reject a history with broken ones; the call's result quotes them."""
    try:
        arguments: object = json.loads(text)
    except ValueError:
        return "{}"
    return json.dumps(arguments, separators=(",", ":"), ensure_ascii=False) if isinstance(arguments, dict) else "{}"


@dataclass(slots=True)
class CallPieces:
    """Tells the calls of one turn apart for providers that give every call the index 0, or no id."""

    _open: dict[int, tuple[int, str]] = field(default_factory=dict)
    """The provider's index -> ours, and the call's id."""
    _count: int = 0

    def pieces(self, index: int, call_id: str, name: str, arguments: str) -> Iterator[CallDelta]:
        """The piece under an index of its own; the first piece of a call has its id and name."""
        known = self._open.get(index)
        if known is not None and (not call_id or call_id == known[1]):
            if arguments:
                yield CallDelta(known[0], arguments=arguments)
            return
        call_id = call_id or f"call_{uuid4().hex}"
        self._open[index] = (self._count, call_id)
        yield CallDelta(self._count, call_id, name, arguments)
        self._count += 1
