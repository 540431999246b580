"""The tool `program`: a script that uses other tools, and returns one value instead of all their outputs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, ToolSpec
from a3s_lsp.engine.program.sandbox import Outcome, Sandbox, Script
from a3s_lsp.engine.verification import Check, Report

_DESCRIPTION = """Run a JavaScript program that uses the other tools, for work with many calls whose outputs you do \
not need to read one by one. Give `source`, or the `path` of a .js or .mjs file; it defines \
`async function run(ctx, inputs)` and returns a JSON value. ctx has tool(name, args), tools.<name>(args), read(path), \
readFile(path), grep(pattern, options), glob(pattern) (a list of paths), ls(path), bash(command), git(args), \
webSearch(args), verify({command, description}); they return promises, Promise.all runs them beside each other, and a \
tool that fails says so in exitCode. console.log is shown. There are no imports, timers, files or network but through \
ctx."""
_SCHEMA: Json = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": ["script"], "description": "Always script."},
        "language": {"type": "string", "enum": ["javascript"], "description": "Always javascript."},
        "source": {"type": "string", "description": "The program."},
        "path": {"type": "string", "description": "A .js or .mjs file in the workspace, instead of source."},
        "inputs": {"type": "object", "description": "What run gets as its second argument."},
        "allowed_tools": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The tools that it may use; all but program if not given.",
        },
        "limits": {
            "type": "object",
            "description": "Bounds of this program.",
            "properties": {
                "timeoutMs": {"type": "integer", "minimum": 1, "description": "Milliseconds; 30000 if not given."},
                "maxToolCalls": {"type": "integer", "minimum": 1, "description": "Calls; 20 if not given."},
                "maxOutputBytes": {
                    "type": "integer",
                    "minimum": 1,
                    "description": "Bytes of each tool's output, and of the result; 65536 if not given.",
                },
            },
            "additionalProperties": False,
        },
    },
    "required": ["type"],
    "additionalProperties": False,
}
_VERIFY = "verify"
"""Not a tool but bash with a report; the scripts have it wherever they have bash."""
_LARGEST_SOURCE = 192 * 1024
_LARGEST_RESULT = 1024 * 1024
_LONGEST_MS = 600_000
_MOST_CALLS = 10_000
_LARGEST_OUTPUT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Limits:
    timeout_ms: int = 30_000
    max_tool_calls: int = 20
    max_output_bytes: int = 64 * 1024
    max_result_bytes: int = _LARGEST_RESULT


@dataclass(slots=True)
class _Calls:
    """What a script did with tools, in the order in which it asked."""

    rows: list[Json | None] = field(default_factory=list)

    def begin(self) -> int:
        self.rows.append(None)
        return len(self.rows) - 1

    def end(self, place: int, name: str, result: ToolResult) -> None:
        self.rows[place] = {
            "tool_name": name,
            "success": result.exit_code == 0,
            "exit_code": result.exit_code,
            "output_bytes": len(result.output.encode(errors="replace")),
            "metadata": result.metadata,
        }

    def told(self) -> str:
        lines = [f"Tool calls: {len(self.rows)}"]
        for number, row in enumerate(self.rows, 1):
            if row is None:
                lines.append(f"{number}. stopped: nobody waited for it")
                continue
            state = "ok" if row["success"] else "failed"
            numbers = f"exit_code={row['exit_code']}, output_bytes={row['output_bytes']}"
            lines.append(f"{number}. {row['tool_name']} ({state}, {numbers})")
        return "\n".join(lines)


class Program:
    """Plays a script in a sandbox; each of its calls passes the gate."""

    lane: Lane = "execute"
    spec = ToolSpec("program", _DESCRIPTION, _SCHEMA)

    def __init__(self) -> None:
        self._sandbox = Sandbox()

    def subject(self, args: Json) -> str:
        return json.dumps(args, separators=(",", ":"), ensure_ascii=False)

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        _checked_kind(args)
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        _checked_kind(args)
        limits = _limits(args.get("limits"))
        source = await _source(args, context)
        script = Script(source, _inputs(args), _tools(args, context), limits.max_tool_calls, limits.timeout_ms)
        calls = _Calls()

        async def call(name: str, given: Json) -> Json:
            place = calls.begin()
            if name not in script.tools:  # the script's own world says so first; this is what counts
                return {"name": name, "output": f"tool '{name}' is not allowed", "exitCode": 1, "metadata": None}
            result = await (_verified(context, given) if name == _VERIFY else context.call(name, given))
            calls.end(place, name, result)
            output = _cut(result.output, limits.max_output_bytes)
            return {"name": name, "output": output, "exitCode": result.exit_code, "metadata": result.metadata}

        outcome = await self._sandbox.play(script, call, context.environment)
        return _result(outcome, calls, limits)


def _result(outcome: Outcome, calls: _Calls, limits: _Limits) -> ToolResult:
    console = "\n\nConsole:\n" + "\n".join(outcome.log) if outcome.log else ""
    console = _cut(console, limits.max_output_bytes)
    if outcome.error is not None:
        done = f"\n\n{calls.told()}" if calls.rows else ""
        return ToolResult(f"{outcome.error}{done}{console}", 1)
    shown = json.dumps(outcome.value, indent=2, sort_keys=True, ensure_ascii=False)
    size = len(shown.encode(errors="replace"))
    if size > limits.max_result_bytes:
        most = limits.max_result_bytes
        advice = f"the result has {size} bytes, more than {most}: return less, or write it to a file."
        return ToolResult(f"program script error:\n{advice}\n\n{calls.told()}{console}", 1)
    program: Json = {
        "language": "javascript",
        "name": "script",
        "runtime": "embedded-quickjs",
        "success": True,
        "tool_calls": [row for row in calls.rows if row is not None],
    }
    text = f"Program script completed.\n\n{calls.told()}\n\nResult:\n{shown}{console}"
    return ToolResult(text, metadata={"program": program, "script_result": outcome.value})


async def _verified(context: ToolContext, args: Json) -> ToolResult:
    """Run a command that checks something, and have what it says kept as a report."""
    command = args.get("command")
    if not isinstance(command, str):
        return ToolResult("verify needs a command.", 1, error_kind={"type": "invalid_argument"})
    result = await context.call("bash", {"command": command})
    passed = result.exit_code == 0
    risk = None if passed else f"verification command failed: {command}"
    subject = str(args.get("subject", "program"))
    check = Check(
        str(args.get("id", command)),
        str(args.get("kind", "custom")),
        str(args.get("description", command)),
        "passed" if passed else "failed",
        args.get("required", True) is True,
        ("bash",),
        residual_risk=risk,
    )
    context.report(Report.of(subject, (check,)))
    return result


def _checked_kind(args: Json) -> None:
    kind, language = args.get("type"), args.get("language", "javascript")
    if kind != "script":
        raise ToolError(f"Unsupported program type {kind!r}: it must be script.", {"type": "invalid_argument"})
    if language != "javascript":
        raise ToolError(
            f"Unsupported script language {language!r}: it must be javascript.", {"type": "invalid_argument"}
        )


async def _source(args: Json, context: ToolContext) -> str:
    source, path = args.get("source"), args.get("path")
    if source is None and path is None:
        raise ToolError("program script requires either source or path", {"type": "invalid_argument"})
    if source is None:
        if not isinstance(path, str) or not path.endswith((".js", ".mjs")):
            raise ToolError("program script path must point to a .js or .mjs file", {"type": "invalid_argument"})
        try:
            source = (await context.workspace.read(context.workspace.resolve(path))).text
        except ToolError as error:
            raise ToolError(f"failed to read script path '{path}': {error}", error.kind) from error
    if not isinstance(source, str):
        raise ToolError("source parameter must be a string.", {"type": "invalid_argument"})
    if (size := len(source.encode(errors="replace"))) > _LARGEST_SOURCE:
        raise ToolError(f"The script has {size} bytes, more than {_LARGEST_SOURCE}: give what is data as inputs.")
    return source


def _inputs(args: Json) -> Json:
    inputs = args.get("inputs")
    if inputs is not None and not isinstance(inputs, dict):
        raise ToolError("inputs parameter must be an object.", {"type": "invalid_argument"})
    return inputs or {}


def _tools(args: Json, context: ToolContext) -> tuple[str, ...]:
    allowed = args.get("allowed_tools")
    if allowed is not None and (not isinstance(allowed, list) or not all(isinstance(name, str) for name in allowed)):
        raise ToolError("allowed_tools parameter must be a list of names.", {"type": "invalid_argument"})
    names = [name for name in context.tools if name != "program" and (allowed is None or name in allowed)]
    return (*names, _VERIFY) if "bash" in names else tuple(names)


def _limits(given: object) -> _Limits:
    if given is None:
        return _Limits()
    if not isinstance(given, dict):
        raise ToolError("limits parameter must be an object.", {"type": "invalid_argument"})
    default = _Limits()
    output = _limit(given, "maxOutputBytes", default.max_output_bytes, _LARGEST_OUTPUT)
    return _Limits(
        _limit(given, "timeoutMs", default.timeout_ms, _LONGEST_MS),
        _limit(given, "maxToolCalls", default.max_tool_calls, _MOST_CALLS),
        output,
        output if "maxOutputBytes" in given else default.max_result_bytes,
    )


def _limit(given: Json, name: str, default: int, most: int) -> int:
    value = given.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ToolError(f"limits.{name} must be a whole number from 1 to {most}.", {"type": "invalid_argument"})
    return value


def _cut(text: str, most: int) -> str:
    data = text.encode(errors="replace")
    if len(data) <= most:
        return text
    return data[:most].decode(errors="ignore") + f"\n[cut: {len(data) - most} more bytes]"
