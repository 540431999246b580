"""The asynchronous face of agents: a configuration, ready to have sessions."""

from __future__ import annotations

import asyncio
import functools
import os
import uuid
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Unpack

from a3s_lsp.engine.assembly import Surroundings, open_configured
from a3s_lsp.engine.budget import Budget
from a3s_lsp.engine.command_hooks import command_hooks
from a3s_lsp.engine.config.load import load
from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.context.room import configured_room
from a3s_lsp.engine.context.system_prompt import PromptSlots
from a3s_lsp.engine.delegation.agents import Agent as AgentOfTasks
from a3s_lsp.engine.delegation.registry import Agents
from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.hooks import Hooks
from a3s_lsp.engine.lanes.config import LaneConfig, of_settings
from a3s_lsp.engine.mcp.servers_spec import servers_of
from a3s_lsp.engine.memory.recollection import configured_memory, open_memory
from a3s_lsp.engine.models.litellm_model import LiteLLMModel
from a3s_lsp.engine.policy.confirmation import ConfirmationPolicy, Confirmations
from a3s_lsp.engine.policy.permissions import PermissionPolicy
from a3s_lsp.engine.policy.postures import parse_posture, posture_policy
from a3s_lsp.engine.policy.security import Security
from a3s_lsp.engine.ports import Model
from a3s_lsp.engine.session import Session as EngineSession
from a3s_lsp.engine.session import Setup
from a3s_lsp.engine.state import State
from a3s_lsp.engine.store.learned_rules import RuleFile
from a3s_lsp.engine.tools.limits import ArtifactStore
from a3s_lsp.engine.tools.registry import Registry
from a3s_lsp.engine.tools.search_skills import SearchSkills
from a3s_lsp.engine.tools.skill import UseSkill
from a3s_lsp.engine.tools.task import ParallelTask, Task
from a3s_lsp.engine.tools.web_search import web_tools
from a3s_lsp.engine.workspace.addresses import is_remote
from a3s_lsp.engine.workspace.checkpoints import CheckpointStore
from a3s_lsp.engine.workspace.processes import safe_environment
from a3s_lsp.places import user_commands, user_config
from a3s_lsp.sdk.checks import path_text, string
from a3s_lsp.sdk.compaction import compaction_of
from a3s_lsp.sdk.inline_skills import instructions, persona
from a3s_lsp.sdk.limits import limits_of
from a3s_lsp.sdk.named_options import NamedOptions
from a3s_lsp.sdk.options import SessionOptions, plan_policy
from a3s_lsp.sdk.policies import PermissionPolicy as GivenPolicy
from a3s_lsp.sdk.session import AsyncSession
from a3s_lsp.sdk.skills import skill_warnings, skills_of
from a3s_lsp.sdk.stored import AsyncStoredSessions
from a3s_lsp.sdk.stores import MemorySessionStore, SessionStore, configured_store
from a3s_lsp.sdk.supervision import harness_for
from a3s_lsp.sdk.verification import requirement_of
from a3s_lsp.sdk.workers import WorkerAgentSpec
from a3s_lsp.sdk.workspaces import place_of


