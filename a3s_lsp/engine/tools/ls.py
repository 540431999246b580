"""The tool `ls`: what is in one folder."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.workspace.abilities import Entry, EntryKind, Listing

_DESCRIPTION = """List a folder: folders first, then the rest by name, with sizes; hidden files are shown. To find \
files by name in all folders use glob."""


@dataclass(frozen=True, slots=True)
class LsArguments:
    path: Annotated[str, Parameter("The folder; the workspace itself if not given.")] = ""


class Ls:
    """Lists a folder."""

    lane: Lane = "query"
    arguments = LsArguments

    def __init__(self) -> None:
        self.spec = specification("ls", _DESCRIPTION, LsArguments)

    def subject(self, args: Json) -> str:
        return load(LsArguments, args).path

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        workspace = context.workspace
        folder = workspace.resolve(load(LsArguments, args).path)
        found = await (
            workspace.entries(folder) if isinstance(workspace, Listing) else asyncio.to_thread(_entries, folder)
        )
        entries = [_row(entry) for entry in sorted(found, key=lambda entry: (entry.kind != "dir", entry.name))]
        body = "".join(entries) + f"\n{len(entries)} entries\n" if entries else "(empty directory)\n"
        return ToolResult(f"Directory: {folder}\n\n{body}")


def _entries(folder: Path) -> list[Entry]:
    try:
        with os.scandir(folder) as found:
            return [_entry(entry) for entry in found]
    except OSError as error:
        kind = {"type": "not_found" if isinstance(error, FileNotFoundError) else "invalid_argument"}
        raise ToolError(
            f"Failed to read directory {folder}: {error.strerror} (os error {error.errno}).",
            {**kind, "path": str(folder)},
        ) from error


def _entry(entry: os.DirEntry[str]) -> Entry:
    kind: EntryKind = "link" if entry.is_symlink() else "dir" if entry.is_dir() else "file"
    name = os.fsencode(entry.name).decode(errors="replace")
    return Entry(kind, name, entry.stat(follow_symlinks=False).st_size)


def _row(entry: Entry) -> str:
    name = f"{entry.name}/" if entry.kind == "dir" else entry.name
    return f"{entry.kind:<6}{_size(entry.size):>9}  {name}\n"


def _size(size: int) -> str:
    if size < 1024:
        return f"{size}B"
    return f"{size / 1024:.1f}KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f}MB"
