"""Any plan, with any steps failing, stopped or killed anywhere: each step begins after those it waits for, ends once,
and the run tells how it came out."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import ModelRefused
from a3s_lsp.engine.events import TERMINAL, Event
from a3s_lsp.engine.planning.plans import PlanPolicy
from a3s_lsp.engine.ports import ModelRequest
from a3s_lsp.engine.session import Setup
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.testing import ScriptedModel
from tests.engine.stage import Stage

plans = st.lists(st.sets(st.integers(0, 6), max_size=2), min_size=1, max_size=7)


class Worker(ScriptedModel):
    """Says what it is asked to do, refuses some of it, and counts how often it was asked for each step."""

    def __init__(self, steps: list[set[int]], failing: set[int]) -> None:
        super().__init__([self._work] * 100)
        rows = [
            {"id": str(n), "description": f"do-{n}.", "dependencies": sorted(map(str, s))} for n, s in enumerate(steps)
        ]
        self._plan = json.dumps({"requires_planning": True, "execution_plan": {"steps": rows}})
        self._failing = failing
        self.done: list[int] = []

    def _work(self, request: ModelRequest) -> str | BaseException:
        if "requires_planning" in request.system:
            return self._plan
        [number] = re.findall(r"do-(\d+)\.", request.messages[-1].text)  # type: ignore[union-attr]
        self.done.append(int(number))
        return ModelRefused("no") if int(number) in self._failing else f"did {number}"


def check(events: list[Event], steps: list[set[int]]) -> None:
    """What holds of a run that has ended."""
    assert [event.seq for event in events] == list(range(len(events)))
    assert [event.type in TERMINAL for event in events].count(True) == 1 and events[-1].type in TERMINAL
    begun: list[int] = []
    ended: dict[int, str] = {}
    for event in events:
        if event.type == "step_start":
            number = int(str(event.fields["step_id"]))
            assert all(ended.get(before) == "completed" for before in steps[number] if before < len(steps))
            begun.append(number)
        elif event.type == "step_end":
            number = int(str(event.fields["step_id"]))
            assert number in begun and number not in ended
            ended[number] = str(event.fields["status"])
    assert sorted(begun) == sorted(ended)
    tasks = [event.fields["tasks"] for event in events if event.type == "task_updated"]
    if tasks:
        assert isinstance(tasks[-1], list)
        final = {int(task["id"]): task["status"] for task in tasks[-1]}
        assert not {"pending", "in_progress"} & set(final.values())
        assert {number: status for number, status in final.items() if number in ended} == ended
        whole = set(final.values()) == {"completed"}
        assert events[-1].type in (("end", "cancelled") if whole else ("error", "cancelled"))


def setup(stage: Stage, model: ScriptedModel) -> Setup:
    return replace(stage.setup(model), planning=PlanPolicy("enabled"), max_parallel_tasks=2)


@settings(max_examples=150, deadline=None)
@given(plans, st.sets(st.integers(0, 6), max_size=2), st.none() | st.integers(1, 60), st.booleans())
def test_any_plan_comes_out_right(steps: list[set[int]], failing: set[int], after: int | None, stop: bool) -> None:
    """`after` so many events it is stopped, or its process is gone and another one goes on."""

    async def go(folder: Path) -> None:
        stage = Stage(folder, MemoryStore())
        model = Worker(steps, failing)
        session = await stage.open(setup(stage, model))
        run = session.start(f.RunQueued("go"))
        if after is not None:
            reached = asyncio.Event()
            session.subscribe(lambda event: reached.set() if len(stage.events) >= after else None)
            waits = [asyncio.create_task(reached.wait()), asyncio.create_task(run.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if stop:
                await session.cancel()
            else:
                await session.suspend()
                session = await stage.load(setup(stage, model))
                resumed = session.resume()
                run = resumed or run
            for wait in waits:
                wait.cancel()
        if not session.state.runs[run.id].ended:
            await run.wait()
        check([event for event in await session.past_events() if event.run_id == run.id], steps)
        if after is None:
            assert len(set(model.done)) == len(model.done)
        assert all(state.ended for state in session.state.runs.values())
        await session.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(asyncio.wait_for(go(Path(folder)), 20))
