"""What a harness is asked and told: the AHP event of each hook and of each event of the session, with its payload."""

from __future__ import annotations

from collections.abc import Mapping

from a3s_lsp.engine.ahp.protocol import now
from a3s_lsp.engine.events import Event
from a3s_lsp.engine.messages import Json

ASKED: Mapping[str, str] = {
    "pre_tool_use": "pre_action",
    "pre_prompt": "pre_prompt",
    "generate_start": "pre_prompt",
    "intent_detection": "intent_detection",
    "pre_context_perception": "context_perception",
    "pre_memory_recall": "memory_recall",
    "pre_planning": "planning",
    "permission_request": "confirmation",
}
"""Hooks whose events wait for an answer of the harness."""
TOLD: Mapping[str, str] = {
    "post_tool_use": "post_action",
    "generate_end": "post_action",
    "post_response": "post_action",
    "pre_reasoning": "reasoning",
    "on_rate_limit": "rate_limit",
    "on_error": "error",
    "on_success": "success",
    "session_start": "session_start",
    "session_end": "session_end",
}
"""Hooks whose events it is only told."""
_PERCEIVED = ("query", "intent", "target_type", "target_name", "domain", "urgency", "working_directory")
_STATUS = {"start": "executing", "end": "completed", "error": "failed", "cancelled": "cancelled"}
_SUMMARY = 500


def payload_of(hook: str, payload: Json) -> Json:
    """The payload of the AHP event for what a hook is called with."""
    match hook:
        case "generate_start":
            return _only(payload, "prompt", "session_id")
        case "pre_context_perception":
            return _only(payload, *_PERCEIVED)
        case "permission_request":
            told = f"Use the tool {payload['tool']}"
            asked: Json = {"confirmation_type": "tool_use", "message": told, "options": ["approve", "reject"]}
            return {**asked, **_renamed(payload)}
        case _:
            return _renamed(payload)


def _renamed(payload: Json) -> Json:
    return {"arguments" if name == "args" else name: told for name, told in payload.items() if name != "session_id"}


def _only(payload: Json, *names: str) -> Json:
    return {name: payload.get(name) for name in names}


def of_event(event: Event) -> tuple[str, Json] | None:
    """The AHP event for an event of the session, None for one that a harness is not told."""
    fields = event.fields
    if event.type in _STATUS and event.run_id:
        run: Json = {"run_id": event.run_id, "session_id": event.session_id, "status": _STATUS[event.type]}
        told = {"start": ("prompt", "prompt"), "end": ("result_summary", "text")}.get(event.type, ("error", "error"))
        return "run_lifecycle", {**run, told[0]: str(fields.get(told[1]) or "")[:_SUMMARY], "updated_at": now()}
    if event.type == "verification_reported":
        report = fields.get("report")
        status = report.get("status") if isinstance(report, dict) else None
        return "verification", {"status": status, "metadata": report, "run_id": event.run_id or None}
    return None
