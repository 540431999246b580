"""A plan being carried out: step after step, those that wait for nothing beside each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.delegation.child import progress_of
from a3s_lsp.engine.errors import A3SError, RunFailed
from a3s_lsp.engine.kit import Kit, nothing_missing, nothing_to_tell
from a3s_lsp.engine.loop import converse
from a3s_lsp.engine.messages import ToolCall
from a3s_lsp.engine.planning.plans import STEP_RUN, Step, revised, with_status
from a3s_lsp.engine.policy.verdicts import Allow, CallFacts, Verdict
from a3s_lsp.engine.state import RunState, State
from a3s_lsp.engine.tools.update_plan import UpdatePlan

DELEGATED = frozenset({"task", "parallel_task"})
"""The tools that make a step one of another agent."""
_AGENT = "general"
_OF_THE_CONVERSATION = (
    f.TurnStarted,
    f.TextStreamed,
    f.ReasoningStreamed,
    f.CallAnnounced,
    f.InputStreamed,
    f.TurnEnded,
    f.OutputStreamed,
    f.ObjectStreamed,
    f.CallEnded,
    f.Continued,
    f.ModelRetried,
    f.AsideAnswered,
    f.Compacted,
)
"""What belongs to the run of a step that is carried out apart; all else is of the run that has the plan."""
_CUT = " An earlier attempt at it was cut: look at what it may have done before you repeat it."


@dataclass(frozen=True, slots=True)
class Rooms:
    """What steps need of their session: appending a fact to a run, making the conversation of a run shorter, and how
    many steps may go on at once."""

    record: Callable[[f.Fact, str], None]
    make_room: Callable[[Kit, str], Awaitable[None]]
    most: int


class Execution:
    """One plan being carried out by one run. Whatever was done before, in another process too, is not done again."""

    def __init__(self, state: State, run: RunState, kit: Kit, rooms: Rooms, *, goals: bool) -> None:
        self._state = state
        self._run = run
        self._progress = run.planning
        self._kit = kit
        self._rooms = rooms
        self._goals = goals
        self._announced: set[str] = set()
        self._free = asyncio.Semaphore(max(1, rooms.most))
        self._in_step = replace(
            kit,
            unverified=nothing_missing,
            tools=kit.tools.beside(UpdatePlan(self._revise)),
            judge=self._judge,
        )

    async def go(self) -> str:
        """Carry out what is left of the plan; the answer. Raises what the first step raised that failed."""
        while wave := self._next():
            await self._carry_out(wave)
        stuck = [step.id for step in self._progress.steps if step.status == "pending"]
        if stuck:
            raise RunFailed(f"The plan cannot go on: its steps {', '.join(stuck)} wait for each other.")
        return await self._finished()

    def _next(self) -> list[Step]:
        """The steps that go on, or else those that can begin. RunFailed if one has failed already."""
        progress = self._progress
        failed = next((end for end in progress.ended.values() if end.status == "failed"), None)
        if failed is not None:
            raise RunFailed(failed.error or f"Step {failed.number} of the plan failed.")
        if not progress.going:
            self._gather()
        return progress.going or progress.ready

    async def _carry_out(self, wave: Sequence[Step]) -> None:
        one = wave[0]
        alone = len(wave) == 1 and not self._is_delegated(one)
        begun = self._progress.begun.get(one.id)
        if alone if begun is None else begun.in_line:
            await self._in_line(one)
        else:
            await self._beside(wave)

    # ------------------------------------------------------------ one after the other

    async def _in_line(self, step: Step) -> None:
        if step.id not in self._progress.begun:
            self._begin([step], in_line=True)
        self._end(step, await converse(self._in_step, self._run.turns, self._progress.turns_before))
        await self._kit.settled()

    def _begin(self, wave: Sequence[Step], *, in_line: bool = False) -> None:
        self._move([step.id for step in wave], "in_progress")
        for step in wave:
            given = self._is_delegated(step)
            apart = "" if in_line or given else f"{STEP_RUN}{self._run.id}.{step.id}"
            text = "" if given else self._instruction(step)
            self._kit.emit(f.StepBegan(step.id, step.content, *self._place(step), text, apart))

    def _end(self, step: Step, text: str) -> None:
        self._move([step.id], "completed")
        apart = not self._progress.begun[step.id].in_line
        self._kit.emit(f.StepEnded(step.id, "completed", *self._place(step), text, apart=apart))
        if self._goals and (plan := self._progress.plan) is not None:
            done = [each for each in plan.steps if each.status == "completed"]
            self._kit.emit(f.GoalProgressed(plan.goal, len(done), len(plan.steps)))

    def _fail(self, step: Step, error: A3SError) -> None:
        self._move([step.id], "failed")
        self._kit.emit(f.StepEnded(step.id, "failed", *self._place(step), error=str(error)))

    def _move(self, ids: Sequence[str], status: f.StepStatus) -> None:
        self._kit.emit(f.TasksUpdated(with_status(self._progress.steps, ids, status)))

    def _place(self, step: Step) -> tuple[int, int]:
        """Its number, and how many there are; what was said at its beginning holds."""
        if (begun := self._progress.begun.get(step.id)) is not None:
            return begun.number, begun.total
        return self._progress.number(step), len(self._progress.steps)

    def _instruction(self, step: Step) -> str:
        criteria = f" It is done when: {step.success_criteria}" if step.success_criteria else ""
        number, total = self._place(step)
        return f"Step {number} of {total}: {step.content}{criteria}\nDo this step now, and only this one."

    # ------------------------------------------------------------ beside each other

    async def _beside(self, wave: Sequence[Step]) -> None:
        before = frozenset(self._progress.begun)
        self._begin([step for step in wave if step.id not in before])
        await self._kit.settled()
        ends = await asyncio.gather(*(self._apart(step, step.id in before) for step in wave), return_exceptions=True)
        self._gather()
        await self._kit.settled()
        for end in ends:
            if end is not None:
                raise end

    def _gather(self) -> None:
        """Let the conversation have the answers of steps that were carried out apart, in the order of the plan."""
        if done := self._progress.to_gather:
            ended = self._progress.ended
            self._kit.emit(f.StepsGathered(tuple((s.id, self._instruction(s), ended[s.id].text) for s in done)))

    async def _apart(self, step: Step, again: bool) -> None:
        """Carry out one step apart from the others; told as failed before it raises that it did."""
        async with self._free:
            try:
                run_id = self._progress.begun[step.id].apart
                text = await (self._converse(step, run_id) if run_id else self._delegate(step, again))
            except A3SError as error:
                self._fail(step, error)
                raise
            self._end(step, text)

    async def _converse(self, step: Step, run_id: str) -> str:
        own = self._state.runs[run_id]

        def record(fact: f.Fact) -> None:
            if isinstance(fact, f.CallAnnounced):  # no other step that is going may have a call of this name
                self._announced.add(fact.call_id)
            if not own.ended:  # a run that was slow to stop has nothing more to say
                self._rooms.record(fact, run_id)

        kit = replace(
            self._kit,
            conversation=lambda: self._state.conversation(run_id),
            call_ids=lambda: {*self._kit.call_ids(), *self._announced},
            steering=tuple,
            seen=None if self._kit.seen is None else self._kit.seen.copy(),
            course=own.course,
            review=nothing_to_tell,
            unverified=nothing_missing,
            make_room=lambda kit: self._rooms.make_room(kit, run_id),
            emit=_routed(step, self._progress.number(step), record, self._kit.emit),
        )
        try:
            text = await converse(kit, own.turns)
        except A3SError as error:
            record(f.RunEnded("failed", own.partial, str(error), own.usage))
            raise
        record(f.RunEnded("completed", text, usage=own.usage))
        return text

    def _is_delegated(self, step: Step) -> bool:
        return step.tool in DELEGATED and self._kit.tools.get("task") is not None

    async def _delegate(self, step: Step, again: bool) -> str:
        """Have a child agent do the step, through the same gate as any other call."""
        plan = self._progress.plan
        known = [f"{each.content}\n{self._progress.ended[each.id].text}" for each in self._done_before(step)]
        parts = [f"The whole of the work: {plan.goal}" if plan is not None and plan.goal else "", *known]
        parts.append(f"Your part: {self._instruction(step)}{_CUT if again else ''}")
        prompt = "\n\n".join(part for part in parts if part)
        call = self._kit.inner(self._kit, ToolCall(f"{self._run.id}.{step.id}", "plan", "{}"))
        result = await call("task", {"agent": _AGENT, "description": step.content[:120], "prompt": prompt})
        if result.exit_code:
            number = self._progress.number(step)
            raise RunFailed(f"The agent that had step {number} of the plan failed. {result.output}")
        return result.output.partition("\nOutput:\n")[2] or result.output

    def _done_before(self, step: Step) -> list[Step]:
        steps = self._progress.steps
        return [each for each in steps if each.id in step.dependencies and each.id in self._progress.ended]

    # ------------------------------------------------------------ while, and after

    def _judge(self, call: CallFacts) -> Verdict:
        """What the policy says. Noting down a plan does nothing: each of its steps meets the policy by itself."""
        return Allow() if call.name == UpdatePlan.spec.name else self._kit.judge(call)

    def _revise(self, rows: Sequence[Mapping[str, object]]) -> str:
        """Change what is left of the plan; the plan as text. ValueError if that is no plan."""
        steps = revised(self._progress.steps, rows)
        self._kit.emit(f.TasksUpdated(steps))
        return "\n".join(f"{number}. [{step.status}] {step.content}" for number, step in enumerate(steps, 1))

    async def _finished(self) -> str:
        """The answer, after what the person said meanwhile, and what has to be verified yet."""
        if not self._progress.after and not self._kit.steering():
            if (demand := await self._kit.unverified()) is None:
                return self._answer()
            self._kit.emit(demand)
        return await converse(self._kit, self._run.turns, self._progress.turns_before)

    def _answer(self) -> str:
        """What the last step said; of several that ended together, what each did, under its name."""
        ends = [self._progress.ended[step_id] for step_id in self._progress.last]
        if len(ends) == 1:
            return ends[0].text
        contents = {step.id: step.content for step in self._progress.steps}
        return "\n\n".join(f"## {contents[end.step_id]}\n\n{end.text}" for end in ends)


def _routed(
    step: Step, number: int, to_step: Callable[[f.Fact], None], to_run: Callable[[f.Fact], None]
) -> Callable[[f.Fact], None]:
    """Where the facts of a step go that is carried out apart: its conversation to a run of its own, all else to the run
    that has the plan, with the step's name in questions, and a word of progress beside each turn and call."""

    def emit(fact: f.Fact) -> None:
        match fact:
            case f.QuestionAsked(title=title):
                to_run(replace(fact, title=f"Step {number}: {title}"))
            case _ if isinstance(fact, _OF_THE_CONVERSATION):
                to_step(fact)
            case _:
                to_run(fact)
        if (progress := progress_of(fact)) is not None:
            to_run(f.StepProgressed(step.id, *progress))

    return emit
