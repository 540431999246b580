"""What a session is made of, as one value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from a3s_lsp.engine.ahp.targets import HarnessSpec
from a3s_lsp.engine.budget import Budget
from a3s_lsp.engine.context.room import CompactionPolicy, room_unknown
from a3s_lsp.engine.context.system_prompt import PromptSlots
from a3s_lsp.engine.delegation.registry import Agents
from a3s_lsp.engine.hook_trust import HeldBack
from a3s_lsp.engine.hooks import Hooks
from a3s_lsp.engine.kit import Limits
from a3s_lsp.engine.lanes.config import LaneConfig
from a3s_lsp.engine.mcp.servers_spec import ServerSpec
from a3s_lsp.engine.memory.recollection import MemorySetup
from a3s_lsp.engine.planning.plans import PlanPolicy
from a3s_lsp.engine.policy.confirmation import ConfirmationPolicy
from a3s_lsp.engine.policy.learned import RuleBook
from a3s_lsp.engine.policy.permissions import PermissionPolicy
from a3s_lsp.engine.policy.redaction import Redactor
from a3s_lsp.engine.policy.security import Security
from a3s_lsp.engine.ports import Approver, Model, Unsaved, Workspace
from a3s_lsp.engine.skills.registry import Skills
from a3s_lsp.engine.tools.limits import ArtifactStore
from a3s_lsp.engine.tools.registry import Registry
from a3s_lsp.engine.verifying import Requirement
from a3s_lsp.engine.workspace.checkpoints import CheckpointStore


@dataclass(frozen=True, slots=True)
class Setup:
    """What a session is made of."""

    workspace: Workspace
    model: Model
    open_model: Callable[[str], Awaitable[Model]]
    """Make the model of another name. Raises ConfigError."""
    tools: Registry
    environment: Mapping[str, str]
    approver: Approver | None = None
    permission: PermissionPolicy | None = None
    confirmation: ConfirmationPolicy | None = None
    slots: PromptSlots = field(default_factory=PromptSlots)
    memory: MemorySetup = field(default_factory=MemorySetup)
    hooks: Hooks = field(default_factory=Hooks)
    held_back: HeldBack | None = None
    """Hooks that run commands, and that the person is asked about before the first run."""
    harness: HarnessSpec | None = None
    """Who supervises the session from outside, and may stop what it is about to do."""
    temperature: float | None = None
    thinking_budget: int | None = None
    """Tokens that the model may think for, where it can."""
    warnings: tuple[str, ...] = ()
    """What the session was made without, each in a sentence."""
    reviews_first: bool = False
    """Show each change of files to the person before it is made."""
    unsaved: Unsaved = "ask"
    checkpoints: CheckpointStore | None = None
    """Where the work tree is kept around changes; None keeps only the texts that edits replace."""
    verification: Requirement | None = None
    """What has to be verified before a run that changed files may succeed."""
    compaction: CompactionPolicy = field(default_factory=CompactionPolicy)
    room: Callable[[str], int | None] = room_unknown
    """The tokens that the model of a name can see, None where that is not known."""
    own_commands: Path | None = None
    """The folder of the person's own slash commands."""
    own_instructions: Path | None = None
    """The folder of the person's own AGENTS.md."""
    skills: Skills = field(default_factory=Skills)
    lanes: LaneConfig | None = None
    """How many calls go on at once, and who executes them; None lets them go straight on."""
    agents: Agents = field(default_factory=Agents)
    max_parallel_tasks: int = 8
    mcp_servers: tuple[ServerSpec, ...] = ()
    """Servers of the configuration, to be connected when the session begins."""
    planning: PlanPolicy = field(default_factory=PlanPolicy)
    limits: Limits = field(default_factory=Limits)
    budget: Budget = field(default_factory=Budget)
    artifacts: ArtifactStore = field(default_factory=ArtifactStore)
    security: Security = field(default_factory=Security)
    rules: RuleBook | None = None
    """Where the rules of the project and of the person are kept; None keeps those of the session alone."""
    redactor: Redactor = field(default_factory=Redactor)
    """What takes secrets out of all that is stored, shown or sent to the model."""
