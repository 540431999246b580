"""Whatever a harness answers is a decision, or a failure; never leave by accident."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from a3s_lsp.engine.ahp.decisions import hook_answer
from a3s_lsp.engine.ahp.happenings import ASKED
from a3s_lsp.engine.ahp.injected import context_piece
from a3s_lsp.engine.ahp.protocol import HarnessFailed, decoded, greeted, result_of
from a3s_lsp.engine.handlers import HandlerFailed
from a3s_lsp.engine.hook_answers import understand
from a3s_lsp.engine.messages import Json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(
    ["allow", "block", "deny", "modify", "defer", "escalate", "refine", "approve", "reject", "ALLOW"]
)
NAMES = st.sampled_from(
    ["reason", "modified_payload", "retry_after_ms", "escalation_target", "injected_context", "injected_facts"]
)
DECISIONS = st.builds(
    lambda word, rest: {**rest, "decision": word}, WORDS | JSON, st.dictionaries(NAMES, JSON, max_size=4)
)
PAYLOAD: Json = {
    "tool": "bash",
    "args": {"command": "x"},
    "prompt": "p",
    "system_prompt": "s",
    "task_description": "t",
    "query": "q",
}
LEAVE = {"allow", "modify", "refine", "approve", "escalate"}


@given(event=st.sampled_from(sorted(ASKED)), decision=DECISIONS)
def test_only_a_word_of_leave_is_leave(event: str, decision: Json) -> None:
    try:
        said = hook_answer(event, PAYLOAD, decision)
        answer = understand(event, PAYLOAD, said)
    except (HarnessFailed, HandlerFailed):
        return
    word = decision["decision"]
    assert isinstance(word, str)
    if answer.action == "continue":
        assert word.strip().casefold() in LEAVE
    if word.strip().casefold() in ("block", "deny", "reject"):
        assert answer.blocked


@given(decision=st.dictionaries(NAMES | st.sampled_from(["scope_hints"]), JSON, max_size=4), inner=JSON)
def test_any_injection_makes_a_block_that_cannot_be_left(decision: Json, inner: object) -> None:
    names = ("facts", "file_contents", "project_summary", "knowledge", "suggestions")
    for given_context in (decision.get("injected_context"), dict.fromkeys(names, inner)):
        piece = context_piece({**decision, "injected_context": given_context})
        assert piece is None or piece.text.count("</context>") == 1


@given(data=st.binary(max_size=40) | st.text(max_size=40), answer=JSON, result=JSON)
def test_any_message_is_an_answer_or_a_failure(data: bytes | str, answer: object, result: object) -> None:
    messages: list[Callable[[], Json]] = [
        lambda: decoded(data),
        lambda: {"id": "1", "result": result},
        lambda: {"id": "1", "error": answer},
    ]
    for message in messages:
        try:
            greeting = greeted(result_of(message(), {"id": "1"}))
        except HarnessFailed:
            continue
        assert greeting.batch >= 1
