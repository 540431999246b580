"""The permission policy: which calls may go on, which may not, and which a person decides.

Deny comes before allow, allow before ask, and the default decides the rest. A shell command is as free as the
least free of the commands in it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from a3s_lsp.engine.policy.protected import may_change_own_rules
from a3s_lsp.engine.policy.rules import Rule, parse_rule
from a3s_lsp.engine.policy.shell import Command, Script, take_apart
from a3s_lsp.engine.policy.suggestions import suggest_rule
from a3s_lsp.engine.policy.verdicts import Allow, Ask, CallFacts, Deny, Verdict, strictest

Decision: TypeAlias = Literal["allow", "deny", "ask"]
_DECISIONS: dict[str, Decision] = {"allow": "allow", "deny": "deny", "ask": "ask"}


@dataclass(frozen=True, slots=True)
class PermissionPolicy:
    """Lists of patterns, and what holds where none matches. A policy that is not `enabled` allows everything.

    `denial` is the reason that is given where the default denies.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    default_decision: Decision = "ask"
    enabled: bool = True
    denial: str = "Blocked by the default decision of the permission policy"

    def __post_init__(self) -> None:
        object.__setattr__(self, "default_decision", parse_decision(self.default_decision))

    def learn(self, rule: str, *, allow: bool) -> PermissionPolicy:
        """The policy with one more rule."""
        if allow:
            return replace(self, allow=(*self.allow, rule))
        return replace(self, deny=(*self.deny, rule))


def parse_decision(text: str) -> Decision:
    """The decision that a text names, without regard to case and surrounding space. ValueError if it names none."""
    decision = _DECISIONS.get(text.strip().lower())
    if decision is None:
        raise ValueError(f"default_decision must be 'allow', 'deny', or 'ask', got \"{text}\"")
    return decision


def decide(policy: PermissionPolicy | None, call: CallFacts) -> Verdict:
    """What the policy says to a call. Without a policy everything is asked."""
    if policy is not None and not policy.enabled:
        return Allow()
    guarded = may_change_own_rules(call)
    verdict = Ask() if policy is None else _by_rules(policy, call)
    if isinstance(verdict, Deny) or (isinstance(verdict, Allow) and not guarded):
        return verdict
    return Ask(verdict.rule if isinstance(verdict, Ask) else None, suggest_rule(call), guarded)


def _by_rules(policy: PermissionPolicy, call: CallFacts) -> Verdict:
    about = _About(policy, call.name)
    if call.name == "git":
        return _decide_words(about, call.subject)
    if call.name == "bash":
        return _decide_script(about, call.subject.strip(" \t\n"), take_apart(call.subject))
    subject = posixpath.normpath(call.subject.replace("\\", "/")) if call.subject else ""
    written = (call.subject, subject, *call.paths)
    meant = call.paths or ((call.subject, subject) if ".." in call.subject.split("/") else (call.subject,))
    if rule := _first(rule for rule in about.deny if any(map(rule.covers_path, written))):
        return Deny(_blocked(rule), rule.text)
    if rule := _first(rule for rule in about.allow if all(map(rule.covers_path, meant)) or _covers_root(rule, subject)):
        return Allow(rule.text)
    if rule := _first(rule for rule in about.ask if any(map(rule.covers_path, written))):
        return Ask(rule.text)
    return about.default


def _covers_root(rule: Rule, subject: str) -> bool:
    """An absolute pattern, and `()` for a call without a path, mean the argument as it was given."""
    return subject.startswith("/") and rule.covers_path(subject) if subject else rule.args == ""


class _About:
    """The part of a policy that is about one tool."""

    def __init__(self, policy: PermissionPolicy, tool: str) -> None:
        self.deny = _rules(policy.deny, tool)
        self.allow = _rules(policy.allow, tool)
        self.ask = _rules(policy.ask, tool)
        self.default = _default(policy)

    @property
    def watches_words(self) -> bool:
        """Whether a denial depends on the arguments, so that arguments which cannot be known need a person."""
        return any(rule.args is not None for rule in self.deny)


def _rules(patterns: Sequence[str], tool: str) -> list[Rule]:
    return [rule for rule in map(parse_rule, patterns) if rule.names(tool)]


def _default(policy: PermissionPolicy) -> Verdict:
    match policy.default_decision:
        case "allow":
            return Allow()
        case "deny":
            return Deny(policy.denial)
        case "ask":
            return Ask()


def _decide_words(about: _About, words: str) -> Verdict:
    """A call that is governed by its words, like a command that runs no other."""
    if rule := _first(rule for rule in about.deny if rule.catches_command(words)):
        return Deny(_blocked(rule), rule.text)
    if rule := _first(rule for rule in about.allow if rule.covers_command(words)):
        return Allow(rule.text)
    return _without_leave(about, [words])


def _decide_script(about: _About, text: str, script: Script) -> Verdict:
    spellings = [text, *(spelling for command in script.everything() for spelling in command.all_spellings())]
    if rule := _first(rule for rule in about.deny if any(map(rule.catches_command, spellings))):
        return Deny(_blocked(rule), rule.text)
    unknown = script.opaque and about.watches_words
    if not unknown and (rule := _first(rule for rule in about.allow if rule.args is None)):
        return Allow(rule.text)
    if not script.opaque and (rule := _first(rule for rule in about.allow if rule.exact == text)):
        return Allow(rule.text)
    parts = [_decide_part(about, command) for command in script.commands]
    parts += [_without_leave(about, [target.source]) for target in script.writes]
    return strictest([*parts, Ask()] if unknown else parts)


def _decide_part(about: _About, command: Command) -> Verdict:
    """One command with all that it runs. A rule that spells out what is run gives leave for that as well."""
    leave = None if command.opaque else _leave(about, command)
    inner = [_decide_part(about, run) for run in command.runs]
    if leave:
        return strictest(inner) if inner and not _spells_out(leave, command) else Allow(leave.text)
    spellings = command.all_spellings()
    if inner and command.plain:
        rule = _first(rule for rule in about.ask if rule.args is not None and any(map(rule.catches_command, spellings)))
        return strictest([*inner, Ask(rule.text)] if rule else inner)
    return strictest([_without_leave(about, spellings), *inner])


def _without_leave(about: _About, spellings: Sequence[str]) -> Verdict:
    rule = _first(rule for rule in about.ask if any(map(rule.catches_command, spellings)))
    return Ask(rule.text) if rule else about.default


def _leave(about: _About, command: Command) -> Rule | None:
    """The rule that covers a command, one that spells out what it runs before the others."""
    covering = [rule for rule in about.allow if any(map(rule.covers_command, command.exact_spellings()))]
    return _first([*(rule for rule in covering if _spells_out(rule, command)), *covering])


def _spells_out(rule: Rule, command: Command) -> bool:
    """Whether the words of a rule reach beyond all wrappers, to the command that is run in the end."""
    if rule.exact is not None:
        return True
    prefix = (rule.args or "").removesuffix(":*").split()
    written = [word.source for word in command.words[: len(prefix)]]
    return prefix == written and len(prefix) > _wrapping(command)


def _wrapping(command: Command) -> int:
    """How many words of a command only lead to what it runs."""
    match command.runs:
        case ():
            return 0
        case (inner,):
            return command.lead + _wrapping(inner)
        case _:
            return len(command.words)


def _first(rules: Iterable[Rule]) -> Rule | None:
    return next(iter(rules), None)


def _blocked(rule: Rule) -> str:
    return f"Blocked by deny rule in permission policy: {rule.text}"
