"""The tool `edit`: one text of a file for another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult
from a3s_lsp.engine.texts import split_lines
from a3s_lsp.engine.tools.applying import commit
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.tools.endings import usual_ending, with_ending
from a3s_lsp.engine.tools.matching import Ambiguous, How, Match, Place, find
from a3s_lsp.engine.tools.nearest import describe_nearest, numbered

_DESCRIPTION = """Replace text in a file. Give old_string exactly as it is in the file, with its indentation and line \
endings, and so that it is there only once; add lines around it until it is unique, or set replace_all. If it is not \
there, whole lines with other whitespace or other comments are taken for it where only one place comes near; the \
result says so. The line numbers that read shows are not part of the text."""


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
        changes, _ = await _planned(load(EditArguments, args), context)
        return changes

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(EditArguments, args)
        changes, edited = await _planned(wanted, context)
        remarks = await commit(context, changes)
        [change] = changes.changes
        return ToolResult(
            f"Replaced {edited.count} occurrence(s) in {change.path}{edited.remark}{remarks}",
            metadata={
                "file_path": wanted.file_path,
                "before": change.before,
                "after": change.after,
                "match": edited.how,
            },
        )


@dataclass(frozen=True, slots=True)
class _Edited:
    """The new text, how many places of the old one were replaced, how they were found, and what to say about that."""

    text: str
    count: int = 1
    how: How = "exact"
    remark: str = ""


async def _planned(wanted: EditArguments, context: ToolContext) -> tuple[ChangeSet, _Edited]:
    path = context.workspace.resolve(wanted.file_path)
    before = (await context.workspace.read(path)).text
    edited = _edited(before, wanted, path)
    return ChangeSet(f"edit {context.workspace.display(path)}", (Change(str(path), before, edited.text),)), edited


def _edited(text: str, wanted: EditArguments, path: Path) -> _Edited:
    _check(wanted, path)
    count = text.count(wanted.old_string)
    if count == 1 or (count and wanted.replace_all):
        return _Edited(text.replace(wanted.old_string, _with_own_endings(wanted, text)), count)
    if count:
        raise _refused(
            f"old_string found {count} times in {path}. Use replace_all=true to replace all occurrences, "
            "or provide a more specific string.",
            path,
        )
    match find(text, wanted.old_string, wanted.new_string) if not wanted.replace_all else None:
        case None:
            raise _refused(f"old_string not found in {path}. {describe_nearest(text, wanted.old_string)}", path)
        case Ambiguous() as several:
            raise _refused(f"old_string not found in {path} as given. {_advice(several)}", path)
        case Match() as match:
            after = text[: match.start] + match.text + text[match.end :]
            if after == text:
                raise _refused(f"{path} has new_string there already: nothing would change.", path)
            return _Edited(after, how=match.how, remark=_remark(match, text))


def _check(wanted: EditArguments, path: Path) -> None:
    if not wanted.old_string:
        raise _refused(
            "old_string is empty: to insert text, give the text next to it as old_string and repeat it in new_string; "
            "to fill an empty file, use write.",
            path,
        )
    if wanted.old_string == wanted.new_string:
        raise _refused("old_string and new_string are the same: nothing would change.", path)


def _refused(message: str, path: Path) -> ToolError:
    return ToolError(message, {"type": "invalid_argument", "path": str(path)})


def _with_own_endings(wanted: EditArguments, text: str) -> str:
    """The new string, with line endings as in the file if the old one does not show which are meant."""
    if "\n" in wanted.old_string or "\n" not in text:
        return wanted.new_string
    return with_ending(wanted.new_string, usual_ending(text))


def _remark(match: Match, text: str) -> str:
    place = match.place
    if match.how == "whitespace":
        likeness = " although whitespace differs"
    else:
        likeness = f", the only place that is nearly like it ({place.score:.0f} % alike)"
    lines = numbered(split_lines(text), place.start, place.end - place.start)
    return f": old_string matched {_named(place)}{likeness}. What was there:\n{lines}"


def _advice(found: Ambiguous) -> str:
    if found.how == "whitespace":
        places = ", ".join(map(_named, found.places))
        return f"With other whitespace it is in several places: {places}. Add lines around it until it is unique."
    places = ", ".join(f"{_named(place)} ({place.score:.0f} % alike)" for place in found.places)
    return f"Several places are nearly like it: {places}. Give the text of the one that is meant exactly."


def _named(place: Place) -> str:
    if place.end - place.start == 1:
        return f"line {place.end}"
    return f"lines {place.start + 1}-{place.end}"
