"""Tasks for child agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from a3s_lsp.engine.delegation.requests import MOST_TASKS, BadRequest, parse_request
from a3s_lsp.engine.errors import A3SError, ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.sdk.checks import string
from a3s_lsp.sdk.faces import AsyncFace, Face
from a3s_lsp.sdk.results import ToolResult
from a3s_lsp.sdk.workers import AgentDefinition, WorkerAgentSpec

_REQUIRED = ("agent", "description", "prompt")


class AsyncDelegation(AsyncFace):
    """Giving tasks to agents: the program's own act, bounded by the session's policy."""

    async def task(self, options: Mapping[str, object]) -> ToolResult:
        """Give `{"agent", "description", "prompt", "max_steps"?, "background"?}`, and wait for the report; with
        `background` only its id. ValueError for what is missing, RuntimeError for an agent that is not there."""
        if not isinstance(options, Mapping):
            raise TypeError(f"task options must be a dict, not {type(options).__name__}")
        for name in _REQUIRED:
            if not isinstance(options.get(name), str):
                raise ValueError(f"task options must include string field '{name}'")
        try:
            request = parse_request(options)
            delegation = self.engine.delegation
            return ToolResult.of("task", await delegation.answer(None, "", (request,), together=False))
        except ToolError as error:
            raise A3SError(f"Task delegation failed: {error}") from error

    async def delegate_task(
        self, agent: str, description: str, prompt: str, background: bool = False, max_steps: int | None = None
    ) -> ToolResult:
        """The same as `task`, with arguments."""
        return await self.task(_task(agent, description, prompt, background, max_steps))

    async def tasks(self, tasks: Sequence[Mapping[str, object]]) -> ToolResult:
        """Give several tasks at once. One that fails, or whose agent is not there, fails alone."""
        if isinstance(tasks, str | bytes) or not isinstance(tasks, Sequence):
            raise TypeError(f"tasks must be a list of dicts, not {type(tasks).__name__}")
        if not tasks:
            return await self._none()
        for row in tasks:
            if not isinstance(row, Mapping):
                raise TypeError(f"tasks must be a list of dicts, not of {type(row).__name__}")
            for name in _REQUIRED:
                if not isinstance(row.get(name), str):
                    raise ValueError(f"task options must include string field '{name}'")
        if len(tasks) > MOST_TASKS:
            raise ValueError(f"at most {MOST_TASKS} tasks at once, not {len(tasks)}")
        try:
            requests = tuple(map(parse_request, tasks))
        except BadRequest as error:
            raise A3SError(f"Task delegation failed: {error}") from error
        return ToolResult.of("parallel_task", await self.engine.delegation.answer(None, "", requests, together=True))

    async def _none(self) -> ToolResult:
        return ToolResult.of("parallel_task", await self.engine.call_tool("parallel_task", {"tasks": []}))

    async def parallel_task(self, tasks: Sequence[Mapping[str, object]]) -> ToolResult:
        """The same as `tasks`."""
        return await self.tasks(tasks)

    def subagent_tasks(self) -> list[Json]:
        """All tasks, oldest first: task_id, agent, description, status, output, artifact_uri and more."""
        return [row.described(self.engine.id) for row in self.engine.delegation.rows()]

    async def wait_subagent_task(self, task_id: str) -> Json:
        """How a task came out, once it has; `output` is whole. RuntimeError if there is none."""
        outcome = await self.engine.delegation.outcome(task_id)
        row = next(row for row in self.subagent_tasks() if row["task_id"] == task_id)
        return {**row, "output": outcome.output}

    async def cancel_subagent_task(self, task_id: str) -> bool:
        """Stop a task. False if it is not going."""
        return await self.engine.delegation.cancel(task_id)

    def steer_subagent_task(self, task_id: str, text: str) -> bool:
        """Give a child one more message between two of its turns. False if it is not going."""
        return self.engine.delegation.steer(task_id, string("text", text))

    def register_worker_agent(self, worker: WorkerAgentSpec) -> AgentDefinition:
        """Have the session know an agent. ValueError says what is wrong with it."""
        if not isinstance(worker, WorkerAgentSpec):
            raise TypeError(f"worker must be a WorkerAgentSpec, not {type(worker).__name__}")
        return AgentDefinition.of(self.engine.delegation.agents.register(worker.to_engine()))

    def register_worker_agents(self, workers: Sequence[WorkerAgentSpec]) -> list[AgentDefinition]:
        """Have the session know several agents: all of them, or none if one is wrong."""
        if isinstance(workers, str) or not isinstance(workers, Sequence):
            raise TypeError(f"workers must be a list of WorkerAgentSpec, not {type(workers).__name__}")
        for worker in workers:
            if not isinstance(worker, WorkerAgentSpec):
                raise TypeError(f"workers must be a list of WorkerAgentSpec, not of {type(worker).__name__}")
            worker.to_engine()
        return [self.register_worker_agent(worker) for worker in workers]

    def register_agent_dir(self, path: str) -> int:
        """Have the session know the agents in the files of a folder; how many there are. Files that are none are named
        by `agent_problems`."""
        return self.engine.delegation.agents.load(Path(string("path", path)).expanduser())

    def agent_problems(self) -> list[str]:
        """Sentences about files that were to be agents, and are none."""
        return list(self.engine.delegation.agents.problems)


class Delegation(Face):
    """Giving tasks to agents: the program's own act, bounded by the session's policy."""

    def task(self, options: Mapping[str, object]) -> ToolResult:
        """Give a task, and wait for the report: see `AsyncSession.task`."""
        return self._loop.call(self._session.task(options))

    def delegate_task(
        self, agent: str, description: str, prompt: str, background: bool = False, max_steps: int | None = None
    ) -> ToolResult:
        """The same as `task`, with arguments."""
        return self.task(_task(agent, description, prompt, background, max_steps))

    def tasks(self, tasks: Sequence[Mapping[str, object]]) -> ToolResult:
        """Give several tasks at once. One that fails, or whose agent is not there, fails alone."""
        return self._loop.call(self._session.tasks(tasks))

    def parallel_task(self, tasks: Sequence[Mapping[str, object]]) -> ToolResult:
        """The same as `tasks`."""
        return self.tasks(tasks)

    def subagent_tasks(self) -> list[Json]:
        """All tasks, oldest first: task_id, agent, description, status, output, artifact_uri and more."""
        return self._loop.here(self._session.subagent_tasks)

    def wait_subagent_task(self, task_id: str) -> Json:
        """How a task came out, once it has; `output` is whole. RuntimeError if there is none."""
        return self._loop.call(self._session.wait_subagent_task(task_id))

    def cancel_subagent_task(self, task_id: str) -> bool:
        """Stop a task. False if it is not going."""
        return self._loop.call(self._session.cancel_subagent_task(task_id))

    def steer_subagent_task(self, task_id: str, text: str) -> bool:
        """Give a child one more message between two of its turns. False if it is not going."""
        return self._loop.here(lambda: self._session.steer_subagent_task(task_id, text))

    def register_worker_agent(self, worker: WorkerAgentSpec) -> AgentDefinition:
        """Have the session know an agent. ValueError says what is wrong with it."""
        return self._loop.here(lambda: self._session.register_worker_agent(worker))

    def register_worker_agents(self, workers: Sequence[WorkerAgentSpec]) -> list[AgentDefinition]:
        """Have the session know several agents: all of them, or none if one is wrong."""
        return self._loop.here(lambda: self._session.register_worker_agents(workers))

    def register_agent_dir(self, path: str) -> int:
        """Have the session know the agents in the files of a folder; how many there are."""
        return self._loop.here(lambda: self._session.register_agent_dir(path))

    def agent_problems(self) -> list[str]:
        """Sentences about files that were to be agents, and are none."""
        return self._loop.here(self._session.agent_problems)


def _task(agent: str, description: str, prompt: str, background: bool, max_steps: int | None) -> Json:
    steps: Json = {} if max_steps is None else {"max_steps": max_steps}
    return {"agent": agent, "description": description, "prompt": prompt, "background": background, **steps}
