"""How many tokens a conversation has, as far as that can be told without the provider: four bytes are one."""

from __future__ import annotations

from collections.abc import Sequence

from a3s_lsp.engine.context.compactions import Measured
from a3s_lsp.engine.messages import AssistantMessage, Message, ToolMessage, UserMessage

_BYTES_PER_TOKEN = 4
_MESSAGE_TOKENS = 4
_IMAGE_TOKENS = 1500
_LEAST_PLAUSIBLE = 0.25
"""A provider that counts less than this part of the estimate does not count."""


def weight(message: Message) -> int:
    """The estimated tokens of one message."""
    match message:
        case UserMessage(text=text, attachments=attachments):
            return tokens_of(text) + _IMAGE_TOKENS * len(attachments)
        case AssistantMessage(text=text, tool_calls=calls, reasoning=reasoning):
            called = "".join(call.name + call.arguments for call in calls)
            return tokens_of(text + called + (reasoning if calls else ""))
        case ToolMessage(content=content, attachments=attachments):
            return tokens_of(content) + _IMAGE_TOKENS * len(attachments)


def tokens_of(text: str) -> int:
    """The estimated tokens of a text that is sent as a message."""
    return _MESSAGE_TOKENS + len(text.encode(errors="replace")) // _BYTES_PER_TOKEN


def size(messages: Sequence[Message], beside: int, measured: Measured | None) -> int:
    """The tokens of a request with these messages and so many beside them: what the provider counted last, with an
    estimate of what came since."""
    estimate = beside + sum(map(weight, messages))
    if measured is None or measured.messages > len(messages):
        return estimate
    since = sum(map(weight, messages[measured.messages :]))
    counted = measured.tokens + since
    return counted if measured.tokens >= _LEAST_PLAUSIBLE * (estimate - since) else estimate
