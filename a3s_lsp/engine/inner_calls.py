"""The calls that a call makes: each goes through the same gate, and is told with an id of its own."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from itertools import count

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.messages import Json, ToolCall
from a3s_lsp.engine.ports import ToolResult
from a3s_lsp.engine.toolcalls import admit, finish, perform, prepare_call

_CUT = "Stopped while it was going on. Look at what it may have done before you repeat it."


class InnerCalls:
    """The calls of one outer call. Those that only read go on beside each other, each other one alone; leave is asked
    for one by one, in the order in which they were begun."""

    def __init__(self, kit: Kit, outer: ToolCall) -> None:
        self._emit = kit.emit
        self._kit = replace(kit, emit=self._watched)
        self._ids = (f"{outer.id}.{number}" for number in count(1))
        self._ended: set[str] = set()
        self._turn = asyncio.Lock()
        self._readers = 0
        self._nobody_reads = asyncio.Event()
        self._nobody_reads.set()

    async def __call__(self, name: str, args: Json) -> ToolResult:
        """The result of a call; cancelled, it is ended first."""
        call = ToolCall(self._fresh_id(), name, json.dumps(args))
        self._kit.emit(f.CallAnnounced(call.id, name))
        self._kit.emit(f.InputStreamed(call.id, call.arguments))
        try:
            return await self._answered(call)
        except asyncio.CancelledError:
            if call.id not in self._ended:
                self._kit.emit(f.CallEnded(call.id, name, _CUT, 1, error_kind={"type": "cancelled", "op": name}))
            raise

    async def _answered(self, call: ToolCall) -> ToolResult:
        kit = self._kit
        ready = prepare_call(kit, call)
        if isinstance(ready, ToolResult):
            return await finish(kit, call, ready)
        reads = ready.tool.lane == "query"
        async with self._turn:
            if not reads:
                await self._nobody_reads.wait()
            admitted = await admit(kit, ready)
            if isinstance(admitted, ToolResult):
                return await finish(kit, call, admitted)
            if not reads:
                return await finish(kit, call, await perform(kit, admitted))
            self._begin_reading()
        try:
            return await finish(kit, call, await perform(kit, admitted))
        finally:
            self._end_reading()

    def _begin_reading(self) -> None:
        self._readers += 1
        self._nobody_reads.clear()

    def _end_reading(self) -> None:
        self._readers -= 1
        if not self._readers:
            self._nobody_reads.set()

    def _fresh_id(self) -> str:
        """An id that no call has, whatever ids the provider makes up."""
        return next(name for name in self._ids if name not in self._kit.call_ids())

    def _watched(self, fact: f.Fact) -> None:
        if isinstance(fact, f.CallEnded):
            self._ended.add(fact.call_id)
        self._emit(fact)
