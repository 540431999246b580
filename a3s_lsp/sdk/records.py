"""What a session remembers: the conversation, the runs, and what it can do."""

from __future__ import annotations

from copy import deepcopy

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.history_format import write_history
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.state import RunState
from a3s_lsp.sdk.checks import string
from a3s_lsp.sdk.faces import AsyncFace, Face
from a3s_lsp.sdk.replaying import replay
from a3s_lsp.sdk.streams import AsyncEventStream, EventStream


class AsyncRecords(AsyncFace):
    """Looking at a session."""

    def history(self) -> list[Json]:
        """The conversation as `[{"role", "content": [blocks]}]`."""
        return write_history(self.engine.state.messages)

    def runs(self) -> list[Json]:
        """All runs, oldest first: id, session_id, status, prompt, created_at_ms, updated_at_ms, result_text, error."""
        return [self._snapshot(run) for run in self.engine.state.runs.values() if run.parent is None]

    def run_snapshot(self, run_id: str) -> Json | None:
        """One run, or None."""
        run = self.engine.state.runs.get(run_id)
        return None if run is None else self._snapshot(run)

    def current_run(self) -> Json | None:
        """The run that is going, or None."""
        run = self.engine.current_run()
        return None if run is None else self._snapshot(run.state)

    async def run_events(self, run_id: str) -> list[Json]:
        """The stored events of a run: `[{"sequence", "timestamp_ms", "event": {"type", …}}]`."""
        return [
            {"sequence": e.seq, "timestamp_ms": e.time_ms, "event": {"type": _stored_name(e.type), **e.fields}}
            for e in await self.engine.past_events(run_id)
        ]

    def replay(self, run_id: str) -> AsyncEventStream:
        """The events of a run once more, and those that are still to come. It ends as the run did; leaving it early
        stops nothing. A3SError names the runs there are."""
        known = self.engine.state.runs
        if string("run_id", run_id) not in known:
            raise A3SError(f"There is no run {run_id} in this session. Known are: {', '.join(known) or 'none'}.")
        return replay(self.engine, run_id)

    def active_tools(self) -> list[Json]:
        """The calls of the run that is going which run, or wait for leave: id, name, started_at_ms."""
        if self.engine.current_run() is None:
            return []
        active = self.engine.state.trace.active.values()
        return [{"id": call.id, "name": call.name, "started_at_ms": call.since_ms} for call in active]

    def trace_events(self) -> list[Json]:
        """What each tool call of the model came to, oldest first."""
        return deepcopy(self.engine.state.trace.events)

    async def refresh(self) -> None:
        """Look again at the files that this session has edited, and connect MCP servers again that were lost. The
        instructions and commands of the project are read anew for each run anyway."""
        await self.engine.review.reconcile()
        await self.engine.mcp.refresh()

    def _snapshot(self, run: RunState) -> Json:
        cut = not run.ended and self.engine.run(run.id) is None
        row: Json = {
            "id": run.id,
            "session_id": self.engine.id,
            "status": "interrupted" if cut else run.status,
            "prompt": run.prompt,
            "created_at_ms": run.created_ms,
            "updated_at_ms": run.updated_ms,
            "event_count": run.event_count,
        }
        if run.status == "completed":
            row["result_text"] = run.text
        if run.error is not None:
            row["error"] = run.error
        return row

    def tool_names(self) -> list[str]:
        """The tools that the model is offered."""
        return list(self.engine.tools.names())

    def tool_definitions(self) -> list[Json]:
        """The tools with their JSON schemas: name, description, parameters."""
        specs = self.engine.tools.specs()
        return [{"name": s.name, "description": s.description, "parameters": dict(s.parameters)} for s in specs]


class Records(Face):
    """Looking at a session."""

    def history(self) -> list[Json]:
        """The conversation as `[{"role", "content": [blocks]}]`."""
        return self._loop.here(self._session.history)

    def runs(self) -> list[Json]:
        """All runs, oldest first."""
        return self._loop.here(self._session.runs)

    def run_snapshot(self, run_id: str) -> Json | None:
        """One run, or None."""
        return self._loop.here(lambda: self._session.run_snapshot(run_id))

    def current_run(self) -> Json | None:
        """The run that is going, or None."""
        return self._loop.here(self._session.current_run)

    def run_events(self, run_id: str) -> list[Json]:
        """The stored events of a run: `[{"sequence", "timestamp_ms", "event": {"type", …}}]`."""
        return self._loop.call(self._session.run_events(run_id))

    def replay(self, run_id: str) -> EventStream:
        """The events of a run once more, and those that are still to come. It ends as the run did; leaving it early
        stops nothing. A3SError names the runs there are."""
        return EventStream.of(self._loop, lambda: self._session.replay(run_id))

    def active_tools(self) -> list[Json]:
        """The calls of the run that is going which run, or wait for leave: id, name, started_at_ms."""
        return self._loop.here(self._session.active_tools)

    def trace_events(self) -> list[Json]:
        """What each tool call of the model came to, oldest first."""
        return self._loop.here(self._session.trace_events)

    def refresh(self) -> None:
        """Look again at the files that this session has edited, and connect MCP servers again that were lost. The
        instructions and commands of the project are read anew for each run anyway."""
        self._loop.call(self._session.refresh())

    def tool_names(self) -> list[str]:
        """The tools that the model is offered."""
        return self._session.tool_names()

    def tool_definitions(self) -> list[Json]:
        """The tools with their JSON schemas: name, description, parameters."""
        return self._session.tool_definitions()


def _stored_name(event_type: str) -> str:
    return {"start": "agent_start", "end": "agent_end"}.get(event_type, event_type)
