"""Where this machine keeps the agent's files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

STATE_VARIABLE = "A3S_STATE_DIR"


def state_folder(environ: Mapping[str, str]) -> Path:
    """The folder of all that outlives a process; `A3S_STATE_DIR` names another one."""
    from platformdirs import user_state_path

    named = environ.get(STATE_VARIABLE)
    return Path(named).expanduser() if named else user_state_path("a3s-lsp")


def session_log(environ: Mapping[str, str]) -> Path:
    """The file of all sessions."""
    return state_folder(environ) / "sessions.db"


def checkpoint_store(environ: Mapping[str, str]) -> Path:
    """The file of all checkpoints."""
    return state_folder(environ) / "checkpoints.db"


def rules_folder(environ: Mapping[str, str]) -> Path:
    """The folder of the rules that questions have taught."""
    return state_folder(environ)


def trust_folder(environ: Mapping[str, str]) -> Path:
    """The folder of what the person has allowed for good."""
    return state_folder(environ) / "trusted"


def lease_folder(environ: Mapping[str, str]) -> Path:
    """The folder in which processes tell each other which files they change."""
    return state_folder(environ) / "leases"


def user_config() -> Path:
    """The person's own agent.acl, which is used where a project has none."""
    from platformdirs import user_config_path

    return user_config_path("a3s") / "agent.acl"


def user_commands() -> Path:
    """The folder of the person's own slash commands, one Markdown file for each."""
    return user_config().parent / "commands"
