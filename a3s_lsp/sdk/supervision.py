"""Supervision by a harness: how it is wished for, and questions to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from a3s_lsp.engine.ahp.targets import IDLE_MS, HarnessSpec, harness_of, parse_on_failure
from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.messages import Json
from a3s_lsp.sdk.checks import string
from a3s_lsp.sdk.faces import AsyncFace, Face

if TYPE_CHECKING:
    from a3s_lsp.sdk.options import SessionOptions


class AsyncSupervision(AsyncFace):
    """The harness of this session."""

    async def query_harness(self, query_type: str, payload: Mapping[str, object] | None = None) -> Json:
        """What the harness answers: `{"answer", "reason"?, "alternatives"?}`. RuntimeError if there is none, or if it
        gives no answer."""
        return await self.engine.harness.query(string("query_type", query_type), _payload(payload))


class Supervision(Face):
    """The harness of this session."""

    def query_harness(self, query_type: str, payload: Mapping[str, object] | None = None) -> Json:
        """What the harness answers: `{"answer", "reason"?, "alternatives"?}`. RuntimeError if there is none, or if it
        gives no answer."""
        return self._loop.call(self._session.query_harness(query_type, payload))


def harness_for(options: SessionOptions, settings: Settings) -> HarnessSpec | None:
    """The harness that the options name, else the one that is configured. ValueError for an address that is none."""
    if options.ahp_transport is None:
        return harness_of(settings)
    idle = IDLE_MS if options.ahp_idle_ms is None else options.ahp_idle_ms
    return HarnessSpec(options.ahp_transport.to_engine(), parse_on_failure(options.ahp_on_failure or "block"), idle)


def _payload(given: Mapping[str, object] | None) -> Json:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"payload must be a dict, not {type(given).__name__}")
    return dict(given)
