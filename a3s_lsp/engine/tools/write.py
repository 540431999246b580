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

_DESCRIPTION = """Write a whole file: it is created, with the folders it needs, or all of its text is replaced. To \
change a part of a file use edit or patch."""

_DIFF_LINES = 20
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class WriteArguments:
    file_path: Annotated[str, Parameter("The file, relative to the workspace or absolute inside it.")]
    content: Annotated[str, Parameter("The whole new text, with its line endings.")]


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
        change = Change(str(path), before, _marked(wanted.content, before))
        return ChangeSet(f"write {context.workspace.display(path)}", (change,))

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(WriteArguments, args)
        changes = await self.plan(args, context)
        [change] = changes.changes
        _check_approved(change, context.approved)
        remarks = await commit(context, changes)
        size = len(wanted.content.encode())
        lines = wanted.content.count("\n") + (not wanted.content.endswith("\n") and wanted.content != "")
        return ToolResult(
            f"Wrote {size} bytes ({lines} lines) to {change.path}{remarks}",
            metadata={"file_path": wanted.file_path, "after": wanted.content},
        )


def _marked(content: str, before: str | None) -> str:
    """The text with the byte order mark that the file has: models do not see it, and without it UTF-16 is no text."""
    had_mark = before is not None and before.startswith(_BYTE_ORDER_MARK)
    return _BYTE_ORDER_MARK + content.removeprefix(_BYTE_ORDER_MARK) if had_mark else content


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
