"""Whatever a hook answers, it is understood, or it is a failure of the hook; nothing else comes of it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from a3s_lsp.engine.handlers import HandlerFailed
from a3s_lsp.engine.hook_answers import BLOCKABLE, CHANGEABLE, REPEATABLE, understand
from a3s_lsp.engine.hooks import EVENTS, GATING
from a3s_lsp.engine.messages import Json

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.just(object()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["args", "output", "prompt", "system_prompt", "response_text", "result", "query", "command"])
ANSWERS = ANYTHING | st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["continue", "block", "RETRY", "skip", "deny"]) | ANYTHING,
        "modified": st.dictionaries(NAMES, ANYTHING, max_size=2) | ANYTHING,
        "reason": ANYTHING,
        "retry_delay_ms": st.integers() | ANYTHING,
        "more": ANYTHING,
    },
)


def payload_of(event: str) -> Json:
    changeable: Json = {name: "before" for name in CHANGEABLE.values()}
    return {
        **changeable,
        "args": {"command": "ls"},
        "result": {"output": "before", "exit_code": 0},
        "session_id": event,
    }


@given(st.sampled_from(EVENTS), ANSWERS)
def test_an_answer_means_something_at_its_event_or_is_a_failure(event: str, said: object) -> None:
    payload = payload_of(event)
    before = json.dumps(payload)
    try:
        answer = understand(event, payload, said)
    except HandlerFailed as error:
        assert str(error)
        return
    assert json.dumps(payload) == before
    json.dumps(answer.payload, ensure_ascii=False, allow_nan=False).encode()
    assert {name: type(value) for name, value in answer.payload.items()} == {n: type(v) for n, v in payload.items()}
    changed = {name for name in payload if answer.payload[name] != payload[name]}
    assert changed <= {"result" if event == "post_tool_use" else CHANGEABLE.get(event)}
    assert not answer.blocked or (event in BLOCKABLE and answer.reason)
    assert not answer.again or event in GATING | REPEATABLE
    assert 0 <= answer.delay_ms <= 86_400_000