class AsyncAgent(AsyncStoredSessions):
    """A configuration, ready to have sessions. Made by `create`."""

    _sessions: weakref.WeakSet[EngineSession]
    _open_named: Callable[[str | None], Awaitable[Model]]
    _settings: Settings

    @classmethod
    async def create(cls, config_source: str) -> AsyncAgent:
        """From the path of an agent.acl, or from its text. ConfigError lists what is wrong, with positions."""
        if not isinstance(config_source, str):
            raise TypeError(f"config_source must be a string, not {type(config_source).__name__}")
        surroundings = Surroundings(os.environ, user_config())
        settings = load(config_source, surroundings.environ).settings
        return cls.of(functools.partial(open_configured, settings, surroundings), settings)

    @classmethod
    def with_model(cls, model: Model) -> AsyncAgent:
        """With a model of the program's own, such as `testing.ScriptedModel`, and no configuration."""

        async def fixed(name: str | None) -> Model:
            if name not in (None, model.name):
                raise A3SError(f"This agent has the model {model.name} and no other.")
            return model

        return cls.of(fixed, Settings())

    @classmethod
    def of(cls, open_named: Callable[[str | None], Awaitable[Model]], settings: Settings) -> AsyncAgent:
        """From a way to open models, and settings."""
        self = object.__new__(cls)
        self._open_named = open_named
        self._settings = settings
        self._sessions = weakref.WeakSet()
        self._store = configured_store(settings)
        return self

    async def session(
        self, workspace: str, options: SessionOptions | None = None, **named: Unpack[NamedOptions]
    ) -> AsyncSession:
        """A new session on a folder. Keyword arguments are options by name, and win over `options`."""
        chosen = with_named(options, named)
        setup = await self._setup(workspace, chosen, None)
        session_id = str(uuid.uuid4()) if chosen.session_id is None else chosen.session_id
        store = chosen.session_store or self._store or MemorySessionStore()  # one of its own goes with the session
        engine = await EngineSession.create(session_id, setup, store.writer)
        return self._opened(engine, workspace, chosen, store)

    async def session_for_agent(
        self,
        workspace: str,
        agent_name: str,
        agent_dirs: Sequence[str] | None = None,
        options: SessionOptions | None = None,
    ) -> AsyncSession:
        """A new session that is the agent of this name: with its permissions, prompt, model and steps where the options
        leave them open. RuntimeError if there is none."""
        chosen = with_named(options, {} if agent_dirs is None else {"agent_dirs": list(agent_dirs)})
        known = await asyncio.to_thread(self._agents, Path(string("workspace", workspace) or "."), chosen)
        agent = known.get(string("agent_name", agent_name))
        if agent is None:
            raise A3SError(f"agent '{agent_name}' not found; known are: {', '.join(known.names())}")
        return await self.session(workspace, _as_agent(agent, chosen))

    async def session_for_worker(
        self, workspace: str, worker: WorkerAgentSpec, options: SessionOptions | None = None
    ) -> AsyncSession:
        """A new session that is this agent: with its permissions, prompt, model and steps where the options leave them
        open. ValueError says what is wrong with it."""
        if not isinstance(worker, WorkerAgentSpec):
            raise TypeError(f"worker must be a WorkerAgentSpec, not {type(worker).__name__}")
        return await self.session(workspace, _as_agent(worker.to_engine(), with_named(options, {})))

    async def resume_session(
        self, session_id: str, options: SessionOptions, workspace: str | None = None
    ) -> AsyncSession:
        """The stored session with this id, on another folder if one is given. `await session.resume()` goes on with a
        run that had been cut."""
        string("session_id", session_id)
        if workspace is not None:
            path_text("workspace", workspace)
        chosen = with_named(options, {})
        try:
            store = self._store_of(chosen, "resume_session")
            await store.writer.call(lambda: store.adopt(session_id))
            return await self._resumed(session_id, chosen, store, workspace)
        except A3SError as error:
            raise type(error)(f"Failed to resume session: {error}") from error

    async def fork_session(
        self, session_id: str, options: SessionOptions, at: str | None = None, new_id: str | None = None
    ) -> AsyncSession:
        """A new session that begins as the stored one was before the run or call `at`, or as it is."""
        chosen = with_named(options, {})
        store = self._store_of(chosen, "fork_session")
        fork_id = await store.writer.call(lambda: store.fork(session_id, at, new_id))
        try:
            return await self._resumed(fork_id, chosen, store, None)
        except BaseException:
            await store.writer.call(lambda: store.delete(fork_id))
            raise

    async def refresh_mcp_tools(self) -> None:
        """Connect again, in all sessions of this agent, what is not connected of their MCP servers."""
        open_ones = [session for session in self._sessions if not session.closed]
        await asyncio.gather(*(session.mcp.refresh() for session in open_ones))

    def _store_of(self, options: SessionOptions, caller: str) -> SessionStore:
        store = options.session_store or self._store
        if store is None:
            raise A3SError(f"{caller} requires a session_store in SessionOptions")
        return store

    async def _resumed(
        self, session_id: str, options: SessionOptions, store: SessionStore, workspace: str | None
    ) -> AsyncSession:
        async def setup(state: State) -> Setup:
            folder = state.workspace if workspace is None else workspace
            elsewhere = options.workspace_backend is not None or folder.startswith("s3://")
            if not elsewhere and not await asyncio.to_thread(os.path.isdir, folder):
                raise A3SError(
                    f"There is no folder {folder} for session {session_id} to work on: "
                    "name the one to go on in with resume_session(…, workspace=…)."
                )
            return await self._setup(folder, options, state)

        engine = await EngineSession.load(session_id, setup, store.writer)
        return self._opened(engine, engine.state.workspace, options, store)

    def _opened(
        self, engine: EngineSession, workspace: str, options: SessionOptions, store: SessionStore
    ) -> AsyncSession:
        # Another session of the same store has the model of its own log, which may have been switched.
        self._sessions.add(engine)
        same = with_named(options, {})
        same.model = None
        return AsyncSession.of(engine, workspace, lambda session_id: self._resumed(session_id, same, store, None))

    async def _setup(self, workspace: str, options: SessionOptions, state: State | None) -> Setup:
        if not isinstance(workspace, str):
            raise TypeError(f"workspace must be a string, not {type(workspace).__name__}")
        permission, confirmation = _policies(options)
        security = Security() if options.security_provider is None else options.security_provider.to_engine()
        kept = options.artifact_store_limits
        place = place_of(workspace, options)
        root = place.workspace.root
        if options.memory_store is None:
            memory = await configured_memory(self._settings, place.folder)
        else:
            memory = await open_memory(options.memory_store.memories, self._settings.memory)
        environment = safe_environment(os.environ)
        agents = await asyncio.to_thread(self._agents, root, options)
        skills = skills_of(place.folder, options, self._settings)
        troubles = await asyncio.to_thread(skill_warnings, skills)
        web = web_tools(self._settings)
        return Setup(
            workspace=place.workspace,
            model=await self._model(options.model or (state.model if state else None)),
            open_model=self._open_named,
            tools=Registry((*place.tools, *web, Task(agents), ParallelTask(), SearchSkills(skills), UseSkill())),
            skills=skills,
            own_instructions=user_config().parent,
            agents=agents,
            lanes=_lanes(options, self._settings),
            max_parallel_tasks=_parallel(options, self._settings),
            mcp_servers=servers_of(self._settings),
            environment=environment,
            approver=Confirmations(confirmation) if confirmation and confirmation.enabled else None,
            permission=permission,
            confirmation=confirmation,
            rules=None if options.rules_dir is None else RuleFile(Path(options.rules_dir)),
            security=security,
            redactor=security.redactor(os.environ, (self._settings, *place.keys)),
            slots=_slots(options),
            memory=memory,
            hooks=Hooks(command_hooks(self._settings.hooks, place.folder, environment)),
            temperature=options.temperature,
            thinking_budget=options.thinking_budget or self._settings.thinking_budget,
            warnings=(
                *((memory.warning,) if memory.warning else ()),
                *place.warnings,
                *troubles,
                *_not_there_yet(options, self._settings),
            ),
            checkpoints=None if is_remote(root) else _checkpoints(options),
            harness=harness_for(options, self._settings),
            verification=requirement_of(options.require_verification),
            compaction=compaction_of(options),
            room=functools.partial(configured_room, self._settings.providers),
            own_commands=user_commands(),
            planning=plan_policy(options),
            limits=limits_of(options, self._settings),
            budget=options.budget or Budget(),
            artifacts=ArtifactStore(kept.max_artifacts, kept.max_bytes) if kept else ArtifactStore(),
        )

    async def _model(self, name: str | None) -> Model:
        model = await self._open_named(name)
        if isinstance(model, LiteLLMModel):
            model.warm()  # while the program goes on: what its first request needs takes seconds to load
        return model

    def _agents(self, root: Path, options: SessionOptions) -> Agents:
        folders = (*self._settings.agent_dirs, *options.agent_dirs)
        return Agents.of(root, Path.home(), folders, [spec.to_engine() for spec in options.worker_agents])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


