"""Markdown files with a head in YAML, and YAML files: agents and skills are written so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from a3s_lsp.engine.messages import Json

_LARGEST = 256 * 1024
_PAIR = re.compile(r"([A-Za-z][\w-]*)\s*:\s*(.*)")


class BadFile(ValueError):
    """A file that cannot be used; the text says why, and in which line where that is known."""


@dataclass(frozen=True, slots=True)
class Document:
    """The head, and what stands below it."""

    head: Json
    body: str


def parse_markdown(text: str) -> Document:
    """The head between two lines of dashes, and the body. Raises BadFile."""
    if len(text) > _LARGEST:
        raise BadFile(f"it is larger than {_LARGEST // 1024} KiB")
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    if not lines or lines[0].strip() != "---":
        raise BadFile("it has no head between two lines of ---")
    end = next((place for place, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if end is None:
        raise BadFile("the head has no end: a line of --- is missing")
    return Document(parse_yaml("".join(lines[1:end]), first_line=2), "".join(lines[end + 1 :]).strip())


def parse_yaml(text: str, first_line: int = 1) -> Json:
    """A YAML mapping; where it is none, lines of `key: the rest of the line`. Raises BadFile with the line."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > _LARGEST:
        raise BadFile(f"it is larger than {_LARGEST // 1024} KiB")
    try:
        value = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        if (lenient := _pairs(text)) is not None:
            return lenient
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        where = "" if mark is None else f"line {mark.line + first_line}: "
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise BadFile(f"{where}{problem}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadFile(f"line {first_line}: it must be names with values, not {type(value).__name__}")
    return {str(key): item for key, item in value.items()}


def _pairs(text: str) -> Json | None:
    """What people write who do not think of YAML, such as `description: Fix: everything`; None if it is not that."""
    found: Json = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pair = _PAIR.fullmatch(line.rstrip())
        if pair is None:
            return None
        found[pair[1]] = pair[2].strip().strip("\"'")
    return found


def text_of(head: Json, name: str, default: str = "") -> str:
    """A text of the head. Raises BadFile if it is something else."""
    value = head.get(name)
    if value is None:
        return default
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise BadFile(f"'{name}' must be a text")


def names_of(head: Json, *spellings: str) -> tuple[str, ...] | None:
    """A list of names under the first of the spellings that is there: a list, or a text with commas (or spaces, where
    it has no commas) outside of parentheses. None if there is none. Raises BadFile."""
    value = next((head[name] for name in spellings if head.get(name) is not None), None)
    if value is None:
        return None
    if isinstance(value, str):
        return tuple(part for part in map(str.strip, _split(value)) if part)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(item.strip() for item in value)
    raise BadFile(f"'{spellings[0]}' must be a list of names")


def _split(text: str) -> Sequence[str]:
    separator = r",(?![^()]*\))" if re.search(r",(?![^()]*\))", text) else r"\s+(?![^()]*\))"
    return re.split(separator, text)
