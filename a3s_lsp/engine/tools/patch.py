"""The tool `patch`: a unified diff for one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, Workspace
from a3s_lsp.engine.tools import hunks
from a3s_lsp.engine.tools.applying import commit, text_or_none
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.tools.diffheaders import Header, read_header

_DESCRIPTION = """Apply a unified diff to one file. Every hunk begins with a header such as @@ -12,4 +12,5 @@; context \
lines begin with a space and must be as in the file, since they decide where the hunk goes. All hunks are applied or \
none. A hunk @@ -0,0 +1,n @@ creates a file; with +++ /dev/null and hunks that remove every line the file is deleted; \
with the lines "rename from OLD" and "rename to NEW" at the top it is renamed."""


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
        remarks = await commit(context, changes)
        return ToolResult(summary + remarks, metadata={"file_path": wanted.file_path})


async def _planned(wanted: PatchArguments, context: ToolContext) -> tuple[ChangeSet, str]:
    path = context.workspace.resolve(wanted.file_path)
    header = read_header(wanted.diff)
    target = await _target(wanted, header, path, context.workspace)
    parsed = [] if not header.has_hunks and (header.deletes or target) else hunks.parse(wanted.diff)
    before = await text_or_none(context.workspace, path)
    if before is None and (header.deletes or target or any(hunk.old for hunk in parsed)):
        raise _refused(f"{path} does not exist, and the diff is not one that creates it.", path, "not_found")
    patched = hunks.apply(before or "", parsed, str(path))
    if header.deletes:
        _check_emptied(patched.text, path)
        change, outcome = Change(str(path), before, None), ", which deleted it"
    elif target is not None:
        change, outcome = Change(str(target), before, patched.text, source=str(path)), f", and renamed it to {target}"
    else:
        change, outcome = Change(str(path), before, patched.text), ""
    remarks = f" ({'; '.join(patched.remarks)})" if patched.remarks else ""
    changes = ChangeSet(f"patch {context.workspace.display(path)}", (change,))
    return changes, f"Applied {len(parsed)} hunk(s) to {path}{outcome}{remarks}"


async def _target(wanted: PatchArguments, header: Header, path: Path, workspace: Workspace) -> Path | None:
    """Where the diff renames the file to, or None. ToolError if that cannot be done."""
    rename = header.rename
    if rename is None:
        return None
    if workspace.resolve(rename.source) != path:
        raise _refused(
            f"the diff renames {rename.source} to {rename.target}, but file_path is {wanted.file_path}; "
            "give the old name as file_path.",
            path,
        )
    target = workspace.resolve(rename.target)
    if target == path:
        return None
    if target.exists() or await text_or_none(workspace, target) is not None:
        raise _refused(f"{target} exists already; delete it first, or rename to another name.", target)
    return target


def _check_emptied(text: str, path: Path) -> None:
    left = len(text.removeprefix("\ufeff").splitlines())
    if left:
        raise _refused(
            f"the diff is to delete {path}, but leaves {left} of its lines; a diff that deletes a file has to "
            "remove all lines that it has now.",
            path,
        )


def _refused(reason: str, path: Path, kind: str = "invalid_argument") -> ToolError:
    return ToolError(f"Failed to apply patch: {reason}", {"type": kind, "path": str(path)})
