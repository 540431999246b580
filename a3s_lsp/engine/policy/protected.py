"""What governs the agent itself, and whether a call could change it.

An agent that may write its own configuration, the editor's tasks or a git hook can give itself any other leave.
"""

from __future__ import annotations

import posixpath

from a3s_lsp.engine.policy.shell import take_apart
from a3s_lsp.engine.policy.verdicts import CallFacts
from a3s_lsp.engine.policy.wrappers import program

_FOLDERS = frozenset({".a3s", ".git", ".vscode"})
_FILES = frozenset({"agent.acl", "a3s-permissions.json"})
_WRITING_TOOLS = frozenset({"write", "edit", "patch", "replace"})
_READING_PROGRAMS = frozenset(
    {"cat", "diff", "echo", "file", "grep", "head", "less", "ls", "rg", "stat", "tail", "test", "tree", "wc"}
)


def governs_the_agent(path: str) -> bool:
    """Whether a path is, or lies in, what governs the agent. Case does not count: on some disks it does not."""
    parts = posixpath.normpath(path.replace("\\", "/")).casefold().split("/")
    return parts[-1] in _FILES or not _FOLDERS.isdisjoint(parts)


def may_change_own_rules(call: CallFacts) -> bool:
    """Whether the call writes to what governs the agent; for a shell command, as far as its words show it."""
    if call.name in _WRITING_TOOLS:
        return any(governs_the_agent(path) for path in (call.subject, *call.paths))
    if call.name == "git":
        return any(governs_the_agent(word) for word in call.subject.split() if call.subject.startswith("restore"))
    return call.name == "bash" and _command_may(call.subject)


def _command_may(text: str) -> bool:
    script = take_apart(text)
    if any(governs_the_agent(target.text) for target in script.writes):
        return True
    return any(
        governs_the_agent(word.text.rpartition("=")[2])
        for command in script.everything()
        if command.words and program(command.words[0].text) not in _READING_PROGRAMS
        for word in command.words[1:]
    )
