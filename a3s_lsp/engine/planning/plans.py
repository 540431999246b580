"""Plans as values: steps that wait for each other, and what may become of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from a3s_lsp.engine.messages import Json

PlanningMode: TypeAlias = Literal["auto", "enabled", "disabled"]
StepStatus: TypeAlias = Literal["pending", "in_progress", "completed", "failed", "skipped", "cancelled"]

MOST_STEPS = 50
STEP_RUN = "step-"
"""What the ids of the runs begin with in which steps are carried out apart."""
_PASSED: frozenset[StepStatus] = frozenset({"completed", "skipped"})
"""What a step may have become so that those that wait for it can begin."""
_ITEM = re.compile(r"\s*(?:[-*]|\d+[.)])\s+(?:\[[ xX]?\]\s*)?(\S.*)")


def plan_question(run_id: str) -> str:
    """The id of the question whether the plan of a run may be carried out."""
    return f"{run_id}.plan"


@dataclass(frozen=True, slots=True)
class PlanPolicy:
    """Whether prompts are planned. With `approval` a person sees each plan before it is carried out; `goals` has events
    told of how near its goal a run is."""

    mode: PlanningMode = "disabled"
    approval: bool = False
    goals: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan; `dependencies` are the ids of the steps that come before it."""

    id: str
    content: str
    status: StepStatus = "pending"
    tool: str | None = None
    dependencies: tuple[str, ...] = ()
    success_criteria: str | None = None

    def described(self) -> Json:
        """As a client sees it."""
        row: Json = {"id": self.id, "content": self.content, "status": self.status, "priority": "medium"}
        if self.tool is not None:
            row["tool"] = self.tool
        if self.success_criteria is not None:
            row["success_criteria"] = self.success_criteria
        if self.dependencies:
            row["dependencies"] = list(self.dependencies)
        return row


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done for a prompt. One without steps asks for nothing but an answer."""

    steps: tuple[Step, ...] = ()
    goal: str = ""
    criteria: tuple[str, ...] = ()
    """How to tell that the goal is reached."""
    complexity: str = "Simple"
    required_tools: tuple[str, ...] = ()

    def described(self) -> Json:
        """As a client sees it."""
        return {
            "complexity": self.complexity,
            "estimated_steps": len(self.steps),
            "goal": self.goal,
            "required_tools": list(self.required_tools),
            "steps": [step.described() for step in self.steps],
        }

    def text(self) -> str:
        """As a person, or the model, reads it."""
        lines = [f"Goal: {self.goal}"] if self.goal else []
        lines += [f"It is reached when: {criterion}" for criterion in self.criteria]
        return "\n".join([*lines, *(_line(self.steps, step) for step in self.steps)])


def _line(steps: Sequence[Step], step: Step) -> str:
    numbers = {each.id: number for number, each in enumerate(steps, 1)}
    before = [str(numbers[each]) for each in step.dependencies if each in numbers]
    after = f" (after {', '.join(before)})" if before else ""
    criteria = f" Done when: {step.success_criteria}" if step.success_criteria else ""
    return f"{numbers[step.id]}. {step.content}{after}{criteria}"


def ready(steps: Sequence[Step]) -> list[Step]:
    """The steps that can begin now. What a step waits for that is not in the plan does not hold it up."""
    waiting = {step.id for step in steps if step.status not in _PASSED}
    return [step for step in steps if step.status == "pending" and waiting.isdisjoint(step.dependencies)]


def with_status(steps: Sequence[Step], ids: Collection[str], status: StepStatus) -> tuple[Step, ...]:
    """The steps, some of which have come to another status."""
    return tuple(replace(step, status=status) if step.id in ids else step for step in steps)


def edited(plan: Plan, note: str) -> Plan | None:
    """The plan that a note is, if every line of it is an item of a list; None if it is a remark. Steps that stay keep
    what is known of them, new ones wait for the one before."""
    found = [_ITEM.fullmatch(line) for line in note.splitlines() if line.strip()]
    contents = [match[1].strip() for match in found if match is not None]
    if not contents or len(contents) < len(found) or len(contents) > MOST_STEPS:
        return None
    known = {step.content: step for step in plan.steps}
    steps: list[Step] = []
    for number, content in enumerate(contents, 1):
        kept = known.pop(content, None)
        before = (steps[-1].id,) if steps else ()
        steps.append(kept or Step(_fresh(f"edited-{number}", plan.steps), content, dependencies=before))
    return replace(plan, steps=tuple(steps))


def _fresh(wanted: str, taken: Sequence[Step]) -> str:
    ids = {step.id for step in taken}
    name, number = wanted, 2
    while name in ids:
        name, number = f"{wanted}-{number}", number + 1
    return name


def revised(steps: Sequence[Step], rows: Sequence[Mapping[str, object]]) -> tuple[Step, ...]:
    """The plan as it is to be from now on. What has begun stays as it is; the rest is what the rows say. ValueError if
    they say nothing that could be a plan."""
    fixed = [step for step in steps if step.status != "pending"]
    pending = {step.id: step for step in steps if step.status == "pending"}
    result = list(fixed)
    for row in rows:
        if row.get("id") in {step.id for step in fixed}:
            continue
        step = _row(row, pending, result)
        if any(each.id == step.id for each in result):
            raise ValueError(f"two steps have the id '{step.id}'")
        result.append(step)
    if len(result) > MOST_STEPS:
        raise ValueError(f"a plan has at most {MOST_STEPS} steps, and this one {len(result)}")
    return tuple(result)


def _row(row: Mapping[str, object], pending: Mapping[str, Step], before: Sequence[Step]) -> Step:
    content, status = str(row.get("content", "")).strip(), row.get("status", "pending")
    known = pending.get(str(row.get("id", "")))
    if not content and known is None:
        raise ValueError("a new step has no content")
    if status not in get_args(StepStatus):
        raise ValueError(f"there is no status '{status}'")
    # A step is begun and ended by carrying it out; of one that waits only that it need not be can be said.
    passed: StepStatus = "completed" if status == "completed" else "skipped" if status == "skipped" else "pending"
    if known is not None:
        return replace(known, content=content or known.content, status=passed)
    last = (before[-1].id,) if before else ()
    return Step(_fresh(str(row.get("id") or f"added-{len(before) + 1}"), before), content, passed, dependencies=last)
