"""The tool `generate_object`: a JSON value that fits a schema, from a question to the model beside the conversation."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import cast, get_args

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.jsonschema_check import SchemaProblem
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import AskModel, Lane, ToolContext, ToolResult, ToolSpec
from a3s_lsp.engine.structured import MOST_REPAIRS, Generated, Mode, Wanted, generate, usable

DEFAULT_TIMEOUT_MS = 120_000
_LONGEST_TIMEOUT_MS = 600_000
_PROMPT_BYTES = 128 * 1024
_SYSTEM_BYTES = 32 * 1024
_LONGEST_NAME = 59
"""With `emit_` before it, a name is as long as a tool's may be."""

_DESCRIPTION = """Ask for a JSON value that fits a JSON Schema: to extract fields from text, to classify, to turn \
words into records. The answer is checked, and asked for again with its faults named. The model that is asked sees \
the prompt alone, so the prompt has to hold all that it needs."""
_PARAMETERS: Json = {
    "type": "object",
    "properties": {
        "schema": {"type": "object", "description": "The JSON Schema that the value has to fit."},
        "prompt": {"type": "string", "description": "What to generate or extract, with the text to extract it from."},
        "schema_name": {"type": "string", "description": "A short name for the value.", "default": "result"},
        "schema_description": {"type": "string", "description": "What the value stands for."},
        "system": {"type": "string", "description": "Instructions that go before the prompt."},
        "mode": {
            "type": "string",
            "enum": list(get_args(Mode)),
            "description": "How the shape is asked for; auto chooses.",
            "default": "auto",
        },
        "max_repair_attempts": {
            "type": "integer",
            "minimum": 0,
            "maximum": MOST_REPAIRS,
            "description": "How often a value that does not fit is asked for again.",
            "default": 2,
        },
        "timeout_ms": {
            "type": "integer",
            "description": "Milliseconds after which it is given up.",
            "default": DEFAULT_TIMEOUT_MS,
        },
    },
    "required": ["schema", "prompt"],
    "additionalProperties": False,
}


class GenerateObject:
    """Asks the model of the session for a value."""

    lane: Lane = "execute"

    def __init__(self) -> None:
        self.spec = ToolSpec("generate_object", _DESCRIPTION, _PARAMETERS)

    def subject(self, args: Json) -> str:
        return str(args.get("schema_name") or "result")

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        generated = await generated_object(args, context.ask_model, context.emit_whole)
        return ToolResult(generated.json(), metadata={"mode_used": generated.mode, "repair_rounds": generated.rounds})


async def generated_object(args: Json, ask: AskModel, show: Callable[[str], None]) -> Generated:
    """The value that the arguments ask for; `show` gets what there is of it as JSON. Raises ToolError."""
    wanted = await _wanted(args)
    timeout = _number(args, "timeout_ms", DEFAULT_TIMEOUT_MS)
    if not 0 < timeout <= _LONGEST_TIMEOUT_MS:
        raise _invalid(f"timeout_ms must be from 1 to {_LONGEST_TIMEOUT_MS}.")
    try:
        async with asyncio.timeout(timeout / 1000) as deadline:
            return await generate(ask, show, wanted)
    except SchemaProblem as error:
        raise ToolError(f"generate_object failed: {error}", {"type": "invalid_argument"}) from None
    except TimeoutError:
        if not deadline.expired():
            raise
        kind: Json = {"type": "timeout", "op": "generate_object", "duration_ms": timeout}
        raise ToolError(f"generate_object gave up after {timeout}ms without a value that fits.", kind) from None


async def _wanted(args: Json) -> Wanted:
    schema = args.get("schema")
    if not isinstance(schema, dict):
        raise _invalid("schema must be a JSON object: the JSON Schema that the value has to fit.")
    prompt = _text(args, "prompt", _PROMPT_BYTES)
    if not prompt.strip():
        raise _invalid("prompt must say what to generate; it is empty.")
    mode = args.get("mode", "auto")
    if mode not in get_args(Mode):
        raise _invalid(f"mode must be one of {', '.join(get_args(Mode))}, not {mode!r}.")
    repairs = _number(args, "max_repair_attempts", 2)
    if repairs < 0:
        raise _invalid(f"max_repair_attempts must be from 0 to {MOST_REPAIRS}, not {repairs}.")
    return Wanted(
        await usable(schema),
        prompt,
        re.sub(r"[^A-Za-z0-9_-]", "_", _text(args, "schema_name", _PROMPT_BYTES) or "result")[:_LONGEST_NAME],
        _text(args, "schema_description", _SYSTEM_BYTES),
        _text(args, "system", _SYSTEM_BYTES),
        cast("Mode", mode),
        min(repairs, MOST_REPAIRS),
    )


def _text(args: Json, name: str, most: int) -> str:
    value = args.get(name, "")
    if not isinstance(value, str):
        raise _invalid(f"{name} must be a string, not {type(value).__name__}.")
    if len(value.encode()) > most:
        raise _invalid(f"{name} has more than {most} bytes; make it shorter.")
    return value


def _number(args: Json, name: str, default: int) -> int:
    value = args.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _invalid(f"{name} must be an integer, not {value!r:.80}.")
    return value


def _invalid(message: str) -> ToolError:
    return ToolError(message, {"type": "invalid_argument"})
