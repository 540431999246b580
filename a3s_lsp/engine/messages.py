"""The conversation: what the person, the model and the tools said, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Json: TypeAlias = dict[str, object]
"""A decoded JSON object."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a prompt; `data` is Base64 text, `media_type` e.g. `image/png`."""

    data: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more model calls. `cost` is in US dollars, None where a price is not known."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost: float | None = None

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        known = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            sum(known) if known else None,
        )


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the model asked a tool to do; `arguments` is its JSON text, not yet trusted in any way."""

    id: str
    name: str
    arguments: str
    sealed: bool = False
    """Secrets were taken out of the arguments, so that they are to be seen and not to be run."""


@dataclass(frozen=True, slots=True)
class UserMessage:
    text: str
    attachments: tuple[Attachment, ...] = ()
    role: Literal["user"] = "user"


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    role: Literal["assistant"] = "assistant"


@dataclass(frozen=True, slots=True)
class ToolMessage:
    call_id: str
    content: str
    is_error: bool = False
    attachments: tuple[Attachment, ...] = ()
    role: Literal["tool"] = "tool"


Message: TypeAlias = UserMessage | AssistantMessage | ToolMessage


def unanswered(messages: Sequence[Message]) -> tuple[ToolCall, ...]:
    """The calls of the last model turn that have no result yet, in the order of the model."""
    answered: set[str] = set()
    for message in reversed(messages):
        match message:
            case ToolMessage(call_id=call_id):
                answered.add(call_id)
            case AssistantMessage(tool_calls=calls):
                return tuple(call for call in calls if call.id not in answered)
            case UserMessage():
                continue
    return ()


def put_result(messages: list[Message], result: ToolMessage) -> None:
    """Put the result of a call of the last model turn where it belongs: in the order of the calls, not of the ends."""
    order: list[str] = []
    for message in reversed(messages):
        if isinstance(message, AssistantMessage):
            order = [call.id for call in message.tool_calls]
            break
    later = set(order[order.index(result.call_id) + 1 :]) if result.call_id in order else set[str]()
    at = len(messages)
    while at and isinstance(before := messages[at - 1], ToolMessage) and before.call_id in later:
        at -= 1
    messages.insert(at, result)


def last_text(messages: Sequence[Message]) -> str:
    """What the model said last, or nothing."""
    return next((m.text for m in reversed(messages) if isinstance(m, AssistantMessage)), "")
