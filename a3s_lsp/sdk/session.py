"""The asynchronous face of sessions. Everything happens on the event loop that the session was made on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from a3s_lsp.engine.errors import A3SError, RunCancelled, RunFailed
from a3s_lsp.engine.events import TERMINAL, Event
from a3s_lsp.engine.facts import RunQueued
from a3s_lsp.engine.messages import Usage
from a3s_lsp.engine.run import Run, RunResult
from a3s_lsp.engine.session import Session as EngineSession
from a3s_lsp.sdk.commands import AsyncSlashCommands
from a3s_lsp.sdk.confirmations import AsyncAnswers
from a3s_lsp.sdk.delegation import AsyncDelegation
from a3s_lsp.sdk.direct import AsyncDirectTools
from a3s_lsp.sdk.hooks import AsyncHooking
from a3s_lsp.sdk.keeping import AsyncKeeping
from a3s_lsp.sdk.limits import AsyncBounds
from a3s_lsp.sdk.mcp import AsyncServers
from a3s_lsp.sdk.memory import AsyncRemembering
from a3s_lsp.sdk.objects import AsyncObjects
from a3s_lsp.sdk.permissions import AsyncPermissions
from a3s_lsp.sdk.program import AsyncPrograms
from a3s_lsp.sdk.queue import AsyncQueue
from a3s_lsp.sdk.records import AsyncRecords
from a3s_lsp.sdk.requests import Attachments, History, Request, as_request, parse_request, with_attachments
from a3s_lsp.sdk.results import AgentEvent, AgentResult
from a3s_lsp.sdk.review import AsyncReview
from a3s_lsp.sdk.skills import AsyncSkills
from a3s_lsp.sdk.streams import AsyncEventStream
from a3s_lsp.sdk.supervision import AsyncSupervision
from a3s_lsp.sdk.verification import AsyncVerification
from a3s_lsp.sdk.websearch import AsyncWebSearch

_UNASKED = "The confirmation policy is disabled: calls that the permission policy asks about run unasked."


class AsyncSession(
    AsyncRecords,
    AsyncSlashCommands,
    AsyncAnswers,
    AsyncPermissions,
    AsyncDirectTools,
    AsyncWebSearch,
    AsyncHooking,
    AsyncKeeping,
    AsyncPrograms,
    AsyncServers,
    AsyncSupervision,
    AsyncQueue,
    AsyncDelegation,
    AsyncSkills,
    AsyncVerification,
    AsyncObjects,
    AsyncRemembering,
    AsyncBounds,
):
    """One conversation on one folder. Made by `AsyncAgent.session`."""

    _workspace: str

    @classmethod
    def of(
        cls, engine: EngineSession, workspace: str, reopen: Callable[[str], Awaitable[AsyncSession]]
    ) -> AsyncSession:
        """Around a session of the engine; `reopen` opens another one of its store with the same options."""
        self = object.__new__(cls)
        self.engine = engine
        self._reopen = reopen
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

    async def send(self, prompt: Request, history: History | None = None) -> AgentResult:
        """The answer. Waits its turn if a run is going. RunFailed says why there is none."""
        wanted = parse_request(prompt, history)
        asked = await self.engine.slash.answer(wanted)
        if isinstance(asked, str):
            return AgentResult.of(asked, Usage(), 0)
        run = self.engine.start(asked)
        try:
            return AgentResult.of_run(_checked(await run.wait()))
        except asyncio.CancelledError:
            await run.cancel()
            raise

    async def send_request(self, request: Mapping[str, object]) -> AgentResult:
        """The answer to a request in its long form."""
        return await self.send(as_request(request))

    async def send_with_attachments(
        self, prompt: str, attachments: Attachments, history: History | None = None
    ) -> AgentResult:
        """The answer to a prompt with images."""
        return await self.send(with_attachments(prompt, attachments), history)

    async def run(self, prompt: Request, history: History | None = None) -> AgentResult:
        """The same as `send`."""
        return await self.send(prompt, history)

    def stream(self, prompt: Request, history: History | None = None) -> AsyncEventStream:
        """The events of the answer as they happen; the last one is end, error or cancelled."""
        wanted = parse_request(prompt, history)
        if self.engine.slash.find(wanted.prompt) is not None:
            return self._stream_command(wanted)
        run = self.engine.start(wanted)
        stream = AsyncEventStream.of(run.cancel)
        self._feed(run, stream.put)
        return stream

    def stream_request(self, request: Mapping[str, object]) -> AsyncEventStream:
        """The events of the answer to a request in its long form."""
        return self.stream(as_request(request))

    def stream_with_attachments(
        self, prompt: str, attachments: Attachments, history: History | None = None
    ) -> AsyncEventStream:
        """The events of the answer to a prompt with images."""
        return self.stream(with_attachments(prompt, attachments), history)

    def _feed(self, run: Run, put: Callable[[AgentEvent], None]) -> None:
        def listen(event: Event) -> None:
            if event.run_id == run.id:
                put(AgentEvent.of(event))
                if event.type in TERMINAL:
                    stop()

        stop = self.engine.subscribe(listen)

    def _stream_command(self, prompt: RunQueued) -> AsyncEventStream:
        """What a command says, or the events of the run that it has a prompt for."""
        runs: list[Run] = []

        async def stop() -> None:
            task.cancel()
            await asyncio.gather(*(run.cancel() for run in runs))

        async def answer() -> None:
            try:
                asked = await self.engine.slash.answer(prompt)
                if isinstance(asked, str):
                    stream.put(AgentEvent.made("text_delta", {"text": asked}))
                    stream.put(AgentEvent.made("end", {"text": asked, "total_tokens": 0}))
                    return
                runs.append(self.engine.start(asked))
            except RunCancelled as error:
                stream.put(AgentEvent.made("cancelled", {"text": "", "error": str(error), "total_tokens": 0}))
            except A3SError as error:
                stream.put(AgentEvent.made("error", {"error": str(error), "total_tokens": 0}))
            else:
                self._feed(runs[0], stream.put)

        stream = AsyncEventStream.of(stop)
        task = asyncio.get_running_loop().create_task(answer(), name=f"command {prompt.prompt.split()[0]}")

        def failed(task: asyncio.Task[None]) -> None:  # by a defect of ours: whoever reads the stream must not wait on
            if not task.cancelled() and (error := task.exception()) is not None:
                text = f"Internal error: {type(error).__name__}: {error}"
                stream.put(AgentEvent.made("error", {"error": text, "total_tokens": 0}))

        task.add_done_callback(failed)
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

    @property
    def init_warning(self) -> str | None:
        """What the session was made without, in a sentence."""
        confirmation = self.engine.setup.confirmation
        warnings = list(self.engine.setup.warnings)
        if confirmation is not None and not confirmation.enabled:
            warnings.insert(0, _UNASKED)
        warnings += [trouble for trouble in (self.engine.leave.trouble, self.engine.harness.warning) if trouble]
        return " ".join(warnings) or None

    def __repr__(self) -> str:
        return f"Session(id='{self.session_id}', workspace='{self._workspace}')"


def _checked(result: RunResult) -> RunResult:
    if result.status == "cancelled":
        raise RunCancelled(f"Agent execution failed: {result.error}", result.limits, result.budget)
    if result.status != "completed":
        raise RunFailed(f"Agent execution failed: {result.error}", result.limits, result.budget)
    return result
