"""What happens to the tasks that were given to child agents. A child is a run of its own, whose id is the task's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from a3s_lsp.engine.messages import Json

TaskStatus: TypeAlias = Literal["completed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class SubagentStarted:
    """A task was given to an agent; `call_id` is the call that gave it, "" for the program's own."""

    task_id: str
    agent: str
    description: str
    call_id: str = ""
    background: bool = False
    parent_session_id: str = ""
    type: Literal["subagent_started"] = "subagent_started"


@dataclass(frozen=True, slots=True)
class SubagentProgressed:
    """The child has had a turn, or the result of a call: `status` turn_completed or tool_completed."""

    task_id: str
    status: str
    metadata: Json
    type: Literal["subagent_progressed"] = "subagent_progressed"


@dataclass(frozen=True, slots=True)
class SubagentEnded:
    """The task has ended; `output` is the start and the end of what the child said, or why there is no answer."""

    task_id: str
    agent: str
    output: str
    status: TaskStatus
    type: Literal["subagent_ended"] = "subagent_ended"


DelegationFact: TypeAlias = SubagentStarted | SubagentProgressed | SubagentEnded
