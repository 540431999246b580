"""What the calls of a session may do: its policy, with what "always" and "never" have taught."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.journal import Journal
from a3s_lsp.engine.policy.confirmation import ConfirmationPolicy
from a3s_lsp.engine.policy.gate import admit
from a3s_lsp.engine.policy.learned import Book, LearnedRule, RuleBook, new_id
from a3s_lsp.engine.policy.permissions import Decision, PermissionPolicy, decide
from a3s_lsp.engine.policy.verdicts import Ask, CallFacts, Deny, Verdict

logger = logging.getLogger(__name__)

_NOT_ALLOWED = "It is not among the calls that are allowed to what is going on"


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule that holds. Those with an id were learned, and can be forgotten; the others are the session's policy."""

    rule: str
    decision: Decision
    scope: str
    source: str
    id: str | None = None


class Leave:
    """Decides about calls. `policy` may be set at any time, and holds from the next call on."""

    def __init__(
        self,
        journal: Journal,
        policy: PermissionPolicy | None,
        confirmation: ConfirmationPolicy | None,
        book: RuleBook | None,
        project: str,
    ) -> None:
        self.policy = policy
        self._journal = journal
        self._confirmation = confirmation
        self._book = book
        self._project = project

    def judge(self, call: CallFacts, allowed: Sequence[str] | None = None) -> Verdict:
        """What the policy says; calls that are not among those `allowed` are denied before that."""
        if allowed is not None:
            narrow = PermissionPolicy(tuple(allowed), default_decision="deny", denial=_NOT_ALLOWED)
            if isinstance(denial := decide(narrow, call), Deny):
                return denial
        denial = decide(self.policy, call)
        if isinstance(denial, Deny):  # "always" was said to a question, and cannot lift what is denied without one
            return denial
        policy, book = self.policy, self._kept()
        for learned in (*self._learned(), *book.rules):
            policy = (policy or PermissionPolicy()).learn(learned.rule, allow=learned.allow)
        verdict = admit(policy, self._confirmation, call)
        return verdict if book.trouble is None or isinstance(verdict, Deny) else self._in_trouble(book.trouble)

    def denies_reading(self, path: str) -> bool:
        """Whether the policy forbids that the file at this path, relative to the workspace, is read."""
        return isinstance(decide(self.policy, CallFacts("read", path, {"file_path": path}, "query", (path,))), Deny)

    def _in_trouble(self, trouble: str) -> Verdict:
        """Whatever was denied by a rule that cannot be read any more must not happen unasked."""
        return Deny(trouble.rstrip(".")) if self._confirmation is None else Ask(guarded=True)

    @property
    def trouble(self) -> str | None:
        """What is wrong with the place where rules are kept, in a sentence."""
        found = self._kept().trouble
        return None if found is None else f"{found} Until then every call is asked about."

    @property
    def keeps_rules(self) -> bool:
        """Whether rules can outlive the session."""
        return self._book is not None

    def rules(self) -> list[RuleRow]:
        """All rules that hold: the learned ones, then those of the policy, in the order in which they are asked."""
        learned = [*self._learned(), *self._kept().rules]
        rows = [RuleRow(each.rule, _decision(each.allow), each.scope, each.source, each.id) for each in learned]
        policy = self.policy or PermissionPolicy()
        lists: tuple[tuple[Decision, Sequence[str]], ...] = (
            ("deny", policy.deny),
            ("allow", policy.allow),
            ("ask", policy.ask),
        )
        rows += [RuleRow(rule, decision, "policy", "permission policy") for decision, rules in lists for rule in rules]
        default: Decision = policy.default_decision if policy.enabled else "allow"
        return [*rows, RuleRow("*", default, "policy", "default decision")]

    async def learn(self, emit: Callable[[f.Fact], None], rule: str, allow: bool, scope: f.RuleScope) -> None:
        """Keep a rule where it was said that it should hold; where that cannot be, it holds for this session."""
        learned = LearnedRule(
            new_id(),
            rule,
            allow,
            scope,
            self._project if scope == "project" else "",
            f"session {self._journal.session_id}",
        )
        note = ""
        if scope != "session":
            note = await self._keep(learned)
        emit(f.RuleLearned(rule, allow, learned.id, "session" if note else scope, note))

    async def _keep(self, rule: LearnedRule) -> str:
        """Nothing, or why the rule could not be kept."""
        if self._book is None:
            return "This session has no place where rules are kept, so the rule holds for this session only."
        try:
            await asyncio.to_thread(self._book.add, rule)
        except StoreError as error:
            logger.warning("a learned rule holds for this session only: %s", error)
            return f"The rule holds for this session only: {error}"
        return ""

    async def forget(self, rule_id: str) -> bool:
        """Let a learned rule hold no more. False if there is none with this id. Raises StoreError."""
        if any(rule.id == rule_id for rule in self._learned()):
            self._journal.append(f.RuleForgotten(rule_id))
            await self._journal.settled()
            return True
        if self._book is None or not await asyncio.to_thread(partial(self._book.remove, rule_id)):
            return False
        self._journal.append(f.RuleForgotten(rule_id))
        return True

    def _learned(self) -> list[LearnedRule]:
        source = "this session"
        return [
            LearnedRule(rule.id, rule.rule, rule.allow, "session", "", source) for rule in self._journal.state.rules
        ]

    def _kept(self) -> Book:
        return Book() if self._book is None else self._book.read(self._project)


def _decision(allow: bool) -> Decision:
    return "allow" if allow else "deny"
