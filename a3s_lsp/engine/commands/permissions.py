"""/permissions: what needs leave, and the rules that were learned from "always"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from a3s_lsp.engine.policy.permissions import PermissionPolicy
    from a3s_lsp.engine.session import Session


async def permissions(args: str, session: Session) -> str:
    """The policy, and the learned rules."""
    return "\n".join(_policy(session.permission) + _learned(session))


def _policy(policy: PermissionPolicy | None) -> list[str]:
    if policy is None:
        return ["There is no permission policy: every call of a tool needs leave."]
    if not policy.enabled:
        return ["The permission policy is disabled: every call is allowed."]
    lists = (("Deny", policy.deny), ("Allow", policy.allow), ("Ask", policy.ask))
    rows = [f"{title + ':':<8}{', '.join(rules)}" for title, rules in lists if rules]
    return [*rows, f"{'Else:':<8}{policy.default_decision}"]


def _learned(session: Session) -> list[str]:
    rules = session.state.rules
    if not rules:
        return ["No rules were learned."]
    rows = [f"  {n}. {'allow' if rule.allow else 'deny'} {rule.rule}" for n, rule in enumerate(rules, 1)]
    return ["Learned:", *rows]
