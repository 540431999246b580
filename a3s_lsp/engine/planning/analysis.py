"""The question before a prompt is answered: what kind of work it is, and in which steps it is to be done."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from a3s_lsp.engine.asides import ask_aside
from a3s_lsp.engine.errors import ModelError
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.messages import AssistantMessage, Message, UserMessage
from a3s_lsp.engine.planning.plans import MOST_STEPS, Plan, Step
from a3s_lsp.engine.ports import Chunk, ModelRequest
from a3s_lsp.engine.structured_json import find

Intent: TypeAlias = Literal["GeneralPurpose", "Plan", "Explore", "Verification", "CodeReview"]

PURPOSE = "planning"
_SECONDS = 60
_MOST_EARLIER = 6
_MOST_CHARACTERS = 1000
"""Of one text: of what was said before, and of what is said of a step."""
_SYSTEM = """\
You look at a request to a coding agent before the agent begins. Answer with one JSON object and nothing else:

{{
  "intent": "GeneralPurpose" | "Plan" | "Explore" | "Verification" | "CodeReview",
  "requires_planning": true | false,
  "goal": {{"description": "…", "success_criteria": ["…"]}},
  "execution_plan": {{
    "complexity": "Simple" | "Medium" | "Complex" | "VeryComplex",
    "required_tools": ["…"],
    "steps": [
      {{"id": "s1", "description": "…", "tool": "…" | null, "dependencies": [], "success_criteria": "…"}}
    ]
  }}
}}

- intent: Explore only looks, Plan only works out what to do, Verification runs checks, CodeReview judges code;
  everything else is GeneralPurpose.
- requires_planning: true only for work with several parts that is worth more than a few calls of tools. A question, a
  small change, or one command needs no plan; then steps is [].
- A step is one piece of work that can be told when it is done. dependencies has the ids of the steps whose results it
  needs. Steps that could change the same files, or whose commands could get into each other's way, depend on each
  other; steps that are independent run at the same time.
- tool is the main tool of a step, one of: {tools}. With "task" another agent does the step on its own.
- At most {most} steps, and as few as will do. Plan what was asked for and nothing more."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was said of a prompt."""

    intent: Intent = "GeneralPurpose"
    requires_planning: bool = False
    plan: Plan = field(default_factory=Plan)


async def analyse(kit: Kit, task: str) -> Analysis | None:
    """What the model says of the task, with what was said before it; None if there is nothing to be had of it. Raises
    LimitReached if nothing may be spent."""
    system = _SYSTEM.format(tools=", ".join(kit.tools.names()), most=MOST_STEPS)
    request = ModelRequest(system, (UserMessage(_asked(kit.conversation(), task)),), temperature=kit.temperature)
    try:
        async with asyncio.timeout(_SECONDS):
            said = await ask_aside(kit, PURPOSE, request, _unseen)
    except (ModelError, TimeoutError):
        return None  # the turn that follows meets the same trouble, and tells of it
    try:
        return read_analysis(await asyncio.to_thread(find, said.text))
    except ValueError:
        return None


def _unseen(chunk: Chunk) -> None:
    """Show nothing of it."""


def _asked(conversation: Sequence[Message], task: str) -> str:
    lines = [line for message in conversation[:-1][-_MOST_EARLIER:] if (line := _earlier(message))]
    return "\n\n".join([*(["Said before:", *lines, "The request:"] if lines else []), task])


def _earlier(message: Message) -> str:
    match message:
        case UserMessage(text=text):
            return f"PERSON: {text[:_MOST_CHARACTERS]}"
        case AssistantMessage(text=text) if text:
            return f"AGENT: {text[:_MOST_CHARACTERS]}"
        case _:
            return ""


def read_analysis(said: object) -> Analysis:
    """From the value that a model gave. ValueError if it is no such value; what is merely missing is taken as said."""
    if not isinstance(said, dict):
        raise ValueError("it is no object")
    goal, drafted = _object(said.get("goal")), _object(said.get("execution_plan"))
    plan = Plan(
        _steps(drafted.get("steps")),
        _text(goal.get("description")),
        _texts(goal.get("success_criteria")),
        _text(drafted.get("complexity")) or "Simple",
        _texts(drafted.get("required_tools")),
    )
    return Analysis(_intent(said.get("intent")), said.get("requires_planning") is True, plan)


def _intent(said: object) -> Intent:
    known: tuple[Intent, ...] = get_args(Intent)
    return next((intent for intent in known if intent == said), "GeneralPurpose")


def _steps(said: object) -> tuple[Step, ...]:
    rows = [row for row in said if isinstance(row, dict)] if isinstance(said, list) else []
    if len(rows) > MOST_STEPS:
        raise ValueError(f"a plan has at most {MOST_STEPS} steps, and this one {len(rows)}")
    steps: list[Step] = []
    for number, row in enumerate(rows, 1):
        content = _text(row.get("description")) or _text(row.get("content"))
        if content:
            steps.append(
                Step(
                    _free(_text(row.get("id")) or f"step-{number}", [step.id for step in steps]),
                    content,
                    tool=_text(row.get("tool")) or None,
                    dependencies=_texts(row.get("dependencies")),
                    success_criteria="; ".join(_texts(row.get("success_criteria"))) or None,
                )
            )
    return tuple(steps)


def _free(wanted: str, taken: Collection[str]) -> str:
    if wanted not in taken:
        return wanted
    return next(name for n in range(2, MOST_STEPS + 2) if (name := f"{wanted}-{n}") not in taken)


def _object(said: object) -> dict[str, object]:
    return said if isinstance(said, dict) else {}


def _text(said: object, most: int = _MOST_CHARACTERS) -> str:
    """Also of a number, which models like to give for an id."""
    return str(said).strip()[:most] if isinstance(said, str | int) and not isinstance(said, bool) else ""


def _texts(said: object) -> tuple[str, ...]:
    rows = said if isinstance(said, list) else [said]
    return tuple(text for row in rows if (text := _text(row)))
