"""Search engines: how each is asked, and how its answer is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote_plus, urlsplit

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.web.markdown import converted
from a3s_lsp.engine.web.markup import Token, tokens

_MOST_OPEN = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """What an engine has found: an address, with what it says about it."""

    url: str
    title: str
    content: str = ""
    published: str | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """`address` is where it is asked, `path` what follows, with the query in the place of {query}."""

    name: str
    address: str
    path: str
    read: Callable[[str], Sequence[Hit]]

    def url(self, query: str, address: str = "") -> str:
        """Where this query is asked, at another address if one is configured."""
        return (address or self.address).rstrip("/") + self.path.format(query=quote_plus(query))


@dataclass(slots=True)
class _Open:
    """An element that is being read."""

    part: str
    token: Token
    depth: int = 1
    pieces: list[str] = field(default_factory=list)


def _elements(source: str, part_of: Callable[[Token], str]) -> Iterator[tuple[str, Token, str]]:
    """The elements to which `part_of` gives a name, with all the text in them, in the order of their beginnings."""
    done: list[_Open] = []
    open_now: list[_Open] = []
    for token in tokens(source):
        if not token.name:
            for each in open_now:
                each.pieces.append(token.text)
            continue
        for each in open_now:
            if each.token.name == token.name:
                each.depth += -1 if token.closes else 1
        open_now = [each for each in open_now if each.depth > 0]
        if not token.closes and (part := part_of(token)) and len(open_now) < _MOST_OPEN:
            done.append(_Open(part, token))
            open_now.append(done[-1])
    for each in done:
        yield each.part, each.token, " ".join("".join(each.pieces).split())


def _classes(token: Token) -> Sequence[str]:
    return token.attributes.get("class", "").split()


def _duckduckgo(source: str) -> Sequence[Hit]:
    def part_of(token: Token) -> str:
        classes = _classes(token)
        return "title" if "result__a" in classes else "content" if "result__snippet" in classes else ""

    hits: list[Hit] = []
    for part, token, text in _elements(source, part_of):
        if part == "title":
            hits.append(Hit(_unwrapped(token.attributes.get("href", "")), text))
        elif hits:
            hits[-1] = Hit(hits[-1].url, hits[-1].title, text)
    return [hit for hit in hits if urlsplit(hit.url).path != "/y.js"]  # advertisements


def _unwrapped(url: str) -> str:
    """Where a link leads that goes by way of the engine."""
    url = f"https:{url}" if url.startswith("//") else url
    parts = urlsplit(url)
    target = parse_qs(parts.query).get("uddg") if parts.path == "/l/" else None
    return target[0] if target else url


def _brave(source: str) -> Sequence[Hit]:
    def part_of(token: Token) -> str:
        classes = _classes(token)
        if token.attributes.get("data-type") == "web":
            return "result"
        if token.name == "a":
            return "link"
        return "title" if "title" in classes else "content" if {"snippet-description", "content"} & {*classes} else ""

    found: list[dict[str, str]] = []
    for part, token, text in _elements(source, part_of):
        if part == "result":
            found.append({})
        elif found:
            found[-1].setdefault(part, token.attributes.get("href", "") if part == "link" else text)
    return [Hit(each["link"], each["title"], each.get("content", "")) for each in found if {"link", "title"} <= {*each}]


def _bing(source: str) -> Sequence[Hit]:
    """The feed of results, whose tags are named like those of HTML, but `link` has its address inside."""
    found: list[dict[str, str]] = []
    wanted = ("item", "title", "link", "description", "pubdate")
    for part, _, text in _elements(source, lambda token: token.name if token.name in wanted else ""):
        if part == "item":
            found.append({})
        elif found:
            found[-1].setdefault(part, text)
    rows = (each for each in found if "link" in each and "title" in each)
    return [Hit(row["link"], row["title"], row.get("description", ""), row.get("pubdate")) for row in rows]


def _wikipedia(source: str) -> Sequence[Hit]:
    rows = _rows(source, "query", "search")
    address = "https://en.wikipedia.org/?curid={}"
    return [Hit(address.format(row.get("pageid")), _text(row, "title"), _plain(_text(row, "snippet"))) for row in rows]


def _searxng(source: str) -> Sequence[Hit]:
    rows = _rows(source, "results")
    return [
        Hit(_text(row, "url"), _text(row, "title"), _text(row, "content"), _text(row, "publishedDate") or None)
        for row in rows
    ]


def _rows(source: str, *path: str) -> Iterable[Mapping[str, object]]:
    try:
        value: object = json.loads(source)
    except (ValueError, RecursionError):
        raise ToolError("the answer is not JSON") from None
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _plain(source: str) -> str:
    return " ".join(converted(source, "", bare=True)[1].split())


_WIKIPEDIA = "/w/api.php?action=query&list=search&format=json&srlimit=20&srsearch={query}"
_ENGINES = (
    Engine("ddg", "https://html.duckduckgo.com", "/html/?q={query}", _duckduckgo),
    Engine("wiki", "https://en.wikipedia.org", _WIKIPEDIA, _wikipedia),
    Engine("brave", "https://search.brave.com", "/search?source=web&q={query}", _brave),
    Engine("bing", "https://www.bing.com", "/search?format=rss&q={query}", _bing),
    Engine("bing_cn", "https://cn.bing.com", "/search?format=rss&q={query}", _bing),
    Engine("searxng", "", "/search?format=json&q={query}", _searxng),
)
_ALIASES = {"duckduckgo": "ddg", "wikipedia": "wiki"}
ENGINES: Mapping[str, Engine] = {engine.name: engine for engine in _ENGINES}
DEFAULT_ENGINES = ("ddg", "wiki")


def engine_named(name: str) -> Engine | None:
    """The engine of this name, or of this other name for it."""
    lower = name.strip().lower()
    return ENGINES.get(_ALIASES.get(lower, lower))
