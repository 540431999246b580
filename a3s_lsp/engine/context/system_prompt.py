"""The system prompt: who the agent is, how it works, and the project's own instructions."""

from __future__ import annotations

from dataclasses import dataclass

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.ports import Workspace

_ROLE = "You are a coding agent that works inside the person's editor."
_CORE = """\
You operate in an agentic loop: you call tools, read their results, and go on until the task is done.

## Core behaviour
- Read before you write; change only what the task needs; keep the style of the code around it.
- What you read is what is on the person's screen, unsaved text included. It may change while you work: if an edit is
  refused because the text changed, read it again.
- A refused call was refused by a person or by their policy. Do not look for a way around it; say what you need.

## Tools
- Prefer glob and grep to find things, read to see them, edit for small changes, replace for the same change in
  many files, write for new files, bash for commands.
- Independent calls may go into one turn.

## Verification
- Run the checks that the project has after you changed something, and report honestly what you did not check."""
_STYLE = """\
Be short. Refer to code as path:line. End with what was done and what is left."""
INSTRUCTIONS_FILE = "AGENTS.md"
_INSTRUCTIONS_LIMIT = 32 * 1024


@dataclass(frozen=True, slots=True)
class PromptSlots:
    """What the embedding program adds to, or puts in place of, the system prompt."""

    role: str | None = None
    guidelines: str | None = None
    response_style: str | None = None
    extra: str | None = None


async def system_prompt(slots: PromptSlots, workspace: Workspace) -> str:
    """The whole system prompt for a run in this workspace."""
    parts = [f"You are {slots.role}." if slots.role else _ROLE, _CORE]
    parts.append(f"## Response format\n{slots.response_style or _STYLE}")
    if slots.guidelines:
        parts.append(f"## Guidelines\n{slots.guidelines}")
    parts.append(f"Workspace: {workspace.root}")
    if instructions := await _instructions(workspace):
        parts.append(instructions)
    if slots.extra:
        parts.append(slots.extra)
    return "\n\n".join(parts)


async def _instructions(workspace: Workspace) -> str | None:
    try:
        document = await workspace.read(workspace.resolve(INSTRUCTIONS_FILE))
    except ToolError:
        return None
    text = document.text
    if len(text) > _INSTRUCTIONS_LIMIT:
        text = (
            text[:_INSTRUCTIONS_LIMIT] + f"\n[cut: {INSTRUCTIONS_FILE} is longer than {_INSTRUCTIONS_LIMIT} characters]"
        )
    source = document.path.as_uri()
    heading = f"# Project Instructions ({INSTRUCTIONS_FILE})"
    return f'<context source="{source}" type="Resource">\n{heading}\n\n{text}\n</context>'
