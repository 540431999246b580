"""Compaction: which messages give way to a summary, and what is kept word for word.

Kept are the first prompt and the one that is being answered, the newest messages, and, in the summary's message, the
list of the files that the session changed. A call is never parted from its result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from a3s_lsp.engine.context.weights import weight
from a3s_lsp.engine.ledger import Ledger
from a3s_lsp.engine.messages import AssistantMessage, Message, ToolMessage, UserMessage

SUMMARY_MARK = "[Summary of the earlier part of this conversation"
"""How the message begins that stands for the messages that gave way."""
_TAIL = 0.3
"""The newest part of the conversation that is kept as it is."""
_KEPT_WORDS = 0.3
_MOST_FILES = 100
_LEAST_OUTPUT_TOKENS = 500
"""Outputs below this are not worth a marker."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The messages from `first` up to `last` give way to a summary and to those in `kept`, which are among them."""

    first: int
    last: int
    kept: tuple[Message, ...]
    weight: int
    """The estimated tokens that give way."""


def plan(messages: Sequence[Message], prompt: str | None) -> Plan | None:
    """What is to give way; None if that would be less than two messages. `prompt` is the one that is being, or was
    last, answered."""
    weights = [weight(message) for message in messages]
    first = next((at + 1 for at, message in enumerate(messages) if isinstance(message, UserMessage)), 0)
    last = _tail(messages, weights, first)
    if last is None:
        return None
    kept = _kept(messages, first, last, prompt, int(_KEPT_WORDS * sum(weights)))
    going = sum(weights[first:last]) - sum(map(weight, kept))
    return Plan(first, last, kept, going) if last - first - len(kept) >= 2 else None


def _tail(messages: Sequence[Message], weights: Sequence[int], first: int) -> int | None:
    """Where the tail begins that is kept: as long as it may be, at a place that parts no call from its result."""
    room = int(_TAIL * sum(weights))
    cuts = [at for at in _safe_cuts(messages) if at > first]
    small = [at for at in cuts if sum(weights[at:]) <= room]
    return min(small, default=max(cuts, default=None))


def _safe_cuts(messages: Sequence[Message]) -> list[int]:
    answered = {message.call_id: at for at, message in enumerate(messages) if isinstance(message, ToolMessage)}
    cuts: list[int] = []
    open_until = 0
    for at, message in enumerate(messages):
        if at >= open_until and not isinstance(message, ToolMessage):
            cuts.append(at)
        if isinstance(message, AssistantMessage):
            open_until = max([open_until, *(answered.get(call.id, len(messages)) + 1 for call in message.tool_calls)])
    return cuts


def _kept(messages: Sequence[Message], first: int, last: int, prompt: str | None, room: int) -> tuple[UserMessage, ...]:
    """The prompt that is being answered, if it is among those that give way, and what the person said since."""
    said = [(at, m) for at, m in enumerate(messages[:last]) if isinstance(m, UserMessage) and not is_summary(m)]
    start = next((at for at, message in reversed(said) if message.text == prompt), None)
    if start is None:
        return ()
    since = tuple(message for at, message in said if at >= max(start, first))
    return since if sum(map(weight, since)) <= room else since[:1] if start >= first else ()


def is_summary(message: Message) -> bool:
    """Whether the message stands for others that gave way."""
    return isinstance(message, UserMessage) and message.text.startswith(SUMMARY_MARK)


def standing_for(count: int, summary: str, files: str) -> UserMessage:
    """The message that stands for so many others."""
    changed = f"\n\nFiles that were changed in this session:\n{files}" if files else ""
    return UserMessage(f"{SUMMARY_MARK}: {count} messages gave way to it.]\n\n{summary}{changed}")


def edited_files(ledger: Ledger, display: Callable[[str], str]) -> str:
    """The files that the session changed, with what became of its changes."""
    rows: list[str] = []
    for path in ledger.paths():
        counts: dict[str, int] = {}
        for hunk in ledger.hunks.values():
            if hunk.path == path and hunk.status != "superseded":
                counts[hunk.status] = counts.get(hunk.status, 0) + 1
        told = ", ".join(f"{count} {_WORDS[status]}" for status, count in counts.items())
        gone = "" if ledger.text(path) is not None else " (the file is not there now)"
        rows.append(f"- {display(path)}: {told or 'no changes left'}{gone}")
    more = [f"- and {len(rows) - _MOST_FILES} more"] if len(rows) > _MOST_FILES else []
    return "\n".join([*rows[-_MOST_FILES:], *more])


_WORDS = {
    "applied": "under review",
    "kept": "kept by the person",
    "undone": "undone",
    "tweaked": "changed by others since",
}


def large_outputs(messages: Sequence[Message]) -> list[ToolMessage]:
    """The outputs that may give way to a marker first: large ones, but not the newest."""
    weights = [weight(message) for message in messages]
    last = _tail(messages, weights, 0) or 0
    old = zip(messages[:last], weights[:last], strict=True)
    return [m for m, tokens in old if isinstance(m, ToolMessage) and tokens > _LEAST_OUTPUT_TOKENS]
