"""Facts about hooks: what they changed, and what went wrong in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from a3s_lsp.engine.messages import Message, UserMessage


@dataclass(frozen=True, slots=True)
class HookFailed:
    """A hook raised something, took too long, or answered what has no meaning at its event."""

    hook_id: str
    event_type: str
    error: str
    type: Literal["hook_failed"] = "hook_failed"


@dataclass(frozen=True, slots=True)
class PromptRewritten:
    """Hooks put another prompt in place of the person's, before the model saw it."""

    prompt: str
    original: str
    hooks: tuple[str, ...]
    type: Literal["prompt_rewritten"] = "prompt_rewritten"


def rewrite(conversation: list[Message], fact: PromptRewritten) -> None:
    """Put the new prompt where the original one is last in the conversation."""
    for index in reversed(range(len(conversation))):
        message = conversation[index]
        if isinstance(message, UserMessage) and message.text == fact.original:
            conversation[index] = replace(message, text=fact.prompt)
            return
