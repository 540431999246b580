"""Where this machine keeps the agent's files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

STATE_VARIABLE = "A3S_STATE_DIR"


def session_log(environ: Mapping[str, str]) -> Path:
    """The file of all sessions; `A3S_STATE_DIR` names another folder for it."""
    from platformdirs import user_state_path

    named = environ.get(STATE_VARIABLE)
    return (Path(named).expanduser() if named else user_state_path("a3s-lsp")) / "sessions.db"


def user_config() -> Path:
    """The person's own agent.acl, which is used where a project has none."""
    from platformdirs import user_config_path

    return user_config_path("a3s") / "agent.acl"
