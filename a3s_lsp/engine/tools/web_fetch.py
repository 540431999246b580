"""The tool `web_fetch`: one page of the web, as Markdown."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.web.fetching import Page, fetch
from a3s_lsp.engine.web.markdown import converted
from a3s_lsp.engine.web.reach import Reach

_DESCRIPTION = """Fetch one page of the web by its URL. HTML comes as Markdown, as bare text, or as it is; other texts \
come as they are. Up to 5 MB and 10 redirects; pictures and archives are not fetched, nor private addresses."""

_SECONDS, _MOST_SECONDS = 30, 120
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_TEXT_ENDS = ("json", "xml", "javascript", "ecmascript", "yaml", "toml", "x-sh", "x-www-form-urlencoded", "graphql")


@dataclass(frozen=True, slots=True)
class WebFetchArguments:
    url: Annotated[str, Parameter("The address, which begins with http:// or https://.")]
    format: Annotated[
        str, Parameter("What HTML is turned into; markdown if not given.", choices=("markdown", "text", "html"))
    ] = "markdown"
    timeout: Annotated[int, Parameter("Seconds to wait, at most 120; 30 if not given.")] = _SECONDS


class WebFetch:
    """Fetches pages: for the model within its reach, for the embedding program wherever it says."""

    lane: Lane = "query"
    arguments = WebFetchArguments

    def __init__(self, reach: Reach) -> None:
        self.spec = specification("web_fetch", _DESCRIPTION, WebFetchArguments)
        self._reach = reach

    def subject(self, args: Json) -> str:
        return load(WebFetchArguments, args).url

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(WebFetchArguments, args)
        if wanted.format not in ("markdown", "text", "html"):
            raise ToolError("format must be markdown, text or html.", {"type": "invalid_argument"})
        reach = Reach(everywhere=True) if context.seen is None else self._reach
        page = await fetch(wanted.url.strip(), reach, min(max(1, wanted.timeout), _MOST_SECONDS))
        metadata: Json = {"url": page.url, "status": page.status, "content_type": page.kind, "bytes": len(page.body)}
        if page.status >= 400:
            return ToolResult(f"Failed to fetch URL {page.url}: HTTP {page.status}.", 1, metadata)
        title, text = await asyncio.to_thread(_shown, page, wanted.format)
        return ToolResult(text, metadata={**metadata, **({"title": title} if title else {})})


def _shown(page: Page, form: str) -> tuple[str, str]:
    if page.kind in _HTML and form != "html":
        return converted(page.text, page.url, bare=form == "text")
    if page.kind.startswith("text/") or page.kind.endswith(_TEXT_ENDS) or (not page.kind and b"\0" not in page.body):
        return "", page.text
    kind = page.kind or "something that is no text"
    raise ToolError(f"Failed to fetch URL {page.url}: it is {kind}, and not text.", {"type": "unsupported"})
