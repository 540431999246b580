"""The facts about plans and their steps. Part of `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.planning.plans import Plan, Step, StepStatus


@dataclass(frozen=True, slots=True)
class PlanningStarted:
    """A plan is being made for a prompt."""

    prompt: str
    type: Literal["planning_started"] = "planning_started"


@dataclass(frozen=True, slots=True)
class PromptAnalysed:
    """A model has said what kind of work a prompt asks for; it is not asked again."""

    intent: str = "GeneralPurpose"
    type: Literal["prompt_analysed"] = "prompt_analysed"


@dataclass(frozen=True, slots=True)
class GoalExtracted:
    """What a planned run is to reach."""

    description: str
    criteria: tuple[str, ...] = ()
    type: Literal["goal_extracted"] = "goal_extracted"


@dataclass(frozen=True, slots=True)
class PlanMade:
    """The plan as it was proposed; one without steps is the answer of a model that has none."""

    plan: Plan
    type: Literal["plan_made"] = "plan_made"


@dataclass(frozen=True, slots=True)
class PlanSettled:
    """The plan as it is carried out, with the message by which the model knows it."""

    plan: Plan
    text: str
    type: Literal["plan_settled"] = "plan_settled"


@dataclass(frozen=True, slots=True)
class TasksUpdated:
    """The steps have come to other statuses, or the plan has got other steps."""

    steps: tuple[Step, ...]
    type: Literal["tasks_updated"] = "tasks_updated"


@dataclass(frozen=True, slots=True)
class StepBegan:
    """A step is being carried out: in the conversation, which gets the `instruction`; in the run `apart`, which gets it
    instead and begins as the conversation stands; or, without either, by a child agent."""

    step_id: str
    description: str
    number: int
    total: int
    instruction: str = ""
    apart: str = ""
    type: Literal["step_began"] = "step_began"

    @property
    def in_line(self) -> bool:
        """Whether the conversation itself has the step."""
        return bool(self.instruction) and not self.apart


@dataclass(frozen=True, slots=True)
class StepProgressed:
    """A step that is carried out apart has had a turn, or the result of a call."""

    step_id: str
    status: str
    metadata: Json
    type: Literal["step_progressed"] = "step_progressed"


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step was carried out, with this answer, or will not be any more."""

    step_id: str
    status: StepStatus
    number: int
    total: int
    text: str = ""
    error: str | None = None
    apart: bool = False
    """Whether nobody has seen the answer yet, as that of a step that was carried out apart."""
    type: Literal["step_ended"] = "step_ended"


@dataclass(frozen=True, slots=True)
class StepsGathered:
    """The answers of steps that were carried out beside each other joined the conversation: for each its id, what was
    asked, and the answer."""

    steps: tuple[tuple[str, str, str], ...]
    type: Literal["steps_gathered"] = "steps_gathered"


@dataclass(frozen=True, slots=True)
class GoalProgressed:
    """A step of a run with a goal is done."""

    goal: str
    completed_steps: int
    total_steps: int
    type: Literal["goal_progressed"] = "goal_progressed"


@dataclass(frozen=True, slots=True)
class GoalAchieved:
    """All steps of a run with a goal are done."""

    goal: str
    total_steps: int
    duration_ms: int
    type: Literal["goal_achieved"] = "goal_achieved"


PlanningFact: TypeAlias = (
    PlanningStarted
    | PromptAnalysed
    | GoalExtracted
    | PlanMade
    | PlanSettled
    | TasksUpdated
    | StepBegan
    | StepProgressed
    | StepEnded
    | StepsGathered
    | GoalProgressed
    | GoalAchieved
)
WEIGHTY_PLANNING = PromptAnalysed, PlanMade, PlanSettled, StepBegan, StepEnded, StepsGathered


def describe_planning(fact: object) -> tuple[str, Json] | None:
    """The event of one of these facts; None for another fact."""
    match fact:
        case PlanningStarted(prompt=prompt):
            return "planning_start", {"prompt": prompt}
        case PlanMade(plan=plan):
            return "planning_end", {"estimated_steps": len(plan.steps), "plan": plan.described()}
        case TasksUpdated(steps=steps):
            return "task_updated", {"tasks": [step.described() for step in steps]}
        case StepBegan() | StepProgressed() | StepEnded():
            return _step(fact)
        case GoalExtracted(description=description, criteria=criteria):
            goal: Json = {"description": description, "success_criteria": list(criteria)}
            return "goal_extracted", {"goal": {**goal, "progress": 0.0, "achieved": False}}
        case GoalProgressed(goal=goal_text, completed_steps=done, total_steps=total):
            counts: Json = {"completed_steps": done, "total_steps": total}
            return "goal_progress", {"goal": goal_text, "progress": round(done / max(1, total), 4), **counts}
        case GoalAchieved(goal=goal_text, total_steps=total, duration_ms=duration):
            return "goal_achieved", {"goal": goal_text, "total_steps": total, "duration_ms": duration}
        case _:
            return None


def _step(fact: StepBegan | StepProgressed | StepEnded) -> tuple[str, Json]:
    match fact:
        case StepBegan(description=description):
            where: Json = {"step_id": fact.step_id, "step_number": fact.number, "total_steps": fact.total}
            return "step_start", {"description": description, **where}
        case StepProgressed(status=status, metadata=metadata):
            return "step_progress", {"step_id": fact.step_id, "status": status, "metadata": metadata}
        case StepEnded(status=status, error=error, apart=apart):
            place: Json = {"step_id": fact.step_id, "step_number": fact.number, "total_steps": fact.total}
            news: Json = {} if error is None else {"error": error}
            return "step_end", {"status": status, **place, **news, **({"text": fact.text} if apart else {})}
