"""What happens in a schedule, as values that print as the code that makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tests.properties.truth.agent import Job


@dataclass(frozen=True, slots=True)
class Open:
    """The person opens a file."""

    file: int


@dataclass(frozen=True, slots=True)
class Close:
    """The person closes a document, saving it or not."""

    file: int
    save: bool = True


@dataclass(frozen=True, slots=True)
class Type:
    """The person types characters, one after the other."""

    file: int
    line: int
    column: int = 0
    count: int = 1
    pace_ms: int = 0


@dataclass(frozen=True, slots=True)
class Paste:
    """The person pastes whole lines before a line."""

    file: int
    line: int
    lines: int = 2


@dataclass(frozen=True, slots=True)
class DeleteLines:
    """The person deletes lines."""

    file: int
    line: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """The person replaces the text of a line."""

    file: int
    line: int


@dataclass(frozen=True, slots=True)
class Rub:
    """The person deletes characters, over the ends of lines too."""

    file: int
    line: int
    column: int = 0
    count: int = 1


@dataclass(frozen=True, slots=True)
class Scatter:
    """The person types at the ends of several lines at once."""

    file: int
    line: int
    places: int = 2


@dataclass(frozen=True, slots=True)
class Save:
    """The person saves. If the disk has changed, it is overwritten or taken."""

    file: int
    overwrite: bool = False
    format: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    """The person takes steps back."""

    file: int
    times: int = 1


@dataclass(frozen=True, slots=True)
class Redo:
    """The person does steps again."""

    file: int
    times: int = 1


@dataclass(frozen=True, slots=True)
class External:
    """Another program changes a line of a file on the disk, or adds one."""

    file: int
    line: int
    insert: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """The editor looks at the disk."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The person gives the agent a job, and goes on."""

    job: Job


@dataclass(frozen=True, slots=True)
class Stop:
    """The person stops the agent."""


@dataclass(frozen=True, slots=True)
class Keep:
    """The person keeps a hunk."""

    hunk: int


@dataclass(frozen=True, slots=True)
class TakeBack:
    """The person has a hunk taken back."""

    hunk: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """The editor refuses the next edits."""

    times: int = 1


@dataclass(frozen=True, slots=True)
class Wait:
    """Time goes by."""

    ms: int


@dataclass(frozen=True, slots=True)
class Crash:
    """The server is killed, and a new one is started after a while."""

    after_ms: int = 50


Edits: TypeAlias = Paste | DeleteLines | ChangeLine | Rub | Scatter
InDocument: TypeAlias = Open | Close | Type | Edits | Save | Undo | Redo
Step: TypeAlias = InDocument | External | Look | Ask | Stop | Keep | TakeBack | Refuse | Wait | Crash


@dataclass(frozen=True, slots=True)
class Schedule:
    """One play: the editor, the seed of all delays, the steps. `files` are the texts that are there at first."""

    editor: str
    seed: int
    steps: tuple[Step, ...]
    files: tuple[str, ...] = ("alpha 1\nbeta 2\ngamma 3\nalpha 4\nbeta 5\ngamma 6\n",) * 3
