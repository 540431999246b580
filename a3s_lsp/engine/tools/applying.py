"""What the tools that change files share: the text they start from, and the one way in which changes are applied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import StaleEdit, ToolError
from a3s_lsp.engine.ports import ToolContext, Workspace
from a3s_lsp.engine.workspace.shielding import uninterrupted

_CANCEL_SECONDS = 0.3


async def text_or_none(workspace: Workspace, path: Path) -> str | None:
    """The current text of a file, or None if there is no such file."""
    try:
        return (await workspace.read(path)).text
    except ToolError as error:
        if error.kind is not None and error.kind.get("type") == "not_found":
            return None
        raise


async def commit(context: ToolContext, changes: ChangeSet) -> None:
    """Apply freshly planned changes and tell the session; raises StaleEdit if they touch what nobody has approved."""
    _check_files(context, changes)
    changed = tuple(change for change in changes.changes if change.before != change.after)
    if changed:
        # A change that was made is always told, even to a call that is being cancelled.
        await uninterrupted(_apply(context, replace(changes, changes=changed)), _CANCEL_SECONDS)


async def _apply(context: ToolContext, changes: ChangeSet) -> None:
    await context.workspace.apply(changes)
    context.applied(changes)


def _check_files(context: ToolContext, changes: ChangeSet) -> None:
    if context.approved is None:
        return
    approved = {change.path for change in context.approved.changes}
    strange = [change.path for change in changes.changes if change.path not in approved]
    if strange:
        raise StaleEdit(f"The edit now also changes {', '.join(strange)}, which was not approved; try it again.")
