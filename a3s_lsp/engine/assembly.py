"""How a session for a person is put together: which configuration, which model, which tools."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from a3s_lsp.engine.ahp.targets import harness_of
from a3s_lsp.engine.command_hooks import command_hooks
from a3s_lsp.engine.config.load import Loaded, load
from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.context.room import CompactionPolicy, configured_room
from a3s_lsp.engine.delegation.registry import Agents
from a3s_lsp.engine.errors import ConfigError
from a3s_lsp.engine.hook_trust import HeldBack, held_back
from a3s_lsp.engine.hooks import Hooks
from a3s_lsp.engine.kit import Limits
from a3s_lsp.engine.lanes.config import of_settings
from a3s_lsp.engine.mcp.servers_spec import servers_of
from a3s_lsp.engine.memory.recollection import configured_memory
from a3s_lsp.engine.models.offline import OfflineAssistant
from a3s_lsp.engine.models.select import open_model
from a3s_lsp.engine.policy.confirmation import ConfirmationPolicy
from a3s_lsp.engine.policy.learned import RuleBook
from a3s_lsp.engine.policy.postures import Posture, posture_policy
from a3s_lsp.engine.policy.security import Security
from a3s_lsp.engine.ports import Approver, Editor, Model, Unsaved
from a3s_lsp.engine.session import Setup
from a3s_lsp.engine.skills.registry import Skills, own_skill_folders
from a3s_lsp.engine.store.trust import Trust
from a3s_lsp.engine.tools.registry import Registry, builtin_tools
from a3s_lsp.engine.tools.search_skills import SearchSkills
from a3s_lsp.engine.tools.skill import UseSkill
from a3s_lsp.engine.tools.task import ParallelTask, Task
from a3s_lsp.engine.tools.web_search import web_tools
from a3s_lsp.engine.workspace.checkpoints import CheckpointStore
from a3s_lsp.engine.workspace.leases import Leases
from a3s_lsp.engine.workspace.local import LocalWorkspace
from a3s_lsp.engine.workspace.processes import safe_environment

CONFIG_FILES = ("agent.acl", ".a3s/agent.acl")
"""Where a project keeps its configuration; the first that is there is used."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The machine as the session sees it: its variables, the person's own configuration file, and what answers where
    there is no model."""

    environ: Mapping[str, str]
    user_config: Path
    offline: Callable[[], Model] = OfflineAssistant
    leases: Leases = field(default_factory=Leases)
    """Who changes which file, among the sessions on this machine."""
    rules: RuleBook | None = None
    """Where the rules are kept that questions have taught for a project or for the person."""
    checkpoints: CheckpointStore | None = None
    """Where work trees are kept, so that sessions can be rewound."""
    trust: Trust | None = None
    """Which commands of projects the person has allowed for good; None knows and keeps none."""

    @property
    def own_commands(self) -> Path:
        """The folder of the person's own slash commands."""
        return self.user_config.parent / "commands"

    @property
    def own_skills(self) -> tuple[Path, ...]:
        """The folders of the person's own skills; the later ones win."""
        return own_skill_folders(Path.home(), self.user_config.parent)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person said about the session; None takes what is configured. `session` is its id."""

    model: str | None = None
    posture: Posture = "ask"
    config: str | None = None
    session: str = "this"
    reviews_first: bool = False
    unsaved: Unsaved = "overlay"


def find_config(root: Path, named: str | None, user_config: Path) -> Path | None:
    """The named file, else the project's, else the person's own, else None."""
    if named:
        return root / Path(named).expanduser()
    candidates = [*(root / name for name in CONFIG_FILES), user_config]
    return next((path for path in candidates if path.is_file()), None)


def configuration(root: Path, named: str | None, surroundings: Surroundings) -> Loaded | None:
    """The configuration that holds in this folder, None if there is none. Raises ConfigError."""
    if not root.is_dir():
        raise ConfigError(f"The workspace folder {root} does not exist: open another one, or make it.")
    source = find_config(root, named, surroundings.user_config)
    return None if source is None else load(str(source), surroundings.environ, need_model=False)


async def assemble(
    root: Path, wishes: Wishes, surroundings: Surroundings, approver: Approver | None, editor: Editor | None = None
) -> Setup:
    """Everything for a session on this folder. Raises ConfigError."""
    loaded = await asyncio.to_thread(configuration, root, wishes.config, surroundings)
    settings = Settings() if loaded is None else loaded.settings
    open_named = functools.partial(open_configured, settings, surroundings)
    default = Limits()
    memory = await configured_memory(settings, root, confined=_of_project(loaded, surroundings))
    environment = safe_environment(surroundings.environ)
    held = await asyncio.to_thread(_held_back, loaded, root, environment, surroundings)
    agents = await asyncio.to_thread(Agents.of, root, Path.home(), settings.agent_dirs, ())
    skills = Skills.of(
        root, surroundings.own_skills, settings.skill_dirs, builtin=True, trusted=not _of_project(loaded, surroundings)
    )
    web = web_tools(settings, confined=_of_project(loaded, surroundings))
    await asyncio.to_thread(skills.look)  # what they grant counts as it is now
    return Setup(
        workspace=LocalWorkspace(root, editor, leases=surroundings.leases, session=wishes.session),
        model=await open_named(wishes.model),
        open_model=open_named,
        tools=Registry((*builtin_tools(), *web, Task(agents), ParallelTask(), SearchSkills(skills), UseSkill())),
        skills=skills,
        own_instructions=surroundings.user_config.parent,
        agents=agents,
        lanes=None if settings.queue is None else of_settings(settings.queue),
        max_parallel_tasks=settings.max_parallel_tasks,
        mcp_servers=() if held else servers_of(settings),
        environment=environment,
        approver=approver,
        permission=posture_policy(wishes.posture),
        confirmation=ConfirmationPolicy(enabled=True),
        rules=surroundings.rules,
        redactor=Security().redactor(surroundings.environ, settings),
        memory=memory,
        thinking_budget=settings.thinking_budget,
        warnings=(memory.warning,) if memory.warning else (),
        hooks=Hooks(() if held else command_hooks(settings.hooks, root, environment)),
        held_back=held,
        harness=None if held else harness_of(settings),
        reviews_first=wishes.reviews_first,
        unsaved=wishes.unsaved,
        checkpoints=surroundings.checkpoints,
        compaction=CompactionPolicy(auto=True),
        room=functools.partial(configured_room, settings.providers),
        own_commands=surroundings.own_commands,
        limits=Limits(max_tool_rounds=settings.max_tool_rounds or default.max_tool_rounds),
    )


def _held_back(
    loaded: Loaded | None, root: Path, environment: Mapping[str, str], surroundings: Surroundings
) -> HeldBack | None:
    """The commands that wait for leave: a project that was only opened must not run any. The person's own may run."""
    if loaded is None or loaded.path is None or not _of_project(loaded, surroundings):
        return None
    return held_back(loaded.settings, loaded.path, root, environment, surroundings.trust)


def _of_project(loaded: Loaded | None, surroundings: Surroundings) -> bool:
    """Whether the configuration came with the project, and is not the person's own."""
    return loaded is not None and loaded.path is not None and loaded.path != surroundings.user_config


async def open_configured(settings: Settings, surroundings: Surroundings, name: str | None) -> Model:
    """The model of this name, or the one that is configured. Raises ConfigError."""
    environ, offline = surroundings.environ, surroundings.offline
    return await asyncio.to_thread(open_model, settings, name, environ, offline=offline)
