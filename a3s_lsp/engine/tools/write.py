"""The tool `write`: a whole file at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import StaleEdit, ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, Workspace
from a3s_lsp.engine.tools.applying import commit, text_or_none
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.tools.endings import usual_ending, with_ending
from a3s_lsp.engine.workspace.carrying import carried_over, unified

_DESCRIPTION = """Write a whole file: it is created, with the folders it needs, or all of its text is replaced. To \
change a part of a file use edit or patch."""

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
        name = context.workspace.display(path)
        current = await _text_before(context.workspace, path)
        base = _base(context, path, current)
        # In the manner of the text that it was made for: what makes the file another one since is not the agent's.
        change = Change(str(path), base, _in_the_manner_of(base, wanted.content))
        try:
            return ChangeSet(f"write {name}", (carried_over(change, current, name),))
        except StaleEdit as error:
            raise StaleEdit(f"{error}\nRead {name} before you write it.", error.kind) from error

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(WriteArguments, args)
        changes = await self.plan(args, context)
        [change] = changes.changes
        remarks = await commit(context, changes)
        after = change.after or ""
        written = _in_the_manner_of(change.before, wanted.content)
        if after != written:
            remarks = (
                f"\n[Text that came into it meanwhile was kept:\n{unified(written, after, 'written', 'now')}]{remarks}"
            )
        lines = after.count("\n") + (not after.endswith("\n") and after != "")
        return ToolResult(
            f"Wrote {len(after.encode(errors='surrogatepass'))} bytes ({lines} lines) to {change.path}{remarks}",
            metadata={"file_path": wanted.file_path, "after": after},
        )


def _base(context: ToolContext, path: Path, current: str | None) -> str | None:
    """The text that the new one was made for: what the model has seen, or what the embedding program, or a person, has
    approved to be replaced. What came into the file after that stays in it. Raises StaleEdit if that is not known."""
    if not current:
        return current
    approved = () if context.approved is None else context.approved.changes
    shown = next((change.before for change in approved if change.path == str(path)), current)
    if context.seen is None:
        return shown
    seen = context.seen.text(path)
    if seen is None:
        name = context.workspace.display(path)
        raise StaleEdit(
            f"{name} is there already, and you have not seen its text. Read {name} before you write it.",
            {"type": "version_conflict", "path": str(path)},
        )
    return seen


def _in_the_manner_of(before: str | None, content: str) -> str:
    """The text with the byte order mark and the line endings that the file has, which models do not see."""
    if before is None:
        return content
    if "\r" not in content:
        content = with_ending(content, usual_ending(before))
    if before.startswith(_BYTE_ORDER_MARK):
        # Also one that a model has moved with the line that it was shown in.
        content = _BYTE_ORDER_MARK + content.replace(_BYTE_ORDER_MARK, "")
    return content


async def _text_before(workspace: Workspace, path: Path) -> str | None:
    try:
        return await text_or_none(workspace, path)
    except ToolError as error:
        if error.kind is None or error.kind.get("type") != "unsupported":
            raise
        message = f"Failed to write file {path}: it is not text, so this could not be undone; delete it first."
        raise ToolError(message, error.kind) from error
