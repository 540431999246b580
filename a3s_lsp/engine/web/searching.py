"""A web search: several engines are asked at once, what they agree on comes first, and who fails often rests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from a3s_lsp.engine.config.settings import Search, SearchEngine
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.web.engines import DEFAULT_ENGINES, ENGINES, Engine, Hit, engine_named
from a3s_lsp.engine.web.fetching import fetch
from a3s_lsp.engine.web.reach import Reach


@dataclass(slots=True)
class _Health:
    failures: int = 0
    rests_until: float = 0.0


@dataclass(slots=True)
class Result:
    """An address with all that was said about it; `engines` found it, and `score` says how far in front."""

    hit: Hit
    engines: list[str] = field(default_factory=list)
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The results, the best first, and what is to be said about engines that gave none."""

    results: Sequence[Result]
    remarks: Sequence[str]


class WebSearches:
    """The engines of a session, and how they are doing. With `trusted` settings the addresses of engines that they
    name may be anywhere."""

    def __init__(self, settings: Search, *, trusted: bool) -> None:
        self._settings = settings
        self._trusted = trusted
        self._health: dict[str, _Health] = {}

    def chosen(self, names: Sequence[str]) -> tuple[list[Engine], list[str]]:
        """The engines of these names, or those that are configured, and a remark about each that cannot be asked.
        Raises ToolError if there is none."""
        known = {_name(name): spec for name, spec in self._settings.engine.items()}
        wanted = names or [name for name, spec in known.items() if spec.enabled] or DEFAULT_ENGINES
        engines, remarks = [], []
        for name in dict.fromkeys(wanted):
            engine = engine_named(name)
            spec = known.get(_name(name), SearchEngine(_name(name)))
            if engine is None:
                remarks.append(f"{name} is not known; known are {', '.join(ENGINES)}")
            elif not spec.enabled:
                remarks.append(f"{name} is turned off in the configuration")
            elif not (spec.url or engine.address):
                remarks.append(
                    f"{name} needs its url in the configuration: search {{ engine {{ {name} {{ url = … }} }} }}"
                )
            elif engine not in engines:
                engines.append(engine)
        if not engines:
            listed = ", ".join(f'"{name}"' for name in wanted)
            raise ToolError(
                f"No valid engines found in: [{listed}]. {'; '.join(remarks)}.", {"type": "invalid_argument"}
            )
        return engines, remarks

    async def search(
        self, query: str, names: Sequence[str], seconds: float | None, proxy: str | None, reach: Reach
    ) -> Answer:
        """Ask the engines. Raises ToolError if none of them has answered."""
        engines, remarks = self.chosen(names)
        asked = [engine for engine in engines if not self._rests(engine.name, remarks)]
        work = (self._ask(engine, query, seconds, proxy, reach) for engine in asked)
        found: dict[str, Result] = {}
        failed = len(engines) - len(asked)
        for engine, hits in zip(asked, await asyncio.gather(*work), strict=True):
            if isinstance(hits, str):
                remarks.append(f"{engine.name}: {hits}")
                failed += 1
            else:
                _merge(found, engine.name, self._spec(engine.name).weight, hits)
        if failed == len(engines):
            raise ToolError(f"No search engine has answered. {'; '.join(remarks)}.", {"type": "backend"})
        return Answer(sorted(found.values(), key=lambda result: -result.score), remarks)

    async def _ask(
        self, engine: Engine, query: str, seconds: float | None, proxy: str | None, reach: Reach
    ) -> Sequence[Hit] | str:
        """What the engine has found, or why it has not answered."""
        spec = self._spec(engine.name)
        limit = spec.timeout or seconds or self._settings.timeout
        allowed = Reach(everywhere=True) if spec.url and self._trusted and proxy is None else reach
        try:
            page = await fetch(engine.url(query, spec.url), allowed, limit, proxy)
            if page.status != 200:
                raise ToolError(f"it answered with HTTP {page.status}")
            hits = await asyncio.to_thread(engine.read, page.text)
        except ToolError as error:
            self._note_failure(engine.name)
            return str(error).rstrip(".")
        self._health.pop(engine.name, None)
        return [hit for hit in hits if hit.url.startswith(("http://", "https://")) and hit.title]

    def _spec(self, name: str) -> SearchEngine:
        configured: Mapping[str, SearchEngine] = {_name(each): spec for each, spec in self._settings.engine.items()}
        return configured.get(name, SearchEngine(name))

    def _rests(self, name: str, remarks: list[str]) -> bool:
        left = self._health.get(name, _Health()).rests_until - time.monotonic()
        if left > 0:
            remarks.append(
                f"{name} rests for {left:.0f} s more, after it has failed {self._health[name].failures} times"
            )
        return left > 0

    def _note_failure(self, name: str) -> None:
        health = self._health.setdefault(name, _Health())
        health.failures += 1
        if health.failures >= max(1, self._settings.health.max_failures):
            health.rests_until = time.monotonic() + self._settings.health.suspend_seconds


def _name(name: str) -> str:
    engine = engine_named(name)
    return name if engine is None else engine.name


def _merge(found: dict[str, Result], engine: str, weight: float, hits: Iterable[Hit]) -> None:
    seen: set[str] = set()
    for place, hit in enumerate(hits, 1):
        key = _same(hit.url)
        if key in seen:
            continue
        seen.add(key)
        result = found.setdefault(key, Result(hit))
        result.engines.append(engine)
        result.score += weight / place
        if len(hit.content) > len(result.hit.content):
            result.hit = Hit(result.hit.url, result.hit.title, hit.content, result.hit.published or hit.published)


def _same(url: str) -> str:
    """What is the same for all ways to write one address."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return url
    query = urlencode(
        [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not pair[0].startswith("utm_")]
    )
    return f"{host}{parts.path.rstrip('/')}?{query}"
