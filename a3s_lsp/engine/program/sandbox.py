"""The parent's side of scripts: each is lent a worker process, which is killed when it does not end, else kept warm."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.workspace.dialogue import Dialogue, DialogueOver
from a3s_lsp.engine.workspace.processes import start_dialogue

_WORKER = Path(__file__).with_name("worker.py")
_IDLE_SECONDS = 10.0
"""How long a worker waits for another script before it is ended."""


@dataclass(frozen=True, slots=True)
class Script:
    """What is to be played: `tools` are those that it may use."""

    source: str
    inputs: Json
    tools: tuple[str, ...]
    max_tool_calls: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a script ended: with a value, or with a text that says why there is none; and what it logged."""

    value: object
    error: str | None
    log: tuple[str, ...]


Caller = Callable[[str, Json], Awaitable[Json]]
"""Uses a tool for the script: a name and arguments in, {name, output, exitCode, metadata} out."""


class Sandbox:
    """Plays scripts in processes that have no more than the engine gives them. Cancelled, it leaves none behind."""

    def __init__(self) -> None:
        self._spare: Dialogue | None = None
        self._ending: asyncio.TimerHandle | None = None

    async def play(self, script: Script, call: Caller, environment: Mapping[str, str]) -> Outcome:
        """Play one script. Its faults, and the end of its time, are an outcome. Raises ToolError without an engine."""
        worker = self._lend(environment)
        try:
            async with asyncio.timeout(script.timeout_ms / 1000) as deadline:
                outcome = await _Play(worker, call).run(script)
        except TimeoutError:
            if not deadline.expired():
                raise
            return Outcome(None, f"program script timed out after {script.timeout_ms} ms", ())
        except DialogueOver:
            return Outcome(None, _how_it_died(worker), ())
        else:
            self._keep(worker)
            return outcome
        finally:
            if worker is not self._spare:
                await worker.close()

    def _lend(self, environment: Mapping[str, str]) -> Dialogue:
        spare, self._spare = self._spare, None
        if self._ending is not None:
            self._ending.cancel()
        if spare is not None and spare.alive and spare.loop is asyncio.get_running_loop():
            return spare
        return start_dialogue([sys.executable, "-I", str(_WORKER)], cwd=_WORKER.parent, env=_needed(environment))

    def _keep(self, worker: Dialogue) -> None:
        if self._spare is None:
            loop = asyncio.get_running_loop()
            self._spare = worker
            self._ending = loop.call_later(_IDLE_SECONDS, lambda: loop.create_task(self.close()))

    async def close(self) -> None:
        """End the worker that waits, if there is one."""
        spare, self._spare = self._spare, None
        if spare is not None:
            await spare.close()


class _Play:
    """One script on one worker."""

    def __init__(self, worker: Dialogue, call: Caller) -> None:
        self._worker = worker
        self._call = call
        self._log: list[str] = []
        self._going: set[asyncio.Task[None]] = set()

    async def run(self, script: Script) -> Outcome:
        wanted: Json = {
            "source": script.source,
            "inputs": script.inputs,
            "tools": list(script.tools),
            "maxToolCalls": script.max_tool_calls,
        }
        await self._worker.send(json.dumps(wanted).encode())
        try:
            return await self._follow()
        finally:  # what the script did not wait for is not done behind its back
            for task in self._going:
                task.cancel()
            await asyncio.gather(*self._going, return_exceptions=True)

    async def _follow(self) -> Outcome:
        listening = asyncio.ensure_future(self._worker.receive())
        try:
            while True:
                done, _ = await asyncio.wait({listening, *self._going}, return_when=asyncio.FIRST_COMPLETED)
                for task in done & self._going:
                    self._going.discard(task)
                    task.result()
                if listening in done:
                    told = json.loads(listening.result())
                    self._log += map(str, told["log"])
                    if told["state"] != "running":
                        return self._ended(told)
                    listening = asyncio.ensure_future(self._worker.receive())
                    for each in told["calls"]:
                        self._begin(int(each["id"]), str(each["tool"]), each["args"])
        finally:
            listening.cancel()

    def _begin(self, number: int, name: str, args: object) -> None:
        async def go() -> None:
            result = await self._call(name, args if isinstance(args, dict) else {})
            await self._worker.send(json.dumps({"id": number, "result": result}).encode())

        self._going.add(asyncio.ensure_future(go()))

    def _ended(self, told: Json) -> Outcome:
        text = str(told["text"])
        if told["state"] == "completed":
            return Outcome(json.loads(text), None, tuple(self._log))
        return Outcome(None, f"program script error:\n{text.rstrip()}", tuple(self._log))


def _needed(environment: Mapping[str, str]) -> dict[str, str]:
    """What Python itself needs to start, and nothing that a script has no business with."""
    wanted = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TMPDIR", "TEMP", "LD_LIBRARY_PATH")
    return {name: environment[name] for name in wanted if name in environment}


def _how_it_died(worker: Dialogue) -> str:
    complaint = worker.complaints()
    if "No module named 'quickjs'" in complaint:
        raise ToolError(
            "The JavaScript engine is not installed: pip install quickjs-ng, in the environment of a3s-lsp."
        )
    last = complaint.splitlines()[-1] if complaint else "it left no word"
    return f"program script error:\nthe process of the script ended: {last}"