def _as_agent(agent: AgentOfTasks, options: SessionOptions) -> SessionOptions:
    """The options with what the agent says where they say nothing."""
    own = agent.permissions
    if options.permission_policy is None and options.posture is None and own is not None:
        options.permission_policy = GivenPolicy(
            list(own.allow), list(own.deny), list(own.ask), own.default_decision, own.enabled
        )
    options.extra = "\n\n".join(text for text in (options.extra, agent.prompt) if text) or None
    options.model = options.model or agent.model
    if options.max_tool_rounds is None:
        options.max_tool_rounds = agent.max_steps
    return options


def _lanes(options: SessionOptions, settings: Settings) -> LaneConfig | None:
    if options.queue_config is not None:
        return options.queue_config.to_engine()
    return None if settings.queue is None else of_settings(settings.queue)


def _not_there_yet(options: SessionOptions, settings: Settings) -> Sequence[str]:
    """What is asked for and does nothing in this version, each in a sentence."""
    automatic = settings.auto_delegation if options.auto_delegation is None else options.auto_delegation
    if not automatic.enabled:
        return ()
    return (
        "Prompts are not handed to child agents by themselves yet: give tasks with task(…), or let the model do it.",
    )


def _parallel(options: SessionOptions, settings: Settings) -> int:
    chosen = options.max_parallel_tasks
    return max(1, settings.max_parallel_tasks if chosen is None else chosen)


def with_named(options: SessionOptions | None, named: Mapping[str, object]) -> SessionOptions:
    """The options with these names set over them."""
    chosen = SessionOptions()
    for name in SessionOptions.__dataclass_fields__:
        setattr(chosen, name, getattr(options, name) if options is not None else getattr(chosen, name))
    for name, value in named.items():
        if name not in SessionOptions.__dataclass_fields__:
            raise TypeError(f"session() got an unexpected keyword argument '{name}'")
        if value is not None:
            setattr(chosen, name, value)
    return chosen


def _slots(options: SessionOptions) -> PromptSlots:
    skills = options._inline_skills
    own = (options.role, options.guidelines, options.response_style, options.extra)
    return PromptSlots(*own, persona(skills), instructions(skills))


def _checkpoints(options: SessionOptions) -> CheckpointStore | None:
    folder = options.checkpoint_dir
    return None if folder is None else CheckpointStore(Path(folder) / "checkpoints.db")


def _policies(options: SessionOptions) -> tuple[PermissionPolicy | None, ConfirmationPolicy | None]:
    permission, confirmation = options.permission_policy, options.confirmation_policy
    if permission is not None and options.posture is not None:
        raise ValueError("a posture is a permission policy of its own: give one or the other")
    by_posture = None if options.posture is None else posture_policy(parse_posture(options.posture))
    return (
        by_posture if permission is None else permission.to_engine(),
        None if confirmation is None else confirmation.to_engine(),
    )
