"""The question that a policy answers, a call, and the three answers there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane


@dataclass(frozen=True, slots=True)
class CallFacts:
    """A call as far as leave depends on it.

    `subject` is the argument that patterns are matched against, as the model wrote it. `paths` are the files it
    means, relative to the workspace, with links and dots resolved; empty for a tool that takes no path.
    """

    name: str
    subject: str
    args: Json
    lane: Lane
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Allow:
    """The call may go on; `rule` is the one that allowed it, None where none was needed."""

    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """The call must not go on; `reason` is for people and for the model."""

    reason: str
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A person decides. `suggestion` is the rule that "always" would store, empty if there is no safe one.

    `guarded`: the call touches what governs the agent itself, so that only an answer to this very call counts.
    """

    rule: str | None = None
    suggestion: str = ""
    guarded: bool = False


Verdict: TypeAlias = Allow | Deny | Ask


def strictest(verdicts: list[Verdict]) -> Verdict:
    """The first of the verdicts that leave the least: a denial before a question, a question before leave."""
    return min(verdicts, key=_order)


def _order(verdict: Verdict) -> int:
    match verdict:
        case Deny():
            return 0
        case Ask():
            return 1
        case Allow():
            return 2
