"""AHP 2.4 on the wire: JSON-RPC 2.0 messages, and what may be wrong with an answer."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeGuard

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.messages import Json

VERSION = "2.4"
LONGEST = 8 * 1024 * 1024
"""Bytes of one message of a harness."""
CAPABILITIES = (
    "pre_action",
    "post_action",
    "pre_prompt",
    "session_start",
    "session_end",
    "error",
    "query",
    "batch",
    "heartbeat",
    "idle",
    "intent_detection",
    "context_perception",
    "memory_recall",
    "planning",
    "reasoning",
    "rate_limit",
    "confirmation",
    "success",
    "run_lifecycle",
    "verification",
)
"""What a harness is told and asked here."""
_MOST_TIMEOUT_MS = 600_000
_MOST_IN_BATCH = 1000
_SHOWN = 200


class HarnessFailed(A3SError):
    """A harness cannot be reached, takes too long, or answers what cannot be understood."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a harness says of itself, as far as it matters."""

    name: str = ""
    timeout_ms: int | None = None
    batch: int = 1
    """How many events it takes at once."""


def request(method: str, params: Json) -> Json:
    """A message that is answered."""
    return {"jsonrpc": "2.0", "id": str(uuid.uuid4()), "method": method, "params": params}


def notification(method: str, params: Json) -> Json:
    """A message that is not answered."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def handshake(session_id: str, agent_id: str) -> Json:
    """The first message of a connection."""
    info: Json = {"framework": "a3s-ahp", "version": f"{VERSION}.0", "capabilities": list(CAPABILITIES)}
    named: Json = {"protocol_version": VERSION, "agent_id": agent_id, "session_id": session_id}
    return request("ahp/handshake", {**named, "agent_info": info})


def encoded(message: Json) -> bytes:
    """The message as one line of text."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=str).encode(errors="replace")


def decoded(data: bytes | str) -> Json:
    """One message of a harness. Raises HarnessFailed."""
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        raise HarnessFailed(f"its answer is not JSON: {shown(data)}") from None
    if not isinstance(message, dict):
        raise HarnessFailed(f"its answer is no JSON-RPC message: {shown(data)}")
    return message


def result_of(answer: Json, asked: Json) -> Json:
    """What was answered to a request. Raises HarnessFailed."""
    if answer.get("id") != asked["id"]:
        raise HarnessFailed("it answered another request than the one that was made")
    if (error := answer.get("error")) is not None:
        told = error.get("message") if isinstance(error, Mapping) else error
        raise HarnessFailed(f"it answered with an error: {shown(told)}")
    result = answer.get("result")
    if not isinstance(result, dict):
        raise HarnessFailed(f"its answer has no result: {shown(answer)}")
    return result


def greeted(result: Json) -> Greeting:
    """What a harness answered to the handshake. Raises HarnessFailed."""
    version = result.get("protocol_version")
    if not isinstance(version, str) or version.partition(".")[0] != VERSION.partition(".")[0]:
        raise HarnessFailed(f"it speaks the protocol version {shown(version)}, not {VERSION}")
    info, config = _table(result, "harness_info"), _table(result, "config")
    capabilities = info.get("capabilities")
    batches = isinstance(capabilities, list) and "batch" in capabilities
    timeout, batch = config.get("timeout_ms"), config.get("batch_size")
    return Greeting(
        str(info.get("name", "")),
        min(timeout, _MOST_TIMEOUT_MS) if _is_count(timeout) else None,
        (min(batch, _MOST_IN_BATCH) if _is_count(batch) else 100) if batches else 1,
    )


def now() -> str:
    """The time, as RFC 3339 writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown(value: object) -> str:
    """The value for an error message."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _table(given: Json, name: str) -> Mapping[str, object]:
    value = given.get(name)
    return value if isinstance(value, dict) else {}


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
