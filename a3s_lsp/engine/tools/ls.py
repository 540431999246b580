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
        folder = context.workspace.resolve(load(LsArguments, args).path)
        entries = await asyncio.to_thread(_entries, folder)
        body = "".join(entries) + f"\n{len(entries)} entries\n" if entries else "(empty directory)\n"
        return ToolResult(f"Directory: {folder}\n\n{body}")


def _entries(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as found:
            rows = [_row(entry) for entry in found]
    except OSError as error:
        kind = {"type": "not_found" if isinstance(error, FileNotFoundError) else "invalid_argument"}
        raise ToolError(
            f"Failed to read directory {folder}: {error.strerror} (os error {error.errno}).",
            {**kind, "path": str(folder)},
        ) from error
    rows.sort(key=lambda row: (row[0] != "dir", row[1]))
    return [f"{kind:<6}{size:>9}  {name}\n" for kind, name, size in rows]


def _row(entry: os.DirEntry[str]) -> tuple[str, str, str]:
    kind = "link" if entry.is_symlink() else "dir" if entry.is_dir() else "file"
    name = os.fsencode(entry.name).decode(errors="replace")
    return kind, f"{name}/" if kind == "dir" else name, _size(entry.stat(follow_symlinks=False).st_size)


def _size(size: int) -> str:
    if size < 1024:
        return f"{size}B"
    return f"{size / 1024:.1f}KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f}MB"
