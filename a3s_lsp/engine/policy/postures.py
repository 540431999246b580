"""How freely the agent works, in one word: the four postures of a session and the policies that they stand for."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from a3s_lsp.engine.policy.permissions import PermissionPolicy

Posture: TypeAlias = Literal["plan", "ask", "accept-edits", "auto"]
POSTURES: tuple[Posture, ...] = get_args(Posture)
"""From the most to the least careful."""
_LOOKING = (
    "status",
    "log:*",
    "diff:*",
    "show:*",
    "blame:*",
    "branch",
    "stash",
    "remote:*",
    "worktree",
    "worktree list",
)
_READING = ("read", "ls", "glob", "grep", "batch", *(f"git({words})" for words in _LOOKING))
"""What is in a batch is decided call by call."""
_EDITING = ("write", "edit", "patch", "replace")


def parse_posture(text: object) -> Posture:
    """The posture of this name. TypeError if it is no string, ValueError if there is none."""
    if not isinstance(text, str):
        raise TypeError(f"posture must be a string, not {type(text).__name__}")
    found = next((posture for posture in POSTURES if posture == text.strip().lower()), None)
    if found is None:
        raise ValueError(f"Invalid posture '{text}'. Expected one of: {', '.join(POSTURES)}")
    return found


def posture_policy(posture: Posture) -> PermissionPolicy:
    """The policy of a posture. None of them lets the agent change its own configuration unasked."""
    match posture:
        case "plan":
            denial = "The session is in the plan posture, in which the agent reads and changes nothing"
            return PermissionPolicy(allow=_READING, default_decision="deny", denial=denial)
        case "ask":
            return PermissionPolicy(allow=_READING)
        case "accept-edits":
            return PermissionPolicy(allow=(*_READING, *_EDITING))
        case "auto":
            return PermissionPolicy(default_decision="allow")
