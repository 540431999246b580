"""The facts about where a session comes from, and where it works. Part of `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from a3s_lsp.engine.messages import Message


@dataclass(frozen=True, slots=True)
class SessionForked:
    """What is before this is the log of the session `origin`, up to just before the run or call `at`, or its end."""

    origin: str
    at: str | None = None
    type: Literal["session_forked"] = "session_forked"


@dataclass(frozen=True, slots=True)
class HistoryImported:
    """The conversation was taken over from a session file of another program, which `source` names."""

    source: str
    messages: tuple[Message, ...]
    type: Literal["history_imported"] = "history_imported"


@dataclass(frozen=True, slots=True)
class WorkspaceMoved:
    """The session works on another folder from now on; what it did to files of the earlier one is not reviewed."""

    workspace: str
    type: Literal["workspace_moved"] = "workspace_moved"
