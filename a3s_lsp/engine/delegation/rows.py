"""The tasks of a session as its log tells them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from a3s_lsp.engine.delegation_facts import SubagentEnded, SubagentStarted
from a3s_lsp.engine.messages import Json

CHILD_RUN = "task-"
"""What the ids of tasks, which are those of the children's runs, begin with."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task. `status` is running until it has ended."""

    id: str
    agent: str
    description: str
    call_id: str
    background: bool
    status: str = "running"
    output: str = ""
    started_ms: int = 0
    ended_ms: int | None = None

    def described(self, session_id: str) -> Json:
        """As a program sees it."""
        return {
            "task_id": self.id,
            "session_id": child_session(self.id),
            "parent_session_id": session_id,
            "agent": self.agent,
            "description": self.description,
            "status": self.status,
            "background": self.background,
            "output": self.output,
            "started_at_ms": self.started_ms,
            "ended_at_ms": self.ended_ms,
            "artifact_uri": output_uri(session_id, self.id),
        }


class Tasks:
    """A fold over the facts."""

    def __init__(self) -> None:
        self.rows: dict[str, TaskRow] = {}

    def apply(self, fact: object, time_ms: int) -> None:
        """Fold one more fact in."""
        match fact:
            case SubagentStarted(task_id=task_id, agent=agent, description=description, call_id=call_id):
                row = TaskRow(task_id, agent, description, call_id, fact.background, started_ms=time_ms)
                self.rows[task_id] = row
            case SubagentEnded(task_id=task_id, output=output, status=status) if task_id in self.rows:
                self.rows[task_id] = replace(self.rows[task_id], status=status, output=output, ended_ms=time_ms)
            case _:
                pass


def child_session(task_id: str) -> str:
    """The name that the child's conversation goes by."""
    return f"task-run-{task_id}"


def output_uri(session_id: str, task_id: str) -> str:
    """Where the whole output of a task can be fetched."""
    return f"a3s://tasks/{session_id}/runs/{task_id}/output"
