"""The last word on a call: the permission policy and the confirmation policy together, and the texts of a refusal."""

from __future__ import annotations

from a3s_lsp.engine.policy.confirmation import ConfirmationPolicy
from a3s_lsp.engine.policy.permissions import PermissionPolicy, decide
from a3s_lsp.engine.policy.verdicts import Allow, Ask, CallFacts, Deny, Verdict

_NO_RETRY = "DO NOT retry this tool call unless the user explicitly asks you to."


def admit(permission: PermissionPolicy | None, confirmation: ConfirmationPolicy | None, call: CallFacts) -> Verdict:
    """Whether a call may go on. `Ask` is only answered where there is someone to ask."""
    verdict = decide(permission, call)
    if not isinstance(verdict, Ask):
        return verdict
    if confirmation is None:
        return Deny(no_approver_text(call.name), verdict.rule)
    if not confirmation.enabled or (call.lane in confirmation.yolo_lanes and not verdict.guarded):
        return Allow(verdict.rule)
    return verdict


def denied_text(tool: str, denial: Deny) -> str:
    """What the model reads instead of the result of a call that the policy denies."""
    if denial.reason == no_approver_text(tool):
        return denial.reason
    return f"Permission denied: Tool '{tool}' is blocked by permission policy. {denial.reason}."


def no_approver_text(tool: str) -> str:
    """Why a question that nobody can answer is a denial."""
    return (
        f"Tool '{tool}' requires confirmation but no HITL confirmation manager is configured. "
        "Configure a confirmation policy to enable tool execution."
    )


def rejected_text(tool: str, reason: str | None) -> str:
    """What the model reads when a person said no."""
    given = reason or "No reason provided"
    return f"Tool '{tool}' execution was REJECTED by the user. Reason: {given.rstrip('.')}. {_NO_RETRY}"


def expired_text(tool: str, timeout_ms: int) -> str:
    """What the model reads when nobody answered in time."""
    return f"Tool '{tool}' execution was REJECTED: user confirmation timed out after {timeout_ms}ms. {_NO_RETRY}"
