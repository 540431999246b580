"""The four postures of a session."""

from __future__ import annotations

import pytest

from a3s_lsp.engine.policy.permissions import decide
from a3s_lsp.engine.policy.postures import POSTURES, Posture, posture_policy
from a3s_lsp.engine.policy.verdicts import Allow, Ask, Deny, Verdict
from tests.engine.policy.policy_calls import bash, on_path


@pytest.mark.parametrize(
    ("posture", "editing", "running"),
    [("plan", Deny, Deny), ("ask", Ask, Ask), ("accept-edits", Allow, Ask), ("auto", Allow, Allow)],
)
def test_posture_says_what_is_asked(posture: Posture, editing: type[Verdict], running: type[Verdict]) -> None:
    policy = posture_policy(posture)
    for tool in ("read", "ls", "glob", "grep"):
        assert isinstance(decide(policy, on_path(tool, "a")), Allow)
    for tool in ("write", "edit", "patch", "replace"):
        assert isinstance(decide(policy, on_path(tool, "a")), editing)
    assert isinstance(decide(policy, bash("make")), running)


def test_plan_posture_is_the_reason_of_its_denials() -> None:
    verdict = decide(posture_policy("plan"), bash("make"))
    assert isinstance(verdict, Deny)
    assert "plan posture" in verdict.reason


@pytest.mark.parametrize("posture", POSTURES)
def test_no_posture_lets_the_agent_change_its_own_rules(posture: Posture) -> None:
    assert not isinstance(decide(posture_policy(posture), on_path("write", "agent.acl")), Allow)
