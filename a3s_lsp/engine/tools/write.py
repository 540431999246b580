"""The tool `write`: a whole file at once."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import StaleEdit, ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, Workspace
from a3s_lsp.engine.tools.applying import commit, text_or_none
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.tools.endings import usual_ending, with_ending

_DESCRIPTION = """Write a whole file: it is created, with the folders it needs, or all of its text is replaced. To \
change a part of a file use edit or patch."""

_DIFF_LINES = 20
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class WriteArguments:
    file_path: Annotated[str, Parameter("The file, relative to the workspace or absolute inside it.")]
    content: Annotated[str, Parameter("The whole new text. A file that has CRLF line endings keeps them.")]


class Write:
    """Creates a file or replaces its whole text."""

    lane: Lane = "execute"
    arguments = WriteArguments

    def __init__(self) -> None:
        self.spec = specification("write", _DESCRIPTION, WriteArguments)

    def subject(self, args: Json) -> str:
        return load(WriteArguments, args).file_path

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet:
        wanted = load(WriteArguments, args)
        path = context.workspace.resolve(wanted.file_path)
        before = await _text_before(context.workspace, path)
        change = Change(str(path), before, _in_the_manner_of(before, wanted.content))
        return ChangeSet(f"write {context.workspace.display(path)}", (change,))

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(WriteArguments, args)
        changes = await self.plan(args, context)
        [change] = changes.changes
        _check_approved(change, context.approved)
        remarks = await commit(context, changes)
        after = change.after or ""
        lines = after.count("\n") + (not after.endswith("\n") and after != "")
        return ToolResult(
            f"Wrote {len(after.encode(errors='surrogatepass'))} bytes ({lines} lines) to {change.path}{remarks}",
            metadata={"file_path": wanted.file_path, "after": after},
        )


def _in_the_manner_of(before: str | None, content: str) -> str:
    """The text with the byte order mark and the line endings that the file has, which models do not see."""
    if before is None:
        return content
    if "\r" not in content:
        content = with_ending(content, usual_ending(before))
    if before.startswith(_BYTE_ORDER_MARK):
        content = _BYTE_ORDER_MARK + content.removeprefix(_BYTE_ORDER_MARK)
    return content


async def _text_before(workspace: Workspace, path: Path) -> str | None:
    try:
        return await text_or_none(workspace, path)
    except ToolError as error:
        if error.kind is None or error.kind.get("type") != "unsupported":
            raise
        message = f"Failed to write file {path}: it is not text, so this could not be undone; delete it first."
        raise ToolError(message, error.kind) from error


def _check_approved(fresh: Change, approved: ChangeSet | None) -> None:
    """Text that came into the file after the person approved would be lost without anyone having seen it."""
    if approved is None:
        return
    seen = next((change for change in approved.changes if change.path == fresh.path), None)
    if seen is None or seen.before == fresh.before:
        return
    old, new = (text.splitlines() if text else [] for text in (seen.before, fresh.before))
    diff = "\n".join(islice(difflib.unified_diff(old, new, "approved", "now", lineterm="", n=1), _DIFF_LINES))
    raise StaleEdit(
        f"{fresh.path} was changed since this was approved; read it again and keep the new text:\n{diff}",
        {"type": "version_conflict", "path": fresh.path},
    )
