"""Giving leave: the questions of a session, answered by the program."""

from __future__ import annotations

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.policy.confirmation import Confirmations
from a3s_lsp.sdk.faces import AsyncFace, Face


class AsyncAnswers(AsyncFace):
    """The questions that wait, and their answers; from any thread."""

    def pending_confirmations(self) -> list[Json]:
        """The questions that wait: tool_id, tool_name, args, remaining_ms."""
        return [] if (asked := self._confirmations) is None else asked.pending()

    def confirm_tool_use(self, tool_id: str, approved: bool, reason: str | None = None) -> bool:
        """Answer a question, from any thread. False if there is no such question any more."""
        return (asked := self._confirmations) is not None and asked.confirm(tool_id, approved, reason)

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

    def confirm_tool_use(self, tool_id: str, approved: bool, reason: str | None = None) -> bool:
        """Answer a question, from any thread. False if there is no such question any more."""
        return self._session.confirm_tool_use(tool_id, approved, reason)

    def cancel_confirmations(self) -> int:
        """Reject all questions that wait, and say how many there were."""
        return self._session.cancel_confirmations()
