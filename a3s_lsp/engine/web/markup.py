"""HTML taken apart into tags and texts, in time that grows with its length alone, however broken it is."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,40})")
_STOPS = re.compile(r"[>\"']")
_ATTRIBUTE = re.compile(r"([^\s=>\"'/]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]*)))?")
_LONGEST_VALUE = 2048
_RAW = frozenset({"script", "style", "textarea", "title", "noscript", "iframe"})


@dataclass(frozen=True, slots=True)
class Token:
    """A text, with an empty `name`, or a tag with its attributes; `closes` is for end tags."""

    text: str = ""
    name: str = ""
    closes: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


def tokens(source: str) -> Iterator[Token]:
    """The pieces in order. Entities are resolved; comments are left out; what is in scripts and styles is one text."""
    at = 0
    while at < len(source):
        opening = source.find("<", at)
        if opening < 0:
            break
        if opening > at:
            yield Token(html.unescape(source[at:opening]))
        if source.startswith(("<!", "<?"), opening):
            at = _after_declaration(source, opening)
            continue
        match = _TAG.match(source, opening)
        if match is None:
            yield Token("<")
            at = opening + 1
            continue
        end = _end(source, match.end())
        name, closes = match[2].lower(), bool(match[1])
        yield Token(name=name, closes=closes, attributes={} if closes else _attributes(source[match.end() : end]))
        at = end + 1
        if name in _RAW and not closes:
            close = re.compile(f"</{name}", re.IGNORECASE).search(source, at)
            stop = len(source) if close is None else close.start()
            yield Token(html.unescape(source[at:stop]))
            at = stop
    if at < len(source):
        yield Token(html.unescape(source[at:]))


def _after_declaration(source: str, at: int) -> int:
    mark = "-->" if source.startswith("<!--", at) else ">"
    end = source.find(mark, at + 2)
    return len(source) if end < 0 else end + len(mark)


def _end(source: str, at: int) -> int:
    """Where a tag is closed; a quotation mark that stands alone does not swallow the page."""
    while (stop := _STOPS.search(source, at)) is not None:
        if stop[0] == ">":
            return stop.start()
        closing = source.find(stop[0], stop.end(), stop.end() + _LONGEST_VALUE)
        at = stop.end() if closing < 0 else closing + 1
    return len(source)


def _attributes(text: str) -> dict[str, str]:
    found = _ATTRIBUTE.finditer(text)
    return {each[1].lower(): html.unescape(each[2] or each[3] or each[4] or "") for each in found}
