"""a3s_lsp: a coding agent that lives in the editor, as a Python SDK.

`Agent` and `Session` block, `AsyncAgent` and `AsyncSession` do not; both have the same names. The language server
is the command `a3s-lsp`. A name is loaded when it is first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from a3s_lsp.engine.budget import Budget
    from a3s_lsp.engine.errors import (
        A3SError,
        ConfigError,
        ModelError,
        RunCancelled,
        RunFailed,
        SessionBusy,
        SessionNotFound,
        StoreError,
    )
    from a3s_lsp.sdk.agent import AsyncAgent
    from a3s_lsp.sdk.ahp import HttpTransport, StdioTransport, UnixSocketTransport, WebSocketTransport
    from a3s_lsp.sdk.ahp_values import (
        AhpEventContext,
        AhpEventType,
        Fact,
        IdleDecision,
        IntentDetectionDecision,
        IntentDetectionEvent,
        MemorySummary,
        SessionStats,
        TargetHints,
    )
    from a3s_lsp.sdk.backends import LocalWorkspaceBackend, RemoteGitBackendConfig, S3WorkspaceBackend
    from a3s_lsp.sdk.blocking import Agent, Session
    from a3s_lsp.sdk.eventtypes import EventType
    from a3s_lsp.sdk.memory import FileMemoryStore, InProcessMemoryStore
    from a3s_lsp.sdk.options import SessionOptions
    from a3s_lsp.sdk.policies import ConfirmationPolicy, PermissionPolicy
    from a3s_lsp.sdk.queue import SessionQueueConfig
    from a3s_lsp.sdk.results import AgentEvent, AgentResult, ToolResult, ToolText
    from a3s_lsp.sdk.review import AsyncReview, HunkInfo, Review
    from a3s_lsp.sdk.security import DefaultSecurityProvider
    from a3s_lsp.sdk.session import AsyncSession
    from a3s_lsp.sdk.skills import SkillInfo, builtin_skills
    from a3s_lsp.sdk.stores import ArtifactStoreLimits, FileSessionStore, MemorySessionStore, PostgresSessionStore
    from a3s_lsp.sdk.streams import AsyncEventStream, EventStream
    from a3s_lsp.sdk.verification import format_verification_summary
    from a3s_lsp.sdk.websearch import (
        BrowserBackend,
        HeadlessConfig,
        SearchConfig,
        SearchEngineConfig,
        SearchHealthConfig,
        WebSearchParams,
    )
    from a3s_lsp.sdk.workers import AgentDefinition, AutoDelegationConfig, WorkerAgentSpec

__all__ = [
    "A3SError",
    "Agent",
    "AgentDefinition",
    "AgentEvent",
    "AgentResult",
    "AhpEventContext",
    "AhpEventType",
    "ArtifactStoreLimits",
    "AsyncAgent",
    "AsyncEventStream",
    "AsyncReview",
    "AsyncSession",
    "AutoDelegationConfig",
    "BrowserBackend",
    "Budget",
    "ConfigError",
    "ConfirmationPolicy",
    "DefaultSecurityProvider",
    "EventStream",
    "EventType",
    "Fact",
    "FileMemoryStore",
    "FileSessionStore",
    "HeadlessConfig",
    "HttpTransport",
    "HunkInfo",
    "IdleDecision",
    "InProcessMemoryStore",
    "IntentDetectionDecision",
    "IntentDetectionEvent",
    "LocalWorkspaceBackend",
    "MemorySessionStore",
    "MemorySummary",
    "ModelError",
    "PermissionPolicy",
    "PostgresSessionStore",
    "RemoteGitBackendConfig",
    "Review",
    "RunCancelled",
    "RunFailed",
    "S3WorkspaceBackend",
    "SearchConfig",
    "SearchEngineConfig",
    "SearchHealthConfig",
    "Session",
    "SessionBusy",
    "SessionNotFound",
    "SessionOptions",
    "SessionQueueConfig",
    "SessionStats",
    "SkillInfo",
    "StdioTransport",
    "StoreError",
    "TargetHints",
    "ToolResult",
    "ToolText",
    "UnixSocketTransport",
    "WebSearchParams",
    "WebSocketTransport",
    "WorkerAgentSpec",
    "builtin_skills",
    "format_verification_summary",
]

_ROOMS = {
    "A3SError": "a3s_lsp.engine.errors",
    "Agent": "a3s_lsp.sdk.blocking",
    "AgentDefinition": "a3s_lsp.sdk.workers",
    "AgentEvent": "a3s_lsp.sdk.results",
    "AgentResult": "a3s_lsp.sdk.results",
    "AhpEventContext": "a3s_lsp.sdk.ahp_values",
    "AhpEventType": "a3s_lsp.sdk.ahp_values",
    "ArtifactStoreLimits": "a3s_lsp.sdk.stores",
    "AsyncAgent": "a3s_lsp.sdk.agent",
    "AsyncEventStream": "a3s_lsp.sdk.streams",
    "AsyncReview": "a3s_lsp.sdk.review",
    "AsyncSession": "a3s_lsp.sdk.session",
    "AutoDelegationConfig": "a3s_lsp.sdk.workers",
    "BrowserBackend": "a3s_lsp.sdk.websearch",
    "Budget": "a3s_lsp.engine.budget",
    "ConfigError": "a3s_lsp.engine.errors",
    "ConfirmationPolicy": "a3s_lsp.sdk.policies",
    "DefaultSecurityProvider": "a3s_lsp.sdk.security",
    "EventStream": "a3s_lsp.sdk.streams",
    "EventType": "a3s_lsp.sdk.eventtypes",
    "Fact": "a3s_lsp.sdk.ahp_values",
    "FileMemoryStore": "a3s_lsp.sdk.memory",
    "FileSessionStore": "a3s_lsp.sdk.stores",
    "HeadlessConfig": "a3s_lsp.sdk.websearch",
    "HttpTransport": "a3s_lsp.sdk.ahp",
    "HunkInfo": "a3s_lsp.sdk.review",
    "IdleDecision": "a3s_lsp.sdk.ahp_values",
    "InProcessMemoryStore": "a3s_lsp.sdk.memory",
    "IntentDetectionDecision": "a3s_lsp.sdk.ahp_values",
    "IntentDetectionEvent": "a3s_lsp.sdk.ahp_values",
    "LocalWorkspaceBackend": "a3s_lsp.sdk.backends",
    "MemorySessionStore": "a3s_lsp.sdk.stores",
    "MemorySummary": "a3s_lsp.sdk.ahp_values",
    "ModelError": "a3s_lsp.engine.errors",
    "PermissionPolicy": "a3s_lsp.sdk.policies",
    "PostgresSessionStore": "a3s_lsp.sdk.stores",
    "RemoteGitBackendConfig": "a3s_lsp.sdk.backends",
    "Review": "a3s_lsp.sdk.review",
    "RunCancelled": "a3s_lsp.engine.errors",
    "RunFailed": "a3s_lsp.engine.errors",
    "S3WorkspaceBackend": "a3s_lsp.sdk.backends",
    "SearchConfig": "a3s_lsp.sdk.websearch",
    "SearchEngineConfig": "a3s_lsp.sdk.websearch",
    "SearchHealthConfig": "a3s_lsp.sdk.websearch",
    "Session": "a3s_lsp.sdk.blocking",
    "SessionBusy": "a3s_lsp.engine.errors",
    "SessionNotFound": "a3s_lsp.engine.errors",
    "SessionOptions": "a3s_lsp.sdk.options",
    "SessionQueueConfig": "a3s_lsp.sdk.queue",
    "SessionStats": "a3s_lsp.sdk.ahp_values",
    "SkillInfo": "a3s_lsp.sdk.skills",
    "StdioTransport": "a3s_lsp.sdk.ahp",
    "StoreError": "a3s_lsp.engine.errors",
    "TargetHints": "a3s_lsp.sdk.ahp_values",
    "ToolResult": "a3s_lsp.sdk.results",
    "ToolText": "a3s_lsp.sdk.results",
    "UnixSocketTransport": "a3s_lsp.sdk.ahp",
    "WebSearchParams": "a3s_lsp.sdk.websearch",
    "WebSocketTransport": "a3s_lsp.sdk.ahp",
    "WorkerAgentSpec": "a3s_lsp.sdk.workers",
    "builtin_skills": "a3s_lsp.sdk.skills",
    "format_verification_summary": "a3s_lsp.sdk.verification",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module 'a3s_lsp' has no attribute '{name}'")
    value: object = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
