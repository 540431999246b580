"""The tools `task` and `parallel_task`: work for child agents."""

from __future__ import annotations

import json

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.delegation.registry import Agents
from a3s_lsp.engine.delegation.requests import MOST_TASKS, BadRequest, TaskRequest, parse_request
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, ToolSpec

_TASK: Json = {
    "agent": {"type": "string", "description": "Which agent is to do it."},
    "description": {"type": "string", "description": "What it is about, in a few words."},
    "prompt": {
        "type": "string",
        "description": "All that the agent has to know: it sees nothing of this conversation.",
    },
}
_ALONE: Json = {
    **_TASK,
    "background": {"type": "boolean", "default": False, "description": "Return at once; the task goes on."},
    "max_steps": {"type": "integer", "description": "How many turns the agent may take."},
}
_REQUIRED = ["agent", "description", "prompt"]


def _object(properties: Json, required: list[str]) -> Json:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


class Task:
    """Gives one task."""

    lane: Lane = "execute"

    def __init__(self, agents: Agents) -> None:
        self._agents = agents

    @property
    def spec(self) -> ToolSpec:
        """The agents that there are now stand in the description."""
        rows = "\n".join(f"- {agent.name}: {agent.description}" for agent in self._agents.visible())
        text = f"Give a task to an agent that works on its own and reports at its end. Agents:\n{rows}"
        return ToolSpec("task", text, _object(_ALONE, _REQUIRED))

    def subject(self, args: Json) -> str:
        return json.dumps(args, separators=(",", ":"), ensure_ascii=False)

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        parse_request(args)
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        return await context.delegate((parse_request(args),), False)


class ParallelTask:
    """Gives several tasks at once."""

    lane: Lane = "execute"

    def __init__(self) -> None:
        rows: Json = {"type": "array", "minItems": 1, "maxItems": MOST_TASKS, "items": _object(_TASK, _REQUIRED)}
        self.spec = ToolSpec(
            "parallel_task",
            "Give several independent tasks to agents that work beside each other. See task for the agents.",
            _object({"tasks": {**rows, "description": "The tasks."}}, ["tasks"]),
        )

    def subject(self, args: Json) -> str:
        return json.dumps(args, separators=(",", ":"), ensure_ascii=False)

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        _requests(args)
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        return await context.delegate(_requests(args), True)


def _requests(args: Json) -> tuple[TaskRequest, ...]:
    rows = args.get("tasks")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadRequest("Invalid task parameters: 'tasks' must be a list of tasks")
    if not rows:
        raise BadRequest("No tasks provided")
    if len(rows) > MOST_TASKS:
        raise BadRequest(f"Invalid task parameters: at most {MOST_TASKS} tasks at once, not {len(rows)}")
    return tuple(parse_request(row) for row in rows)
