"""What the offline assistant knows about lines of source: how tools show them, which define a name, which call it.

The patterns go by the words with which languages define things. They do not parse; the answers are worded so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_MODIFIERS = (
    r"(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|override|virtual|async"
    r"|inline|extern|unsafe|open|sealed|data|suspend|const|local|readonly|pub(?:\([^)]*\))?|@\w+)\s+)*"
)
_KINDS = (
    r"(?:defp?|defmodule|class|interface|struct|enum|union|trait|type|protocol|object|record|namespace|module|mod"
    r"|function\*?|fn|fun|func|macro_rules!|\#\s*define)"
)
_VALUES = r"(?:const|let|var|val|static|local)(?:\s+mut)?"
_OWNER = r"(?:\([^)]*\)\s*)?(?:[\w.:<>]*[.:])?"
_NO_CONTROL = r"(?!(?:return|else|if|for|while|switch|case|catch|new|throw|delete|goto|using|await|yield)\b)"
_C_FAMILY = re.compile(r"\.(?:c|h|cc|cpp|cxx|hh|hpp|java|cs|m|mm|dart)")
_COMMENT = re.compile(r"\s*(?:#(?!\s*define)|//|/\*|\*|--|;|%|<!--)")
_HIT = re.compile(r">(?P<path>.+?):(?P<line>\d+): (?P<text>.*)")
_NUMBERED = re.compile(r" *(?P<line>\d+)\t(?P<text>.*)")
_SUFFIX = re.compile(r"\.\w+$")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def whole_word(name: str) -> str:
    """The regular expression for a name that is not a part of a longer one."""
    start, end = (r"\b" if re.match(r"\w", edge) else "" for edge in (name[:1], name[-1:]))
    return start + re.escape(name) + end


def last_part(name: str) -> str:
    """The name alone, of one that says where it belongs: `start` for `Session.start`."""
    return re.split(r"[./]|::", name)[-1] or name


def grep_places(output: str) -> list[Place]:
    """The matches that the tool `grep` shows."""
    hits = (_HIT.fullmatch(line) for line in output.split("\n"))
    return [Place(hit["path"], int(hit["line"]), hit["text"]) for hit in hits if hit]


def read_places(path: str, output: str) -> list[Place]:
    """The lines that the tool `read` shows of a file."""
    lines = (_NUMBERED.fullmatch(line) for line in output.split("\n"))
    return [Place(path, int(line["line"]), line["text"]) for line in lines if line]


def is_definition(place: Place, name: str) -> bool:
    """Whether the line looks like the definition of the name."""
    return _definition(name, _suffix(place.path)).match(place.text) is not None


def is_call(place: Place, name: str) -> bool:
    """Whether the line looks like a call of the name."""
    if _COMMENT.match(place.text) or is_definition(place, name):
        return False
    return re.search(whole_word(name) + r"\s*(?:::)?(?:<[\w\s,.<>]*>)?!?\(", place.text) is not None


def is_landmark(place: Place) -> bool:
    """Whether the line belongs into an outline of its file."""
    return _landmark(_suffix(place.path)).match(place.text) is not None


def _suffix(path: str) -> str:
    found = _SUFFIX.search(path)
    return found[0].lower() if found else ""


@lru_cache(maxsize=64)
def _landmark(suffix: str) -> re.Pattern[str]:
    if suffix in (".md", ".markdown"):
        return re.compile("#{1,6} ")
    name = r"[A-Za-z_]\w*"
    ways = [rf"\s*{_MODIFIERS}{_KINDS}\s+{_OWNER}{name}", rf"{_MODIFIERS}{_VALUES}\s+{name}"]
    return _any([*ways, *_wordless(name, suffix)])


@lru_cache(maxsize=64)
def _definition(name: str, suffix: str) -> re.Pattern[str]:
    word = re.escape(name) + r"(?!\w)"
    ways = [rf"\s*{_MODIFIERS}(?:{_KINDS}|{_VALUES})\s+{_OWNER}{word}"]
    if suffix in (".py", ".pyi"):
        ways += [rf"(?:\w+, )*{word}(?:, \w+)* = ", rf"    {word}: [^,]*$", rf"\s+self\.{word}\s*(?::[^=]+)?=(?!=)"]
    if suffix == ".go":
        ways += [rf"\s+(?:\w+, )*{word}(?:, \w+)* := "]
    return _any([*ways, *_wordless(word, suffix)])


def _wordless(name: str, suffix: str) -> list[str]:
    """The ways of defining something of weight without a word that says so, by the kind of file."""
    if suffix in (".py", ".pyi"):
        return [rf"{name}\s*(?::[^=]+)?=(?!=)"]
    if suffix in (".sh", ".bash"):
        return [rf"{name}\s*\(\)", rf"(?:export\s+)?{name}="]
    if suffix in (".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs"):
        return [rf"\s+{_MODIFIERS}(?:get |set )?{_NO_CONTROL}{name}\s*(?:<[^>]*>)?\(.*\)\s*(?::[^=]*)?\{{\s*$"]
    if _C_FAMILY.fullmatch(suffix):
        return [rf"\s*{_NO_CONTROL}[A-Za-z_][\w\s*&<>,:\[\]]*[\s*&:~]{_NO_CONTROL}{name}\s*\([^;]*[{{)]\s*\w*$"]
    return []


def _any(ways: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{way})" for way in ways))
