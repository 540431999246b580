"""What a session may do: the rules that hold, those that questions have taught, and the posture."""

from __future__ import annotations

from dataclasses import asdict

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.policy.postures import parse_posture, posture_policy
from a3s_lsp.sdk.checks import string
from a3s_lsp.sdk.faces import AsyncFace, Face


class AsyncPermissions(AsyncFace):
    """The rules of a session."""

    def permission_rules(self) -> list[Json]:
        """All rules that hold: rule, decision, scope (session, project, user or policy), source, id.

        Those with an id were learned, and can be removed; the others are the session's policy.
        """
        return [asdict(row) for row in self.engine.leave.rules()]

    async def remove_permission_rule(self, rule_id: str) -> bool:
        """Let a learned rule hold no more. False if there is none with this id."""
        return await self.engine.leave.forget(string("rule_id", rule_id))

    def set_posture(self, posture: str) -> None:
        """Work as freely as `plan`, `ask`, `accept-edits` or `auto` says, from the next call on; learned rules stay."""
        self.engine.leave.policy = posture_policy(parse_posture(posture))


class Permissions(Face):
    """The rules of a session."""

    def permission_rules(self) -> list[Json]:
        """All rules that hold: rule, decision, scope (session, project, user or policy), source, id."""
        return self._loop.here(self._session.permission_rules)

    def remove_permission_rule(self, rule_id: str) -> bool:
        """Let a learned rule hold no more. False if there is none with this id."""
        return self._loop.call(self._session.remove_permission_rule(rule_id))

    def set_posture(self, posture: str) -> None:
        """Work as freely as `plan`, `ask`, `accept-edits` or `auto` says, from the next call on; learned rules stay."""
        self._loop.here(lambda: self._session.set_posture(posture))
