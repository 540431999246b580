"""How a program wants its sessions to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

from a3s_lsp.engine.ahp.targets import parse_on_failure
from a3s_lsp.engine.budget import Budget
from a3s_lsp.engine.planning.plans import PlanningMode, PlanPolicy
from a3s_lsp.engine.policy.postures import parse_posture
from a3s_lsp.sdk.ahp import HttpTransport, StdioTransport, UnixSocketTransport, WebSocketTransport
from a3s_lsp.sdk.backends import LocalWorkspaceBackend, RemoteGitBackendConfig, S3WorkspaceBackend, backend_checked
from a3s_lsp.sdk.checks import fitting, lower
from a3s_lsp.sdk.inline_skills import InlineSkill, inline_skill
from a3s_lsp.sdk.memory import FileMemoryStore, InProcessMemoryStore
from a3s_lsp.sdk.policies import ConfirmationPolicy, PermissionPolicy
from a3s_lsp.sdk.queue import SessionQueueConfig
from a3s_lsp.sdk.security import DefaultSecurityProvider
from a3s_lsp.sdk.stores import ArtifactStoreLimits, FileSessionStore, MemorySessionStore, PostgresSessionStore
from a3s_lsp.sdk.verification import requirement_of
from a3s_lsp.sdk.workers import AutoDelegationConfig, WorkerAgentSpec


@dataclass(slots=True)
class SessionOptions:
    """How a session is to be. Unset attributes take the configuration's values; an unknown one is an AttributeError."""

    model: str | None = None
    """`provider/model`."""
    session_id: str | None = None
    """A new UUID if not given."""
    permission_policy: PermissionPolicy | None = None
    """None asks for everything, and without a confirmation policy that is a denial."""
    confirmation_policy: ConfirmationPolicy | None = None
    posture: str | None = None
    """plan, ask, accept-edits or auto: how freely the agent works, in a word instead of a permission policy."""
    rules_dir: str | None = None
    """The folder where rules are kept that were remembered for the project or for the user, outside of the workspace.
    None remembers for the session only."""
    security_provider: DefaultSecurityProvider | None = None
    """What is hidden beside the keys of the configuration and of the environment, which always are."""
    session_store: FileSessionStore | MemorySessionStore | PostgresSessionStore | None = None
    """Where the session is kept. Every step is in the store before it is shown."""
    auto_save: bool = False
    """Accepted for programs that set it: a session with a store is always saved."""
    memory_store: FileMemoryStore | InProcessMemoryStore | None = None
    """Where the session keeps what it learns for later ones. None takes the folder that is configured, if any."""
    role: str | None = None
    """Who the agent is: "You are ROLE."."""
    guidelines: str | None = None
    response_style: str | None = None
    extra: str | None = None
    temperature: float | None = None
    thinking_budget: int | None = None
    """Tokens that the model may think for, where it can."""
    planning_mode: str | None = None
    """auto, enabled or disabled; auto asks a model behind a network before each run whether a plan is worth it."""
    planning: bool | None = None
    """True is enabled, False disabled; `planning_mode` wins over it."""
    plan_approval: bool = False
    """Whether a person is asked before a plan is carried out."""
    goal_tracking: bool = False
    """Whether events tell how near its goal a planned run is."""
    max_tool_rounds: int | None = None
    max_parse_retries: int | None = None
    tool_timeout_ms: int | None = None
    """For every tool call; 0 leaves it to the tools."""
    circuit_breaker_threshold: int | None = None
    """Failed requests in a row, after which a run gives the model up; 3 if not set."""
    continuation_enabled: bool | None = None
    """Whether the model is sent on from an answer that looks unfinished, is empty, or was cut; true if not set."""
    max_continuation_turns: int | None = None
    """How often that is done in a run; 3 if not set."""
    max_execution_time_ms: int | None = None
    """For a whole run, with its questions and its tools."""
    budget: Budget | None = None
    """What the session may spend in all, in tokens and in money."""
    auto_compact: bool = False
    """Whether older messages give way to a summary when the model's room becomes scarce."""
    auto_compact_threshold: float | None = None
    """The part of that room, above 0 and up to 1, from which on they do; 0.8 if not set."""
    max_context_tokens: int | None = None
    """That room, in tokens; what is configured for the model, else 200 000, if not set."""
    artifact_store_limits: ArtifactStoreLimits | None = None
    require_verification: bool | str | Sequence[object] | Mapping[str, object] | None = None
    """What has to be verified before a run that changed files may succeed: see docs/sdk/verification.md."""
    builtin_skills: bool = False
    """Whether the session knows the skills that need no file: see `builtin_skills()`."""
    skill_dirs: list[str] = field(default_factory=list)
    """Folders with skills in files, relative to the workspace; those of the configuration come first."""
    agent_dirs: list[str] = field(default_factory=list)
    """Folders with agents in files, relative to the workspace; those of the configuration come first."""
    worker_agents: list[WorkerAgentSpec] = field(default_factory=list)
    max_parallel_tasks: int | None = None
    """How many child agents work at once; 8 if not set."""
    auto_delegation: AutoDelegationConfig | None = None
    """When a prompt is handed to child agents before the model sees it."""
    auto_parallel: bool | None = None
    """Whether that may be several at once; wins over the one in `auto_delegation`."""
    queue_config: SessionQueueConfig | None = None
    """How many calls go on at once, and workers outside that execute them; None lets them go straight on."""
    ahp_transport: HttpTransport | WebSocketTransport | UnixSocketTransport | StdioTransport | None = None
    """A supervisor outside of the program, which is asked before the session does something."""
    ahp_on_failure: str | None = None
    """block or allow: what holds while it cannot be asked; block if not set."""
    ahp_idle_ms: int | None = None
    """After how long without work it is told so, and how often that the session is there; 10 000 if not set, 0 for
    never."""
    checkpoint_dir: str | None = None
    """A folder, outside of the workspace, where the work tree is kept around shell commands, so that `review.rewind`
    can take them back. None keeps no checkpoints."""
    workspace_backend: LocalWorkspaceBackend | S3WorkspaceBackend | None = None
    """Where the files are, if not in the folder that the workspace names."""
    remote_git: RemoteGitBackendConfig | None = None
    """A repository behind an HTTP service, which the tool git then works with; needs a `workspace_backend`."""
    _inline_skills: tuple[InlineSkill, ...] = ()

    def __init__(self) -> None:
        for name, default in _DEFAULTS.items():
            object.__setattr__(self, name, list(default) if isinstance(default, list) else default)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "planning_mode" and value is not None:
            value = planning_mode(value)
        if name == "posture" and value is not None:
            value = parse_posture(value)
        if name == "workspace_backend":
            backend_checked(value)
        if name == "ahp_on_failure" and isinstance(value, str):
            value = parse_on_failure(value)
        if name == "require_verification":
            requirement_of(value)
        object.__setattr__(self, name, fitting(type(self), name, value))

    def __repr__(self) -> str:
        shown = {name: getattr(self, name, default) for name, default in _SHOWN.items()}
        shown["inline_skills"] = len(self._inline_skills)
        return f"SessionOptions({', '.join(f'{name}={_shown(value)}' for name, value in shown.items())})"

    def add_worker_agent(self, worker: WorkerAgentSpec) -> None:
        """Let the session know an agent."""
        if not isinstance(worker, WorkerAgentSpec):
            raise TypeError(f"worker must be a WorkerAgentSpec, not {type(worker).__name__}")
        self.worker_agents = [*self.worker_agents, worker]

    def add_persona(self, name: str, content: str) -> None:
        """Let the agent be somebody: the text stands where the prompt says who the agent is. The last one holds."""
        self._inline_skills += (inline_skill("persona", name, content),)

    def add_instruction(self, name: str, content: str) -> None:
        """Add a section to the system prompt; one with the same name is replaced."""
        self._inline_skills += (inline_skill("instruction", name, content),)


