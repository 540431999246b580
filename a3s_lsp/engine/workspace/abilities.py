"""What a workspace does by itself that is no folder of this machine; others have the disk looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from a3s_lsp.engine.workspace.found import Found, Query

EntryKind: TypeAlias = Literal["dir", "file", "link"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is in a folder: its kind, its name without the folder's, and its size in bytes."""

    kind: EntryKind
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Walked:
    """Files below a folder, sorted. Not `complete`: there are more than may be looked at in one call."""

    files: tuple[Path, ...]
    complete: bool = True


@runtime_checkable
class Listing(Protocol):
    """A workspace that lists its folders."""

    async def entries(self, folder: Path) -> Sequence[Entry]:
        """What is in a folder, in any order. Raises ToolError."""


@runtime_checkable
class Searching(Protocol):
    """A workspace that searches its files, and walks them."""

    async def search(self, query: Query) -> Found:
        """Find a pattern in its text files. Raises ToolError."""

    async def walk(self, folder: Path) -> Walked:
        """All files below a folder. Raises ToolError."""
