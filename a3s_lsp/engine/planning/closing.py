"""What is told of a plan when its run ends before it: no step is left without an end."""

from __future__ import annotations

from collections.abc import Iterator

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.planning.plans import StepStatus, plan_question, with_status
from a3s_lsp.engine.state import RunState, State


def open_apart(state: State, run: RunState) -> list[RunState]:
    """The runs of steps that are carried out apart and have no end."""
    names = [begun.apart for begun in run.planning.begun.values() if begun.apart]
    return [state.runs[name] for name in names if not state.runs[name].ended]


def closing(state: State, run: RunState, ending: f.RunEnded) -> Iterator[f.Fact]:
    """The ends of the steps of a run that ends so, and of the question about its plan."""
    progress = run.planning
    if (asked := state.questions.get(plan_question(run.id))) is not None:
        yield f.QuestionAnswered(asked.call_id, asked.name, "cancelled", ending.error)
    left: StepStatus = "cancelled" if ending.status == "cancelled" else "skipped"
    cut: StepStatus = "cancelled" if ending.status == "cancelled" else "failed"
    going = progress.going
    waiting = [step.id for step in progress.steps if step.status in ("pending", "in_progress") and step not in going]
    if not going and not waiting:
        return
    steps = with_status(progress.steps, [step.id for step in going], cut)
    yield f.TasksUpdated(with_status(steps, waiting, left))
    for step in going:
        begun = progress.begun[step.id]
        yield f.StepEnded(step.id, cut, begun.number, begun.total, error=ending.error)
