"""Prompts and histories as programs write them, and as the engine has them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from a3s_lsp.engine.attachments import image
from a3s_lsp.engine.facts import RunQueued
from a3s_lsp.engine.history_format import parse_history
from a3s_lsp.engine.messages import Attachment

Request: TypeAlias = str | Mapping[str, object]
"""A prompt, or `{"prompt", "history"?, "attachments"?}`."""
Attachments: TypeAlias = Sequence[Mapping[str, object]]
"""`[{"data": bytes, "media_type": str}]`, images."""
History: TypeAlias = Sequence[Mapping[str, object]]
"""`[{"role", "content": [blocks]}]`, with blocks of the types text, image, tool_use and tool_result."""


_KEYS = ("prompt", "history", "attachments")


def with_attachments(prompt: str, attachments: Attachments) -> Request:
    """The request that has them both. TypeError says what is wrong with them."""
    if not isinstance(prompt, str):
        raise TypeError(f"prompt must be a string, not {type(prompt).__name__}")
    if attachments is None:
        raise TypeError("attachments must be a list of dicts with 'data' and 'media_type'")
    return {"prompt": prompt, "attachments": attachments}


def as_request(request: Mapping[str, object]) -> Request:
    """The request, which has to be a dict. TypeError if it is none."""
    if not isinstance(request, Mapping):
        raise TypeError(f"request must be a dict with a 'prompt', not {type(request).__name__}")
    return request


def parse_request(request: Request, history: History | None = None) -> RunQueued:
    """The prompt that was meant. TypeError and ValueError say what is wrong with it."""
    if isinstance(request, str):
        return RunQueued(request, history=None if history is None else parse_history(history))
    if not isinstance(request, Mapping):
        raise TypeError("session input must be a prompt string or request dict")
    if "prompt" not in request:
        raise ValueError("request missing 'prompt' field")
    for name in request:
        if name not in _KEYS:
            warnings.warn(f"A request has no '{name}'; known are {', '.join(_KEYS)}.", stacklevel=2)
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
    return image(bytes(data), media_type)
