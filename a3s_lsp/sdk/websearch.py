"""Web search for programs: the direct call, and how engines are described."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from a3s_lsp.engine.messages import Json
from a3s_lsp.sdk.checks import count, lower, number, optional_string, string, strings
from a3s_lsp.sdk.faces import AsyncFace, Face
from a3s_lsp.sdk.results import ToolResult


class WebSearchParams:
    """A search: `engines` instead of those that are configured, at most 50 results, `timeout` in seconds up to 60,
    `format` text or json."""

    def __init__(
        self,
        query: str,
        engines: Sequence[str] | None = None,
        limit: int | None = None,
        timeout: int | None = None,
        proxy: str | None = None,
        format: str | None = None,
    ) -> None:
        self.query = string("query", query)
        self.engines = None if engines is None else strings("engines", engines)
        self.limit = None if limit is None else count("limit", limit)
        self.timeout = None if timeout is None else count("timeout", timeout)
        self.proxy, self.format = optional_string("proxy", proxy), optional_string("format", format)

    def __repr__(self) -> str:
        shown = ("engines", "limit", "timeout", "format")
        rest = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"WebSearchParams(query={self.query!r}, {rest})"

    def to_arguments(self) -> Json:
        """The arguments of the tool."""
        names = ("query", "engines", "limit", "timeout", "proxy", "format")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


class SearchHealthConfig:
    """After how many failures in a row an engine rests, and for how long."""

    def __init__(self, max_failures: int = 3, suspend_seconds: int = 60) -> None:
        self.max_failures = count("max_failures", max_failures)
        self.suspend_seconds = count("suspend_seconds", suspend_seconds)

    def __repr__(self) -> str:
        return f"SearchHealthConfig(max_failures={self.max_failures}, suspend_seconds={self.suspend_seconds})"


class SearchEngineConfig:
    """Whether an engine is asked, how much its results count, and how many seconds it may take."""

    def __init__(self, enabled: bool = True, weight: float = 1.0, timeout: int | None = None) -> None:
        if not isinstance(enabled, bool):
            raise TypeError(f"enabled must be true or false, not {type(enabled).__name__}")
        self.enabled = enabled
        self.weight = number("weight", weight)
        self.timeout = None if timeout is None else count("timeout", timeout)

    def __repr__(self) -> str:
        return f"SearchEngineConfig(enabled={lower(self.enabled)}, weight={self.weight:g}, timeout={self.timeout})"


class BrowserBackend(IntEnum):
    """Which browser a headless search would use."""

    Chrome = 0
    Lightpanda = 1

    def __repr__(self) -> str:
        return f"BrowserBackend.{self.name}"


class HeadlessConfig:
    """How a browser would be started. Kept for programs that make one: no engine here needs a browser."""

    def __init__(
        self,
        backend: BrowserBackend,
        browser_path: str | None = None,
        max_tabs: int | None = None,
        launch_args: Sequence[str] | None = None,
        proxy_url: str | None = None,
    ) -> None:
        if not isinstance(backend, BrowserBackend):
            raise TypeError(f"backend must be a BrowserBackend, not {type(backend).__name__}")
        self.backend = backend
        self.browser_path = optional_string("browser_path", browser_path)
        self.max_tabs = None if max_tabs is None else count("max_tabs", max_tabs)
        self.launch_args = None if launch_args is None else strings("launch_args", launch_args)
        self.proxy_url = optional_string("proxy_url", proxy_url)

    def __repr__(self) -> str:
        proxy = None if self.proxy_url is None else "…"
        return (
            f"HeadlessConfig(backend={self.backend.name}, browser_path={self.browser_path}, max_tabs={self.max_tabs}, "
            f"launch_args={self.launch_args}, proxy_url={proxy})"
        )


class SearchConfig:
    """How the web is searched, as a value. What a session does is said in its configuration, in the block `search`."""

    def __init__(
        self, timeout: int = 10, health: SearchHealthConfig | None = None, headless: HeadlessConfig | None = None
    ) -> None:
        for name, value, kind in (("health", health, SearchHealthConfig), ("headless", headless, HeadlessConfig)):
            if value is not None and not isinstance(value, kind):
                raise TypeError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")
        self.timeout = count("timeout", timeout)
        self.health, self.headless = health, headless
        self._engines: dict[str, SearchEngineConfig] = {}

    def engine_names(self) -> list[str]:
        """The engines that were set, sorted."""
        return sorted(self._engines)

    def get_engine(self, name: str) -> SearchEngineConfig | None:
        """What was set for an engine."""
        return self._engines.get(string("name", name))

    def set_engine(self, name: str, config: SearchEngineConfig) -> None:
        """Say how an engine is to be asked."""
        if not isinstance(config, SearchEngineConfig):
            raise TypeError(f"config must be a SearchEngineConfig, not {type(config).__name__}")
        self._engines[string("name", name)] = config

    def __repr__(self) -> str:
        health = lower(self.health is not None)
        return f"SearchConfig(timeout={self.timeout}, engines={len(self._engines)}, health={health})"


class AsyncWebSearch(AsyncFace):
    """The program's own searches: no policy, nobody is asked."""

    async def web_search(self, params: WebSearchParams) -> ToolResult:
        """What search engines find; a failure is a result."""
        if not isinstance(params, WebSearchParams):
            raise TypeError(f"params must be a WebSearchParams, not {type(params).__name__}")
        return ToolResult.of("web_search", await self.engine.call_tool("web_search", params.to_arguments()))


class WebSearch(Face):
    """The program's own searches: no policy, nobody is asked."""

    def web_search(self, params: WebSearchParams) -> ToolResult:
        """What search engines find; a failure is a result."""
        return self._loop.call(self._session.web_search(params))
