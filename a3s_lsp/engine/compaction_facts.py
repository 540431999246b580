"""The facts about a conversation that is made shorter, and longer again. Part of `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from a3s_lsp.engine.messages import Json, Message


@dataclass(frozen=True, slots=True)
class Compacted:
    """The messages from `first` up to `last` gave way to `messages`, and outputs of calls to markers: pairs of a call
    and what stands there now. `percent_…` is the part of the model's room that was and is taken, from 0 to 1.

    `failure` says why the summary was made by rule, and not by the model.
    """

    first: int
    last: int
    messages: tuple[Message, ...]
    before_messages: int
    after_messages: int
    percent_before: float
    percent_after: float
    summary: str = ""
    markers: tuple[tuple[str, str], ...] = ()
    failure: str | None = None
    type: Literal["compacted"] = "compacted"


@dataclass(frozen=True, slots=True)
class CompactionUndone:
    """The last compaction was taken back; the conversation has so many messages now."""

    messages: int
    type: Literal["compaction_undone"] = "compaction_undone"


@dataclass(frozen=True, slots=True)
class HistoryRestored:
    """The conversation that was cleared last is back, before what was said since."""

    messages: int
    type: Literal["history_restored"] = "history_restored"


def describe_compaction(fact: object) -> tuple[str, Json] | None:
    """The event of one of these facts; None for another fact."""
    match fact:
        case Compacted():
            fields: Json = {
                "before_messages": fact.before_messages,
                "after_messages": fact.after_messages,
                "percent_before": fact.percent_before,
                "percent_after": fact.percent_after,
            }
            if fact.markers:
                return "context_pruned", {**fields, "outputs": len(fact.markers)}
            return "context_compacted", {**fields, "summary": fact.summary, "failure": fact.failure}
        case CompactionUndone(messages=count) | HistoryRestored(messages=count):
            return "context_restored", {"messages": count}
        case _:
            return None
