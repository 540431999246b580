"""Confirmations for programs: questions that wait in a list for the program's answer, or for the end of their time."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from a3s_lsp.engine.facts import Outcome, QuestionAsked, RuleScope
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Answer, Lane

TimeoutAction: TypeAlias = Literal["reject", "auto_approve"]
_ACTIONS: dict[str, TimeoutAction] = {"reject": "reject", "autoapprove": "auto_approve"}
_LANES: tuple[Lane, ...] = get_args(Lane)


@dataclass(frozen=True, slots=True)
class ConfirmationPolicy:
    """Whether questions are put at all, how long they wait, and what holds when nobody answers.

    Calls in the `yolo_lanes` are not asked about. A policy that is not `enabled` lets pass whatever would be asked.
    """

    enabled: bool = False
    default_timeout_ms: int = 30_000
    timeout_action: TimeoutAction = "reject"
    yolo_lanes: tuple[Lane, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "timeout_action", parse_timeout_action(self.timeout_action))
        object.__setattr__(self, "yolo_lanes", tuple(map(parse_lane, self.yolo_lanes)))
        if self.default_timeout_ms < 0:
            raise ValueError(f"default_timeout_ms must not be negative, got {self.default_timeout_ms}")


def parse_timeout_action(text: str) -> TimeoutAction:
    """The action that a text names, e.g. `AutoApprove`. ValueError if it names none."""
    action = _ACTIONS.get(text.strip().lower().replace("_", "").replace("-", ""))
    if action is None:
        raise ValueError(f"timeout_action must be 'reject' or 'auto_approve', got \"{text}\"")
    return action


def parse_lane(text: str) -> Lane:
    """The lane of this name. ValueError if there is none."""
    if text not in _LANES:
        raise ValueError(f"Invalid lane '{text}'. Must be: control, query, execute, or generate")
    return text


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A question without an answer yet; `due` is on the monotonic clock."""

    question: QuestionAsked
    due: float
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Answer]


class Confirmations:
    """An approver whose questions a program answers, from whatever thread it likes.

    Each question gets exactly one answer: whoever takes it off the list first gives it.
    """

    def __init__(self, policy: ConfirmationPolicy) -> None:
        self._policy = policy
        self._waiting: dict[str, _Waiting] = {}
        self._lock = threading.Lock()

    @property
    def timeout_ms(self) -> int | None:
        """How long a question waits before the timeout action applies."""
        return self._policy.default_timeout_ms

    async def ask(self, question: QuestionAsked) -> Answer:
        """Put a question on the list, and wait for its answer or the end of its time."""
        seconds = self._policy.default_timeout_ms / 1000
        loop = asyncio.get_running_loop()
        waiting = _Waiting(question, time.monotonic() + seconds, loop, loop.create_future())
        with self._lock:
            if question.call_id in self._waiting:
                return Answer("rejected", "Another call with this id is waiting for its confirmation")
            self._waiting[question.call_id] = waiting
        try:
            await asyncio.wait([waiting.answer], timeout=seconds)
            return self._expired() if self._withdraw(waiting) else await waiting.answer
        finally:
            self._withdraw(waiting)

    def pending(self) -> list[Json]:
        """The questions that wait, oldest first."""
        with self._lock:
            waiting = list(self._waiting.values())
        return [_row(each) for each in waiting]

    def confirm(
        self, tool_id: str, approved: bool, reason: str | None = None, remember: RuleScope | None = None
    ) -> bool:
        """Answer a question, and all like it if it is to be remembered. False if none with this id waits any more.

        ValueError, and the question goes on waiting, if it offers no rule that could be remembered.
        """
        with self._lock:
            waiting = self._waiting.get(tool_id)
        rule = waiting.question.rule if waiting is not None and remember is not None else ""
        if waiting is not None and remember is not None and not rule:
            raise ValueError(f"No rule would be safe to remember for the call {tool_id}; answer it without remember.")
        outcome: Outcome = "approved" if approved else "rejected"
        return self._answer(tool_id, Answer(outcome, reason, rule or None, scope=remember or "session"))

    def cancel_all(self) -> int:
        """Reject all questions that wait, and say how many they were."""
        cancelled = Answer("cancelled", "Confirmation cancelled")
        return sum(self._answer(str(row["tool_id"]), cancelled) for row in self.pending())

    def _answer(self, tool_id: str, answer: Answer) -> bool:
        with self._lock:
            waiting = self._waiting.pop(tool_id, None)
        if waiting is None or waiting.loop.is_closed():
            return False
        waiting.loop.call_soon_threadsafe(_settle, waiting.answer, answer)
        return True

    def _withdraw(self, waiting: _Waiting) -> bool:
        """Take this very question off the list; False if someone has it already."""
        with self._lock:
            if self._waiting.get(waiting.question.call_id) is not waiting:
                return False
            del self._waiting[waiting.question.call_id]
            return True

    def _expired(self) -> Answer:
        approves = self._policy.timeout_action == "auto_approve"
        return Answer("expired_approved" if approves else "expired_rejected")


def _row(waiting: _Waiting) -> Json:
    return {
        "tool_id": waiting.question.call_id,
        "tool_name": waiting.question.name,
        "args": waiting.question.args,
        "remaining_ms": max(0, int((waiting.due - time.monotonic()) * 1000)),
    }


def _settle(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)
