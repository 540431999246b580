"""The asynchronous face of sessions. Everything happens on the event loop that the session was made on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from a3s_lsp.engine.errors import A3SError, RunCancelled, RunFailed
from a3s_lsp.engine.events import TERMINAL, Event
from a3s_lsp.engine.messages import Json, Usage
from a3s_lsp.engine.policy.confirmation import Confirmations
from a3s_lsp.engine.run import Run, RunResult
from a3s_lsp.engine.session import Session as EngineSession
from a3s_lsp.engine.state import RunState
from a3s_lsp.sdk.requests import History, Request, parse_request, write_history
from a3s_lsp.sdk.results import AgentEvent, AgentResult, Handle, ToolResult, ToolText
from a3s_lsp.sdk.review import AsyncReview
from a3s_lsp.sdk.streams import AsyncEventStream


class AsyncSession(Handle):
    """One conversation on one folder. Made by `AsyncAgent.session`."""

    engine: EngineSession
    _workspace: str

    @classmethod
    def of(cls, engine: EngineSession, workspace: str) -> AsyncSession:
        """Around a session of the engine."""
        self = object.__new__(cls)
        self.engine = engine
        # A relative folder is shown as what it meant when the session was made.
        self._workspace = str(engine.workspace.root) if workspace in (".", "..") else workspace
        return self

    @property
    def session_id(self) -> str:
        return self.engine.id

    @property
    def workspace(self) -> str:
        """The folder, as it was given."""
        return self._workspace

    @property
    def review(self) -> AsyncReview:
        """What became of the changes of this session, and the way back."""
        return AsyncReview.of(self.engine)

    # ------------------------------------------------------------ prompts

    async def send(self, request: Request, history: History | None = None) -> AgentResult:
        """The answer. Waits its turn if a run is going. RunFailed says why there is none."""
        prompt = parse_request(request, history)
        command = self.engine.command_in(prompt.prompt)
        if command is not None:
            return AgentResult.of(await self.engine.run_command(*command), Usage(), 0)
        run = self.engine.start(prompt)
        try:
            return AgentResult.of_run(_checked(await run.wait()))
        except asyncio.CancelledError:
            await run.cancel()
            raise

    async def run(self, request: Request, history: History | None = None) -> AgentResult:
        """The same as `send`."""
        return await self.send(request, history)

    def stream(self, request: Request, history: History | None = None) -> AsyncEventStream:
        """The events of the answer as they happen; the last one is end, error or cancelled."""
        prompt = parse_request(request, history)
        command = self.engine.command_in(prompt.prompt)
        if command is not None:
            return self._stream_command(*command)
        run = self.engine.start(prompt)
        stream = AsyncEventStream.of(run.cancel)
        self._feed(run, stream.put)
        return stream

    def _feed(self, run: Run, put: Callable[[AgentEvent], None]) -> None:
        def listen(event: Event) -> None:
            if event.run_id == run.id:
                put(AgentEvent.of(event))
                if event.type in TERMINAL:
                    stop()

        stop = self.engine.subscribe(listen)

    def _stream_command(self, name: str, args: str) -> AsyncEventStream:
        async def no_run() -> None:
            task.cancel()

        async def answer() -> None:
            text = await self.engine.run_command(name, args)
            stream.put(AgentEvent.made("text_delta", {"text": text}))
            stream.put(AgentEvent.made("end", {"text": text, "total_tokens": 0}))

        stream = AsyncEventStream.of(no_run)
        task = asyncio.get_running_loop().create_task(answer(), name=f"/{name}")
        return stream

    async def resume(self) -> AgentResult | None:
        """Go on with the run that was cut when its process ended; None if there is none."""
        run = self.engine.resume()
        return None if run is None else AgentResult.of_run(_checked(await run.wait()))

    async def steer(self, text: str) -> bool:
        """Give the run that is going one more message between two turns. False if none is going."""
        run = self.engine.current_run()
        return run is not None and run.steer(text)

    async def cancel(self) -> bool:
        """Stop what is going. True if there was something."""
        return await self.engine.cancel()

    async def cancel_run(self, run_id: str) -> bool:
        """Stop this run. False if it is not going."""
        return await self.engine.cancel(run_id)

    async def close(self) -> None:
        """Stop what is going, and give the session back; it cannot be used any more."""
        await self.engine.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ------------------------------------------------------------ looking

    def history(self) -> list[Json]:
        """The conversation as `[{"role", "content": [blocks]}]`."""
        return write_history(self.engine.state.messages)

    def runs(self) -> list[Json]:
        """All runs, oldest first: id, session_id, status, prompt, created_at_ms, updated_at_ms, result_text, error."""
        return [self._snapshot(run) for run in self.engine.state.runs.values()]

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

    def _snapshot(self, run: RunState) -> Json:
        cut = not run.ended and self.engine.run(run.id) is None
        row: Json = {
            "id": run.id,
            "session_id": self.session_id,
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

    def list_commands(self) -> list[dict[str, str]]:
        """The slash commands: name, description, usage."""
        return [{"name": c.name, "description": c.description, "usage": c.usage} for c in self.engine.commands()]

    def tool_names(self) -> list[str]:
        """The tools that the model is offered."""
        return list(self.engine.tools.names())

    def tool_definitions(self) -> list[Json]:
        """The tools with their JSON schemas: name, description, parameters."""
        specs = self.engine.tools.specs()
        return [{"name": s.name, "description": s.description, "parameters": dict(s.parameters)} for s in specs]

    def get_artifact(self, uri: str) -> Json | None:
        """The whole output of a call of which only the start was shown, or None."""
        return self.engine.setup.artifacts.get(uri)

    @property
    def init_warning(self) -> str | None:
        """What the session was made without, in a sentence."""
        confirmation = self.engine.setup.confirmation
        if confirmation is not None and not confirmation.enabled:
            return "The confirmation policy is disabled: calls that the permission policy asks about run unasked."
        return None

    # ------------------------------------------------------------ confirmations

    def pending_confirmations(self) -> list[Json]:
        """The questions that wait: tool_id, tool_name, args, remaining_ms."""
        return [] if (asked := self._confirmations) is None else asked.pending()

    def confirm_tool_use(self, tool_id: str, approved: bool, reason: str | None = None) -> bool:
        """Answer a question, from any thread. False if there is no such question any more."""
        return (asked := self._confirmations) is not None and asked.confirm(tool_id, approved, reason)

    def cancel_confirmations(self) -> int:
        """Reject all questions that wait, and say how many there were."""
        return 0 if (asked := self._confirmations) is None else asked.cancel_all()

    @property
    def _confirmations(self) -> Confirmations | None:
        approver = self.engine.setup.approver
        return approver if isinstance(approver, Confirmations) else None

    # ------------------------------------------------------------ direct tools

    async def tool(self, name: str, args: Mapping[str, object]) -> ToolResult:
        """Use any tool. The program's own act: no policy, nobody is asked; failures are results."""
        if not isinstance(args, Mapping):
            raise TypeError(f"args must be a dict, not {type(args).__name__}")
        return ToolResult.of(name, await self.engine.call_tool(name, dict(args)))

    async def _text(self, name: str, args: Json) -> ToolText:
        return ToolText.of(await self.engine.call_tool(name, _given(args)))

    async def read_file(self, file_path: str, offset: int | None = None, limit: int | None = None) -> ToolText:
        """The numbered lines of a file; lines count from 0."""
        return await self._text("read", {"file_path": file_path, "offset": offset, "limit": limit})

    async def write_file(self, file_path: str, content: str) -> ToolResult:
        """Write a whole file."""
        return await self.tool("write", {"file_path": file_path, "content": content})

    async def edit_file(
        self, file_path: str, old_string: str, new_string: str, replace_all: bool = False
    ) -> ToolResult:
        """Replace one text in a file."""
        args: Json = {"file_path": file_path, "old_string": old_string, "new_string": new_string}
        return await self.tool("edit", {**args, "replace_all": replace_all})

    async def patch_file(self, file_path: str, diff: str) -> ToolResult:
        """Apply a unified diff to a file."""
        return await self.tool("patch", {"file_path": file_path, "diff": diff})

    async def ls(self, path: str | None = None) -> ToolResult:
        """What is in a folder."""
        return await self.tool("ls", _given({"path": path}))

    async def glob(self, pattern: str, path: str | None = None) -> list[str]:
        """The paths that match, relative to the workspace, sorted."""
        result = await self.engine.call_tool("glob", _given({"pattern": pattern, "path": path}))
        if result.exit_code != 0:
            raise A3SError(result.output)
        paths = (result.metadata or {}).get("paths")
        return [str(item) for item in paths] if isinstance(paths, list) else []

    async def grep(self, pattern: str, path: str | None = None, glob: str | None = None) -> ToolText:
        """The lines that match a regular expression."""
        return await self._text("grep", {"pattern": pattern, "path": path, "glob": glob})

    async def bash(self, command: str, timeout: int | None = None) -> ToolText:  # noqa: ASYNC109  # the reference's name
        """The output of a shell command; `timeout` is in milliseconds."""
        return await self._text("bash", {"command": command, "timeout": timeout})

    async def save(self) -> None:
        """Return when everything so far is durable. A session with a store needs no saving. Raises StoreError."""
        await self.engine.settled()

    def __repr__(self) -> str:
        return f"Session(id='{self.session_id}', workspace='{self._workspace}')"


def _checked(result: RunResult) -> RunResult:
    if result.status == "cancelled":
        raise RunCancelled(f"Agent execution failed: {result.error}")
    if result.status != "completed":
        raise RunFailed(f"Agent execution failed: {result.error}")
    return result


def _given(args: Json) -> Json:
    return {name: value for name, value in args.items() if value is not None}


def _stored_name(event_type: str) -> str:
    return {"start": "agent_start", "end": "agent_end"}.get(event_type, event_type)
