"""Giving tasks to child agents: begun, followed, stopped, and told."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.delegation.agents import Agent
from a3s_lsp.engine.delegation.child import narrowed, routed, unknown_agent
from a3s_lsp.engine.delegation.depth import deeper
from a3s_lsp.engine.delegation.registry import Agents
from a3s_lsp.engine.delegation.requests import TaskOutcome, TaskRequest, all_results, excerpt, one_result
from a3s_lsp.engine.delegation.rows import CHILD_RUN, TaskRow, output_uri
from a3s_lsp.engine.delegation_facts import DelegationFact, SubagentEnded, SubagentStarted
from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.journal import Journal
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Model, ToolResult
from a3s_lsp.engine.run import Run


@dataclass(frozen=True, slots=True)
class Household:
    """What children need of their session."""

    record: Callable[[f.Fact, str | None], None]
    """Append a fact to a run, or with None to no run."""
    new_run: Callable[[str, int], Run]
    """A run of this id with at most so many turns, which waits for no other."""
    kit_of: Callable[[Run, str], Awaitable[Kit]]
    """What belongs to a run by itself, with these instructions."""
    open_model: Callable[[str], Awaitable[Model]]
    direct_kit: Callable[[], Kit]
    """The parent of children that the program itself sends."""


class Delegation:
    """The tasks of one session. At most `most` children work at once; others wait."""

    def __init__(self, journal: Journal, agents: Agents, household: Household, most: int) -> None:
        self.agents = agents
        self._journal = journal
        self._house = household
        self._room = asyncio.Semaphore(max(1, most))
        self._runs: dict[str, Run] = {}
        self._announced: set[str] = set()
        self._background: dict[str, asyncio.Task[TaskOutcome]] = {}

    def check(self, request: TaskRequest) -> Agent:
        """The agent of a request. Raises ToolError if there is none."""
        agent = self.agents.get(request.agent)
        if agent is None:
            raise unknown_agent(request.agent, [each.name for each in self.agents.visible()])
        return agent

    async def give(self, request: TaskRequest, parent: Kit | None = None, call_id: str = "") -> TaskOutcome:
        """Give a task, and wait for its end. Cancelled, it stops the child first. Raises ToolError for an agent that
        is not there."""
        return await self.employ(self.check(request), request, parent, call_id)

    async def employ(
        self, agent: Agent, request: TaskRequest, parent: Kit | None = None, call_id: str = ""
    ) -> TaskOutcome:
        """Give a task to this very agent, and wait for its end. Cancelled, it stops the child first."""
        task_id = _new_id()
        kit = parent or self._house.direct_kit()
        told = kit.emit if parent is not None else self._outside
        return await self._work(task_id, agent, request, kit, told, call_id)

    def begin(self, request: TaskRequest, parent: Kit | None = None, call_id: str = "") -> str:
        """Give a task without waiting; its id. Raises ToolError for an agent that is not there."""
        agent = self.check(request)
        task_id = _new_id()
        kit = parent or self._house.direct_kit()
        work = self._work(task_id, agent, replace(request, background=True), kit, self._outside, call_id)
        task = asyncio.get_running_loop().create_task(work, name=f"background {task_id}")
        self._background[task_id] = task
        task.add_done_callback(lambda _: self._background.pop(task_id, None))
        return task_id

    async def give_all(
        self, requests: Sequence[TaskRequest], parent: Kit | None = None, call_id: str = ""
    ) -> list[TaskOutcome]:
        """Give several tasks at once; how each came out, in their order."""

        async def one(request: TaskRequest) -> TaskOutcome:
            try:
                return await self.give(request, parent, call_id)
            except A3SError as error:
                return TaskOutcome(_new_id(), request.agent, "failed", str(error))

        return list(await asyncio.gather(*map(one, requests)))

    async def cancel(self, task_id: str) -> bool:
        """Stop a task. False if it is not going."""
        run, waiting = self._runs.get(task_id), self._background.get(task_id)
        if run is not None:
            return await run.cancel()
        return waiting is not None and waiting.cancel()

    def steer(self, task_id: str, text: str) -> bool:
        """Give a child one more message between two of its turns. False if it is not going."""
        run = self._runs.get(task_id)
        return run is not None and run.steer(text)

    async def stop(self) -> bool:
        """Stop all that goes on in the background. True if there was something."""
        going = list(self._background.values())
        await asyncio.gather(*(run.cancel() for run in list(self._runs.values())))
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)
        return bool(going)

    def settle(self) -> None:
        """End the children of a process that is gone: their calls are told as interrupted."""
        for state in list(self._journal.state.runs.values()):
            if state.id.startswith(CHILD_RUN) and not state.ended and state.id not in self._runs:
                self._house.new_run(state.id, 1).abandon()
                row = self._journal.state.tasks.rows.get(state.id)
                if row is not None and row.ended_ms is None:
                    self._outside(SubagentEnded(row.id, row.agent, "Interrupted: its process ended.", "failed"))

    async def answer(
        self, parent: Kit | None, call_id: str, requests: Sequence[TaskRequest], *, together: bool
    ) -> ToolResult:
        """The result of a call that gives tasks. Raises ToolError."""
        session_id = self._journal.session_id
        if together:
            return all_results(session_id, await self.give_all(requests, parent, call_id))
        [request] = requests
        if request.background:
            return ToolResult(f"Task started in background. Task ID: {self.begin(request, parent, call_id)}")
        return one_result(session_id, await self.give(request, parent, call_id))

    # ------------------------------------------------------------ looking

    def rows(self) -> list[TaskRow]:
        """All tasks, oldest first."""
        return list(self._journal.state.tasks.rows.values())

    async def outcome(self, task_id: str) -> TaskOutcome:
        """How a task came out, once it has. A3SError if there is no such task."""
        waiting = self._background.get(task_id)
        if waiting is not None:
            await asyncio.wait({waiting})
        row = self._journal.state.tasks.rows.get(task_id)
        if row is None:
            raise A3SError(f"There is no task {task_id}. Known are: {', '.join(r.id for r in self.rows()) or 'none'}.")
        status = row.status if row.status in ("completed", "cancelled") else "failed"
        return TaskOutcome(row.id, row.agent, status, self._whole(row))  # type: ignore[arg-type]  # one of the three

    def artifact(self, uri: str) -> Json | None:
        """The whole output of a task by its address."""
        row = next((row for row in self.rows() if output_uri(self._journal.session_id, row.id) == uri), None)
        if row is None or row.ended_ms is None:
            return None
        content = self._whole(row)
        size = len(content.encode(errors="replace"))
        shown = len(excerpt(content).encode(errors="replace"))
        names: Json = {"artifact_id": f"task-output:{row.id}", "artifact_uri": uri, "tool_name": "task"}
        return {**names, "content": content, "original_bytes": size, "shown_bytes": shown}

    def _whole(self, row: TaskRow) -> str:
        run = self._journal.state.runs.get(row.id)
        return row.output if run is None or run.text is None else run.text

    # ------------------------------------------------------------ working

    async def _work(
        self,
        task_id: str,
        agent: Agent,
        request: TaskRequest,
        parent: Kit,
        told: Callable[[f.Fact], None],
        call_id: str,
    ) -> TaskOutcome:
        told(
            SubagentStarted(
                task_id, agent.name, request.description, call_id, request.background, self._journal.session_id
            )
        )
        outcome = TaskOutcome(task_id, agent.name, "cancelled", "The task was stopped before it began.")
        try:
            async with self._room:
                outcome = await self._followed(task_id, agent, request, parent, told, call_id)
        except A3SError as error:
            outcome = TaskOutcome(task_id, agent.name, "failed", str(error))
        finally:
            self._runs.pop(task_id, None)
            told(SubagentEnded(task_id, agent.name, excerpt(outcome.output), outcome.status))
        return outcome

    async def _followed(
        self,
        task_id: str,
        agent: Agent,
        request: TaskRequest,
        parent: Kit,
        told: Callable[[f.Fact], None],
        call_id: str,
    ) -> TaskOutcome:
        model = None if agent.model is None else await self._house.open_model(agent.model)
        steps = request.max_steps or agent.max_steps

        async def kit(run: Run) -> Kit:
            def to_child(fact: f.Fact) -> None:
                if isinstance(fact, f.CallAnnounced):  # no other child that is going may have a call of this name
                    self._announced.add(fact.call_id)
                if not run.state.ended:  # a run that was slow to stop has nothing more to say
                    self._house.record(fact, run.id)

            own = await self._house.kit_of(run, agent.prompt)
            emit = routed(task_id, agent, to_child, told)
            own = replace(
                own,
                model=model or own.model,
                emit=emit,
                limits=replace(parent.limits, max_tool_rounds=steps),
                call_ids=_both(own.call_ids, self._announced),
            )
            return narrowed(parent, agent, own)

        run = self._house.new_run(task_id, steps)
        self._runs[task_id] = run
        prompt = f.RunQueued(request.prompt, history=(), parent=call_id, agent=agent.name)
        with deeper():
            run.start(prompt, kit)
        try:
            result = await run.wait()
        except asyncio.CancelledError:
            await run.cancel()
            raise
        if result.status == "completed":
            return TaskOutcome(task_id, agent.name, "completed", result.text)
        said = f"Task failed: {result.error}" if result.status == "failed" else "The task was stopped."
        status: f.Status = "cancelled" if result.status == "cancelled" else "failed"
        return TaskOutcome(task_id, agent.name, status, said)

    def _outside(self, fact: f.Fact | DelegationFact) -> None:
        self._house.record(fact, None)


def _both(ended: Callable[[], Collection[str]], announced: set[str]) -> Callable[[], Collection[str]]:
    return lambda: {*ended(), *announced}


def _new_id() -> str:
    return f"{CHILD_RUN}{uuid.uuid4()}"
