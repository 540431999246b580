"""What a program says about the agent that it wants: policies, options, stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from a3s_lsp.engine.policy.confirmation import ConfirmationPolicy as EngineConfirmation
from a3s_lsp.engine.policy.confirmation import parse_lane, parse_timeout_action
from a3s_lsp.engine.policy.permissions import PermissionPolicy as EnginePermission
from a3s_lsp.engine.policy.permissions import parse_decision
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.engine.store.writer import LogWriter

PLANNING_MODES = ("auto", "enabled", "disabled")


class PermissionPolicy:
    """Which tool calls of the model are allowed, denied, or asked about.

    Rules are `tool` or `tool(pattern)`. Order: deny, allow, ask, then `default_decision` (allow, deny or ask). With
    `enabled=False` everything is allowed.
    """

    def __init__(
        self,
        allow: Sequence[str] | None = None,
        deny: Sequence[str] | None = None,
        ask: Sequence[str] | None = None,
        default_decision: str | None = None,
        enabled: bool = True,
    ) -> None:
        self.allow = _strings("allow", allow)
        self.deny = _strings("deny", deny)
        self.ask = _strings("ask", ask)
        self.default_decision = "ask" if default_decision is None else default_decision
        self.enabled = enabled

    def __repr__(self) -> str:
        return (
            f"PermissionPolicy(allow={len(self.allow)}, deny={len(self.deny)}, ask={len(self.ask)}, "
            f'default_decision="{self.default_decision}", enabled={_lower(self.enabled)})'
        )

    def to_engine(self) -> EnginePermission:
        """The frozen policy of the engine. ValueError says what is wrong with this one."""
        return EnginePermission(
            tuple(self.allow), tuple(self.deny), tuple(self.ask), parse_decision(self.default_decision), self.enabled
        )


class ConfirmationPolicy:
    """How a program is asked for leave: `timeout_action` is reject or auto_approve; `yolo_lanes` need no leave."""

    def __init__(
        self,
        enabled: bool = False,
        default_timeout_ms: int = 30_000,
        timeout_action: str | None = None,
        yolo_lanes: Sequence[str] | None = None,
    ) -> None:
        self.enabled = enabled
        self.default_timeout_ms = default_timeout_ms
        self.timeout_action = "reject" if timeout_action is None else timeout_action
        self.yolo_lanes = _strings("yolo_lanes", yolo_lanes)

    def __repr__(self) -> str:
        return (
            f"ConfirmationPolicy(enabled={_lower(self.enabled)}, default_timeout_ms={self.default_timeout_ms}, "
            f'timeout_action="{self.timeout_action}", yolo_lanes={len(self.yolo_lanes)})'
        )

    def to_engine(self) -> EngineConfirmation:
        """The frozen policy of the engine. ValueError says what is wrong with this one."""
        return EngineConfirmation(
            self.enabled,
            self.default_timeout_ms,
            parse_timeout_action(self.timeout_action),
            tuple(parse_lane(lane) for lane in self.yolo_lanes),
        )


class ArtifactStoreLimits:
    """How much long tool output a session keeps."""

    def __init__(self, max_artifacts: int | None = None, max_bytes: int | None = None) -> None:
        self.max_artifacts = 256 if max_artifacts is None else max_artifacts
        self.max_bytes = 16 * 1024 * 1024 if max_bytes is None else max_bytes

    def __repr__(self) -> str:
        return f"ArtifactStoreLimits(max_artifacts={self.max_artifacts}, max_bytes={self.max_bytes})"


class FileSessionStore:
    """Sessions in the file `sessions.db` of a folder, which is made when it is first needed."""

    def __init__(self, dir: str) -> None:
        if not isinstance(dir, str):
            raise TypeError(f"dir must be a string, not {type(dir).__name__}")
        self.dir = dir
        self.writer = LogWriter(SQLiteStore(Path(dir) / "sessions.db"))

    def __repr__(self) -> str:
        return f'FileSessionStore(dir="{self.dir}")'


class MemorySessionStore:
    """Sessions that live as long as this object."""

    def __init__(self) -> None:
        self.writer = LogWriter(MemoryStore())

    def __repr__(self) -> str:
        return "MemorySessionStore()"


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
    session_store: FileSessionStore | MemorySessionStore | None = None
    """Where the session is kept. Every step is in the store before it is shown."""
    auto_save: bool = False
    """Accepted for programs that set it: a session with a store is always saved."""
    role: str | None = None
    guidelines: str | None = None
    response_style: str | None = None
    extra: str | None = None
    planning_mode: str | None = None
    """auto, enabled or disabled."""
    planning: bool | None = None
    max_tool_rounds: int | None = None
    max_parse_retries: int | None = None
    tool_timeout_ms: int | None = None
    artifact_store_limits: ArtifactStoreLimits | None = None
    checkpoint_dir: str | None = None
    """A folder, outside of the workspace, where the work tree is kept around shell commands, so that `review.rewind`
    can take them back. None keeps no checkpoints."""

    def __init__(self) -> None:
        for name, default in _DEFAULTS.items():
            object.__setattr__(self, name, default)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "planning_mode" and value is not None:
            value = planning_mode(value)
        object.__setattr__(self, name, value)


_DEFAULTS: Final[dict[str, object]] = {
    **dict.fromkeys(SessionOptions.__dataclass_fields__, None),
    "auto_save": False,
}


class EventType:
    """The names of the events."""

    START = "start"
    END = "end"
    ERROR = "error"
    CANCELLED = "cancelled"
    TURN_START = "turn_start"
    TURN_END = "turn_end"
    TEXT_DELTA = "text_delta"
    REASONING_DELTA = "reasoning_delta"
    TOOL_START = "tool_start"
    TOOL_END = "tool_end"
    TOOL_OUTPUT_DELTA = "tool_output_delta"
    PERMISSION_DENIED = "permission_denied"
    CONFIRMATION_REQUIRED = "confirmation_required"
    CONFIRMATION_RECEIVED = "confirmation_received"
    CONFIRMATION_TIMEOUT = "confirmation_timeout"

    def __init__(self) -> None:
        raise TypeError("No constructor defined for EventType")


def planning_mode(value: object) -> str:
    """The mode in lower case. ValueError if it is none."""
    mode = value.strip().lower() if isinstance(value, str) else value
    if mode not in PLANNING_MODES:
        raise ValueError(f"Invalid planning_mode '{value}'. Expected 'auto', 'enabled', or 'disabled'")
    return str(mode)


def _strings(name: str, value: Sequence[str] | None) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{name} must be a list of strings")
    return list(value)


def _lower(value: bool) -> str:
    return "true" if value else "false"
