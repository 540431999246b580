"""The facts about leave and trust: rules that are learned and forgotten, and content that has to be taken with care.
Part of `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from a3s_lsp.engine.messages import Json

if TYPE_CHECKING:
    from a3s_lsp.engine.facts import Fact

RuleScope: TypeAlias = Literal["session", "project", "user"]
"""Where a rule holds: in this session, in all of this folder, or in all of this person."""


@dataclass(frozen=True, slots=True)
class RuleLearned:
    """ "Always" or "never": the rule holds from now on. The log has those of the session; of one with another scope it
    only tells that it was learned. `note` says why the scope is not the one that was asked for."""

    rule: str
    allow: bool
    id: str = ""
    scope: RuleScope = "session"
    note: str = ""
    type: Literal["rule_learned"] = "rule_learned"


@dataclass(frozen=True, slots=True)
class RuleForgotten:
    """The rule with this id holds no more."""

    id: str
    type: Literal["rule_forgotten"] = "rule_forgotten"


@dataclass(frozen=True, slots=True)
class ContentFlagged:
    """The result of a call comes from outside the project (`source` says from where), or has phrases in it that try to
    give the model orders."""

    call_id: str
    name: str
    source: str | None
    phrases: tuple[str, ...] = ()
    type: Literal["content_flagged"] = "content_flagged"


def describe_policy(fact: Fact) -> tuple[str, Json] | None:
    """The event of a fact of this module."""
    match fact:
        case RuleLearned():
            decision = "allow" if fact.allow else "deny"
            rule: Json = {"id": fact.id, "rule": fact.rule, "decision": decision, "scope": fact.scope}
            return "rule_learned", {**rule, "note": fact.note or None}
        case RuleForgotten(id=rule_id):
            return "rule_forgotten", {"id": rule_id}
        case ContentFlagged():
            named: Json = {"tool_id": fact.call_id, "tool_name": fact.name}
            trust = None if fact.source is None else "external"
            return "content_flagged", {**named, "trust": trust, "source": fact.source, "injection": list(fact.phrases)}
        case _:
            return None
