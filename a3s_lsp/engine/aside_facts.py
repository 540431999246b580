"""The facts about what a tool asks a model beside the conversation. Part of `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from a3s_lsp.engine.messages import Usage


@dataclass(frozen=True, slots=True)
class AsideAnswered:
    """A model answered something that is not part of the conversation, and that was paid for all the same."""

    purpose: str
    usage: Usage
    type: Literal["aside_answered"] = "aside_answered"


@dataclass(frozen=True, slots=True)
class ObjectStreamed:
    """An object as far as the model has written it, as JSON text. Each is whole: they are never joined."""

    call_id: str
    name: str
    text: str
    type: Literal["object_streamed"] = "object_streamed"
