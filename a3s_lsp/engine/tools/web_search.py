"""The tool `web_search`: what search engines find."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, Tool, ToolContext, ToolResult
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.tools.web_fetch import WebFetch
from a3s_lsp.engine.web.engines import ENGINES
from a3s_lsp.engine.web.reach import Reach
from a3s_lsp.engine.web.searching import Result, WebSearches

_DESCRIPTION = f"""Search the web with several engines at once ({", ".join(ENGINES)}). Gives titles, addresses and \
snippets, the best first; read a page with web_fetch."""
_LIMIT, _MOST = 10, 50
_MOST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class WebSearchArguments:
    query: Annotated[str, Parameter("What to look for.")]
    engines: Annotated[list[str], Parameter("Which engines to ask; those that are configured if not given.")] = field(
        default_factory=list
    )
    limit: Annotated[int, Parameter("How many results to give, at most 50; 10 if not given.")] = _LIMIT
    timeout: Annotated[int, Parameter("Seconds to wait, at most 60; what is configured if not given.")] = 0
    proxy: Annotated[str, Parameter("The address of an HTTP proxy to go through.")] = ""
    format: Annotated[str, Parameter("text or json; text if not given.", choices=("text", "json"))] = "text"


class WebSearch:
    """Asks search engines."""

    lane: Lane = "query"
    arguments = WebSearchArguments

    def __init__(self, searches: WebSearches, reach: Reach) -> None:
        self.spec = specification("web_search", _DESCRIPTION, WebSearchArguments)
        self._searches = searches
        self._reach = reach

    def subject(self, args: Json) -> str:
        return load(WebSearchArguments, args).query

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(WebSearchArguments, args)
        if not wanted.query.strip():
            raise ToolError("query parameter is required.", {"type": "invalid_argument"})
        if wanted.format not in ("text", "json"):
            raise ToolError("format must be text or json.", {"type": "invalid_argument"})
        seconds = min(wanted.timeout, _MOST_SECONDS) if wanted.timeout > 0 else None
        reach = Reach(everywhere=True) if context.seen is None else self._reach
        found = await self._searches.search(wanted.query, wanted.engines, seconds, wanted.proxy or None, reach)
        results = found.results[: min(max(1, wanted.limit), _MOST)]
        metadata: Json = {"count": len(results)}
        if wanted.format == "json":
            metadata["remarks"] = list(found.remarks)
            return ToolResult(json.dumps([_row(result) for result in results], ensure_ascii=False), metadata=metadata)
        remarks = f"\n[{'; '.join(found.remarks)}]" if found.remarks else ""
        return ToolResult((_listed(results) or f"No results found for: {wanted.query}\n") + remarks, metadata=metadata)


def _row(result: Result) -> Json:
    return {
        "title": result.hit.title,
        "url": result.hit.url,
        "content": result.hit.content,
        "engines": result.engines,
        "score": round(result.score, 4),
        "published_date": result.hit.published,
    }


def _listed(results: Sequence[Result]) -> str:
    rows = []
    for number, result in enumerate(results, 1):
        snippet = f"   {result.hit.content}\n" if result.hit.content else ""
        rows.append(
            f"{number}. {result.hit.title}\n   {result.hit.url}\n{snippet}   (via {', '.join(result.engines)})\n"
        )
    return "\n".join(rows)


def web_tools(settings: Settings, *, confined: bool = False) -> tuple[Tool, ...]:
    """The tools of the web. Settings that came with a project are `confined`: they open no private addresses."""
    reach = Reach(() if confined else settings.web.allow_private)
    return WebFetch(reach), WebSearch(WebSearches(settings.search, trusted=not confined), reach)
