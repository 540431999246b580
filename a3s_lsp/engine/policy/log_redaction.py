"""The log of the process, without keys and tokens: it lies where others look, and goes into reports of faults."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from a3s_lsp.engine.policy.redaction import Redactor
from a3s_lsp.engine.policy.redaction_rules import TOKEN_RULES
from a3s_lsp.engine.policy.secret_values import environment_secrets


class RedactingFormatter(logging.Formatter):
    """Formats as its pattern says, tracebacks included, and takes out what is secret."""

    def __init__(self, pattern: str, environ: Mapping[str, str]) -> None:
        super().__init__(pattern)
        self._redactor = Redactor(TOKEN_RULES, environment_secrets(environ))

    def format(self, record: logging.LogRecord) -> str:
        """The line without secrets."""
        return self._redactor.text(super().format(record))
