"""The tool `edit`: exact text for exact text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult
from a3s_lsp.engine.tools.applying import commit
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.tools.nearest import describe_nearest

_DESCRIPTION = """Replace text in a file. old_string must be found exactly as given, with its indentation and line \
endings, and only once; add lines around it until it is unique, or set replace_all. The line numbers that read shows \
are not part of the text."""


@dataclass(frozen=True, slots=True)
class EditArguments:
    file_path: Annotated[str, Parameter("The file, relative to the workspace or absolute inside it.")]
    old_string: Annotated[str, Parameter("The text to replace, exactly as it is in the file.")]
    new_string: Annotated[str, Parameter("The text to put in its place.")]
    replace_all: Annotated[bool, Parameter("Replace every occurrence; false if not given.")] = False


class Edit:
    """Replaces one text, or all of the same, in one file."""

    lane: Lane = "execute"
    arguments = EditArguments

    def __init__(self) -> None:
        self.spec = specification("edit", _DESCRIPTION, EditArguments)

    def subject(self, args: Json) -> str:
        return load(EditArguments, args).file_path

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet:
        wanted = load(EditArguments, args)
        path = context.workspace.resolve(wanted.file_path)
        before = (await context.workspace.read(path)).text
        problem = _problem(wanted, before, str(path))
        if problem is not None:
            raise ToolError(problem, {"type": "invalid_argument", "path": str(path)})
        change = Change(str(path), before, before.replace(wanted.old_string, wanted.new_string))
        return ChangeSet(f"edit {context.workspace.display(path)}", (change,))

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(EditArguments, args)
        changes = await self.plan(args, context)
        await commit(context, changes)
        [change] = changes.changes
        count = (change.before or "").count(wanted.old_string)
        return ToolResult(
            f"Replaced {count} occurrence(s) in {change.path}",
            metadata={"file_path": wanted.file_path, "before": change.before, "after": change.after},
        )


def _problem(wanted: EditArguments, text: str, path: str) -> str | None:
    """Why the edit cannot be made, and what to do; None if it can."""
    if not wanted.old_string:
        return (
            "old_string is empty: to insert text, give the text next to it as old_string and repeat it in new_string; "
            "to fill an empty file, use write."
        )
    if wanted.old_string == wanted.new_string:
        return "old_string and new_string are the same: nothing would change."
    count = text.count(wanted.old_string)
    if count == 0:
        return f"old_string not found in {path}. {describe_nearest(text, wanted.old_string)}"
    if count > 1 and not wanted.replace_all:
        return (
            f"old_string found {count} times in {path}. Use replace_all=true to replace all occurrences, "
            "or provide a more specific string."
        )
    return None
