"""Skills in files: Markdown with a head, alone or as the `SKILL.md` of a folder with all that the skill needs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from a3s_lsp.engine.frontmatter import BadFile, names_of, parse_markdown, text_of
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.skills.skill import KINDS, Kind, Skill

_MOST_FILES = 500
_DEEPEST = 8
_LARGEST = 256 * 1024
_LONGEST_NAME = 100
_LONGEST_DESCRIPTION = 1024
_MAIN = "SKILL.md"
_Mark: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with skills. What lies outside of `within` is not read; it is `trusted` if the person or the program has
    chosen it."""

    folder: Path
    trusted: bool
    within: Path | None = None


@dataclass(slots=True)
class Found:
    """The skills of a folder by path, and a sentence for each file that is none."""

    skills: list[Skill] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class SkillFiles:
    """The skills of folders as they are whenever one looks; a file is read again when it has changed."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[_Mark, Skill | str]] = {}

    def look(self, place: Place) -> Found:
        """The skills of a folder and those below it. A folder that is not there has none. Blocks."""
        found = Found()
        folder = place.folder
        if not folder.is_dir():
            return found
        within = (place.within or folder).resolve()
        if not folder.resolve().is_relative_to(within):
            found.problems.append(f"{folder} leads out of the workspace, so its skills are not there.")
            return found
        paths = list(_files(folder, _DEEPEST))
        if len(paths) > _MOST_FILES:
            found.problems.append(f"{folder} has more than {_MOST_FILES} skills; the rest is not there.")
        for path in paths[:_MOST_FILES]:
            read = self._skill(path, within)
            if isinstance(read, Skill):
                found.skills.append(read)
            elif read:
                found.problems.append(read)
        return found

    def _skill(self, path: Path, within: Path) -> Skill | str:
        """The skill of a file, or what is wrong with it; "" for a file that does not pretend to be one."""
        try:
            if not path.resolve().is_relative_to(within):
                return f"{path} is no skill: it leads out of {within}."
            about = path.stat()
            if not stat.S_ISREG(about.st_mode):
                return f"{path} is no skill: it is not a regular file."
            mark = about.st_mtime_ns, about.st_size, about.st_ino
            known = self._read.get(path)
            if known is None or known[0] != mark:
                known = self._read[path] = mark, _read(path, about.st_size)
        except OSError as error:
            return f"{path} cannot be read: {error.strerror or error}."
        return known[1]


def _files(folder: Path, levels: int) -> Iterator[Path]:
    """The files that are to be skills. Beside a `SKILL.md`, and below it, other files belong to that skill."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    has_main = any(entry.name == _MAIN for entry in entries)
    for entry in entries:
        path = folder / entry.name
        if entry.name.endswith(".md") and (not has_main or entry.name == _MAIN) and not entry.is_dir():
            yield path
        elif not has_main and entry.is_symlink() and entry.is_dir():
            yield path  # to be told of: what lies behind links is not looked for
        elif levels and not has_main and entry.is_dir(follow_symlinks=False):
            yield from _files(path, levels - 1)


def _read(path: Path, size: int) -> Skill | str:
    try:
        if size > _LARGEST:
            raise BadFile(f"it is larger than {_LARGEST // 1024} KiB")
        text = path.read_text(encoding="utf-8-sig")
        if path.name == "README.md" and not text.startswith("---"):
            return ""
        return parse_skill(text, path)
    except UnicodeDecodeError:
        return f"{path} is no skill: it is not UTF-8."
    except BadFile as error:
        return f"{path} is no skill: {str(error).rstrip('.')}."


def parse_skill(text: str, path: Path) -> Skill:
    """The skill that a file describes. Raises BadFile."""
    document = parse_markdown(text)
    head = document.head
    alone = path.name != _MAIN
    if not document.body.strip():
        raise BadFile("it says nothing below its head")
    model = text_of(head, "model")
    return Skill(
        name=_name(text_of(head, "name", path.stem if alone else path.parent.name)),
        description=" ".join(text_of(head, "description").split())[:_LONGEST_DESCRIPTION],
        body=document.body.strip(),
        kind=_kind(text_of(head, "kind", "instruction")),
        allowed=names_of(head, "allowed-tools", "allowed_tools", "allowedTools"),
        tags=names_of(head, "tags") or (),
        version=text_of(head, "version") or None,
        # A model of ours is `provider/model`; other words, such as `inherit` or `sonnet`, mean the session's.
        model=model if "/" in model else None,
        hint=" ".join(text_of(head, "argument-hint").split()),
        for_model=not _flag(head, "disable-model-invocation", default=False),
        for_person=_flag(head, "user-invocable", default=True),
        folder=None if alone else path.parent,
        source=str(path),
    )


def _name(text: str) -> str:
    name = text.strip()
    if not name or not name.isprintable():
        raise BadFile("'name' must be one line of text")
    if len(name) > _LONGEST_NAME:
        raise BadFile(f"'name' has {len(name)} characters; at most {_LONGEST_NAME} are possible")
    return name


def _kind(text: str) -> Kind:
    for kind in KINDS:
        if text.strip().lower() == kind:
            return kind
    raise BadFile(f"'kind' is '{text}'; it must be one of {', '.join(KINDS)}")


def _flag(head: Json, name: str, *, default: bool) -> bool:
    value = head.get(name)
    if value is None:
        return default
    if isinstance(value, str):
        value = {"true": True, "yes": True, "false": False, "no": False}.get(value.strip().lower())
    if not isinstance(value, bool):
        raise BadFile(f"'{name}' must be true or false")
    return value
