"""Calls to ask a policy about."""

from __future__ import annotations

from a3s_lsp.engine.policy.verdicts import CallFacts
from a3s_lsp.engine.ports import Lane

_QUERIES = frozenset({"read", "ls", "glob", "grep", "web_fetch", "web_search"})


def bash(command: str) -> CallFacts:
    """A shell command."""
    return CallFacts("bash", command, {"command": command}, "execute")


def on_path(tool: str, subject: str, *paths: str) -> CallFacts:
    """A call about a file; without `paths` the subject is the path already."""
    lane: Lane = "query" if tool in _QUERIES else "execute"
    return CallFacts(tool, subject, {"file_path": subject}, lane, paths or (subject,))
