"""The tool `replace`: one replacement in many files, as one change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Document, Lane, ToolContext, ToolResult, Workspace
from a3s_lsp.engine.tools.applying import commit
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.workspace.found import FileHits, Query, Span
from a3s_lsp.engine.workspace.search import search, search_document

_DESCRIPTION = """Replace every occurrence of a text, or of a regular expression, in all files of the workspace, or in \
those that path and glob select. It is one change: applied as a whole or not at all. Use grep first to see what \
would be hit. Binary files and what .gitignore excludes are left alone."""


@dataclass(frozen=True, slots=True)
class ReplaceArguments:
    pattern: Annotated[str, Parameter("The text to replace, or a regular expression if regex is true.")]
    replacement: Annotated[str, Parameter("The text to put there; with regex, $1 or ${name} stand for groups.")]
    regex: Annotated[bool, Parameter("The pattern is a regular expression; false if not given.")] = False
    whole_word: Annotated[bool, Parameter("Only where no letter, digit or _ adjoins; false if not given.")] = False
    case_sensitive: Annotated[bool, Parameter("Upper and lower case differ; true if not given.")] = True
    path: Annotated[str, Parameter("The file or folder to work on; the whole workspace if not given.")] = ""
    glob: Annotated[str, Parameter("Only files whose name or path matches, for instance *.{ts,tsx}.")] = ""
    max_files: Annotated[int, Parameter("Refuse to change more files than this; 200 if not given.")] = 200


@dataclass(frozen=True, slots=True)
class _Plan:
    changes: ChangeSet
    counts: tuple[tuple[str, int], ...]
    skipped: tuple[str, ...]


class Replace:
    """Replaces a text in many files at once."""

    lane: Lane = "execute"
    arguments = ReplaceArguments

    def __init__(self) -> None:
        self.spec = specification("replace", _DESCRIPTION, ReplaceArguments)

    def subject(self, args: Json) -> str:
        return load(ReplaceArguments, args).path

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet:
        return (await _planned(load(ReplaceArguments, args), context.workspace)).changes

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        planned = await _planned(load(ReplaceArguments, args), context.workspace)
        remarks = await commit(context, planned.changes)
        total = sum(count for _, count in planned.counts)
        files = "".join(f"  {name}: {count}\n" for name, count in planned.counts)
        skipped = f"\n[Left alone, because not text: {', '.join(planned.skipped)}]" if planned.skipped else ""
        return ToolResult(
            f"Replaced {total} occurrence(s) in {len(planned.counts)} file(s):\n{files}{skipped}{remarks}",
            metadata={"files": [{"file_path": name, "count": count} for name, count in planned.counts]},
        )


async def _planned(wanted: ReplaceArguments, workspace: Workspace) -> _Plan:
    query = _query(wanted, workspace)
    files = await _found(wanted, query, workspace)
    changes: list[Change] = []
    counts: list[tuple[str, int]] = []
    skipped: list[str] = []
    for file in files:
        name = workspace.display(file.path)
        document = await _document(workspace, file.path)
        if document is None:
            skipped.append(name)
            continue
        spans = await _spans(query, file, document)
        if spans:
            changes.append(Change(str(file.path), document.text, _replaced(document.text, spans)))
            counts.append((name, len(spans)))
    if not changes and not skipped:
        raise _nothing_found(wanted)
    if not changes:
        raise ToolError(f"No text file matches: only {', '.join(skipped)}, which are not text.")
    label = f"replace {wanted.pattern!r} with {wanted.replacement!r}"
    return _Plan(ChangeSet(label, tuple(changes)), tuple(counts), tuple(skipped))


def _query(wanted: ReplaceArguments, workspace: Workspace) -> Query:
    if not wanted.pattern:
        raise ToolError("pattern is empty: give the text to replace.", {"type": "invalid_argument"})
    return Query(
        wanted.pattern,
        workspace.resolve(wanted.path),
        wanted.glob or None,
        literal=not wanted.regex,
        ignore_case=not wanted.case_sensitive,
        whole_word=wanted.whole_word,
        replacement=_template(wanted.replacement) if wanted.regex else wanted.replacement.replace("$", "$$"),
    )


async def _found(wanted: ReplaceArguments, query: Query, workspace: Workspace) -> tuple[FileHits, ...]:
    found = await search(workspace, query)
    if not found.files:
        raise _nothing_found(wanted)
    if len(found.files) > wanted.max_files or not found.complete:
        raise ToolError(
            f"{len(found.files)} files match, more than max_files={wanted.max_files} allows; "
            "narrow it with path or glob, or raise max_files.",
            {"type": "invalid_argument"},
        )
    return found.files


def _nothing_found(wanted: ReplaceArguments) -> ToolError:
    return ToolError(f"No matches found for pattern: {wanted.pattern}", {"type": "not_found"})


def _template(replacement: str) -> str:
    r"""Groups as ripgrep wants them: `\1` and `$1` become `${1}`, so that a letter may follow."""
    return re.sub(r"\\(\d+)|\$(\d+)", lambda group: f"${{{group[1] or group[2]}}}", replacement)


async def _document(workspace: Workspace, path: Path) -> Document | None:
    """A file, or None if it is not text."""
    try:
        return await workspace.read(path)
    except ToolError as error:
        if error.kind is not None and error.kind.get("type") == "unsupported":
            return None
        raise


async def _spans(query: Query, found: FileHits, document: Document) -> list[Span]:
    """The matches in the text, which is searched again if it is not what was found on the disk: it has changed since,
    or the file is not in UTF-8."""
    data = document.text.encode()
    spans = [span for hit in found.lines for span in hit.spans]
    if all(data[span.start : span.end] == span.match for span in spans):
        return spans
    again = await search_document(query, document)
    return [] if again is None else [span for hit in again.lines for span in hit.spans]


def _replaced(text: str, spans: list[Span]) -> str:
    data = text.encode()
    if any(span.start == span.end for span in spans):
        raise ToolError("The pattern also matches empty text; make it match something.", {"type": "invalid_argument"})
    if any(span.replacement is None for span in spans):
        raise ToolError("This ripgrep is too old to replace; install ripgrep 15.", {"type": "unsupported"})
    ends = [0, *(span.end for span in spans)]
    kept = [data[end : span.start] for end, span in zip(ends, spans, strict=False)]
    pieces = [piece for before, span in zip(kept, spans, strict=True) for piece in (before, span.replacement or b"")]
    return b"".join([*pieces, data[ends[-1] :]]).decode()
