"""Security providers: what a session hides beside the keys that it knows, and what it marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from a3s_lsp.engine.policy.redaction_rules import DEFAULT_RULES, Rule, custom_rule
from a3s_lsp.engine.policy.security import Security
from a3s_lsp.sdk.checks import string

_PATTERN_NAMES = ("name", "regex", "label")


class DefaultSecurityProvider:
    """Hides keys, tokens, passwords, e-mail addresses, phone, card and social security numbers as `[REDACTED:LABEL]`.

    `custom_patterns` are more of them: `{"name": …, "regex": …, "label": …}`. The other two switches are for the marks
    of what comes from outside, and of texts that try to give the model orders.
    """

    def __init__(
        self,
        enable_taint_tracking: bool = True,
        enable_output_sanitization: bool = True,
        enable_injection_detection: bool = True,
        custom_patterns: Sequence[Mapping[str, str]] | None = None,
    ) -> None:
        self.enable_taint_tracking = _flag("enable_taint_tracking", enable_taint_tracking)
        self.enable_output_sanitization = _flag("enable_output_sanitization", enable_output_sanitization)
        self.enable_injection_detection = _flag("enable_injection_detection", enable_injection_detection)
        self._custom = tuple(_rule(pattern) for pattern in _patterns(custom_patterns))

    def to_engine(self) -> Security:
        """The frozen value of the engine."""
        rules = (*self._custom, *DEFAULT_RULES) if self.enable_output_sanitization else ()
        return Security(rules, self.enable_taint_tracking, self.enable_injection_detection)

    def __repr__(self) -> str:
        names = ("enable_taint_tracking", "enable_output_sanitization", "enable_injection_detection")
        shown = [f"{name}=false" for name in names if not getattr(self, name)]
        shown += [f"custom_patterns={len(self._custom)}"] if self._custom else []
        return f"DefaultSecurityProvider({', '.join(shown)})"


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be true or false, not {type(value).__name__}")
    return value


def _patterns(given: object) -> Sequence[object]:
    if given is None:
        return ()
    if not isinstance(given, list | tuple):
        raise TypeError(f"custom_patterns must be a list, not {type(given).__name__}")
    return given


def _rule(pattern: object) -> Rule:
    if not isinstance(pattern, Mapping):
        raise TypeError(f"a custom pattern must be a dict with name, regex and label, not {type(pattern).__name__}")
    if unknown := [str(name) for name in pattern if name not in _PATTERN_NAMES]:
        raise ValueError(f"a custom pattern has name, regex and label, not {', '.join(unknown)}")
    if missing := [name for name in ("regex", "label") if name not in pattern]:
        raise ValueError(f"a custom pattern has no {' and no '.join(missing)}")
    return custom_rule(string("label", pattern["label"]), string("regex", pattern["regex"]))
