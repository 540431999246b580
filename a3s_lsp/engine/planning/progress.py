"""How far the plan of a run has come: a fold over its facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.messages import AssistantMessage, Message, UserMessage
from a3s_lsp.engine.planning import plans
from a3s_lsp.engine.planning.plans import Plan, Step


@dataclass(slots=True)
class Progress:
    """What became of the plan so far."""

    intent: str | None = None
    """The kind of work that the prompt asks for; None as long as nobody has said."""
    plan: Plan | None = None
    settled: bool = False
    """Whether it is being carried out."""
    begun: dict[str, f.StepBegan] = field(default_factory=dict)
    ended: dict[str, f.StepEnded] = field(default_factory=dict)
    last: tuple[str, ...] = ()
    """The steps that were carried out last, several if that was beside each other."""
    turns_before: int = 0
    """The turns that the run had had when the step began that the conversation has last."""
    after: bool = False
    """Whether the conversation went on after the last step."""
    _gathered: set[str] = field(default_factory=set)

    @property
    def steps(self) -> tuple[Step, ...]:
        return () if self.plan is None else self.plan.steps

    @property
    def going(self) -> list[Step]:
        """The steps that have begun and not ended."""
        return [step for step in self.steps if step.id in self.begun and step.id not in self.ended]

    @property
    def to_gather(self) -> list[Step]:
        """The steps that were carried out apart and whose answers the conversation does not have."""
        return [
            step
            for step in self.steps
            if step.id in self.ended
            and self.ended[step.id].status == "completed"
            and not self.begun[step.id].in_line
            and step.id not in self._gathered
        ]

    @property
    def ready(self) -> list[Step]:
        """The steps that can begin now. One that was to begin when the process ended is among them."""
        as_done = tuple(
            replace(step, status="pending") if step.status == "in_progress" and step.id not in self.begun else step
            for step in self.steps
        )
        return plans.ready(as_done)

    def number(self, step: Step) -> int:
        """The place of a step in the plan, from 1."""
        return 1 + [each.id for each in self.steps].index(step.id)

    def apply(self, fact: object, talk: list[Message]) -> None:
        """Fold one more fact in; what the model is to know of it joins its conversation."""
        match fact:
            case f.PromptAnalysed(intent=intent):
                self.intent = intent
            case f.PlanMade(plan=plan):
                self.plan, self.intent = plan, self.intent or "GeneralPurpose"
            case f.PlanSettled(plan=plan, text=text):
                self.plan, self.settled = plan, True
                talk.append(UserMessage(text))
            case f.TasksUpdated(steps=steps) if self.plan is not None:
                self.plan = replace(self.plan, steps=steps)
            case f.StepBegan(instruction=instruction):
                self.begun[fact.step_id] = fact
                if fact.in_line:
                    talk.append(UserMessage(instruction))
            case f.StepEnded(step_id=step_id):
                self.ended[step_id] = fact
                if step_id in self.begun and self.begun[step_id].in_line:
                    self.last = (step_id,)
            case f.Steered() | f.VerificationDemanded() if self.settled and not self.going:
                self.after = True
            case f.StepsGathered(steps=gathered):
                self._gather(gathered, talk)
            case _:
                pass

    def _gather(self, gathered: Sequence[tuple[str, str, str]], talk: list[Message]) -> None:
        self.last = tuple(step_id for step_id, _, _ in gathered)
        self._gathered.update(self.last)
        for _, instruction, text in gathered:
            talk.extend((UserMessage(instruction), AssistantMessage(text)))
