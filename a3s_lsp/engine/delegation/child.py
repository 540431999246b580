"""A child: the same loop with a narrower kit. It can do no more than its parent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.delegation.agents import Agent
from a3s_lsp.engine.delegation_facts import SubagentProgressed
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.policy.gate import no_approver_text
from a3s_lsp.engine.policy.permissions import PermissionPolicy, decide
from a3s_lsp.engine.policy.rules import parse_rule
from a3s_lsp.engine.policy.shell import take_apart
from a3s_lsp.engine.policy.verdicts import Allow, Ask, CallFacts, Deny, Verdict, strictest
from a3s_lsp.engine.ports import Answer, Approver
from a3s_lsp.engine.tools.registry import Registry

NOT_FOR_CHILDREN = frozenset({"task", "parallel_task", "Skill", "search_skills", "update_plan"})
"""A child gives no tasks, no skills widen what it may do, and the plan is its parent's."""


def judged(agent: Agent, parents: Callable[[CallFacts], Verdict]) -> Callable[[CallFacts], Verdict]:
    """The child's policy and its parent's together: a denial of either wins, and what the parent would be asked about
    is asked about for the child too. What the child's own policy asks about goes the way that the agent inherits."""

    def judge(call: CallFacts) -> Verdict:
        own, theirs = decide(agent.permissions, call), parents(call)
        if agent.grants and isinstance(own, Allow) and own.rule is not None and _left_open(theirs, call):
            return own
        if isinstance(own, Deny):
            return own
        if isinstance(theirs, Deny):
            return theirs
        if isinstance(own, Ask) and not own.guarded:
            match agent.inheritance:
                case "auto_approve":
                    own = Allow()
                case "deny_on_ask":
                    own = Deny(no_approver_text(call.name))
                case "inherit_parent":
                    pass
        return strictest([own, theirs])

    return judge


def _left_open(verdict: Verdict, call: CallFacts) -> bool:
    """Whether a person would have been asked only because no rule is about the call, and nothing forbids it. What a
    command will do that cannot be known before may be what a rule forbids."""
    if call.name == "bash" and take_apart(call.subject).opaque:
        return False
    asks = isinstance(verdict, Deny) and verdict.reason == no_approver_text(call.name)
    return verdict.rule is None and (asks or (isinstance(verdict, Ask) and not verdict.guarded))


def tools_for(agent: Agent, tools: Registry) -> Registry:
    """What the child knows; what its policy denies whatever the arguments is not offered to it."""
    names = [name for name in tools.names() if name not in NOT_FOR_CHILDREN]
    known = [tool for tool in map(tools.get, names) if tool is not None]
    return Registry(known, hidden=[name for name in names if _never(agent.permissions, name)])


def _never(policy: PermissionPolicy | None, tool: str) -> bool:
    if policy is None or not policy.enabled or policy.default_decision != "deny":
        return False
    return not any(parse_rule(rule).names(tool) for rule in (*policy.allow, *policy.ask))


def narrowed(parent: Kit, agent: Agent, own: Kit) -> Kit:
    """The kit of a child: `own` has what belongs to its run, the rest is its parent's."""
    return replace(
        parent,
        model=own.model,
        system=own.system,
        tools=tools_for(agent, parent.tools),
        judge=judged(agent, parent.judge),
        approver=None if parent.approver is None else InTheNameOf(agent, parent.approver),
        limits=own.limits,
        emit=own.emit,
        conversation=own.conversation,
        call_ids=own.call_ids,
        steering=own.steering,
        seen=own.seen,
        course=own.course,
        make_room=own.make_room,
        review=own.review,
        instruct=own.instruct,
        unverified=own.unverified,
        remember=own.remember,
        interrupted={},
        planned=None,
    )


def routed(
    task_id: str, agent: Agent, to_child: Callable[[f.Fact], None], to_parent: Callable[[f.Fact], None]
) -> Callable[[f.Fact], None]:
    """Where the facts of a child go: to its own run; questions to the parent's, so that whoever follows that sees
    them, with the child's name; and a word of progress beside each turn and call."""

    def emit(fact: f.Fact) -> None:
        match fact:
            case f.QuestionAsked():
                to_parent(_named(fact, agent))
            case f.QuestionAnswered():
                to_parent(fact)
            case _:
                to_child(fact)
        if (progress := progress_of(fact)) is not None:
            to_parent(SubagentProgressed(task_id, *progress))

    return emit


def _named(question: f.QuestionAsked, agent: Agent) -> f.QuestionAsked:
    return replace(question, title=f"{agent.name}: {question.title}", agent=agent.name)


class InTheNameOf:
    """The parent's approver, which is told who asks."""

    def __init__(self, agent: Agent, approver: Approver) -> None:
        self._agent = agent
        self._approver = approver

    @property
    def timeout_ms(self) -> int | None:
        """As long as the parent's question would wait."""
        return self._approver.timeout_ms

    async def ask(self, question: f.QuestionAsked) -> Answer:
        """Ask as the child."""
        return await self._approver.ask(_named(question, self._agent))


def progress_of(fact: f.Fact) -> tuple[str, dict[str, object]] | None:
    """The word of progress that goes with a fact, if one does: its name, and what there is to say."""
    match fact:
        case f.CallEnded(name=name, exit_code=exit_code, output=output, error_kind=kind):
            row: dict[str, object] = {"tool": name, "exit_code": exit_code, "output_bytes": len(output.encode())}
            return "tool_completed", row if kind is None else {**row, "error_kind": kind}
        case f.TurnEnded(turn=turn, usage=usage):
            return "turn_completed", {"turn": turn, "tokens": usage.total_tokens}
        case _:
            return None


def unknown_agent(name: str, known: list[str]) -> ToolError:
    """The error for a task that nobody can be given."""
    return ToolError(f"Unknown agent type: '{name}'. Known are: {', '.join(known)}.", {"type": "invalid_argument"})
