"""The tool `grep`: lines by their content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, Workspace
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.workspace.abilities import Searching
from a3s_lsp.engine.workspace.found import FileHits, Query
from a3s_lsp.engine.workspace.lines import LINE_CHARACTERS
from a3s_lsp.engine.workspace.search import search

_DESCRIPTION = """Search file contents with a regular expression. Shows path:line: text for every match. What is \
unsaved in the editor is searched as it is on the screen; binary files and what .gitignore excludes are left out, \
unless path names them."""

_MAX_CONTEXT = 100


@dataclass(frozen=True, slots=True)
class GrepArguments:
    pattern: Annotated[str, Parameter("The regular expression.")]
    path: Annotated[str, Parameter("The file or folder to search; the whole workspace if not given.")] = ""
    glob: Annotated[str, Parameter("Search only files whose name or path matches, for instance *.{ts,tsx}.")] = ""
    ignore_case: Annotated[bool, Parameter("Take upper and lower case for the same.", name="-i")] = False
    context: Annotated[int, Parameter("How many lines around each match to show; 0 if not given.")] = 0


class Grep:
    """Finds lines that match a regular expression."""

    lane: Lane = "query"
    arguments = GrepArguments

    def __init__(self) -> None:
        self.spec = specification("grep", _DESCRIPTION, GrepArguments)

    def subject(self, args: Json) -> str:
        return load(GrepArguments, args).path

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(GrepArguments, args)
        around = min(max(0, wanted.context), _MAX_CONTEXT)
        path = context.workspace.resolve(wanted.path)
        if not _is_there(path, context.workspace):
            raise ToolError(f"Grep search failed: {path} does not exist.", {"type": "not_found", "path": str(path)})
        query = Query(wanted.pattern, path, wanted.glob or None, ignore_case=wanted.ignore_case, context=around)
        found = await search(context.workspace, query)
        if not found.files:
            return ToolResult(f"No matches found for pattern: {wanted.pattern}")
        body = "".join(line for file in found.files for line in _shown(file, context.workspace, around > 0))
        count = sum(hit.is_match for file in found.files for hit in file.lines)
        rest = "" if found.complete else "\n\n[There are more: narrow the pattern, the path or the glob.]"
        return ToolResult(f"{body}\n{count} match(es) in {len(found.files)} file(s){rest}")


def _is_there(path: Path, workspace: Workspace) -> bool:
    if isinstance(workspace, Searching):
        return True  # what is not there has no matches
    return path.exists() or any(document.path == path for document in workspace.unsaved())


def _shown(file: FileHits, workspace: Workspace, grouped: bool) -> Iterator[str]:
    name = workspace.display(file.path)
    last = 0
    for hit in file.lines:
        if grouped and last and hit.number > last + 1:
            yield "--\n"
        for number, text in enumerate(hit.text.split("\n"), hit.number):
            yield f"{'>' if hit.is_match else ' '}{name}:{number}: {_cut(text)}\n"
            last = number
    if grouped:
        yield "--\n"


def _cut(text: str) -> str:
    text = text.removesuffix("\r")
    more = len(text) - LINE_CHARACTERS
    return f"{text[:LINE_CHARACTERS]}… [line cut: {more} more characters]" if more > 0 else text
