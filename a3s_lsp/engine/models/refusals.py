"""What went wrong with a request, in one sentence, and whether asking again can help."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping

from a3s_lsp.engine.config.target import Target
from a3s_lsp.engine.errors import ModelError, ModelRefused
from a3s_lsp.engine.models.retry import Transient

_PREFIX = re.compile(r"^(?:(?:litellm\.)?\w+(?:Error|Timeout|Exception)\s*(?:: |- ))+")
_SUFFIX = re.compile(r"\s*Original exception:.*$", re.DOTALL)
_NO_PROVIDER = "LLM Provider NOT provided"
_TRANSIENT = (408, 409, 425, 429)
_HOPELESS = ("insufficient_quota", "billing_hard_limit_reached")
_LONGEST = 500


def as_model_error(error: Exception, target: Target, *, opened: bool) -> ModelError:
    """The error of litellm or of the connection as one of ours, without keys; `opened`: the answer had begun."""
    said = without_secrets(_sentence(error), target)
    status = getattr(error, "status_code", None)
    headers = getattr(error, "litellm_response_headers", None)
    passing = not isinstance(status, int) or status in _TRANSIENT or status >= 500
    if passing and not headers and not opened:
        return Transient(f"{target.name}: {target.base_url or target.provider} cannot be reached: {said}")
    if _NO_PROVIDER in said:
        return ModelRefused(f"{target.name}: no provider {target.provider!r} is known; give it a base_url in agent.acl")
    message = f"{target.name} answered HTTP {status}: {said}" if headers else f"{target.name}: {said}"
    if passing and not _spent(error):
        return Transient(message, _retry_after(headers), _reason(status))
    return ModelRefused(message)


def without_secrets(text: str, target: Target) -> str:
    """The text without the key and the header values; providers quote them."""
    for secret in sorted((target.api_key, *target.headers.values()), key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, "[secret]")
    return text


def _sentence(error: Exception) -> str:
    """The provider's own words, without the class names that libraries put before them."""
    body = getattr(error, "body", None)
    found = _said(body)
    if found is None:
        text = _PREFIX.sub("", _SUFFIX.sub("", str(error))).strip()
        found = _said(_decoded(text)) or text or type(error).__name__
    line = " ".join(found.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _decoded(text: str) -> object:
    """The JSON that a text holds; litellm sometimes shows the bytes that it got."""
    try:
        raw: object = ast.literal_eval(text) if text.startswith(("b'", 'b"')) else text
        decoded: object = json.loads(raw) if isinstance(raw, str | bytes) else None
    except (ValueError, SyntaxError):
        return None
    return decoded


def _reason(status: object) -> str:
    """What kind of trouble it is, as `ports.Waiting` names it."""
    named = {408: "timeout", 429: "rate_limit", 503: "overloaded", 504: "timeout", 529: "overloaded"}
    return named.get(status, "server_error") if isinstance(status, int) else "connection"


def _spent(error: Exception) -> bool:
    """No money is left, which no pause will change."""
    body = getattr(error, "body", None)
    return isinstance(body, dict) and body.get("code") in _HOPELESS


def _said(body: object) -> str | None:
    match body:
        case {"error": {"message": str(message)}} | {"message": str(message)} | {"error": str(message)}:
            return message
        case _:
            return None


def _retry_after(headers: Mapping[str, str] | None) -> float | None:
    """Seconds from the Retry-After header; a date in it is not worth the trouble."""
    try:
        return max(0.0, float(headers["retry-after"])) if headers else None
    except (KeyError, ValueError):
        return None
