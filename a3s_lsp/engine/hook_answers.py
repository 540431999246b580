"""What hooks answer: which answers there are, what they mean at which event, and what becomes of a payload by them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from a3s_lsp.engine.handlers import HandlerFailed
from a3s_lsp.engine.hooks import GATING
from a3s_lsp.engine.messages import Json

Action: TypeAlias = Literal["continue", "block", "retry", "skip", "escalate"]

REPEATABLE = frozenset({"post_tool_use", "generate_end"})
"""Events after something that can be done once more; at gating events "retry" asks the hooks once more."""
BLOCKABLE = GATING | REPEATABLE | {"post_response", "pre_context_perception"}
CHANGEABLE: Mapping[str, str] = {
    "pre_tool_use": "args",
    "post_tool_use": "output",
    "generate_start": "system_prompt",
    "generate_end": "response_text",
    "pre_prompt": "prompt",
    "post_response": "response_text",
    "pre_planning": "task_description",
    "pre_memory_recall": "query",
}
"""What a hook may put another value in place of, by event."""
DEFAULT_REASON = "Blocked by hook"
_ACTIONS: Mapping[str, Action] = {action: action for action in get_args(Action)}
_SHOWN = 200
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What one hook said, or all hooks of an event came to.

    `payload` has the changes; `changed_by` names the hooks that made them. `escalated` is why a person has to decide.
    """

    payload: Json
    action: Action = "continue"
    reason: str = DEFAULT_REASON
    delay_ms: int = 0
    changed_by: tuple[str, ...] = ()
    escalated: str = ""

    @property
    def blocked(self) -> bool:
        """Whether it must not go on; `reason` says why."""
        return self.action == "block"

    @property
    def again(self) -> bool:
        """Whether what was just done is to be done once more."""
        return self.action == "retry"


def understand(event: str, payload: Json, said: object) -> HookAnswer:
    """What a handler's value means at this event. Raises HandlerFailed if it means nothing."""
    if said is None or said == {}:
        return HookAnswer(payload)
    if not isinstance(said, dict) or ("action" not in said and "modified" not in said):
        raise HandlerFailed(f"it answered {_shown(said)}; an answer is None, or a dict with an 'action'")
    action = _action(event, said.get("action", "continue"))
    reason = said.get("reason")
    return HookAnswer(
        _changed(event, payload, said.get("modified")),
        action,
        reason if isinstance(reason, str) and reason else DEFAULT_REASON,
        _delay(said.get("retry_delay_ms")),
    )


def _action(event: str, said: object) -> Action:
    action = _ACTIONS.get(said.casefold()) if isinstance(said, str) else None
    if action is None:
        raise HandlerFailed(f"it answered the action {_shown(said)}; known are {', '.join(_ACTIONS)}")
    if action == "block" and event not in BLOCKABLE:
        raise HandlerFailed(f"it answered 'block', but there is nothing to stop at {event}")
    if action == "escalate" and event != "pre_tool_use":
        raise HandlerFailed(f"it answered 'escalate', but nobody can be asked at {event}")
    if action == "retry" and event not in GATING | REPEATABLE:
        raise HandlerFailed(f"it answered 'retry', but there is nothing to do again at {event}")
    return action


def _delay(said: object) -> int:
    if said is None:
        return 0
    if not isinstance(said, int) or isinstance(said, bool) or not 0 <= said <= _DAY_MS:
        raise HandlerFailed(f"its retry_delay_ms is {_shown(said)}, not a number of milliseconds up to a day")
    return said


def _changed(event: str, payload: Json, modified: object) -> Json:
    """The payload with what the hook put in place of something."""
    if modified is None or modified == {}:
        return payload
    name = CHANGEABLE.get(event)
    if name is None:
        raise HandlerFailed(f"it answered 'modified', but nothing can be changed at {event}")
    try:
        value = _meant(
            event, payload, name, json.loads(json.dumps(modified, ensure_ascii=False, allow_nan=False).encode())
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise HandlerFailed(f"its 'modified' is not JSON: {error}") from None
    expected = dict if name == "args" else str
    if not isinstance(value, expected):
        raise HandlerFailed(f"its 'modified' has {_shown(value)} in place of the {name}")
    if event == "post_tool_use":
        result = payload["result"]
        assert isinstance(result, dict)
        return {**payload, "result": {**result, "output": value}}
    return {**payload, name: value}


def _meant(event: str, payload: Json, name: str, modified: object) -> object:
    """The new value: it is there under its name, as in the payload, or is all there is."""
    match event, modified:
        case "generate_start", str():
            return f"{payload['system_prompt']}\n\n{modified}"
        case "pre_tool_use", {"args": dict() as args} if "args" not in _args(payload):
            return args
        case "post_tool_use", {"result": {"output": output}}:
            return output
        case _, dict() if name != "args" and name in modified:
            return modified[name]
        case _:
            return modified


def _args(payload: Json) -> Mapping[object, object]:
    args = payload.get("args")
    return args if isinstance(args, dict) else {}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
