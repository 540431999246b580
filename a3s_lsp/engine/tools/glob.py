"""The tool `glob`: files by the pattern of their names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, Workspace
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.workspace.abilities import Searching, Walked
from a3s_lsp.engine.workspace.globs import compile_glob
from a3s_lsp.engine.workspace.search import list_files

_DESCRIPTION = """Find files and folders by name. * and ? stay within one name, ** goes through folders, {a,b} \
chooses: **/*.{ts,tsx}. What .gitignore excludes is left out, unless the pattern itself begins with that folder."""

_MAGIC = re.compile(r"[*?\[{\\]")


@dataclass(frozen=True, slots=True)
class GlobArguments:
    pattern: Annotated[str, Parameter("The pattern, relative to path.")]
    path: Annotated[str, Parameter("The folder to start in; the workspace itself if not given.")] = ""


class Glob:
    """Finds files and folders whose path matches a pattern."""

    lane: Lane = "query"
    arguments = GlobArguments

    def __init__(self) -> None:
        self.spec = specification("glob", _DESCRIPTION, GlobArguments)

    def subject(self, args: Json) -> str:
        return load(GlobArguments, args).path

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(GlobArguments, args)
        pattern = wanted.pattern.removeprefix("./")
        _check(pattern)
        start = context.workspace.resolve(wanted.path)
        walked = await _walked(context.workspace, start, start / _fixed_part(pattern))
        matches = compile_glob(pattern).match
        found = [path for path in _with_folders(walked.files, start) if matches(path.relative_to(start).as_posix())]
        rest = "" if walked.complete else "\n\n[There are more files than are looked at: narrow the path.]"
        if not found:
            return ToolResult(f"No files found matching pattern: {wanted.pattern}{rest}")
        names = sorted(context.workspace.display(path) for path in found)
        text = "\n".join(names)
        return ToolResult(f"{text}\n\n{len(names)} file(s) found{rest}", metadata={"paths": names})


async def _walked(workspace: Workspace, start: Path, folder: Path) -> Walked:
    if isinstance(workspace, Searching):
        return await workspace.walk(folder)
    if not _is_folder(start):
        raise ToolError(f"Failed to read directory {start}: it is not a folder.", {"type": "not_found"})
    return Walked(tuple(await list_files(workspace, folder)) if _is_folder(folder) else ())


def _is_folder(path: Path) -> bool:
    return path.is_dir()


def _check(pattern: str) -> None:
    if not pattern:
        raise ToolError("glob pattern cannot be empty.", {"type": "invalid_argument"})
    if pattern.startswith("/"):
        raise ToolError("glob pattern must be relative to the workspace.", {"type": "invalid_argument"})
    if ".." in pattern.split("/"):
        raise ToolError("glob pattern must not contain parent directory traversal.", {"type": "invalid_argument"})


def _fixed_part(pattern: str) -> str:
    """The folders that the pattern names in full: nothing outside them can match."""
    folders = pattern.split("/")[:-1]
    fixed = next((index for index, name in enumerate(folders) if _MAGIC.search(name)), len(folders))
    return "/".join(folders[:fixed])


def _with_folders(files: Iterable[Path], start: Path) -> set[Path]:
    found: set[Path] = set()
    for path in files:
        while path != start and path not in found:
            found.add(path)
            path = path.parent
    return found
