"""File name patterns: `*` and `?` within a name, `**` across folders, `[a-z]`, `{one,other}`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import cast

from a3s_lsp.engine.errors import ToolError


@lru_cache(maxsize=256)
def compile_glob(pattern: str) -> re.Pattern[str]:
    """A regular expression that matches the whole of a path with forward slashes. ToolError if the pattern is none."""
    try:
        return re.compile(_translate(pattern) + r"\Z", re.DOTALL)
    except re.error as error:
        raise ToolError(f"Invalid glob pattern '{pattern}': {error}.", {"type": "invalid_argument"}) from error


def selects(glob: str, path: str) -> bool:
    """Whether a search limited to `glob` looks at this relative path; without a slash the name alone counts."""
    if glob.startswith("!"):
        return not selects(glob[1:], path)
    anchored = "/" in glob.rstrip("/")
    return compile_glob(glob.lstrip("/") if anchored else f"**/{glob}").match(path) is not None


_PIECES = re.compile(
    r"(?P<deep>(?:(?<=/)|^)\*\*/)|(?P<below>(?<=/)\*\*$)|(?P<any>\*\*+)|(?P<star>\*)|(?P<one>\?)"
    r"|(?P<set>\[[!^]?\]?[^\]]*\])|(?P<choice>\{)|(?P<escaped>\\.)|(?P<plain>.)",
    re.DOTALL,
)
_FIXED = {"deep": "(?:[^/]+/)*", "below": ".+", "any": ".*", "star": "[^/]*", "one": "[^/]"}


def _translate(pattern: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        piece = cast("re.Match[str]", _PIECES.match(pattern, at))  # the last alternative matches any character
        at = piece.end()
        kind, text = str(piece.lastgroup), piece.group()
        if kind == "choice" and (end := _closing(pattern, at)) is not None:
            choices = "|".join(_translate(choice) for choice in _split(pattern[at:end]))
            out.append(f"(?:{choices})")
            at = end + 1
        elif kind == "set":
            body = text[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            out.append(f"[^{body[1:]}]" if body[:1] in ("!", "^") else f"[{body}]")
        else:
            out.append(_FIXED.get(kind) or re.escape(text[1:] if kind == "escaped" else text))
    return "".join(out)


def _closing(pattern: str, at: int) -> int | None:
    """Where the brace that was opened just before `at` is closed."""
    depth = 1
    for index in range(at, len(pattern)):
        depth += {"{": 1, "}": -1}.get(pattern[index], 0)
        if depth == 0:
            return index
    return None


def _split(choices: str) -> list[str]:
    """The choices, parted at commas that are not within inner braces."""
    parts = [""]
    depth = 0
    for character in choices:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
