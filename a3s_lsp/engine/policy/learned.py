"""Rules that "always" and "never" have taught: what one is, and where those outlive a session."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Protocol

from a3s_lsp.engine.policy_facts import RuleScope


@dataclass(frozen=True, slots=True)
class LearnedRule:
    """`project` is the folder that the rule is for, empty for a rule of the person; `source` says how it came about."""

    id: str
    rule: str
    allow: bool
    scope: RuleScope
    project: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """The rules that hold in a project, and what is wrong with the place where they are kept.

    With a `trouble` there may have been denials that nobody knows of any more: then nothing is allowed unasked.
    """

    rules: tuple[LearnedRule, ...] = ()
    trouble: str | None = None


class RuleBook(Protocol):
    """Where the rules of projects and persons are kept. Methods block for a moment."""

    def read(self, project: str) -> Book:
        """The rules that hold in this project, as of now. Must not raise."""

    def add(self, rule: LearnedRule) -> None:
        """Keep a rule; one that says the same about the same calls makes room for it. Raises StoreError."""

    def remove(self, rule_id: str) -> bool:
        """False if there was none. Raises StoreError."""


def new_id() -> str:
    """An id that no rule has."""
    return f"rule-{uuid.uuid4().hex[:12]}"
