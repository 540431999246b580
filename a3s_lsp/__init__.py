"""a3s_lsp: a coding agent that lives in the editor, as a Python SDK.

`Agent` and `Session` block, `AsyncAgent` and `AsyncSession` do not; both have the same names. The language server
is the command `a3s-lsp`.
"""

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
from a3s_lsp.sdk.aio import AsyncAgent, AsyncSession
from a3s_lsp.sdk.blocking import Agent, EventStream, Session
from a3s_lsp.sdk.results import AgentEvent, AgentResult, ToolResult
from a3s_lsp.sdk.streams import AsyncEventStream
from a3s_lsp.sdk.values import (
    ArtifactStoreLimits,
    ConfirmationPolicy,
    EventType,
    FileSessionStore,
    MemorySessionStore,
    PermissionPolicy,
    SessionOptions,
)

__all__ = [
    "A3SError",
    "Agent",
    "AgentEvent",
    "AgentResult",
    "ArtifactStoreLimits",
    "AsyncAgent",
    "AsyncEventStream",
    "AsyncSession",
    "ConfigError",
    "ConfirmationPolicy",
    "EventStream",
    "EventType",
    "FileSessionStore",
    "MemorySessionStore",
    "ModelError",
    "PermissionPolicy",
    "RunCancelled",
    "RunFailed",
    "Session",
    "SessionBusy",
    "SessionNotFound",
    "SessionOptions",
    "StoreError",
    "ToolResult",
]
