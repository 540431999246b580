"""Calls that wait for a worker outside, which takes them from a list and gives their results, from whatever thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from a3s_lsp.engine.lane_facts import ExternalTaskPending
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import ToolResult


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the worker said: a result, or why there is none."""

    result: ToolResult | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Waiting:
    task: ExternalTaskPending
    loop: asyncio.AbstractEventLoop
    outcome: asyncio.Future[Outcome]


class Workbench:
    """The calls that wait. Each gets one outcome: whoever takes it off the list first gives it."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._lock = threading.Lock()

    async def offer(self, task: ExternalTaskPending) -> Outcome:
        """Put a call on the list, and wait for its outcome or the end of its time."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(task, loop, loop.create_future())
        with self._lock:
            self._waiting[task.task_id] = waiting
        try:
            async with asyncio.timeout(task.timeout_ms / 1000) as deadline:
                return await waiting.outcome
        except TimeoutError:
            if not deadline.expired():
                raise
            return Outcome(None, f"no worker gave a result within {task.timeout_ms}ms")
        finally:
            with self._lock:
                self._waiting.pop(task.task_id, None)

    def pending(self, session_id: str) -> list[Json]:
        """The calls that wait, oldest first."""
        with self._lock:
            tasks = [waiting.task for waiting in self._waiting.values()]
        return [
            {
                "task_id": task.task_id,
                "session_id": session_id,
                "lane": task.lane,
                "command_type": task.command_type,
                "payload": task.payload,
                "timeout_ms": task.timeout_ms,
            }
            for task in tasks
        ]

    def complete(self, task_id: str, success: bool, result: Mapping[str, object] | None, error: str | None) -> bool:
        """Give the outcome of a call. False if it does not wait any more."""
        with self._lock:
            waiting = self._waiting.pop(task_id, None)
        if waiting is None or waiting.loop.is_closed():
            return False
        outcome = _outcome(result) if success else Outcome(None, error or "the worker failed, and gave no reason")
        waiting.loop.call_soon_threadsafe(_settle, waiting.outcome, outcome)
        return True


def _outcome(result: Mapping[str, object] | None) -> Outcome:
    given = result or {}
    code, metadata = given.get("exit_code", 0), given.get("metadata")
    output = given.get("output", "")
    return Outcome(
        ToolResult(
            output if isinstance(output, str) else str(output),
            int(code != 0) if isinstance(code, int) else 1,
            dict(metadata) if isinstance(metadata, Mapping) else None,
        )
    )


def _settle(future: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)
