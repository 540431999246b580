"""What happens in the lanes of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from a3s_lsp.engine.messages import Json


@dataclass(frozen=True, slots=True)
class ExternalTaskPending:
    """A call waits for a worker outside."""

    task_id: str
    call_id: str
    lane: str
    command_type: str
    payload: Json
    timeout_ms: int
    type: Literal["external_task_pending"] = "external_task_pending"


@dataclass(frozen=True, slots=True)
class ExternalTaskCompleted:
    """The worker is done with it, or its time was over, or nobody waits for it any more."""

    task_id: str
    success: bool
    type: Literal["external_task_completed"] = "external_task_completed"


@dataclass(frozen=True, slots=True)
class CommandRetried:
    """A worker outside is asked once more."""

    command_id: str
    command_type: str
    lane: str
    attempt: int
    delay_ms: int
    type: Literal["command_retried"] = "command_retried"


@dataclass(frozen=True, slots=True)
class CommandDeadLettered:
    """A call failed for good."""

    command_id: str
    command_type: str
    lane: str
    error: str
    attempts: int
    type: Literal["command_dead_lettered"] = "command_dead_lettered"


@dataclass(frozen=True, slots=True)
class QueueAlerted:
    """The queue is long."""

    level: str
    alert_type: str
    message: str
    type: Literal["queue_alerted"] = "queue_alerted"


LaneFact: TypeAlias = ExternalTaskPending | ExternalTaskCompleted | CommandRetried | CommandDeadLettered | QueueAlerted


def describe_lane(fact: LaneFact) -> tuple[str, Json]:
    """The event's type and fields."""
    match fact:
        case ExternalTaskPending(task_id=task_id, lane=lane, command_type=kind, payload=payload, timeout_ms=limit):
            task: Json = {"task_id": task_id, "lane": lane}
            return "external_task_pending", {**task, "command_type": kind, "payload": payload, "timeout_ms": limit}
        case ExternalTaskCompleted(task_id=task_id, success=success):
            return "external_task_completed", {"task_id": task_id, "success": success}
        case CommandRetried(command_id=command_id, command_type=kind, lane=lane, attempt=attempt, delay_ms=delay):
            again: Json = {"command_id": command_id, "command_type": kind, "lane": lane}
            return "command_retry", {**again, "attempt": attempt, "delay_ms": delay}
        case CommandDeadLettered(command_id=command_id, command_type=kind, lane=lane, error=error, attempts=attempts):
            dead: Json = {"command_id": command_id, "command_type": kind, "lane": lane}
            return "command_dead_lettered", {**dead, "error": error, "attempts": attempts}
        case QueueAlerted(level=level, alert_type=kind, message=message):
            return "queue_alert", {"level": level, "alert_type": kind, "message": message}
