"""How careful a session is with secrets and with what comes from outside, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from a3s_lsp.engine.policy.redaction import Redactor
from a3s_lsp.engine.policy.redaction_rules import Rule
from a3s_lsp.engine.policy.secret_values import environment_secrets, setting_secrets


@dataclass(frozen=True, slots=True)
class Security:
    """`rules` say what else is a secret beside the values that are known; the marks are for what comes from outside."""

    rules: tuple[Rule, ...] = ()
    marks_external: bool = True
    finds_injections: bool = True

    def redactor(self, environ: Mapping[str, str], settings: object) -> Redactor:
        """What takes out secrets in a session with this configuration: what is known by value always is one."""
        return Redactor(self.rules, environment_secrets(environ) | setting_secrets(settings))
