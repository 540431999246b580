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
    from a3s_lsp.sdk.stores import ArtifactStoreLimits, FileSessionStore, MemorySessionStore, PostgresSessionStore
    from a3s_lsp.sdk.streams import AsyncEventStream, EventStream
    from a3s_lsp.sdk.verification import format_verification_summary
    from a3s_lsp.sdk.workers import AgentDefinition, AutoDelegationConfig, WorkerAgentSpec

__all__ = [
    "A3SError",
    "Agent",
    "AgentDefinition",
    "AgentEvent",
    "AgentResult",
    "ArtifactStoreLimits",
    "AsyncAgent",
    "AsyncEventStream",
    "AsyncReview",
    "AsyncSession",
    "AutoDelegationConfig",
    "Budget",
    "ConfigError",
    "ConfirmationPolicy",
    "DefaultSecurityProvider",
    "EventStream",
    "EventType",
    "FileMemoryStore",
    "FileSessionStore",
    "HunkInfo",
    "InProcessMemoryStore",
    "MemorySessionStore",
    "ModelError",
    "PermissionPolicy",
    "PostgresSessionStore",
    "Review",
    "RunCancelled",
    "RunFailed",
    "Session",
    "SessionBusy",
    "SessionNotFound",
    "SessionOptions",
    "SessionQueueConfig",
    "StoreError",
    "ToolResult",
    "ToolText",
    "WorkerAgentSpec",
    "format_verification_summary",
]

_ROOMS = {
    "A3SError": "a3s_lsp.engine.errors",
    "Agent": "a3s_lsp.sdk.blocking",
    "AgentDefinition": "a3s_lsp.sdk.workers",
    "AgentEvent": "a3s_lsp.sdk.results",
    "AgentResult": "a3s_lsp.sdk.results",
    "ArtifactStoreLimits": "a3s_lsp.sdk.stores",
    "AsyncAgent": "a3s_lsp.sdk.agent",
    "AsyncEventStream": "a3s_lsp.sdk.streams",
    "AsyncReview": "a3s_lsp.sdk.review",
    "AsyncSession": "a3s_lsp.sdk.session",
    "AutoDelegationConfig": "a3s_lsp.sdk.workers",
    "Budget": "a3s_lsp.engine.budget",
    "ConfigError": "a3s_lsp.engine.errors",
    "ConfirmationPolicy": "a3s_lsp.sdk.policies",
    "DefaultSecurityProvider": "a3s_lsp.sdk.security",
    "EventStream": "a3s_lsp.sdk.streams",
    "EventType": "a3s_lsp.sdk.eventtypes",
    "FileMemoryStore": "a3s_lsp.sdk.memory",
    "FileSessionStore": "a3s_lsp.sdk.stores",
    "HunkInfo": "a3s_lsp.sdk.review",
    "InProcessMemoryStore": "a3s_lsp.sdk.memory",
    "MemorySessionStore": "a3s_lsp.sdk.stores",
    "ModelError": "a3s_lsp.engine.errors",
    "PermissionPolicy": "a3s_lsp.sdk.policies",
    "PostgresSessionStore": "a3s_lsp.sdk.stores",
    "Review": "a3s_lsp.sdk.review",
    "RunCancelled": "a3s_lsp.engine.errors",
    "RunFailed": "a3s_lsp.engine.errors",
    "Session": "a3s_lsp.sdk.blocking",
    "SessionBusy": "a3s_lsp.engine.errors",
    "SessionNotFound": "a3s_lsp.engine.errors",
    "SessionOptions": "a3s_lsp.sdk.options",
    "SessionQueueConfig": "a3s_lsp.sdk.queue",
    "StoreError": "a3s_lsp.engine.errors",
    "ToolResult": "a3s_lsp.sdk.results",
    "ToolText": "a3s_lsp.sdk.results",
    "WorkerAgentSpec": "a3s_lsp.sdk.workers",
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
