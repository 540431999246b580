"""Calls to ask a policy about."""

from __future__ import annotations

from a3s_lsp.engine.policy.confirmation import lane_of
from a3s_lsp.engine.policy.verdicts import CallFacts


def bash(command: str) -> CallFacts:
    """A shell command."""
    return CallFacts("bash", command, {"command": command}, "execute")


def on_path(tool: str, subject: str, *paths: str) -> CallFacts:
    """A call about a file; without `paths` the subject is the path already."""
    return CallFacts(tool, subject, {"file_path": subject}, lane_of(tool), paths or (subject,))
