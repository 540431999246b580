"""What the tools that change files share: the text they start from, and the one way in which changes are applied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import StaleEdit, ToolError
from a3s_lsp.engine.ports import ToolContext, Workspace
from a3s_lsp.engine.tools.problems import difference, problems_before
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


async def commit(context: ToolContext, changes: ChangeSet) -> str:
    """Apply freshly planned changes and tell the session; returns what is to be added to the tool's output, "" if there
    is nothing to remark. Raises StaleEdit if they touch what nobody has approved."""
    _check_files(context, changes)
    changed = tuple(change for change in changes.changes if change.before != change.after or change.source)
    if not changed:
        return ""
    before = await problems_before(context.workspace, (Path(change.path) for change in changed))
    work = context.workspace.apply(replace(changes, changes=changed), context.planned, context.applied)
    # A change that was made is always told, even to a call that is being cancelled.
    applied = await uninterrupted(work, _CANCEL_SECONDS)
    if context.seen is not None:
        for change in applied.changes.changes:
            context.seen.changed(change)
    remarks = "".join(f"\n[{remark}]" for remark in applied.remarks)
    return remarks + await difference(context.workspace, before)


def _check_files(context: ToolContext, changes: ChangeSet) -> None:
    if context.approved is None:
        return
    approved = {change.path for change in context.approved.changes}
    strange = [change.path for change in changes.changes if change.path not in approved]
    if strange:
        raise StaleEdit(f"The edit now also changes {', '.join(strange)}, which was not approved; try it again.")