_DEFAULTS: Final[dict[str, object]] = {
    **dict.fromkeys(SessionOptions.__dataclass_fields__, None),
    "auto_save": False,
    "plan_approval": False,
    "goal_tracking": False,
    "auto_compact": False,
    "builtin_skills": False,
    "skill_dirs": [],
    "agent_dirs": [],
    "worker_agents": [],
    "_inline_skills": (),
}


_SHOWN: Final[dict[str, object]] = {
    "model": None,
    "builtin_skills": False,
    "queue_config": None,
    "auto_compact": False,
    "artifact_store_limits": None,
    "memory_store": None,
    "session_store": None,
    "security_provider": None,
    "workspace_backend": None,
    "inline_skills": 0,
    "max_parallel_tasks": None,
    "auto_parallel": None,
}
"""What the repr names, as in the reference."""


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return lower(value)
    return f'"{value}"' if isinstance(value, str) else repr(value)


def planning_mode(value: object) -> PlanningMode:
    """The mode of this name. ValueError if there is none."""
    name = value.strip().lower() if isinstance(value, str) else value
    known: tuple[PlanningMode, ...] = get_args(PlanningMode)
    found = next((mode for mode in known if mode == name), None)
    if found is None:
        raise ValueError(f"Invalid planning_mode '{value}'. Expected 'auto', 'enabled', or 'disabled'")
    return found


def plan_policy(options: SessionOptions) -> PlanPolicy:
    """What is planned, and who sees it first."""
    shortcut = {None: "auto", True: "enabled", False: "disabled"}[options.planning]
    mode = planning_mode(options.planning_mode or shortcut)
    return PlanPolicy(mode, approval=options.plan_approval, goals=options.goal_tracking)
