"""What only a client of ours can do with its documents: save them, read them again, and tell their diagnostics.

Each is asked for only if the client has announced it, and a client that does not answer as agreed has not done it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Diagnostic
from a3s_lsp.server import names, wire
from a3s_lsp.server.language_server import A3SLanguageServer
from a3s_lsp.server.uris import uri_key

logger = logging.getLogger(__name__)

SAVE_SECONDS = 15.0
"""How long saving may take: formatters run meanwhile."""
RELOAD_SECONDS = 5.0
WAIT_MS = 2000
"""How long the client may wait until the diagnostics of a version are computed."""
GRACE_SECONDS = 1.0
"""How long its answer may take after that."""

S = TypeVar("S", bound=wire.Shape)
_SEVERITIES: dict[int, Literal["error", "warning", "information", "hint"]] = {
    1: "error",
    2: "warning",
    3: "information",
    4: "hint",
}


class _Saved(wire.Shape):
    saved: list[str]


class _Reloaded(wire.Shape):
    reloaded: list[str]


class _Item(wire.Shape):
    range: wire.Range
    message: str
    severity: int | None = None
    source: str | None = None


class _Diagnostics(wire.Shape):
    unknown: bool = False
    version: int | None = None
    items: list[_Item] = Field(default_factory=list)


class Favours:
    """The requests `a3s/save`, `a3s/reload` and `a3s/diagnostics`."""

    def __init__(self, server: A3SLanguageServer, flags: Callable[[], wire.ClientFlags]) -> None:
        self._server = server
        self._flags = flags

    async def save(self, paths: Sequence[Path]) -> list[Path]:
        """Have documents saved; returns those that are."""
        if not paths or not self._flags().save:
            return []
        answer = await self._ask(names.SAVE, {"uris": [path.as_uri() for path in paths]}, _Saved, SAVE_SECONDS)
        return [] if answer is None else _named(paths, answer.saved)

    async def reload(self, paths: Sequence[Path]) -> list[Path]:
        """Have documents read from the disk again; returns those for which that was done."""
        if not paths or not self._flags().reload:
            return []
        answer = await self._ask(names.RELOAD, {"uris": [path.as_uri() for path in paths]}, _Reloaded, RELOAD_SECONDS)
        return [] if answer is None else _named(paths, answer.reloaded)

    async def diagnostics(self, path: Path, version: int) -> list[Diagnostic] | None:
        """The diagnostics of this version of a document; None if they are not known."""
        if not self._flags().diagnostics:
            return None
        params: Json = {"uri": path.as_uri(), "version": version, "waitMs": WAIT_MS}
        answer = await self._ask(names.DIAGNOSTICS, params, _Diagnostics, WAIT_MS / 1000 + GRACE_SECONDS)
        if answer is None or answer.unknown or answer.version != version:
            return None
        return [_diagnostic(item) for item in answer.items]

    async def _ask(self, method: str, params: Json, shape: type[S], seconds: float) -> S | None:
        try:
            async with asyncio.timeout(seconds):
                answer = await self._server.request(method, params)
            if answer is None:
                raise JsonRpcInvalidParams("The answer is empty.")
            return wire.read(shape, answer)
        except JsonRpcException as error:
            logger.warning("the client did not do %s: %s", method, error.message)
        except TimeoutError:
            logger.warning("the client did not answer %s within %g seconds", method, seconds)
        return None


def _named(paths: Sequence[Path], uris: Sequence[str]) -> list[Path]:
    keys = {uri_key(uri) for uri in uris}
    return [path for path in paths if uri_key(path.as_uri()) in keys]


def _diagnostic(item: _Item) -> Diagnostic:
    severity = _SEVERITIES.get(item.severity or 1, "error")
    return Diagnostic(item.range.start.line + 1, severity, item.message, item.source or "")
