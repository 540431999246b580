"""What is asked of a child, and how its answer is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from a3s_lsp.engine.delegation.rows import child_session, output_uri
from a3s_lsp.engine.delegation_facts import TaskStatus
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import ToolResult

SHOWN_CHARACTERS = 4000
_HEAD, _TAIL = 3000, 800
MOST_TASKS = 32
_FIELDS = ("agent", "description", "prompt", "background", "max_steps")


class BadRequest(ToolError):
    """The task cannot be given so."""

    def __init__(self, message: str) -> None:
        super().__init__(message, {"type": "invalid_argument"})


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """A task for an agent; `max_steps` bounds the turns of its model."""

    agent: str
    description: str
    prompt: str
    background: bool = False
    max_steps: int | None = None


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """How a task came out; `output` is whole."""

    task_id: str
    agent: str
    status: TaskStatus
    output: str

    @property
    def success(self) -> bool:
        return self.status == "completed"


def parse_request(given: Mapping[str, object]) -> TaskRequest:
    """From the arguments of the tool. Raises BadRequest."""
    unknown = [name for name in given if name not in _FIELDS]
    if unknown:
        known = ", ".join(f"`{name}`" for name in _FIELDS)
        raise BadRequest(f"Invalid task parameters: unknown field `{unknown[0]}`, expected one of {known}")
    for name in _FIELDS[:3]:
        if not isinstance(given.get(name), str):
            raise BadRequest(f"Invalid task parameters: '{name}' must be a string")
    background, steps = given.get("background", False), given.get("max_steps")
    if not isinstance(background, bool):
        raise BadRequest("Invalid task parameters: 'background' must be true or false")
    if steps is not None and (not isinstance(steps, int) or isinstance(steps, bool) or steps < 1):
        raise BadRequest("Invalid task parameters: 'max_steps' must be a positive number")
    return TaskRequest(str(given["agent"]), str(given["description"]), str(given["prompt"]), background, steps)


def excerpt(text: str) -> str:
    """The start and the end of a text that is too long to show."""
    if len(text) <= SHOWN_CHARACTERS:
        return text
    omitted = len(text[_HEAD:-_TAIL].encode(errors="replace"))
    return f"{text[:_HEAD]}\n[{omitted} bytes omitted]\n{text[-_TAIL:]}"


def metadata_of(session_id: str, outcome: TaskOutcome) -> Json:
    """What a result says about a task."""
    return {
        "agent": outcome.agent,
        "artifact_id": f"task-output:{outcome.task_id}",
        "artifact_uri": output_uri(session_id, outcome.task_id),
        "output_bytes": len(outcome.output.encode(errors="replace")),
        "session_id": child_session(outcome.task_id),
        "success": outcome.success,
        "status": outcome.status,
        "task_id": outcome.task_id,
        "truncated_for_context": len(outcome.output) > SHOWN_CHARACTERS,
    }


def told(session_id: str, outcome: TaskOutcome) -> str:
    """A task as text."""
    verb = "completed" if outcome.success else outcome.status
    return "\n".join(
        [
            f"Task {verb}: {outcome.task_id}",
            f"Agent: {outcome.agent}",
            f"Session: {child_session(outcome.task_id)}",
            f"Task ID: {outcome.task_id}",
            f"Artifact ID: task-output:{outcome.task_id}",
            f"Artifact URI: {output_uri(session_id, outcome.task_id)}",
            "Output:",
            excerpt(outcome.output),
        ]
    )


def one_result(session_id: str, outcome: TaskOutcome) -> ToolResult:
    """The result of `task`."""
    return ToolResult(told(session_id, outcome), int(not outcome.success), metadata_of(session_id, outcome))


def all_results(session_id: str, outcomes: Sequence[TaskOutcome]) -> ToolResult:
    """The result of `parallel_task`, in the order of the tasks."""
    sections = [
        f"--- Task {number} ({outcome.agent}) [{'OK' if outcome.success else 'ERR'}] ---\n{told(session_id, outcome)}\n"
        for number, outcome in enumerate(outcomes, 1)
    ]
    rows: list[object] = [{**metadata_of(session_id, each), "output": excerpt(each.output)} for each in outcomes]
    text = f"Executed {len(outcomes)} tasks in parallel:\n\n" + "\n".join(sections)
    failed = not all(outcome.success for outcome in outcomes)
    return ToolResult(text, int(failed), {"results": rows, "task_count": len(outcomes)})
