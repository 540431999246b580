"""The tool `read`: numbered lines of a file, as it is on the screen."""

from __future__ import annotations

import asyncio
import io
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, Protocol, runtime_checkable

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, Workspace
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.workspace.disk import as_utf8, is_small, is_wide
from a3s_lsp.engine.workspace.lines import Line, Window, window

_DESCRIPTION = """Read a text file. Each line is shown as its number, a tab and its text; the number and the tab are \
not part of the file. What is unsaved in the editor is shown as it is on the screen. Up to 2000 lines come at once: \
use offset and limit for the rest. Lines of more than 2000 characters are cut, and say so."""


@dataclass(frozen=True, slots=True)
class ReadArguments:
    file_path: Annotated[str, Parameter("The file, relative to the workspace or absolute inside it.")]
    offset: Annotated[int, Parameter("How many lines to skip; 0, the default, starts at the first line.")] = 0
    limit: Annotated[int, Parameter("How many lines to show at most; 2000 if not given.")] = 2000


@runtime_checkable
class Streaming(Protocol):
    """A workspace that can hand out the bytes of a file without reading it as a whole."""

    def stream(self, path: Path) -> BinaryIO: ...


class Read:
    """Shows lines with their numbers."""

    lane: Lane = "query"
    arguments = ReadArguments

    def __init__(self) -> None:
        self.spec = specification("read", _DESCRIPTION, ReadArguments)

    def subject(self, args: Json) -> str:
        return load(ReadArguments, args).file_path

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(ReadArguments, args)
        path = context.workspace.resolve(wanted.file_path)
        offset = max(0, wanted.offset)
        shown = await _window(context.workspace, path, offset, max(0, wanted.limit))
        await _remember(context, path)
        if shown.total is not None and offset >= max(1, shown.total):
            raise ToolError(f"Offset {offset} exceeds file length ({shown.total} lines).", {"type": "invalid_argument"})
        lines = [_numbered(number, line) for number, line in enumerate(shown.lines, offset + 1)]
        return ToolResult("".join(lines) + _rest(shown, offset + len(lines)))


async def _remember(context: ToolContext, path: Path) -> None:
    """Keep what the model has seen, so that what it makes of it is not put over something newer."""
    if context.seen is None:
        return
    try:
        context.seen.read(path, (await context.workspace.read(path)).text)
    except ToolError:  # too large to be written whole
        context.seen.read(path, None)


async def _window(workspace: Workspace, path: Path, offset: int, limit: int) -> Window:
    if isinstance(workspace, Streaming):
        file = workspace.stream(path)
    else:
        file = io.BytesIO((await workspace.read(path)).text.encode())
    if is_small(file):
        return _read(file, path, offset, limit)
    return await asyncio.to_thread(_read, file, path, offset, limit)


def _read(file: BinaryIO, path: Path, offset: int, limit: int) -> Window:
    with file:
        if not is_wide(file):
            with suppress(UnicodeDecodeError):  # then it is in another encoding, or no text
                return window(file, offset, limit)
        return window(as_utf8(file, path), offset, limit)


def _numbered(number: int, line: Line) -> str:
    notice = f"… [line cut: {line.cut} more bytes]" if line.cut else ""
    return f"{number:>6}\t{line.text}{notice}\n"


def _rest(shown: Window, upto: int) -> str:
    if shown.total == upto:
        return ""
    count = "" if shown.total is None else f"{shown.total - upto} "
    return f"\n... ({count}more lines not shown, use offset/limit to read more)\n"
