"""The asynchronous face of agents: a configuration, ready to have sessions."""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from a3s_lsp.engine.assembly import Surroundings, open_configured
from a3s_lsp.engine.budget import Budget
from a3s_lsp.engine.config.load import load
from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.context.system_prompt import PromptSlots
from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.memory.recollection import configured_memories, open_memory
from a3s_lsp.engine.policy.confirmation import ConfirmationPolicy, Confirmations
from a3s_lsp.engine.policy.permissions import PermissionPolicy
from a3s_lsp.engine.policy.security import Security
from a3s_lsp.engine.ports import Model
from a3s_lsp.engine.session import Session as EngineSession
from a3s_lsp.engine.session import Setup
from a3s_lsp.engine.state import State
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.engine.tools.limits import ArtifactStore
from a3s_lsp.engine.tools.registry import Registry, builtin_tools
from a3s_lsp.engine.workspace.checkpoints import CheckpointStore
from a3s_lsp.engine.workspace.local import LocalWorkspace
from a3s_lsp.engine.workspace.processes import safe_environment
from a3s_lsp.places import user_config
from a3s_lsp.sdk.inline_skills import instructions, persona
from a3s_lsp.sdk.limits import limits_of
from a3s_lsp.sdk.options import SessionOptions, planning_mode
from a3s_lsp.sdk.results import Handle
from a3s_lsp.sdk.session import AsyncSession
from a3s_lsp.sdk.verification import requirement_of


class AsyncAgent(Handle):
    """A configuration, ready to have sessions. Made by `create`."""

    _open_named: Callable[[str | None], Awaitable[Model]]
    _settings: Settings
    _writer: LogWriter

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
        self._writer = LogWriter(MemoryStore())
        return self

    async def session(self, workspace: str, options: SessionOptions | None = None, **named: object) -> AsyncSession:
        """A new session on a folder. Keyword arguments are options by name, and win over `options`."""
        chosen = with_named(options, named)
        setup = await self._setup(workspace, chosen, None)
        session_id = chosen.session_id or str(uuid.uuid4())
        engine = await EngineSession.create(session_id, setup, self._writer_of(chosen))
        return AsyncSession.of(engine, workspace)

    async def resume_session(self, session_id: str, options: SessionOptions) -> AsyncSession:
        """The stored session with this id. `await session.resume()` goes on with a run that had been cut."""
        if options.session_store is None:
            raise A3SError("Failed to resume session: resume_session requires a session_store in SessionOptions")
        try:
            engine = await EngineSession.load(
                session_id,
                lambda state: self._setup(state.workspace, options, state),
                self._writer_of(options),
            )
        except A3SError as error:
            raise type(error)(f"Failed to resume session: {error}") from error
        return AsyncSession.of(engine, engine.state.workspace)

    def _writer_of(self, options: SessionOptions) -> LogWriter:
        return self._writer if options.session_store is None else options.session_store.writer

    async def _setup(self, workspace: str, options: SessionOptions, state: State | None) -> Setup:
        if not isinstance(workspace, str):
            raise TypeError(f"workspace must be a string, not {type(workspace).__name__}")
        permission, confirmation = _policies(options)
        security = Security() if options.security_provider is None else options.security_provider.to_engine()
        kept = options.artifact_store_limits
        root = Path(workspace or ".")
        store = options.memory_store
        memories = configured_memories(self._settings, root) if store is None else store.memories
        memory = await open_memory(memories, self._settings.memory)
        return Setup(
            workspace=LocalWorkspace(root),
            model=await self._open_named(options.model or (state.model if state else None)),
            open_model=self._open_named,
            tools=Registry(builtin_tools()),
            environment=safe_environment(os.environ),
            approver=Confirmations(confirmation) if confirmation and confirmation.enabled else None,
            permission=permission,
            confirmation=confirmation,
            security=security,
            redactor=security.redactor(os.environ, self._settings),
            slots=_slots(options),
            memory=memory,
            temperature=options.temperature,
            thinking_budget=options.thinking_budget or self._settings.thinking_budget,
            warnings=(memory.warning,) if memory.warning else (),
            checkpoints=_checkpoints(options),
            verification=requirement_of(options.require_verification),
            limits=limits_of(options, self._settings),
            budget=options.budget or Budget(),
            artifacts=ArtifactStore(kept.max_artifacts, kept.max_bytes) if kept else ArtifactStore(),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


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
    mode = planning_mode(chosen.planning_mode or ("enabled" if chosen.planning else "auto"))
    if mode == "enabled":
        raise A3SError("planning_mode 'enabled' is not available in this version; leave it at 'auto' or 'disabled'.")
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
    return (
        None if permission is None else permission.to_engine(),
        None if confirmation is None else confirmation.to_engine(),
    )
