"""The values of AHP are made and shown as in a3s-code, and take nothing that does not fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

import a3s_lsp as a3s

FACT = a3s.Fact("c", "s", 0.5)
HINTS = a3s.TargetHints("a")
SHOWN = [
    (FACT, 'Fact(content="c", confidence=0.5)'),
    (a3s.Fact('a"b\n', "s", 1), 'Fact(content="a\\"b\\n", confidence=1)'),
    (a3s.Fact("x", "s", 7e10), 'Fact(content="x", confidence=70000000000)'),
    (a3s.Fact("x", "s", 1e-9), 'Fact(content="x", confidence=0.000000001)'),
    (a3s.Fact("x", "s", 0.0), 'Fact(content="x", confidence=0)'),
    (a3s.MemorySummary("episodic", 3, ["x"]), "MemorySummary(type=episodic, items=3, topics=1)"),
    (a3s.SessionStats(1, 2, 3, 4), "SessionStats(actions=1, tokens=2, duration_ms=3, errors=4)"),
    (HINTS, 'TargetHints(type=Some("a"), name=None, domain=None)'),
    (a3s.AhpEventContext(), "AhpEventContext(facts=0, memory=false, stats=false, task=false)"),
    (a3s.AhpEventContext([FACT], current_task="t"), "AhpEventContext(facts=1, memory=false, stats=false, task=true)"),
    (a3s.AhpEventType("any"), "AhpEventType('any')"),
    (a3s.IdleDecision("allow"), "IdleDecision('allow')"),
    (a3s.IdleDecision("defer", 'r"'), 'IdleDecision(\'defer\', reason="r\\"")'),
    (a3s.IntentDetectionDecision("allow"), "IntentDetectionDecision('allow', intent=None, confidence=0)"),
    (
        a3s.IntentDetectionDecision("allow", "x", 0.5, HINTS),
        "IntentDetectionDecision('allow', intent=Some(\"x\"), confidence=0.5)",
    ),
    (
        a3s.IntentDetectionDecision("block", block_reason="why"),
        "IntentDetectionDecision('block', reason=\"why\")",
    ),
    (
        a3s.IntentDetectionEvent("s", "p", "w", "py"),
        'IntentDetectionEvent(session_id=s, prompt=p, workspace=w, language_hint=Some("py"))',
    ),
    (a3s.HttpTransport("http://h/ahp", "TOKEN"), 'HttpTransport(url="http://h/ahp")'),
    (a3s.WebSocketTransport("ws://h", auth_token="TOKEN"), 'WebSocketTransport(url="ws://h")'),
    (a3s.UnixSocketTransport("/run/h.sock"), 'UnixSocketTransport(path="/run/h.sock")'),
    (a3s.StdioTransport("python", ("a", 'b"')), 'StdioTransport(program="python", args=["a", "b\\""])'),
]
UNFIT: list[tuple[Callable[[], object], type[Exception]]] = [
    (lambda: a3s.Fact(1, "s", 0.5), TypeError),  # type: ignore[arg-type]  # what the test is about
    (lambda: a3s.Fact("c", "s", "0.5"), TypeError),  # type: ignore[arg-type]  # what the test is about
    (lambda: a3s.MemorySummary("t", -1, []), OverflowError),
    (lambda: a3s.MemorySummary("t", 1, "abc"), TypeError),
    (lambda: a3s.MemorySummary("t", 1, None), TypeError),  # type: ignore[arg-type]  # what the test is about
    (lambda: a3s.SessionStats(0, 0, -1, 0), OverflowError),
    (lambda: a3s.AhpEventContext([1]), TypeError),  # type: ignore[list-item]  # what the test is about
    (lambda: a3s.AhpEventContext(session_stats=3), TypeError),  # type: ignore[arg-type]  # what the test is about
    (lambda: a3s.AhpEventContext(capabilities={"a": 1}), TypeError),  # type: ignore[dict-item]  # what the test is about
    (lambda: a3s.IntentDetectionDecision("allow", target_hints="x"), TypeError),  # type: ignore[arg-type]  # the test
    (lambda: a3s.AhpEventType(3), TypeError),  # type: ignore[arg-type]  # what the test is about
    (lambda: a3s.HttpTransport(3), TypeError),  # type: ignore[arg-type]  # what the test is about
    (lambda: a3s.StdioTransport("p", "q"), TypeError),
    (lambda: a3s.StdioTransport("p", None), TypeError),  # type: ignore[arg-type]  # what the test is about
]
SIGNATURES = {
    "Fact": "(content, source, confidence)",
    "MemorySummary": "(memory_type, total_items, recent_topics)",
    "SessionStats": "(total_actions, total_tokens, duration_ms, error_count)",
    "TargetHints": "(target_type=None, target_name=None, domain=None)",
    "AhpEventContext": "(recent_facts=None, memory_summary=None, session_stats=None, current_task=None, "
    "capabilities=None)",
    "AhpEventType": "(event_type)",
    "IdleDecision": "(decision, reason=None)",
    "IntentDetectionDecision": "(decision, detected_intent=None, confidence=None, target_hints=None, "
    "block_reason=None)",
    "IntentDetectionEvent": "(session_id, prompt, workspace, language_hint=None)",
    "HttpTransport": "(url, auth_token=None)",
    "WebSocketTransport": "(url, auth_token=None)",
    "UnixSocketTransport": "(path)",
    "StdioTransport": "(program, args)",
}


@pytest.mark.parametrize(("value", "shown"), SHOWN, ids=[shown for _, shown in SHOWN])
def test_a_value_is_shown_as_in_the_reference_and_never_its_token(value: object, shown: str) -> None:
    assert repr(value) == shown
    assert "TOKEN" not in repr(value)


@pytest.mark.parametrize(("make", "error"), UNFIT)
def test_what_does_not_fit_is_an_error_at_once(make: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        make()


@pytest.mark.parametrize(("name", "signature"), SIGNATURES.items())
def test_a_constructor_takes_what_the_reference_takes(name: str, signature: str) -> None:
    parameters = inspect.signature(getattr(a3s, name)).parameters.values()
    bare = inspect.Signature([each.replace(annotation=inspect.Parameter.empty) for each in parameters])
    assert str(bare) == signature


def test_decisions_say_what_they_are() -> None:
    idle = a3s.IdleDecision("defer", "busy")
    assert (idle.is_allow(), idle.is_defer(), idle.get_reason()) == (False, True, "busy")
    unknown = a3s.IdleDecision("Defer")
    assert (unknown.is_allow(), unknown.is_defer(), unknown.get_reason()) == (False, False, None)
    intent = a3s.IntentDetectionDecision("block", "delete", 0.9, HINTS, "not here")
    assert (intent.is_allow(), intent.is_block(), intent.get_block_reason()) == (False, True, "not here")
    assert (intent.get_detected_intent(), intent.get_confidence(), intent.get_target_hints()) == ("delete", 0.9, HINTS)


def test_values_are_equal_by_their_content_and_cannot_be_changed() -> None:
    same = a3s.Fact("c", "s", 0.5)
    assert same == FACT and hash(same) == hash(FACT)
    assert a3s.Fact("c", "another source", 0.5) != FACT
    assert str(a3s.AhpEventType("idle")) == "idle" and a3s.AhpEventType("idle") != "idle"
    with pytest.raises(AttributeError):
        same.content = "z"


def test_a_transport_may_be_changed_before_it_is_used() -> None:
    transport = a3s.HttpTransport("http://one", "T")
    transport.url = "http://two"
    assert (transport.url, transport.auth_token) == ("http://two", "T")
    assert a3s.StdioTransport("p", ("q",)).args == ["q"]
