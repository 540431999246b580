"""Slash commands from Markdown files: those of a project in `.a3s/commands`, and the person's own.

A file is a prompt with a head of `key: value` lines. What it says in `!`…`` is not executed, and it gives the agent no
leave that it has not: `allowed-tools` only narrows.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from a3s_lsp.engine.commands.command import check_name
from a3s_lsp.engine.commands.placeholders import filled
from a3s_lsp.engine.errors import PathRefused
from a3s_lsp.engine.ports import Workspace

FOLDER = ".a3s/commands"
"""Where a project keeps its commands."""
MOST_BYTES = 64 * 1024
_MOST_FILES = 200
_OUTSIDE_PARENTHESES = re.compile(r",(?![^()]*\))")


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A command from a file. `model` and `allowed` hold for the run that it starts; None means what the session has."""

    name: str
    path: Path
    source: str
    description: str
    hint: str
    body: str
    model: str | None = None
    allowed: tuple[str, ...] | None = None

    def prompt(self, args: str) -> str:
        """The body with the arguments in their places; behind it, if it has no place for them."""
        text, places = filled(self.body, args)
        return text if places or not args else f"{text}\n\nArguments: {args}"


class CommandFiles:
    """The commands of the files in the project's folder and in the person's own, as they are whenever one looks.

    A file is read again when it has changed. Of two of the same name the person's own counts.
    """

    def __init__(self, workspace: Workspace, own: Path | None = None) -> None:
        self._workspace = workspace
        self._own = own
        self._read: dict[Path, tuple[tuple[int, int, int], PromptFile | str]] = {}

    def folders(self) -> list[Path]:
        """Where commands are looked for; the folders need not be there."""
        return [self._workspace.root / FOLDER, *([self._own] if self._own else [])]

    def look(self) -> tuple[dict[str, PromptFile], list[str]]:
        """The commands by name, and sentences about files that are none."""
        found: dict[str, PromptFile] = {}
        problems: list[str] = []
        self._read = {path: kept for path, kept in self._read.items() if path.exists()}
        for path, source in self._paths(problems):
            read = self._command(path, source)
            if isinstance(read, str):
                problems.append(read)
            else:
                found[read.name] = read
        return found, problems

    def _paths(self, problems: list[str]) -> Iterator[tuple[Path, str]]:
        try:
            yield from ((path, "project") for path in _markdown(self._workspace.resolve(FOLDER)))
        except PathRefused:
            problems.append(f"{FOLDER} leads out of the workspace, so its commands are not there.")
        if self._own is not None:
            yield from ((path, "own") for path in _markdown(self._own))

    def _command(self, path: Path, source: str) -> PromptFile | str:
        """The command of a file, or what is wrong with it."""
        try:
            about = path.stat()
            if not stat.S_ISREG(about.st_mode):
                return f"{path.name} is not a regular file."
            if source == "project" and not path.resolve().is_relative_to(self._workspace.root):
                return f"{path.name} leads out of the workspace."
            mark = about.st_mtime_ns, about.st_size, about.st_ino
            known = self._read.get(path)
            if known is None or known[0] != mark:
                known = self._read[path] = mark, _read(path, source, about.st_size)
        except OSError as error:
            return f"{path.name} cannot be read: {error.strerror or error}."
        return known[1]


def _markdown(folder: Path) -> list[Path]:
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".md"))
    except OSError:  # most projects have no such folder
        return []
    return [folder / name for name in names[:_MOST_FILES]]


def _read(path: Path, source: str, size: int) -> PromptFile | str:
    name = path.name.removesuffix(".md")
    try:
        check_name(name)
    except ValueError as error:
        return f"{path.name}: {error}."
    if size > MOST_BYTES:
        return f"{path.name} has {size} bytes; a command may have {MOST_BYTES}."
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    head, body = _parted(text)
    if not body.strip():
        return f"{path.name} has no prompt."
    lead = next((line.strip("# ").strip() for line in body.splitlines() if line.strip("# ").strip()), "")
    return PromptFile(
        name,
        path,
        source,
        head.get("description") or _short(lead),
        head.get("argument-hint", ""),
        body.strip(),
        head.get("model") or None,
        _listed(head["allowed-tools"]) if head.get("allowed-tools") else None,
    )


def _parted(text: str) -> tuple[dict[str, str], str]:
    """The head's lines `key: value`, and what comes after it."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---":
        return {}, text
    end = next((at for at, line in enumerate(lines[1:], 1) if line.strip() in ("---", "...")), None)
    if end is None:
        return {}, text
    return dict(_pairs(lines[1:end])), "\n".join(lines[end + 1 :])


def _pairs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    key, items = "", list[str]()
    for line in lines:
        item = re.match(r"\s*-\s+(.*)", line)
        if item and key:
            items.append(_bare(item[1]))
            yield key, ", ".join(items)
            continue
        name, colon, value = line.partition(":")
        if colon and not line[:1].isspace():
            key, items = name.strip().lower(), []
            yield key, _bare(value)


def _bare(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'" else value


def _listed(value: str) -> tuple[str, ...]:
    """`Read, Bash(git add:*)` and `[Read, Grep]` as single patterns."""
    inner = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    return tuple(name for part in _OUTSIDE_PARENTHESES.split(inner) if (name := _bare(part)))


def _short(line: str) -> str:
    return line if len(line) <= 80 else f"{line[:79]}…"
