"""How a program wants its sessions to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from a3s_lsp.sdk.checks import fitting
from a3s_lsp.sdk.policies import ConfirmationPolicy, PermissionPolicy
from a3s_lsp.sdk.stores import ArtifactStoreLimits, FileSessionStore, MemorySessionStore

PLANNING_MODES = ("auto", "enabled", "disabled")


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
        object.__setattr__(self, name, fitting(type(self), name, value))


_DEFAULTS: Final[dict[str, object]] = {
    **dict.fromkeys(SessionOptions.__dataclass_fields__, None),
    "auto_save": False,
}


def planning_mode(value: object) -> str:
    """The mode in lower case. ValueError if it is none."""
    mode = value.strip().lower() if isinstance(value, str) else value
    if mode not in PLANNING_MODES:
        raise ValueError(f"Invalid planning_mode '{value}'. Expected 'auto', 'enabled', or 'disabled'")
    return str(mode)
