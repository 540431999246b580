"""Permission and confirmation together."""

from __future__ import annotations

import pytest

from a3s_lsp.engine.policy.confirmation import ConfirmationPolicy
from a3s_lsp.engine.policy.gate import admit, denied_text, expired_text, no_approver_text, rejected_text
from a3s_lsp.engine.policy.permissions import PermissionPolicy
from a3s_lsp.engine.policy.verdicts import Allow, Ask, Deny
from tests.engine.policy.policy_calls import bash, on_path

ASK_ALL = PermissionPolicy(default_decision="ask")


def test_question_that_nobody_can_answer_is_a_denial() -> None:
    verdict = admit(None, None, bash("ls"))
    assert isinstance(verdict, Deny)
    assert "no HITL confirmation manager" in denied_text("bash", verdict)


def test_disabled_confirmation_lets_questions_pass_but_no_denials() -> None:
    unattended = ConfirmationPolicy(enabled=False)
    assert admit(ASK_ALL, unattended, bash("ls")) == Allow()
    assert isinstance(admit(PermissionPolicy(deny=("bash",)), unattended, bash("ls")), Deny)


def test_lanes_without_questions_are_not_asked_about() -> None:
    calls = [on_path(name, "x") for name in ("read", "ls", "glob", "grep", "web_fetch", "write", "task", "mcp__a__b")]
    queries = ConfirmationPolicy(enabled=True, yolo_lanes=("query",))
    work = ConfirmationPolicy(enabled=True, yolo_lanes=("execute",))
    asked = {call.name for call in calls if isinstance(admit(ASK_ALL, queries, call), Ask)}
    assert asked == {"write", "task", "mcp__a__b"}
    assert asked == {call.name for call in calls if isinstance(admit(ASK_ALL, work, call), Allow)}


def test_own_rules_are_asked_about_in_every_lane() -> None:
    work = ConfirmationPolicy(enabled=True, yolo_lanes=("execute",))
    assert isinstance(admit(PermissionPolicy(allow=("*",)), work, on_path("write", "agent.acl")), Ask)


def test_refusals_tell_the_model_who_refused_and_why() -> None:
    denial = admit(PermissionPolicy(deny=("bash(rm:*)",)), None, bash("rm x"))
    assert isinstance(denial, Deny)
    assert denied_text("bash", denial) == (
        "Permission denied: Tool 'bash' is blocked by permission policy. "
        "Blocked by deny rule in permission policy: bash(rm:*)."
    )
    assert no_approver_text("bash").startswith("Tool 'bash' requires confirmation")
    assert "Reason: not now. DO NOT retry" in rejected_text("bash", "not now")
    assert "Reason: No reason provided." in rejected_text("bash", None)
    assert "timed out after 300ms. DO NOT retry" in expired_text("bash", 300)


@pytest.mark.parametrize("spelling", ["auto_approve", "auto-approve", "AutoApprove", "AUTO_APPROVE"])
def test_timeout_action_has_several_spellings(spelling: str) -> None:
    # the twin of the SDK hands on whatever text its user wrote
    assert ConfirmationPolicy(timeout_action=spelling).timeout_action == "auto_approve"  # type: ignore[arg-type]


def test_wrong_names_are_refused_with_the_right_ones() -> None:
    with pytest.raises(ValueError, match=r"""^timeout_action must be 'reject' or 'auto_approve', got "explode"$"""):
        ConfirmationPolicy(timeout_action="explode")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^Invalid lane 'Query'\. Must be: control, query, execute, or generate$"):
        ConfirmationPolicy(yolo_lanes=("Query",))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="negative"):
        ConfirmationPolicy(default_timeout_ms=-1)
