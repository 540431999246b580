"""What of a conversation was compacted or cleared and can come back, and how long the model found it: a part of the
state, and like it a fold over facts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.messages import Message, ToolMessage


@dataclass(frozen=True, slots=True)
class Step:
    """A compaction, with the messages and the outputs that gave way."""

    fact: f.Compacted
    dropped: tuple[Message, ...]
    outputs: dict[str, str]


@dataclass(frozen=True, slots=True)
class Measured:
    """The tokens that the first so many messages had by the provider's own count, with all that is sent beside them."""

    messages: int
    tokens: int


@dataclass(slots=True)
class Compactions:
    """Of one conversation. `steps` can be undone from the end, `cleared` is what was cleared last."""

    steps: list[Step] = field(default_factory=list)
    cleared: tuple[Message, ...] = ()
    measured: Measured | None = None

    def apply(self, fact: f.Fact, talk: list[Message]) -> None:
        """Fold a fact in before those that clear or replace the conversation take effect on it."""
        match fact:
            case f.TurnEnded(usage=usage):
                self.measured = Measured(len(talk), usage.total_tokens)
            case f.Compacted():
                self._compact(fact, talk)
            case f.CompactionUndone() if self.steps:
                self._undo(self.steps.pop(), talk)
            case f.HistoryCleared() if talk:
                self._forget(tuple(talk))
            case f.HistoryImported():
                self._forget(())
            case f.HistoryRestored():
                talk[:0] = self.cleared
                self._forget(())
            case f.Rewound(messages=messages) if messages is not None:
                self._forget(())
            case _:
                pass

    def _compact(self, fact: f.Compacted, talk: list[Message]) -> None:
        dropped = tuple(talk[fact.first : fact.last])
        talk[fact.first : fact.last] = fact.messages
        self.steps.append(Step(fact, dropped, _put(talk, dict(fact.markers))))
        self.measured = None

    def _undo(self, step: Step, talk: list[Message]) -> None:
        _put(talk, step.outputs)
        first = step.fact.first
        talk[first : first + len(step.fact.messages)] = step.dropped
        self.measured = None

    def _forget(self, cleared: tuple[Message, ...]) -> None:
        self.steps.clear()
        self.cleared, self.measured = cleared, None


def _put(talk: list[Message], outputs: dict[str, str]) -> dict[str, str]:
    """Put these outputs in the places of those that the calls have, which are returned."""
    before: dict[str, str] = {}
    for at, message in enumerate(talk):
        if isinstance(message, ToolMessage) and message.call_id in outputs:
            before[message.call_id] = message.content
            talk[at] = replace(message, content=outputs[message.call_id])
    return before
