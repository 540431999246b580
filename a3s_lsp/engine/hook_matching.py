"""Which hooks an event is for: what a firing is about, and what a hook wants to see."""

from __future__ import annotations

import re
from dataclasses import dataclass

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.policy.shell import take_apart
from a3s_lsp.engine.workspace.globs import compile_glob, selects


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about. `paths` has every spelling of a file, and absolute ones; `command` is a shell text."""

    tool: str | None = None
    paths: tuple[str, ...] = ()
    command: str | None = None
    skill: str | None = None


NOTHING = Subject()
"""The subject of events that are about the session as a whole."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a hook wants to see: all that is set must hold. Raises ValueError for a pattern that is none."""

    tool: str | None = None
    path_pattern: str | None = None
    command_pattern: str | None = None
    session_id: str | None = None
    skill: str | None = None

    def __post_init__(self) -> None:
        for name in ("tool", "path_pattern", "skill"):
            pattern = getattr(self, name)
            try:
                compile_glob(pattern or "")
            except ToolError as error:
                raise ValueError(f"Invalid {name} '{pattern}': {error}") from None
        try:
            re.compile(self.command_pattern or "")
        except re.error as error:
            raise ValueError(f"Invalid command_pattern '{self.command_pattern}': {error}") from None

    def matches(self, session_id: str, subject: Subject) -> bool:
        """Whether the event is one that the hook wants to see."""
        return (
            self.session_id in (None, session_id)
            and _is_named(self.tool, subject.tool)
            and _is_named(self.skill, subject.skill)
            and self._has_path(subject.paths)
            and self._has_command(subject.command)
        )

    def _has_path(self, paths: tuple[str, ...]) -> bool:
        pattern = self.path_pattern
        if pattern is None:
            return True
        absolute = pattern.startswith("/")
        relative = pattern.removeprefix("./")
        return any(selects(relative, path.lstrip("/")) for path in paths if path.startswith("/") or not absolute)

    def _has_command(self, command: str | None) -> bool:
        """Whether the pattern is found in the text, or in one of the simple commands that it would run."""
        if self.command_pattern is None:
            return True
        if command is None:
            return False
        pattern = re.compile(self.command_pattern)
        return pattern.search(command) is not None or any(
            pattern.search(spelling)
            for simple in take_apart(command).everything()
            for spelling in simple.all_spellings()
        )


def _is_named(pattern: str | None, name: str | None) -> bool:
    if pattern is None:
        return True
    return name is not None and compile_glob(pattern.casefold()).match(name.casefold()) is not None
