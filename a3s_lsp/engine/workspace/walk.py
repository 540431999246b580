"""Search without ripgrep: a plain walk, for systems where the program is missing.

Limits: the .gitignore of the root alone, the first 20 000 files, files up to 1 MiB, and Python's dialect of
regular expressions.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.workspace.found import FileHits, Hit, Query, Span
from a3s_lsp.engine.workspace.globs import selects

_MAX_FILES = 20_000
_MAX_BYTES = 1024 * 1024


def search_files(query: Query) -> list[FileHits]:
    """What is found on the disk."""
    files = [query.path] if query.path.is_file() else list_files(query.path)
    inside = [path for path in files if not query.glob or selects(query.glob, path.relative_to(query.path).as_posix())]
    found = (search_bytes(query, path, _bytes(path)) for path in inside)
    return [hits for hits in found if hits is not None]


def list_files(folder: Path) -> list[Path]:
    """All files below the folder that are not ignored."""
    from pathspec import GitIgnoreSpec

    rules = folder / ".gitignore"
    ignored = GitIgnoreSpec.from_lines(rules.read_text(errors="replace").splitlines() if rules.is_file() else [])
    files = (path for path in _walk(folder) if not ignored.match_file(path.relative_to(folder).as_posix()))
    return list(islice(files, _MAX_FILES))


def search_bytes(query: Query, path: Path, data: bytes) -> FileHits | None:
    """What is found in one text, or None."""
    if b"\0" in data:
        return None
    lines = data.removesuffix(b"\n").split(b"\n")
    pattern = _pattern(query)
    spans: dict[int, list[Span]] = {}
    for match in pattern.finditer(data):
        if query.whole_word and _is_part_of_a_word(data, match.start(), match.end()):
            continue
        replacement = None if query.replacement is None else _expanded(query, match)
        number = data.count(b"\n", 0, match.start()) + 1
        spans.setdefault(number, []).append(Span(match.start(), match.end(), match[0], replacement))
    if not spans:
        return None
    shown = {near for number in spans for near in range(number - query.context, number + query.context + 1)}
    hits = (_hit(lines, number, spans) for number in sorted(shown) if 1 <= number <= len(lines))
    return FileHits(path, tuple(hits))


def _hit(lines: list[bytes], number: int, spans: dict[int, list[Span]]) -> Hit:
    text = lines[number - 1].decode(errors="replace").rstrip("\r")
    return Hit(number, text, number in spans, tuple(spans.get(number, ())))


def _pattern(query: Query) -> re.Pattern[bytes]:
    source = re.escape(query.pattern) if query.literal else query.pattern
    try:
        return re.compile(source.encode(), re.MULTILINE | (re.IGNORECASE if query.ignore_case else 0))
    except re.error as error:
        raise ToolError(f"Invalid regex pattern '{query.pattern}': {error}.", {"type": "invalid_argument"}) from error


def _is_part_of_a_word(data: bytes, start: int, end: int) -> bool:
    """Whether a letter, digit or _ of any script adjoins."""
    left = data[max(0, start - 4) : start].decode(errors="ignore")[-1:]
    right = data[end : end + 4].decode(errors="ignore")[:1]
    return any(neighbour.isalnum() or neighbour == "_" for neighbour in (left, right) if neighbour)


def _expanded(query: Query, match: re.Match[bytes]) -> bytes:
    """The replacement with `$1` and `${name}` filled in, as ripgrep does it."""

    def group(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        value = match[int(name) if name.isdigit() else name]
        return (value or b"").decode(errors="replace")

    template = query.replacement or ""
    return (re.sub(r"\$(?:\{(\w+)\}|(\w+))", group, template).replace("$$", "$")).encode()


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        yield from (path for name in sorted(names) if (path := Path(parent, name)).is_file() and not path.is_symlink())


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.stat().st_size <= _MAX_BYTES else b""
    except OSError:
        return b""
