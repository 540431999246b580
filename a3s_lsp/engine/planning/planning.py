"""The planning of one session: which prompts get a plan, and what happens before it is carried out."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import monotonic

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.config.target import OFFLINE
from a3s_lsp.engine.delegation.registry import Agents
from a3s_lsp.engine.errors import RunCancelled, RunFailed
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.loop import converse
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.planning.analysis import Analysis, analyse
from a3s_lsp.engine.planning.execution import Execution, Rooms
from a3s_lsp.engine.planning.plans import Plan, PlanPolicy, edited, plan_question
from a3s_lsp.engine.ports import Model, plans
from a3s_lsp.engine.state import RunState, State
from a3s_lsp.engine.toolcalls import put_question

QUESTION = "plan"
"""What takes the place of a tool's name where a person is asked for leave to carry out a plan."""
_PLAN = """\
[The plan for this. It is carried out step by step; you will be told when to do which. If something else turns out to be
needed, change the steps that are left with update_plan.]
{plan}"""
_NOTE = "\n[The person's note on the plan: {note}]"
_MODES = {
    "Explore": ("explore", "explore"),
    "Plan": ("planning", "plan"),
    "Verification": ("verification", "verification"),
    "CodeReview": ("code_review", "review"),
}
"""The modes that intents stand for, each with the agent whose instructions hold in it."""


class Planning:
    """The plans of one session."""

    def __init__(self, state: State, policy: PlanPolicy, agents: Agents, rooms: Rooms) -> None:
        self._state = state
        self.policy = policy
        """What is planned from the next run on."""
        self._agents = agents
        self._rooms = rooms

    @property
    def always(self) -> bool:
        """Whether each prompt gets a plan."""
        return self.policy.mode == "enabled"

    def of(self, run: RunState, model: Model) -> Callable[[Kit], Awaitable[str]] | None:
        """How this run finds its answer; None where nothing is planned."""
        if self.policy.mode == "disabled" or (self.policy.mode == "auto" and not plans(model)):
            return None
        return functools.partial(self._answer, run)

    async def _answer(self, run: RunState, kit: Kit) -> str:
        progress = run.planning
        if progress.intent is None:
            await self._analyse(run, kit)
        kit = self._in_mode(kit, progress.intent or "")
        if not progress.steps:
            return await converse(kit, run.turns)
        if not progress.settled:
            await self._settle(run, kit, progress.plan or Plan())
        begun = monotonic()
        text = await Execution(self._state, run, kit, self._rooms, goals=self.policy.goals).go()
        if self.policy.goals and (plan := progress.plan) is not None:
            kit.emit(f.GoalAchieved(plan.goal, len(plan.steps), int((monotonic() - begun) * 1000)))
        return text

    # ------------------------------------------------------------ before

    async def _analyse(self, run: RunState, kit: Kit) -> None:
        """Find out what the prompt asks for, and keep it."""
        task = await _before(kit, run.prompt)
        found = None if kit.model.name == OFFLINE else await analyse(kit, task)
        analysis = found or Analysis()
        planned = bool(analysis.plan.steps) and (self.always or analysis.requires_planning)
        plan = analysis.plan if planned else Plan()
        if planned and not self.always:
            kit.emit(f.PlanningStarted(run.prompt))
        await _after(kit, task, plan, understood=found is not None)
        if planned and self.policy.goals:
            kit.emit(f.GoalExtracted(plan.goal, plan.criteria))
        if planned or self.always:
            kit.emit(f.PlanMade(plan))
        intent = "GeneralPurpose" if planned else analysis.intent
        if intent in _MODES:
            mode, agent = _MODES[intent]
            known = self._agents.get(agent)
            kit.emit(f.AgentModeChanged(mode, agent, "" if known is None else known.description))
        kit.emit(f.PromptAnalysed(intent))
        await kit.settled()

    def _in_mode(self, kit: Kit, intent: str) -> Kit:
        """The kit with the instructions for this kind of work; what is allowed stays as it is."""
        agent = self._agents.get(_MODES[intent][1]) if intent in _MODES else None
        if agent is None or not agent.prompt:
            return kit
        return replace(kit, system=f"{kit.system}\n\n## For this request\n{agent.prompt}")

    async def _settle(self, run: RunState, kit: Kit, plan: Plan) -> None:
        """Have the plan approved where that is wanted, and begin with it. Raises RunCancelled if it is not."""
        note = await self._approval(run, kit, plan) if self.policy.approval else ""
        other = edited(plan, note)
        remark = _NOTE.format(note=note) if note and other is None else ""
        plan = plan if other is None else other
        kit.emit(f.PlanSettled(plan, _PLAN.format(plan=plan.text()) + remark))
        kit.emit(f.TasksUpdated(plan.steps))
        await kit.settled()

    async def _approval(self, run: RunState, kit: Kit, plan: Plan) -> str:
        """What the person who approves the plan says to it."""
        if kit.approver is None:
            raise RunFailed("The plan has to be approved, and there is nobody who could be asked.")
        question = f.QuestionAsked(
            plan_question(run.id),
            QUESTION,
            {"plan": plan.described()},
            "Carry out this plan?",
            plan.text(),
            timeout_ms=kit.approver.timeout_ms,
        )
        answer = await put_question(kit, kit.approver, question)
        if answer.outcome in ("approved", "expired_approved"):
            return (answer.reason or "").strip()
        said = f": {answer.reason}" if answer.reason else ""
        raise RunCancelled(f"The plan was not approved{said}.")


async def _before(kit: Kit, task: str) -> str:
    """The task as the hooks leave it. Raises RunFailed if they do not let it be planned."""
    payload: Json = {"task_description": task, "available_strategies": ["direct", "steps"], "constraints": None}
    answer = await kit.hooks.ask("pre_planning", payload)
    if answer.blocked:
        raise RunFailed(f"Planning blocked by hook: {answer.reason}")
    return str(answer.payload["task_description"])


async def _after(kit: Kit, task: str, plan: Plan, *, understood: bool) -> None:
    """Tell the hooks what was planned."""
    payload: Json = {
        "task_description": task,
        "strategy_used": "steps" if plan.steps else "direct",
        "subtasks": [step.content for step in plan.steps],
        "success": understood,
        "error": None if understood else "the model gave no plan that can be read",
    }
    await kit.hooks.tell("post_planning", payload)
