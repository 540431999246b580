"""Agents that a program defines, and sees."""

from __future__ import annotations

from a3s_lsp.engine.delegation import agents
from a3s_lsp.sdk.checks import count, lower, number, string
from a3s_lsp.sdk.policies import PermissionPolicy
from a3s_lsp.sdk.results import Handle


class WorkerAgentSpec:
    """An agent of the program's own. `kind` says what it may do: custom, implementer, planner, read_only, reviewer or
    verifier; custom asks about everything where it has no `permissions`."""

    def __init__(self, name: str, description: str, kind: str | None = None) -> None:
        self.name = string("name", name)
        self.description = string("description", description)
        self.kind = "custom" if kind is None else string("kind", kind)
        self.hidden = False
        self.permissions: PermissionPolicy | None = None
        self.model: str | None = None
        self.prompt: str | None = None
        self.max_steps: int | None = None
        self.confirmation_inheritance: str | None = None

    @classmethod
    def custom(cls, name: str, description: str) -> WorkerAgentSpec:
        """One whose permissions are given."""
        return cls(name, description, "custom")

    @classmethod
    def implementer(cls, name: str, description: str) -> WorkerAgentSpec:
        """One that reads, edits, and runs commands."""
        return cls(name, description, "implementer")

    @classmethod
    def planner(cls, name: str, description: str) -> WorkerAgentSpec:
        """One that reads and plans."""
        return cls(name, description, "planner")

    @classmethod
    def read_only(cls, name: str, description: str) -> WorkerAgentSpec:
        """One that reads."""
        return cls(name, description, "read_only")

    @classmethod
    def reviewer(cls, name: str, description: str) -> WorkerAgentSpec:
        """One that reads, runs commands, and judges."""
        return cls(name, description, "reviewer")

    @classmethod
    def verifier(cls, name: str, description: str) -> WorkerAgentSpec:
        """One that reads, runs commands, and checks."""
        return cls(name, description, "verifier")

    def to_engine(self) -> agents.Agent:
        """The agent of the engine. ValueError and TypeError say what is wrong with this one."""
        if self.permissions is not None and not isinstance(self.permissions, PermissionPolicy):
            raise TypeError(f"permissions must be a PermissionPolicy, not {type(self.permissions).__name__}")
        inheritance = self.confirmation_inheritance
        return agents.worker(
            string("name", self.name),
            string("description", self.description),
            agents.parse_kind(string("kind", self.kind)),
            prompt=None if self.prompt is None else string("prompt", self.prompt),
            permissions=None if self.permissions is None else self.permissions.to_engine(),
            model=None if self.model is None else string("model", self.model),
            max_steps=None if self.max_steps is None else count("max_steps", self.max_steps),
            hidden=self.hidden is True,
            inheritance=None if inheritance is None else agents.parse_inheritance(inheritance),
        )

    def __repr__(self) -> str:
        return f'WorkerAgentSpec(name="{self.name}", kind="{self.kind}", max_steps={self.max_steps})'


class AgentDefinition(Handle):
    """An agent that a session knows."""

    name: str
    description: str
    hidden: bool
    native: bool
    model: str | None
    max_steps: int
    prompt: str | None
    confirmation_inheritance: str | None

    @classmethod
    def of(cls, agent: agents.Agent) -> AgentDefinition:
        """From the engine's value."""
        self = object.__new__(cls)
        self.name, self.description = agent.name, agent.description
        self.hidden, self.native = agent.hidden, agent.native
        self.model, self.max_steps = agent.model, agent.max_steps
        self.prompt = agent.prompt or None
        self.confirmation_inheritance = agent.confirmation_inheritance
        return self

    def __repr__(self) -> str:
        return f'AgentDefinition(name="{self.name}", native={lower(self.native)}, hidden={lower(self.hidden)})'


class AutoDelegationConfig:
    """When a prompt is handed to child agents before the model has seen it."""

    def __init__(
        self, enabled: bool = False, auto_parallel: bool = True, min_confidence: float = 0.72, max_tasks: int = 4
    ) -> None:
        self.enabled = _flag("enabled", enabled)
        self.auto_parallel = _flag("auto_parallel", auto_parallel)
        self.min_confidence = min(1.0, max(0.0, number("min_confidence", min_confidence)))
        self.max_tasks = max(1, count("max_tasks", max_tasks))

    def __repr__(self) -> str:
        return (
            f"AutoDelegationConfig(enabled={lower(self.enabled)}, auto_parallel={lower(self.auto_parallel)}, "
            f"min_confidence={self.min_confidence:.2f}, max_tasks={self.max_tasks})"
        )


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be true or false, not {type(value).__name__}")
    return value
