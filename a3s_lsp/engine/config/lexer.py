"""The words of an `agent.acl`, each with its place in the text."""

from __future__ import annotations

import re
import textwrap
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from a3s_lsp.engine.config.problems import Report, Span

Kind: TypeAlias = Literal["word", "string", "number", "mark", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is what was meant: for a string its value, without quotes and escapes."""

    kind: Kind
    text: str
    span: Span


_TOKEN = re.compile(
    r"""
      (?P<blank>  [\s\ufeff]+ | \#[^\n]* | /\*(?:[^*]|\*(?!/))*(?P<closed>\*/)? | /[^\n]* )
    | (?P<heredoc> <<(?P<indent>-?)(?P<tag>\w+)[^\S\n]*\n(?P<body>(?s:.*?))^[^\S\n]*(?P=tag)\b )
    | (?P<word>   [^\W\d][\w-]* )
    | (?P<number> [+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)? )
    | (?P<double> "(?P<dtext>(?:[^"\\\n]|\\.)*)(?P<dend>")? )
    | (?P<single> '(?P<stext>(?:[^'\\\n]|\\.)*)(?P<send>')? )
    | (?P<mark>   \+= | [{}\[\]()=:,] )
    """,
    re.VERBOSE | re.MULTILINE,
)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"'}


def tokens(text: str, report: Report) -> Iterator[Token]:
    """The words of the text in order, the last of kind `end`. Unknown characters are reported and left out."""
    place = Places(text)
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            report.error(place.span(position, position + 1), f"The character {text[position]!r} means nothing here.")
            position += 1
            continue
        span = place.span(position, found.end())
        position = found.end()
        token = _token(found, span, report)
        if token is not None:
            yield token
    yield Token("end", "", place.span(len(text), len(text)))


def _token(found: re.Match[str], span: Span, report: Report) -> Token | None:
    match found.lastgroup:
        case "heredoc":
            body = found["body"]
            return Token("string", textwrap.dedent(body) if found["indent"] else body, span)
        case "double":
            _expect_closed(found["dend"], span, report)
            return Token("string", _ESCAPE.sub(_unescaped, found["dtext"]), span)
        case "single":
            _expect_closed(found["send"], span, report)
            return Token("string", found["stext"].replace("\\'", "'"), span)
        case "word" | "number" | "mark" as kind:
            return Token(kind, found[0], span)
        case _:
            if found[0].startswith("/*") and not found["closed"]:
                report.warning(span, "This comment is never closed with */.")
            return None


def _expect_closed(end: str | None, span: Span, report: Report) -> None:
    if end is None:
        report.warning(span, "This string has no closing quote; it ends with its line.")


def _unescaped(escape: re.Match[str]) -> str:
    """The character that an escape stands for; an unknown escape stays as it is written."""
    return _ESCAPED.get(escape[1], escape[0])


class Places:
    """Turns offsets into lines and columns."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def span(self, start: int, end: int) -> Span:
        """The stretch from one offset to another."""
        return Span(*self._place(start), *self._place(end))

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1
