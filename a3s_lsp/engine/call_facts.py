"""What happens to the calls of a model, and to the questions that are asked about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from a3s_lsp.engine.changes import Part
from a3s_lsp.engine.messages import Attachment, Json

Outcome: TypeAlias = Literal["approved", "rejected", "cancelled", "expired_rejected", "expired_approved"]


@dataclass(frozen=True, slots=True)
class CallAnnounced:
    """The model began to write a call; its arguments follow as text."""

    call_id: str
    name: str
    type: Literal["call_announced"] = "call_announced"


@dataclass(frozen=True, slots=True)
class InputStreamed:
    call_id: str
    text: str
    type: Literal["input_streamed"] = "input_streamed"


@dataclass(frozen=True, slots=True)
class CallDenied:
    call_id: str
    name: str
    args: Json
    reason: str
    type: Literal["call_denied"] = "call_denied"


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A person is asked for leave. `rule` is exactly what "always" would store; `timeout_ms` None waits for ever."""

    call_id: str
    name: str
    args: Json
    title: str
    detail: str = ""
    diff: str = ""
    rule: str = ""
    timeout_ms: int | None = None
    parts: tuple[Part, ...] = ()
    """The pieces of the change that may be accepted one by one; empty where it is all or nothing."""
    agent: str = ""
    """The child agent that wants to do it; empty for the session's own."""
    type: Literal["question_asked"] = "question_asked"


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    call_id: str
    name: str
    outcome: Outcome
    reason: str | None = None
    type: Literal["question_answered"] = "question_answered"


@dataclass(frozen=True, slots=True)
class CallBegan:
    """Written ahead of the side effect: without a `CallEnded` after it the call was cut."""

    call_id: str
    name: str
    args: Json
    type: Literal["call_began"] = "call_began"


@dataclass(frozen=True, slots=True)
class OutputStreamed:
    call_id: str
    name: str
    text: str
    type: Literal["output_streamed"] = "output_streamed"


@dataclass(frozen=True, slots=True)
class CallEnded:
    call_id: str
    name: str
    output: str
    exit_code: int
    metadata: Json | None = None
    error_kind: Json | None = None
    attachments: tuple[Attachment, ...] = ()
    """Images that the model gets with the output."""
    type: Literal["call_ended"] = "call_ended"
