"""The values that AHP speaks of: what a harness is told about a session, and what it decides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from a3s_lsp.sdk.checks import count, lower, number, optional_string, string, strings

V = TypeVar("V")


class _Value:
    """Equal to one with the same content; not to be changed."""

    __slots__ = ()

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed: make another one")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Value) and type(other) is type(self) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash(repr(self))

    def _content(self) -> list[object]:
        names: tuple[str, ...] = type(self).__slots__
        return [getattr(self, name) for name in names]


class Fact(_Value):
    """Something known, where it is known from, and how surely."""

    __slots__ = ("confidence", "content", "source")
    content: str
    source: str
    confidence: float

    def __init__(self, content: str, source: str, confidence: float) -> None:
        self._set(
            content=string("content", content),
            source=string("source", source),
            confidence=number("confidence", confidence),
        )

    def __repr__(self) -> str:
        return f"Fact(content={_quoted(self.content)}, confidence={_shown(self.confidence)})"


class MemorySummary(_Value):
    """What a memory holds."""

    __slots__ = ("memory_type", "recent_topics", "total_items")
    memory_type: str
    total_items: int
    recent_topics: list[str]

    def __init__(self, memory_type: str, total_items: int, recent_topics: Sequence[str]) -> None:
        self._set(
            memory_type=string("memory_type", memory_type),
            total_items=count("total_items", total_items),
            recent_topics=_listed("recent_topics", recent_topics),
        )

    def __repr__(self) -> str:
        return f"MemorySummary(type={self.memory_type}, items={self.total_items}, topics={len(self.recent_topics)})"


class SessionStats(_Value):
    """What a session has done so far."""

    __slots__ = ("duration_ms", "error_count", "total_actions", "total_tokens")
    total_actions: int
    total_tokens: int
    duration_ms: int
    error_count: int

    def __init__(self, total_actions: int, total_tokens: int, duration_ms: int, error_count: int) -> None:
        self._set(
            total_actions=count("total_actions", total_actions),
            total_tokens=count("total_tokens", total_tokens),
            duration_ms=count("duration_ms", duration_ms),
            error_count=count("error_count", error_count),
        )

    def __repr__(self) -> str:
        return (
            f"SessionStats(actions={self.total_actions}, tokens={self.total_tokens}, "
            f"duration_ms={self.duration_ms}, errors={self.error_count})"
        )


class TargetHints(_Value):
    """What a prompt is about."""

    __slots__ = ("domain", "target_name", "target_type")
    target_type: str | None
    target_name: str | None
    domain: str | None

    def __init__(
        self, target_type: str | None = None, target_name: str | None = None, domain: str | None = None
    ) -> None:
        self._set(
            target_type=optional_string("target_type", target_type),
            target_name=optional_string("target_name", target_name),
            domain=optional_string("domain", domain),
        )

    def __repr__(self) -> str:
        named = _some(self.target_type), _some(self.target_name), _some(self.domain)
        return "TargetHints(type={}, name={}, domain={})".format(*named)


class AhpEventContext(_Value):
    """What an event tells beside its payload."""

    __slots__ = ("capabilities", "current_task", "memory_summary", "recent_facts", "session_stats")
    recent_facts: list[Fact] | None
    memory_summary: MemorySummary | None
    session_stats: SessionStats | None
    current_task: str | None
    capabilities: dict[str, str] | None

    def __init__(
        self,
        recent_facts: Sequence[Fact] | None = None,
        memory_summary: MemorySummary | None = None,
        session_stats: SessionStats | None = None,
        current_task: str | None = None,
        capabilities: Mapping[str, str] | None = None,
    ) -> None:
        self._set(
            recent_facts=_facts(recent_facts),
            memory_summary=_of(MemorySummary, "memory_summary", memory_summary),
            session_stats=_of(SessionStats, "session_stats", session_stats),
            current_task=optional_string("current_task", current_task),
            capabilities=_texts("capabilities", capabilities),
        )

    def __repr__(self) -> str:
        there = (lower(each is not None) for each in (self.memory_summary, self.session_stats, self.current_task))
        facts = len(self.recent_facts or ())
        return "AhpEventContext(facts={}, memory={}, stats={}, task={})".format(facts, *there)


class AhpEventType(_Value):
    """The name of an event; any is allowed."""

    __slots__ = ("_name",)
    _name: str

    def __init__(self, event_type: str) -> None:
        self._set(_name=string("event_type", event_type))

    def __str__(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return f"AhpEventType('{self._name}')"


class IdleDecision(_Value):
    """What a harness says to an idle session: allow, or defer."""

    __slots__ = ("_decision", "_reason")
    _decision: str
    _reason: str | None

    def __init__(self, decision: str, reason: str | None = None) -> None:
        self._set(_decision=string("decision", decision), _reason=optional_string("reason", reason))

    def is_allow(self) -> bool:
        """Whether idle work may be done."""
        return self._decision == "allow"

    def is_defer(self) -> bool:
        """Whether it has to wait."""
        return self._decision == "defer"

    def get_reason(self) -> str | None:
        """Why it has to wait."""
        return self._reason

    def __repr__(self) -> str:
        why = "" if self._reason is None else f", reason={_quoted(self._reason)}"
        return f"IdleDecision('{self._decision}'{why})"


class IntentDetectionDecision(_Value):
    """What a harness says to a prompt: what it is about, or that it may not be answered."""

    __slots__ = ("_confidence", "_decision", "_hints", "_intent", "_reason")
    _decision: str
    _intent: str | None
    _confidence: float | None
    _hints: TargetHints | None
    _reason: str | None

    def __init__(
        self,
        decision: str,
        detected_intent: str | None = None,
        confidence: float | None = None,
        target_hints: TargetHints | None = None,
        block_reason: str | None = None,
    ) -> None:
        self._set(
            _decision=string("decision", decision),
            _intent=optional_string("detected_intent", detected_intent),
            _confidence=None if confidence is None else number("confidence", confidence),
            _hints=_of(TargetHints, "target_hints", target_hints),
            _reason=optional_string("block_reason", block_reason),
        )

    def is_allow(self) -> bool:
        """Whether the prompt may be answered."""
        return self._decision == "allow"

    def is_block(self) -> bool:
        """Whether it may not."""
        return self._decision == "block"

    def get_detected_intent(self) -> str | None:
        """What the prompt wants."""
        return self._intent

    def get_confidence(self) -> float | None:
        """How sure that is."""
        return self._confidence

    def get_target_hints(self) -> TargetHints | None:
        """What the prompt is about."""
        return self._hints

    def get_block_reason(self) -> str | None:
        """Why it may not be answered."""
        return self._reason

    def __repr__(self) -> str:
        if self.is_block():
            return f"IntentDetectionDecision('block', reason={_quoted(self._reason or '')})"
        sure = _shown(self._confidence or 0.0)
        return f"IntentDetectionDecision('{self._decision}', intent={_some(self._intent)}, confidence={sure})"


class IntentDetectionEvent(_Value):
    """What a harness is asked about a prompt."""

    __slots__ = ("language_hint", "prompt", "session_id", "workspace")
    session_id: str
    prompt: str
    workspace: str
    language_hint: str | None

    def __init__(self, session_id: str, prompt: str, workspace: str, language_hint: str | None = None) -> None:
        self._set(
            session_id=string("session_id", session_id),
            prompt=string("prompt", prompt),
            workspace=string("workspace", workspace),
            language_hint=optional_string("language_hint", language_hint),
        )

    def __repr__(self) -> str:
        named = f"session_id={self.session_id}, prompt={self.prompt}, workspace={self.workspace}"
        return f"IntentDetectionEvent({named}, language_hint={_some(self.language_hint)})"


def _facts(given: Sequence[Fact] | None) -> list[Fact] | None:
    if given is None:
        return None
    if not isinstance(given, list | tuple) or not all(isinstance(each, Fact) for each in given):
        raise TypeError("recent_facts must be a list of Facts")
    return list(given)


def _listed(name: str, given: Sequence[str]) -> list[str]:
    if given is None:
        raise TypeError(f"{name} must be a list of strings")
    return strings(name, given)


def _of(kind: type[V], name: str, given: V | None) -> V | None:
    if given is not None and not isinstance(given, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {type(given).__name__}")
    return given


def _texts(name: str, given: Mapping[str, str] | None) -> dict[str, str] | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise TypeError(f"{name} must be a dict of strings, not {type(given).__name__}")
    return {string(name, key): string(name, value) for key, value in given.items()}


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _some(text: str | None) -> str:
    """A value that need not be there, as the reference shows it."""
    return "None" if text is None else f"Some({_quoted(text)})"


def _shown(number: float) -> str:
    """A number without an exponent, and whole ones without a point."""
    return f"{Decimal(repr(number)).normalize():f}"
