"""What a person may ask of the offline assistant, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Where:
    """Where a name or a file is."""

    name: str


@dataclass(frozen=True, slots=True)
class Uses:
    """What uses a name; with `calls` only what calls it."""

    name: str
    calls: bool = False


@dataclass(frozen=True, slots=True)
class Outline:
    """What a file defines."""

    file: str


@dataclass(frozen=True, slots=True)
class Find:
    """Lines with a text; an empty scope is the whole workspace."""

    text: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class List:
    """What is in a folder, or which files match a pattern."""

    folder: str = ""
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Show:
    """Some lines of a file, counted from 1; `last` 0 is as many as are shown at once."""

    file: str
    first: int = 1
    last: int = 0


@dataclass(frozen=True, slots=True)
class Rename:
    """A name for another name, as a whole word; an empty scope is the whole workspace."""

    old: str
    new: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Substitute:
    """A text for another text; an empty scope is the whole workspace."""

    old: str
    new: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Create:
    """A new file."""

    file: str
    content: str


@dataclass(frozen=True, slots=True)
class Run:
    """A shell command; without one, the project's tests."""

    command: str = ""


@dataclass(frozen=True, slots=True)
class Help:
    """What the assistant can do."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What needs a language model."""


Request: TypeAlias = Where | Uses | Outline | Find | List | Show | Rename | Substitute | Create | Run | Help | Unknown
