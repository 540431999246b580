"""Makes a conversation shorter: by itself before a turn that has little room, or by the person's word; and back."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from a3s_lsp.engine import facts as f
from a3s_lsp.engine import hookpoints
from a3s_lsp.engine.context.compaction import edited_files, large_outputs, plan, standing_for
from a3s_lsp.engine.context.compactions import Compactions
from a3s_lsp.engine.context.room import DEFAULT_TOKENS, CompactionPolicy
from a3s_lsp.engine.context.summaries import NoSummary, ask_summary, by_rule
from a3s_lsp.engine.context.weights import size, tokens_of, weight
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.messages import AssistantMessage, Message, ToolMessage
from a3s_lsp.engine.state import RunState, State
from a3s_lsp.engine.tools.limits import Artifact, ArtifactStore

_ENOUGH = 0.75
"""Markers alone will do if they bring the conversation below this part of what set it off."""
_REQUEST_SHARE = 0.5
"""The part of the room that the request for a summary may take."""
_MOST_REQUEST_TOKENS = 60_000
_MOST_SUMMARY_TOKENS = 8_000
_LEAST_SUMMARY_TOKENS = 200
_WORTH_ITS_CALL = 0.01
"""The part of the room that has to be won, so that a model is asked for a summary."""


class Compacting:
    """The compactions of one session. `kit` is what the session itself may use when no run is going, `idle` raises
    while one is."""

    def __init__(
        self,
        state: State,
        policy: CompactionPolicy,
        room: Callable[[str], int | None],
        kit: Callable[[], Kit],
        idle: Callable[[str], None],
        turnstile: asyncio.Lock,
    ) -> None:
        self._state = state
        self._policy = policy
        self._room = room
        self._kit = kit
        self._idle = idle
        self._turnstile = turnstile

    @property
    def tokens(self) -> int:
        """The size of the session's conversation, as far as it is known."""
        return size(self._state.messages, 0, self._state.compactions.measured)

    async def make_room(self, kit: Kit, run_id: str) -> None:
        """Before a turn: make the conversation of the run shorter if it takes too much of the model's room."""
        run = self._state.runs[run_id]
        if not self._policy.auto:
            return
        taken, room = self._taken(kit, self._fold_of(run)), self._room_of(kit)
        if taken < self._policy.threshold * room:
            return
        if not self._put_markers(kit, taken, room):
            await self._shorten(kit, run, taken, room, auto=True)

    async def compact(self) -> f.Compacted | None:
        """Put a summary in the place of the older messages; None if there are too few of them. A3SError while a run is
        going."""
        self._idle("compact the conversation")
        async with self._turnstile:
            kit = self._kit()
            run = next((run for run in reversed(self._state.runs.values()) if run.own is None), None)
            taken = self._taken(kit, self._state.compactions)
            done = await self._shorten(kit, run, taken, self._room_of(kit), auto=False)
        await kit.settled()
        return done

    async def undo(self) -> int:
        """Bring back what the last compaction dropped; the messages that there are then, 0 if there is none to undo.
        A3SError while a run is going."""
        self._idle("bring messages back")
        steps = self._state.compactions.steps
        if not steps:
            return 0
        kit = self._kit()
        count = len(self._state.messages) - len(steps[-1].fact.messages) + len(steps[-1].dropped)
        kit.emit(f.CompactionUndone(count))
        await kit.settled()
        return count

    def clear(self) -> int:
        """Forget the conversation; the log keeps it. The number of messages; A3SError while a run is going."""
        self._idle("clear the conversation")
        count = len(self._state.messages)
        self._kit().emit(f.HistoryCleared(count))
        return count

    def undo_clear(self) -> int:
        """Bring back the conversation that was cleared last, before what was said since; the number of its messages.
        A3SError while a run is going."""
        self._idle("bring messages back")
        count = len(self._state.compactions.cleared)
        if count:
            self._kit().emit(f.HistoryRestored(count))
        return count

    # ------------------------------------------------------------ how much is there

    def _fold_of(self, run: RunState) -> Compactions:
        return self._state.compactions if run.own is None else run.compactions

    def _room_of(self, kit: Kit) -> int:
        return self._policy.max_tokens or self._room(kit.model.name) or DEFAULT_TOKENS

    def _taken(self, kit: Kit, fold: Compactions) -> int:
        return size(kit.conversation(), _beside(kit), fold.measured)

    # ------------------------------------------------------------ making it less

    def _put_markers(self, kit: Kit, taken: int, room: int) -> bool:
        """Let old, large outputs give way to markers. False, with nothing done, if that would not be enough."""
        messages = kit.conversation()
        names = {call.id: call.name for m in messages if isinstance(m, AssistantMessage) for call in m.tool_calls}
        large = large_outputs(messages)
        markers = [(m.call_id, _marker(names.get(m.call_id, "tool"), m)) for m in large]
        saved = sum(map(weight, large)) - sum(tokens_of(marker) for _, marker in markers)
        scaled = _scaled(kit, messages, taken, saved)
        if not markers or taken - scaled > _ENOUGH * self._policy.threshold * room:
            return False
        for message in large:
            _keep(kit.artifacts, names.get(message.call_id, "tool"), message)
        count = len(messages)
        shares = _share(taken, room), _share(taken - scaled, room)
        kit.emit(f.Compacted(0, 0, (), count, count, *shares, markers=tuple(markers)))
        return True

    async def _shorten(
        self, kit: Kit, run: RunState | None, taken: int, room: int, *, auto: bool
    ) -> f.Compacted | None:
        messages = tuple(kit.conversation())
        planned = plan(messages, None if run is None else run.prompt)
        files = edited_files(self._state.ledger, lambda path: kit.workspace.display(Path(path)))
        if planned is None:
            return None
        won = _scaled(kit, messages, taken, planned.weight)
        length = min(_MOST_SUMMARY_TOKENS, won // 2)
        if auto and won < max(length + tokens_of(files), _WORTH_ITS_CALL * room):
            return None
        if not await hookpoints.before_compaction(kit, len(messages), taken, room, auto=auto):
            return None
        going = messages[planned.first : planned.last]
        summary, failure = await self._summary(kit, going, room, length if auto else max(length, _LEAST_SUMMARY_TOKENS))
        if tuple(kit.conversation()[: planned.last]) != messages[: planned.last]:
            return None  # cleared, or rewound, meanwhile
        put = (standing_for(len(going), summary, files), *planned.kept)
        less = _scaled(kit, messages, taken, sum(map(weight, going)) - sum(map(weight, put)))
        counts = len(messages), len(messages) - len(going) + len(put)
        shares = _share(taken, room), _share(taken - less, room)
        done = f.Compacted(planned.first, planned.last, put, *counts, *shares, summary, failure=failure)
        kit.emit(done)
        await hookpoints.after_compaction(kit, done)
        return done

    async def _summary(self, kit: Kit, going: Sequence[Message], room: int, length: int) -> tuple[str, str | None]:
        """The summary, and why the model did not make it."""
        request = min(_MOST_REQUEST_TOKENS, int(_REQUEST_SHARE * room))
        try:
            text, usage = await ask_summary(kit.model, going, request, length)
        except NoSummary as error:
            return by_rule(going, length), str(error)
        kit.emit(f.AsideAnswered("compaction", usage))
        return (text, None) if text else (by_rule(going, length), "the model's summary was empty")


def _beside(kit: Kit) -> int:
    """The tokens that are sent beside the messages."""
    tools = "".join(spec.name + spec.description + json.dumps(spec.parameters) for spec in kit.tools.specs())
    return tokens_of(kit.system) + tokens_of(tools)


def _scaled(kit: Kit, messages: Sequence[Message], taken: int, estimated: int) -> int:
    """An estimated number of tokens as the provider seems to count."""
    estimate = _beside(kit) + sum(map(weight, messages))
    return int(estimated * max(1.0, taken / max(1, estimate)))


def _share(tokens: int, room: int) -> float:
    return round(max(0, tokens) / room, 4)


def _artifact(tool: str, message: ToolMessage) -> Artifact:
    data = message.content.encode(errors="replace")
    digest = hashlib.blake2b(data, digest_size=8).hexdigest()
    return Artifact(tool, digest, message.content, len(data), 0)


def _keep(artifacts: ArtifactStore, tool: str, message: ToolMessage) -> None:
    artifacts.put(_artifact(tool, message))


def _marker(tool: str, message: ToolMessage) -> str:
    artifact = _artifact(tool, message)
    size_told = f"{artifact.original_bytes} bytes of output were taken out to make room"
    return f"[{size_told}. Full output artifact: {artifact.uri}. Repeat the call if you need them.]"
