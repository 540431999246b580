"""The options of a session as keyword arguments, so that editors complete them and type checkers know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from a3s_lsp.engine.budget import Budget
from a3s_lsp.sdk.ahp import HttpTransport, StdioTransport, UnixSocketTransport, WebSocketTransport
from a3s_lsp.sdk.backends import LocalWorkspaceBackend, RemoteGitBackendConfig, S3WorkspaceBackend
from a3s_lsp.sdk.memory import FileMemoryStore, InProcessMemoryStore
from a3s_lsp.sdk.policies import ConfirmationPolicy, PermissionPolicy
from a3s_lsp.sdk.queue import SessionQueueConfig
from a3s_lsp.sdk.security import DefaultSecurityProvider
from a3s_lsp.sdk.stores import ArtifactStoreLimits, FileSessionStore, MemorySessionStore, PostgresSessionStore
from a3s_lsp.sdk.workers import AutoDelegationConfig, WorkerAgentSpec


class NamedOptions(TypedDict, total=False):
    """The attributes of `SessionOptions` by name; None leaves one as it is."""

    model: str | None
    session_id: str | None
    permission_policy: PermissionPolicy | None
    confirmation_policy: ConfirmationPolicy | None
    posture: str | None
    rules_dir: str | None
    security_provider: DefaultSecurityProvider | None
    session_store: FileSessionStore | MemorySessionStore | PostgresSessionStore | None
    auto_save: bool | None
    memory_store: FileMemoryStore | InProcessMemoryStore | None
    role: str | None
    guidelines: str | None
    response_style: str | None
    extra: str | None
    temperature: float | None
    thinking_budget: int | None
    planning_mode: str | None
    planning: bool | None
    plan_approval: bool | None
    goal_tracking: bool | None
    max_tool_rounds: int | None
    max_parse_retries: int | None
    tool_timeout_ms: int | None
    circuit_breaker_threshold: int | None
    continuation_enabled: bool | None
    max_continuation_turns: int | None
    max_execution_time_ms: int | None
    budget: Budget | None
    auto_compact: bool | None
    auto_compact_threshold: float | None
    max_context_tokens: int | None
    artifact_store_limits: ArtifactStoreLimits | None
    require_verification: bool | str | Sequence[object] | Mapping[str, object] | None
    builtin_skills: bool | None
    skill_dirs: list[str] | None
    agent_dirs: list[str] | None
    worker_agents: list[WorkerAgentSpec] | None
    max_parallel_tasks: int | None
    auto_delegation: AutoDelegationConfig | None
    auto_parallel: bool | None
    queue_config: SessionQueueConfig | None
    ahp_transport: HttpTransport | WebSocketTransport | UnixSocketTransport | StdioTransport | None
    ahp_on_failure: str | None
    ahp_idle_ms: int | None
    checkpoint_dir: str | None
    workspace_backend: LocalWorkspaceBackend | S3WorkspaceBackend | None
    remote_git: RemoteGitBackendConfig | None
