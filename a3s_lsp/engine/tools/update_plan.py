"""The tool `update_plan`: the model changes what is left of its plan while it works."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, ToolSpec

_STEP: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "The id of a step of the plan; none for a new one."},
        "content": {"type": "string", "description": "What is to be done."},
        "status": {
            "type": "string",
            "enum": ["pending", "in_progress", "completed", "skipped"],
            "description": "skipped for a step that turns out not to be needed.",
        },
    },
    "required": ["content"],
    "additionalProperties": False,
}


class UpdatePlan:
    """Offered while a plan is carried out. `revise` changes the plan, and says what it is then."""

    lane: Lane = "control"
    spec = ToolSpec(
        "update_plan",
        "Change what is left of the plan, when something turned out to be needed, or not to be. Give all steps that "
        "are to follow, in order: a step that is left out is dropped. Those that have begun stay as they are.",
        {
            "type": "object",
            "properties": {"steps": {"type": "array", "items": _STEP}},
            "required": ["steps"],
            "additionalProperties": False,
        },
    )

    def __init__(self, revise: Callable[[Sequence[Mapping[str, object]]], str]) -> None:
        self._revise = revise

    def subject(self, args: Json) -> str:
        return json.dumps(args, separators=(",", ":"), ensure_ascii=False)

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        rows = args["steps"]
        assert isinstance(rows, list)
        try:
            return ToolResult(f"The plan is now:\n{self._revise(rows)}")
        except ValueError as error:
            raise ToolError(f"The plan stays as it is: {error}.", {"type": "invalid_argument"}) from None
