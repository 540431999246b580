"""The tool `patch`: a unified diff for one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult
from a3s_lsp.engine.tools import hunks
from a3s_lsp.engine.tools.applying import commit, text_or_none
from a3s_lsp.engine.tools.arguments import Parameter, load, specification

_DESCRIPTION = """Apply a unified diff to one file. Every hunk begins with a header such as @@ -12,4 +12,5 @@; context \
lines begin with a space and must be as in the file, since they decide where the hunk goes. All hunks are applied or \
none. A hunk @@ -0,0 +1,n @@ creates a file."""


@dataclass(frozen=True, slots=True)
class PatchArguments:
    file_path: Annotated[str, Parameter("The file, relative to the workspace or absolute inside it.")]
    diff: Annotated[str, Parameter("The diff; its ---/+++ lines may be left out.")]


class Patch:
    """Applies the hunks of a diff to one file."""

    lane: Lane = "execute"
    arguments = PatchArguments

    def __init__(self) -> None:
        self.spec = specification("patch", _DESCRIPTION, PatchArguments)

    def subject(self, args: Json) -> str:
        return load(PatchArguments, args).file_path

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet:
        changes, _ = await _planned(load(PatchArguments, args), context)
        return changes

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(PatchArguments, args)
        changes, summary = await _planned(wanted, context)
        await commit(context, changes)
        return ToolResult(summary, metadata={"file_path": wanted.file_path})


async def _planned(wanted: PatchArguments, context: ToolContext) -> tuple[ChangeSet, str]:
    path = context.workspace.resolve(wanted.file_path)
    parsed = hunks.parse(wanted.diff)
    before = await text_or_none(context.workspace, path)
    if before is None and any(hunk.old for hunk in parsed):
        raise ToolError(
            f"Failed to apply patch: {path} does not exist, and the diff is not one that creates it.",
            {"type": "not_found", "path": str(path)},
        )
    patched = hunks.apply(before or "", parsed)
    changes = ChangeSet(f"patch {context.workspace.display(path)}", (Change(str(path), before, patched.text),))
    remarks = f" ({'; '.join(patched.remarks)})" if patched.remarks else ""
    return changes, f"Applied {len(parsed)} hunk(s) to {path}{remarks}"
