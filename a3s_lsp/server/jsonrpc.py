"""JSON-RPC 2.0 messages, told apart without knowing any method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

MsgId: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Request:
    """A message that has to be answered."""

    id: MsgId
    method: str
    params: object


@dataclass(frozen=True, slots=True)
class Notification:
    """A message that must not be answered."""

    method: str
    params: object


@dataclass(frozen=True, slots=True)
class Response:
    """An answer to a request of ours; `error` is None if there is a result. The id is null if it could not be read."""

    id: MsgId | None
    result: object
    error: object


@dataclass(frozen=True, slots=True)
class Invalid:
    """Something else. The id is null if there is none that can be used."""

    id: MsgId | None
    reason: str


Message: TypeAlias = Request | Notification | Response | Invalid


def call(method: str, params: object) -> dict[str, object]:
    """A notification; with an id it is a request."""
    message: dict[str, object] = {"jsonrpc": "2.0", "method": method}
    return message if params is None else {**message, "params": params}


def classify(message: object) -> Message:
    """What kind of message a JSON value is. Keys of nested values play no part in it."""
    if not isinstance(message, dict):
        return Invalid(None, "A message must be an object.")
    raw_id = message.get("id")
    msg_id = raw_id if isinstance(raw_id, int | str) and not isinstance(raw_id, bool) else None
    if message.get("jsonrpc") != "2.0":
        return Invalid(msg_id, 'A message must have "jsonrpc": "2.0".')
    if "method" in message:
        return _read_call(message, msg_id)
    if "id" in message and ("result" in message or "error" in message):
        return Response(msg_id, message.get("result"), message.get("error"))
    return Invalid(msg_id, "A message must have a method, a result or an error.")


def _read_call(message: dict[str, object], msg_id: MsgId | None) -> Message:
    method, params = message["method"], message.get("params")
    if not isinstance(method, str):
        return Invalid(msg_id, "The method of a message must be a string.")
    if "id" not in message:
        return Notification(method, params)
    if msg_id is None:
        return Invalid(None, "The id of a request must be a number or a string.")
    return Request(msg_id, method, params)
