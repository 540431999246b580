"""No child ever does what its parent could not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a3s_lsp.engine.delegation.agents import Agent, Inheritance
from a3s_lsp.engine.delegation.child import judged
from a3s_lsp.engine.policy.confirmation import ConfirmationPolicy
from a3s_lsp.engine.policy.gate import admit
from a3s_lsp.engine.policy.permissions import Decision, PermissionPolicy
from a3s_lsp.engine.policy.verdicts import Allow, Ask, CallFacts, Deny, Verdict
from a3s_lsp.engine.ports import Lane

TOOLS: dict[str, Lane] = {"read": "query", "write": "execute", "bash": "execute", "mcp__x__y": "execute"}
SUBJECTS = ["", "a.py", "src/b.py", "../up", "/etc/passwd", "echo hi", "rm -rf x", "echo a && rm b", "$(rm x)"]
rules = st.lists(
    st.sampled_from(
        ["*", "read", "write*", "bash", "bash(rm:*)", "bash(echo:*)", "write(src/**)", "read(*.py)", "mcp__x"]
    ),
    max_size=3,
).map(tuple)
decisions: st.SearchStrategy[Decision] = st.sampled_from(["allow", "deny", "ask"])
policies = st.builds(PermissionPolicy, rules, rules, rules, decisions, st.booleans())
confirmations = st.one_of(
    st.none(),
    st.builds(
        ConfirmationPolicy,
        st.booleans(),
        yolo_lanes=st.lists(st.sampled_from(["query", "execute"]), max_size=2).map(tuple),
    ),
)
inheritances: st.SearchStrategy[Inheritance | None] = st.sampled_from(
    [None, "auto_approve", "deny_on_ask", "inherit_parent"]
)
calls = st.builds(
    lambda tool, subject: CallFacts(tool, subject, {}, TOOLS[tool], (subject,) if tool in ("read", "write") else ()),
    st.sampled_from(sorted(TOOLS)),
    st.sampled_from(SUBJECTS),
)


def rank(verdict: Verdict) -> int:
    match verdict:
        case Deny():
            return 0
        case Ask():
            return 1
        case Allow():
            return 2


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(parent=st.one_of(st.none(), policies), own=st.one_of(st.none(), policies), data=st.data())
def test_a_child_has_never_more_leave_than_its_parent(
    parent: PermissionPolicy | None, own: PermissionPolicy | None, data: st.DataObject
) -> None:
    confirmation = data.draw(confirmations)
    agent = Agent("a", "d", permissions=own, confirmation_inheritance=data.draw(inheritances))
    call = data.draw(calls)
    parents = admit(parent, confirmation, call)
    childs = judged(agent, lambda given: admit(parent, confirmation, given))(call)
    assert rank(childs) <= rank(parents)
