"""Giving leave: the questions of a session, answered by the program."""

from __future__ import annotations

from typing import get_args

from a3s_lsp.engine.facts import RuleScope
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.policy.confirmation import Confirmations
from a3s_lsp.sdk.checks import string
from a3s_lsp.sdk.faces import AsyncFace, Face

_SCOPES: tuple[RuleScope, ...] = get_args(RuleScope)


class AsyncAnswers(AsyncFace):
    """The questions that wait, and their answers; from any thread."""

    def pending_confirmations(self) -> list[Json]:
        """The questions that wait: tool_id, tool_name, args, remaining_ms."""
        return [] if (asked := self._confirmations) is None else asked.pending()

    def confirm_tool_use(
        self, tool_id: str, approved: bool, reason: str | None = None, remember: str | None = None
    ) -> bool:
        """Answer a question, from any thread. False if there is no such question any more.

        `remember` gives the same answer to all calls that the question's rule covers from now on: in this `session`, or
        in every session of this `project` or of this `user` that has the same `rules_dir`. ValueError if the question
        offers no rule.
        """
        string("tool_id", tool_id)
        if not isinstance(approved, bool):
            raise TypeError(f"approved must be true or false, not {type(approved).__name__}")
        given = None if reason is None else string("reason", reason)
        scope = self._scope(remember)
        return (asked := self._confirmations) is not None and asked.confirm(tool_id, approved, given, scope)

    def _scope(self, remember: object) -> RuleScope | None:
        if remember is None:
            return None
        scope = next((scope for scope in _SCOPES if scope == string("remember", remember)), None)
        if scope is None:
            raise ValueError(f"remember must be {', '.join(_SCOPES)} or None, not '{remember}'")
        if scope != "session" and not self.engine.leave.keeps_rules:
            raise ValueError(f"remember='{scope}' needs a place for the rule: set SessionOptions.rules_dir")
        return scope

    def cancel_confirmations(self) -> int:
        """Reject all questions that wait, and say how many there were."""
        return 0 if (asked := self._confirmations) is None else asked.cancel_all()

    @property
    def _confirmations(self) -> Confirmations | None:
        approver = self.engine.setup.approver
        return approver if isinstance(approver, Confirmations) else None


class Answers(Face):
    """The questions that wait, and their answers; from any thread."""

    def pending_confirmations(self) -> list[Json]:
        """The questions that wait: tool_id, tool_name, args, remaining_ms."""
        return self._session.pending_confirmations()

    def confirm_tool_use(
        self, tool_id: str, approved: bool, reason: str | None = None, remember: str | None = None
    ) -> bool:
        """Answer a question, from any thread. False if there is no such question any more.

        `remember` (session, project or user) gives the same answer to all that the question's rule covers from now on.
        """
        return self._session.confirm_tool_use(tool_id, approved, reason, remember)

    def cancel_confirmations(self) -> int:
        """Reject all questions that wait, and say how many there were."""
        return self._session.cancel_confirmations()
