"""HTML as Markdown, or as bare text: what a person would read of a page, without what only moves or decorates it."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from a3s_lsp.engine.web.markup import Token, tokens

_SPACES = re.compile(r"[ \t\r\n\f]+")
_SKIPPED = frozenset({"script", "style", "noscript", "template", "iframe", "svg", "textarea", "select", "button"})
_BLOCKS = re.compile(
    r"address|article|aside|blockquote|body|br|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|header"
    r"|hr|html|li|main|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul"
)
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_MARKS = {"b": "**", "strong": "**", "em": "*", "i": "*", "code": "`", "kbd": "`", "samp": "`"}
_DEEPEST = 12


class _Writer:
    """Lines that are done, and the one that is being written."""

    def __init__(self, base: str, *, bare: bool) -> None:
        self.title = ""
        self._base, self._bare = base, bare
        self._lines: list[str] = []
        self._pieces: list[str] = []
        self._lists: list[int | None] = []
        self._quotes = 0
        self._heading = ""
        self._marker = ""
        self._skipped = ""
        self._in_title = False
        self._in_pre = False
        self._link: tuple[int, str] | None = None
        self._cells = 0

    def take(self, token: Token) -> None:
        """Go on with the next piece of the page."""
        if self._skipped:
            if token.closes and token.name == self._skipped:
                self._skipped = ""
        elif not token.name:
            self._text(token.text)
        elif token.name in _SKIPPED:
            self._skipped = "" if token.closes else token.name
        elif token.name == "title":
            self._in_title = not token.closes and not self.title
        elif token.closes:
            self._close(token.name)
        else:
            self._open(token)

    def _text(self, text: str) -> None:
        if self._in_title:
            self.title = _SPACES.sub(" ", text).strip()
        elif self._in_pre:
            self._pieces.append(text)
        else:
            self._pieces.append(_SPACES.sub(" ", text))

    def _open(self, token: Token) -> None:
        name = token.name
        if _BLOCKS.fullmatch(name):
            self._open_block(name)
        elif name == "a" and not self._bare:
            self._end_link()
            target = urljoined(self._base, token.attributes.get("href", ""))
            self._link = (len(self._pieces), target) if target else None
        elif name == "img" and token.attributes.get("alt", "").strip():
            alt = _SPACES.sub(" ", token.attributes["alt"]).strip()
            self._pieces.append(alt if self._bare else f"![{alt}]")
        elif name in _MARKS and not self._in_pre and not self._bare:
            self._pieces.append(_MARKS[name])

    def _open_block(self, name: str) -> None:
        if name in ("td", "th"):
            self._cells += 1
            self._pieces.append(" | " if self._cells > 1 else "")
            return
        self.end_line(blank=name not in ("br", "li", "tr"))
        match name:
            case "ul" | "ol":
                self._lists.append(1 if name == "ol" else None)
            case "li":
                self._marker = self._next_marker()
            case "blockquote":
                self._quotes += 1
            case "pre":
                self._in_pre = True
                self._lines += [] if self._bare else ["```"]
            case "hr":
                self._lines += [] if self._bare else ["---", ""]
            case "tr":
                self._cells = 0
            case _:
                self._heading = _HEADINGS.get(name, "")

    def _close(self, name: str) -> None:
        if name == "a":
            self._end_link()
        elif name in _MARKS and not self._in_pre and not self._bare:
            self._pieces.append(_MARKS[name])
        elif _BLOCKS.fullmatch(name) and name not in ("td", "th", "br"):
            self.end_line(blank=name not in ("li", "tr"))
            if name in ("ul", "ol") and self._lists:
                self._lists.pop()
            elif name == "blockquote":
                self._quotes = max(0, self._quotes - 1)
            elif name == "pre" and self._in_pre:
                self._in_pre = False
                self._lines += [] if self._bare else ["```", ""]
            self._heading = ""

    def _next_marker(self) -> str:
        if self._bare or not self._lists:
            return "- "
        number = self._lists[-1]
        if number is not None:
            self._lists[-1] = number + 1
        indent = "  " * min(len(self._lists) - 1, _DEEPEST)
        return f"{indent}- " if number is None else f"{indent}{number}. "

    def _end_link(self) -> None:
        if self._link is None:
            return
        start, target = self._link
        self._link = None
        text = "".join(self._pieces[start:]).strip()
        del self._pieces[start:]
        self._pieces.append(f"[{text}]({target})" if text else "")

    def end_line(self, *, blank: bool) -> None:
        """Write what there is as a line; with `blank` the next one is parted from it."""
        self._end_link()
        text = "".join(self._pieces)
        self._pieces.clear()
        if self._in_pre:
            self._lines += text.strip("\n").split("\n") if text.strip("\n") else []
            return
        text = _SPACES.sub(" ", text).strip()
        if text and text.strip("*`| "):
            quote = "> " * min(self._quotes, _DEEPEST)
            heading = f"{self._heading} " if self._heading and not self._bare else ""
            self._lines.append(f"{quote}{self._marker}{heading}{text}")
        self._marker = "" if text else self._marker
        if blank and self._lines and self._lines[-1]:
            self._lines.append("")

    def result(self) -> str:
        """All that was written."""
        self.end_line(blank=False)
        return "\n".join(self._lines).strip() + "\n"


def urljoined(base: str, target: str) -> str:
    """The whole address of a link; "" for those that lead to no page."""
    if not target.strip() or target.lstrip().lower().startswith(("#", "javascript:", "data:", "mailto:")):
        return ""
    try:
        return urljoin(base, target.strip()).replace(" ", "%20").replace(")", "%29")
    except ValueError:
        return ""


def converted(source: str, base: str, *, bare: bool = False) -> tuple[str, str]:
    """The title of a page, and its content as Markdown, or as `bare` text."""
    writer = _Writer(base, bare=bare)
    for token in tokens(source):
        writer.take(token)
    return writer.title, writer.result()
