"""The agent loop: ask the model, answer its calls, until it has nothing more to ask for.

The loop keeps no state of its own: what to do next follows from the conversation, so a run that was cut goes on
by calling it again.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field

from a3s_lsp.engine import facts as f
from a3s_lsp.engine import hookpoints
from a3s_lsp.engine.concurrency import answer_calls
from a3s_lsp.engine.config.target import OFFLINE
from a3s_lsp.engine.errors import LimitReached, ModelError, ModelRefused
from a3s_lsp.engine.guards import answer_text, check_filtered, continuation
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.messages import AssistantMessage, ToolCall, Usage, unanswered
from a3s_lsp.engine.ports import CallDelta, Chunk, Finish, ModelRequest, ReasoningDelta, TextDelta, Waiting

_PAUSE_MS = 100
"""Before a turn is asked for again, for each request that has failed; the model's own retries have made theirs."""


async def converse(kit: Kit, turn: int = 0, before: int = 0) -> str:
    """Go on from where the conversation stands, and return the final answer.

    `turn` is the number of turns that the run has had; as many of them as `before` says count for no limit. Raises
    RunFailed or ModelError; stopped by cancelling the task.
    """
    malformed_turns = 0
    while True:
        if calls := unanswered(kit.conversation()):
            malformed = await answer_calls(kit, calls)
            malformed_turns = malformed_turns + 1 if malformed else 0
            if malformed_turns > kit.limits.max_parse_retries:
                raise LimitReached(
                    "max_parse_retries",
                    f"LLM produced malformed tool arguments {malformed_turns} time(s) in a row "
                    f"(max_parse_retries={kit.limits.max_parse_retries}); giving up",
                )
        for text in kit.steering():
            kit.emit(f.Steered(await hookpoints.before_steering(kit, text)))
        if turn > 0 and isinstance(kit.conversation()[-1], AssistantMessage):
            if (more := await _missing(kit, turn - before)) is None:
                return answer_text(kit.conversation())
            kit.emit(more)
        if turn - before >= kit.limits.max_tool_rounds:
            raise LimitReached("max_tool_rounds", f"Max tool rounds ({kit.limits.max_tool_rounds}) exceeded")
        turn += 1
        await kit.make_room(kit)
        if note := await kit.review():
            kit.emit(f.ReviewTold(note))
        if kit.model.name != OFFLINE and (told := await kit.instruct()) is not None:
            kit.emit(told)
        await take_turn(kit, turn)


async def _missing(kit: Kit, turn: int) -> f.Continued | f.VerificationDemanded | None:
    """What the model is told because its answer cannot be the end; None if it is."""
    check_filtered(kit.course)
    if turn < kit.limits.max_tool_rounds and kit.model.name != OFFLINE:  # which takes any message for a prompt
        more = continuation(kit.course, kit.conversation(), kit.limits.max_continuation_turns)
        if more is not None:
            return more
    return await kit.unverified()


async def take_turn(kit: Kit, turn: int) -> None:
    """One complete answer of the model, made durable. A cut stream is asked for again."""
    if kit.seen is not None:
        kit.seen.begin_turn()
    request = ModelRequest(
        kit.system, tuple(kit.conversation()), kit.tools.specs(), kit.temperature, thinking_budget=kit.thinking_budget
    )
    request = await hookpoints.before_turn(kit, request)
    kit.emit(await hookpoints.generated(kit, request, lambda: _generate(kit, request, turn)))
    await kit.settled()


async def _generate(kit: Kit, request: ModelRequest, turn: int) -> f.TurnEnded:
    most, failed = kit.limits.circuit_breaker_threshold, 0
    while True:
        kit.emit(f.TurnStarted(turn))
        answer = _Answer()
        try:
            async with kit.lanes.slot("generate", kit.emit), aclosing(kit.model.stream(request)) as chunks:  # type: ignore[type-var]  # ports promise an iterator, all models are generators
                async for chunk in chunks:
                    await hookpoints.before_chunk(kit, request, chunk, thinking=bool(answer.reasoning))
                    answer.take(chunk, kit)
            answer.check_complete()
        except ModelRefused:
            raise
        except ModelError as error:
            failed += error.tries
            if failed >= most:
                raise ModelError(_given_up(error, failed, most), failed) from error
            again = f.ModelRetried("cut" if answer.started else "failed", failed, _PAUSE_MS * failed, str(error))
        else:
            return f.TurnEnded(turn, answer.message(), answer.usage, answer.finish_reason)
        kit.emit(again)
        await asyncio.sleep(again.delay_ms / 1000)


def _given_up(error: ModelError, failed: int, most: int) -> str:
    if most <= 1:
        return f"LLM call failed: {error}"
    return f"LLM circuit breaker triggered: failed after {failed} attempt(s): {error}"


@dataclass(slots=True)
class _Answer:
    """A model turn while it is being streamed."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, ToolCall] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    finish_reason: str = ""
    finished: bool = False

    @property
    def started(self) -> bool:
        return bool(self.text or self.reasoning or self.calls or self.finished)

    def take(self, chunk: Chunk, kit: Kit) -> None:
        match chunk:
            case TextDelta(text=text):
                self.text.append(text)
                kit.emit(f.TextStreamed(text))
            case ReasoningDelta(text=text):
                self.reasoning.append(text)
                kit.emit(f.ReasoningStreamed(text))
            case CallDelta():
                self._take_call(chunk, kit)
            case Finish(reason=reason, usage=usage):
                self.finish_reason, self.usage, self.finished = reason, usage, True
            case Waiting(reason=reason):
                kit.emit(f.ModelRetried(reason, chunk.attempt, chunk.delay_ms, chunk.message))

    def _take_call(self, piece: CallDelta, kit: Kit) -> None:
        call = self.calls.get(piece.index)
        if call is None:
            call = ToolCall(self._fresh_id(piece, kit), piece.name, "")
            kit.emit(f.CallAnnounced(call.id, call.name))
        self.calls[piece.index] = ToolCall(call.id, call.name or piece.name, call.arguments + piece.arguments)
        if piece.arguments:
            kit.emit(f.InputStreamed(call.id, piece.arguments))

    def _fresh_id(self, piece: CallDelta, kit: Kit) -> str:
        """The provider's id; a made one where it has none, or uses one twice, since results are matched by it."""
        taken = {c.id for m in kit.conversation() if isinstance(m, AssistantMessage) for c in m.tool_calls}
        taken.update(kit.call_ids(), (call.id for call in self.calls.values()))
        wanted = piece.id or f"call_{len(taken)}"
        name, n = wanted, 2
        while name in taken:
            name, n = f"{wanted}_{n}", n + 1
        return name

    def check_complete(self) -> None:
        if not self.finished:
            raise ModelError("The model's answer ended before it was complete.")

    def message(self) -> AssistantMessage:
        calls = tuple(self.calls[index] for index in sorted(self.calls))
        return AssistantMessage("".join(self.text), calls, "".join(self.reasoning))
