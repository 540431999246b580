"""The tool `batch`: several calls as one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, ToolSpec

_MOST = 32
_DESCRIPTION = f"""Use up to {_MOST} tools in one call. Those that only read run at the same time, the others one \
after another; each needs the same leave as a call of its own. The results come in order, under headings; a failure is \
marked with ERROR and does not stop the others."""
_INVOCATION: Json = {
    "type": "object",
    "properties": {
        "tool": {"type": "string", "description": "The name of the tool."},
        "args": {"type": "object", "description": "Its arguments."},
    },
    "required": ["tool", "args"],
    "additionalProperties": False,
}
_PARAMETERS: Json = {
    "type": "object",
    "properties": {
        "invocations": {
            "type": "array",
            "items": _INVOCATION,
            "minItems": 1,
            "maxItems": _MOST,
            "description": "The calls, in order.",
        }
    },
    "required": ["invocations"],
    "additionalProperties": False,
}


class Batch:
    """Makes several calls, each of which is governed as if it stood alone."""

    lane: Lane = "execute"

    def __init__(self) -> None:
        self.spec = ToolSpec("batch", _DESCRIPTION, _PARAMETERS)

    def subject(self, args: Json) -> str:
        """The names of the tools."""
        given = args.get("invocations")
        items = given if isinstance(given, list) else []
        return ", ".join(str(item.get("tool")) for item in items if isinstance(item, Mapping))

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        invocations = _checked(args["invocations"])
        results = await _all_made(context, invocations)
        sections = [_section(number, *each) for number, each in enumerate(zip(invocations, results, strict=True), 1)]
        failed = any(result.exit_code != 0 for result in results)
        images = tuple(image for result in results for image in result.attachments)
        return ToolResult("".join(sections), int(failed), attachments=images)


async def _all_made(context: ToolContext, invocations: Sequence[tuple[str, Json]]) -> list[ToolResult]:
    tasks = [asyncio.ensure_future(context.call(tool, args)) for tool, args in invocations]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _section(number: int, invocation: tuple[str, Json], result: ToolResult) -> str:
    failure = "" if result.exit_code == 0 else "ERROR: "
    ending = "" if result.output.endswith("\n") else "\n"
    return f"--- [{number}: {invocation[0]}] ---\n{failure}{result.output}{ending}\n"


def _checked(given: object) -> Sequence[tuple[str, Json]]:
    """The calls. Raises ToolError."""
    if not isinstance(given, list):
        raise _invalid(f"invocations parameter must be a list of calls, not {type(given).__name__}.")
    if not given:
        raise _invalid("invocations array must not be empty")
    if len(given) > _MOST:
        raise _invalid(f"{len(given)} invocations are too many: at most {_MOST} go into one batch.")
    return [_invocation(number, item) for number, item in enumerate(given, 1)]


def _invocation(number: int, item: object) -> tuple[str, Json]:
    match item:
        case {"tool": "batch"}:
            raise _invalid("nested batch calls are not allowed")
        case {"tool": str(tool), **rest}:
            args = rest.get("args")
            if not isinstance(args, Mapping | None):
                raise _invalid(f"args of invocation {number} must be an object.")
            return tool, _json(number, args or {})
        case _:
            raise _invalid(f"invocation {number} must be an object with tool, a string, and args, an object.")


def _json(number: int, args: Mapping[str, object]) -> Json:
    try:
        json.dumps(args)
    except (TypeError, ValueError, RecursionError) as error:
        raise _invalid(f"args of invocation {number} are not JSON ({error}).") from None
    return dict(args)


def _invalid(message: str) -> ToolError:
    return ToolError(message, {"type": "invalid_argument"})
