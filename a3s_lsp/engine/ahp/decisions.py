"""What a harness decides, as the answer of a hook. What has no meaning is HarnessFailed, so that it is never leave."""

from __future__ import annotations

from a3s_lsp.engine.ahp.protocol import HarnessFailed, shown
from a3s_lsp.engine.hooks import GATING
from a3s_lsp.engine.messages import Json

_REFUSALS = ("block", "deny", "reject")
_LEAVE = ("allow", "modify", "refine", "approve")
_KNOWN = ("allow", "block", "modify", "defer", "escalate")
_DAY_MS = 86_400_000
_CHANGEABLE = {
    "pre_tool_use": "arguments",
    "pre_prompt": "prompt",
    "generate_start": "system_prompt",
    "pre_planning": "task_description",
    "pre_memory_recall": "query",
}
"""What a harness may put another value in place of, by the hook that asks it."""
_ONLY_FOR = {"refine": "pre_context_perception", "approve": "permission_request"}


def hook_answer(event: str, payload: Json, decision: Json) -> Json | None:
    """What a hook of this event answers to say the same; the payload is the one of the hook. Raises HarnessFailed."""
    said = decision.get("decision")
    kind = said.strip().casefold() if isinstance(said, str) else ""
    if kind in _REFUSALS:
        return _refusal(event, _reason(decision, "Blocked by the harness"))
    if kind == "defer":
        return _deferral(event, decision)
    if kind == "escalate":
        return _escalation(event, decision)
    if kind not in _LEAVE or _ONLY_FOR.get(kind, event) != event:
        raise HarnessFailed(f"it decided {shown(said)}; known are {', '.join(_KNOWN)}")
    modified = decision.get("modified_payload")
    if modified is None and kind == "modify" and event == "pre_planning":
        modified = decision.get("modified_task")
    if modified is None:
        if kind == "modify":
            raise HarnessFailed("it decided 'modify', and gave no modified_payload")
        return None
    return _modification(event, payload, modified)


def _refusal(event: str, reason: str) -> Json:
    return {"action": "block", "reason": reason}


def _deferral(event: str, decision: Json) -> Json:
    after = decision.get("retry_after_ms")
    if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after <= _DAY_MS:
        raise HarnessFailed(f"it decided 'defer' with retry_after_ms {shown(after)}, not milliseconds up to a day")
    if event not in GATING:
        raise HarnessFailed("it decided 'defer' where nothing waits for it")
    return {"action": "retry", "retry_delay_ms": after}


def _escalation(event: str, decision: Json) -> Json | None:
    target = decision.get("escalation_target")
    whom = f" ({target})" if isinstance(target, str) and target else ""
    reason = _reason(decision, "The harness wants a person to decide")
    match event:
        case "pre_tool_use":
            return {"action": "escalate", "reason": f"{reason}{whom}"}
        case "permission_request":  # a person is about to be asked
            return None
        case _:
            return _refusal(event, f"{reason}{whom}; here nobody can be asked")


def _modification(event: str, payload: Json, modified: object) -> Json | None:
    name = _CHANGEABLE.get(event)
    if name is None:
        raise HarnessFailed("it decided 'modify' where nothing can be changed")
    if event == "pre_tool_use":
        return {"action": "continue", "modified": _arguments(payload, modified)}
    value = modified.get(name) if isinstance(modified, dict) else modified
    if event == "generate_start" and value is None:
        return None  # the prompt was changed where it came in: the conversation stays what was recorded
    if not isinstance(value, str):
        raise HarnessFailed(f"its modified_payload has {shown(value)} in place of the {name}")
    return {"action": "continue", "modified": {name: value}}


def _arguments(payload: Json, modified: object) -> object:
    """The new arguments, in the shape in which a hook gives them."""
    if not isinstance(modified, dict):
        raise HarnessFailed(f"its modified_payload is {shown(modified)}, not arguments")
    if "arguments" in modified:
        if modified.get("tool", payload["tool"]) != payload["tool"]:
            raise HarnessFailed(f"it put the tool {shown(modified['tool'])} in place of '{payload['tool']}'")
        modified = modified["arguments"]
    if not isinstance(modified, dict):
        raise HarnessFailed(f"its modified_payload has {shown(modified)} in place of the arguments")
    current = payload["args"]
    return modified if isinstance(current, dict) and "args" in current else {"args": modified}


def _reason(decision: Json, default: str) -> str:
    reason = decision.get("reason")
    return reason if isinstance(reason, str) and reason else default
