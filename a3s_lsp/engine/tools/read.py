"""The tool `read`: numbered lines of a file, as it is on the screen; images, notebooks and PDFs as they are meant."""

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
from a3s_lsp.engine.tools.binaries import HEAD_BYTES, binary_told
from a3s_lsp.engine.tools.notebook import notebook
from a3s_lsp.engine.tools.pdf import PAGES, pdf
from a3s_lsp.engine.tools.pictures import format_of, picture
from a3s_lsp.engine.workspace.disk import as_utf8, is_small, is_wide
from a3s_lsp.engine.workspace.lines import Line, Window, window

_DESCRIPTION = """Read a file. Each line of a text is shown as its number, a tab and its text; the number and the tab \
are not part of the file. What is unsaved in the editor is shown as it is on the screen. Up to 2000 lines come at \
once: use offset and limit for the rest. Lines of more than 2000 characters are cut, and say so. PNG, JPEG, GIF and \
WebP images are shown as images; of a notebook the cells and of a PDF the texts of its pages, with offset and limit \
counting those. The address of an artifact (a3s://tool-output/...) is read like a text."""
_ARTIFACT = "a3s://"
_LINES = 2000


@dataclass(frozen=True, slots=True)
class ReadArguments:
    file_path: Annotated[str, Parameter("The file, relative to the workspace or absolute inside it.")]
    offset: Annotated[int, Parameter("How many lines to skip; 0, the default, starts at the first line.")] = 0
    limit: Annotated[int, Parameter("How many lines to show at most; 2000 if not given.")] = _LINES
    raw: Annotated[bool, Parameter("Show a notebook as the text that it is stored in.")] = False


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
        offset, limit = max(0, wanted.offset), wanted.limit if wanted.limit >= 0 else _LINES
        if wanted.file_path.startswith(_ARTIFACT):
            return _lines(await asyncio.to_thread(_kept, context, wanted.file_path, offset, limit), offset)
        path = context.workspace.resolve(wanted.file_path)
        head, size = _head(context.workspace, path)
        if kind := format_of(head):
            with _stream(context.workspace, path) as file:
                return await asyncio.to_thread(picture, file, path, kind)
        if head.startswith(b"%PDF-"):
            return await pdf(context, path, offset, limit if "limit" in args else PAGES)
        if path.suffix == ".ipynb" and not wanted.raw:
            text = (await context.workspace.read(path)).text
            return await asyncio.to_thread(notebook, text, path, offset, limit)
        try:
            shown = await _window(context.workspace, path, offset, limit)
        except ToolError as error:
            if (error.kind or {}).get("type") == "unsupported":
                raise ToolError(binary_told(path, head, size), error.kind) from None
            raise
        await _remember(context, path)
        return _lines(shown, offset)


def _lines(shown: Window, offset: int) -> ToolResult:
    if shown.total is not None and offset >= max(1, shown.total):
        raise ToolError(f"Offset {offset} exceeds file length ({shown.total} lines).", {"type": "invalid_argument"})
    lines = [_numbered(number, line) for number, line in enumerate(shown.lines, offset + 1)]
    return ToolResult("".join(lines) + _rest(shown, offset + len(lines)))


def _kept(context: ToolContext, uri: str, offset: int, limit: int) -> Window:
    text = context.artifact(uri)
    if text is None:
        raise ToolError(f"There is no artifact {uri} any more.", {"type": "not_found", "path": uri})
    return window(io.BytesIO(text.encode(errors="replace")), offset, limit)


def _stream(workspace: Workspace, path: Path) -> BinaryIO:
    return workspace.stream(path) if isinstance(workspace, Streaming) else io.BytesIO()


def _head(workspace: Workspace, path: Path) -> tuple[bytes, int]:
    """How a file begins, and its size; nothing of what is only known as text."""
    with _stream(workspace, path) as file:
        head = file.read(HEAD_BYTES)
        return head, file.seek(0, io.SEEK_END)


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
    if shown.total is None:
        return "\n... (more lines not shown, use offset/limit to read more, or bash with tail for the end)\n"
    return f"\n... ({shown.total - upto} more lines not shown, use offset/limit to read more)\n"
