"""Who may run beside whom: the calls of one turn, at the same time where they cannot get into each other's way.

Questions are put one at a time, in the order of the calls. What a call did is told when it has done it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from a3s_lsp.engine.errors import LimitReached, ToolError
from a3s_lsp.engine.guards import MOST_IDENTICAL
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.messages import Json, ToolCall
from a3s_lsp.engine.ports import ToolResult
from a3s_lsp.engine.toolcalls import Admitted, Ready, admit, finish, named_paths, perform, prepare_call

MOST_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Effects:
    """What a call may do to files: change those in `changes`, none if that is empty, or anything if it is None."""

    changes: frozenset[Path] | None = frozenset()

    def conflicts(self, other: Effects) -> bool:
        """Whether the two must not run beside each other."""
        if self.changes is None or other.changes is None:
            return True
        if not self.changes or not other.changes:
            return self.changes != other.changes  # what a call reads is not known, so it reads alone
        return any(_overlap(one, two) for one in self.changes for two in other.changes)


ANYTHING = Effects(None)


def expected(kit: Kit, ready: Ready) -> Effects:
    """What a call may do by its arguments alone, before it is planned."""
    if ready.tool.lane == "query":
        return Effects()
    try:
        paths = frozenset(named_paths(kit, ready))
    except ToolError:
        return ANYTHING
    return Effects(paths or None)


def planned(admitted: Admitted) -> Effects:
    """What a call will do by its plan; one without a plan may do anything."""
    if admitted.ready.tool.lane == "query":
        return Effects()
    if admitted.change_set is None:
        return ANYTHING
    changes = admitted.change_set.changes
    return Effects(frozenset(Path(name) for each in changes for name in (each.path, each.source) if name) or None)


async def answer_calls(kit: Kit, calls: Sequence[ToolCall]) -> bool:
    """Give every call its result. True if none of them could even be read."""
    going = _Going()
    try:
        malformed = [await _take(kit, call, going) for call in calls]
        await going.until_done()
    finally:
        await going.stop()
    return all(malformed)


async def _take(kit: Kit, call: ToolCall, going: _Going) -> bool:
    """Begin a call, or give it its result where it cannot work. True if it could not even be read."""
    await going.until(lambda other, _: (other.name, other.arguments) == (call.name, call.arguments))
    await _check_repeated(kit, call, going)
    ready = prepare_call(kit, call)
    if isinstance(ready, ToolResult):
        await going.until_done()  # nothing is gained by telling of it before its turn
        await finish(kit, call, ready)
        return (ready.error_kind or {}).get("type") == "malformed"
    await _begin(kit, ready, going)
    return False


async def _check_repeated(kit: Kit, call: ToolCall, going: _Going) -> None:
    """Refuse a call that leads nowhere, and end the run with that. Raises LimitReached."""
    reason = None if call.id in kit.interrupted else kit.course.refusal(call)
    if reason is None:
        return
    await going.until_done()
    guard: Json = {"guard": "duplicate_tool_call", "duplicate_count": MOST_IDENTICAL, "threshold": MOST_IDENTICAL}
    await finish(kit, call, ToolResult(reason, 1, guard))
    raise LimitReached("identical_calls", reason)


async def _begin(kit: Kit, ready: Ready, going: _Going) -> None:
    """Have a call admitted and begun as soon as what is going allows it."""
    before = expected(kit, ready)
    await going.until(lambda _, effects: effects.conflicts(before))
    admitted = await admit(kit, ready)
    if isinstance(admitted, ToolResult):
        await finish(kit, ready.call, admitted)
        return
    after = planned(admitted)
    await going.until(lambda _, effects: effects.conflicts(after))
    going.start(kit, admitted, after)


class _Going:
    """The calls of a turn that are being performed."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[None], tuple[ToolCall, Effects]] = {}

    def start(self, kit: Kit, admitted: Admitted, effects: Effects) -> None:
        async def go() -> None:
            await finish(kit, admitted.ready.call, await perform(kit, admitted))

        task = asyncio.get_running_loop().create_task(go(), name=f"call {admitted.ready.call.id}")
        self._tasks[task] = admitted.ready.call, effects

    async def until_done(self) -> None:
        """Wait until all have ended."""
        await self.until(lambda call, effects: True)

    async def until(self, in_the_way: Callable[[ToolCall, Effects], bool]) -> None:
        """Wait until none of those that are going is in the way, and there is room for one more. Raises what a call
        could not make a result of."""
        while True:
            waiting = [task for task, (call, effects) in self._tasks.items() if in_the_way(call, effects)]
            waiting = waiting or (list(self._tasks) if len(self._tasks) >= MOST_AT_ONCE else [])
            if not waiting:
                return
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                del self._tasks[task]
                task.result()

    async def stop(self) -> None:
        """End what is still going."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _overlap(one: Path, two: Path) -> bool:
    return one == two or one in two.parents or two in one.parents
