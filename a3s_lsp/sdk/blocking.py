"""The blocking face: the asynchronous one, run on a thread that waits for nobody.

A blocking call waits in small steps, so that Ctrl-C gets through on every system; it then stops the run it waited for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, Unpack

from a3s_lsp.engine.ports import Model
from a3s_lsp.sdk.agent import AsyncAgent
from a3s_lsp.sdk.commands import SlashCommands
from a3s_lsp.sdk.confirmations import Answers
from a3s_lsp.sdk.delegation import Delegation
from a3s_lsp.sdk.direct import DirectTools
from a3s_lsp.sdk.hooks import Hooking
from a3s_lsp.sdk.keeping import Keeping
from a3s_lsp.sdk.limits import Bounds
from a3s_lsp.sdk.loop_thread import LoopThread
from a3s_lsp.sdk.mcp import McpServers
from a3s_lsp.sdk.memory import Remembering
from a3s_lsp.sdk.named_options import NamedOptions
from a3s_lsp.sdk.objects import Objects
from a3s_lsp.sdk.options import SessionOptions
from a3s_lsp.sdk.permissions import Permissions
from a3s_lsp.sdk.program import Programs
from a3s_lsp.sdk.queue import Queue
from a3s_lsp.sdk.records import Records
from a3s_lsp.sdk.requests import Attachments, History, Request
from a3s_lsp.sdk.results import AgentResult
from a3s_lsp.sdk.review import Review
from a3s_lsp.sdk.session import AsyncSession
from a3s_lsp.sdk.skills import SessionSkills
from a3s_lsp.sdk.stored import StoredSessions
from a3s_lsp.sdk.streams import EventStream as EventStream
from a3s_lsp.sdk.supervision import Supervision
from a3s_lsp.sdk.verification import Verification
from a3s_lsp.sdk.websearch import WebSearch
from a3s_lsp.sdk.workers import WorkerAgentSpec


class Agent(StoredSessions):
    """A configuration, ready to have sessions. Made by `create`."""

    _agent: AsyncAgent

    @classmethod
    def create(cls, config_source: str) -> Agent:
        """From the path of an agent.acl, or from its text. ConfigError (a RuntimeError) lists what is wrong."""
        loop = LoopThread()
        return cls._of(loop, loop.call(AsyncAgent.create(config_source)))

    @classmethod
    def with_model(cls, model: Model) -> Agent:
        """With a model of the program's own, such as `testing.ScriptedModel`, and no configuration."""
        loop = LoopThread()
        return cls._of(loop, loop.here(lambda: AsyncAgent.with_model(model)))

    @classmethod
    def _of(cls, loop: LoopThread, agent: AsyncAgent) -> Agent:
        self = object.__new__(cls)
        self._loop, self._agent = loop, agent
        return self

    def session(self, workspace: str, options: SessionOptions | None = None, **named: Unpack[NamedOptions]) -> Session:
        """A new session on a folder. Keyword arguments are options by name, and win over `options`."""
        return Session.of(self._loop, self._loop.call(self._agent.session(workspace, options, **named)))

    def session_for_agent(
        self,
        workspace: str,
        agent_name: str,
        agent_dirs: Sequence[str] | None = None,
        options: SessionOptions | None = None,
    ) -> Session:
        """A new session that is the agent of this name. RuntimeError if there is none."""
        work = self._agent.session_for_agent(workspace, agent_name, agent_dirs, options)
        return Session.of(self._loop, self._loop.call(work))

    def session_for_worker(
        self, workspace: str, worker: WorkerAgentSpec, options: SessionOptions | None = None
    ) -> Session:
        """A new session that is this agent. ValueError says what is wrong with it."""
        return Session.of(self._loop, self._loop.call(self._agent.session_for_worker(workspace, worker, options)))

    def resume_session(self, session_id: str, options: SessionOptions, workspace: str | None = None) -> Session:
        """The stored session with this id, on another folder if one is given. `session.resume()` goes on with a run
        that had been cut."""
        return Session.of(self._loop, self._loop.call(self._agent.resume_session(session_id, options, workspace)))

    def fork_session(
        self, session_id: str, options: SessionOptions, at: str | None = None, new_id: str | None = None
    ) -> Session:
        """A new session that begins as the stored one was before the run or call `at`, or as it is."""
        return Session.of(self._loop, self._loop.call(self._agent.fork_session(session_id, options, at, new_id)))

    def refresh_mcp_tools(self) -> None:
        """Connect again, in all sessions of this agent, what is not connected of their MCP servers."""
        self._loop.call(self._agent.refresh_mcp_tools())

    def __repr__(self) -> str:
        return "Agent(...)"


class Session(
    Records,
    SlashCommands,
    Answers,
    Permissions,
    DirectTools,
    WebSearch,
    Hooking,
    Keeping,
    Programs,
    McpServers,
    Supervision,
    Queue,
    Delegation,
    SessionSkills,
    Verification,
    Objects,
    Remembering,
    Bounds,
):
    """One conversation on one folder. Made by `Agent.session`; any thread may use it."""

    @classmethod
    def of(cls, loop: LoopThread, session: AsyncSession) -> Session:
        """The blocking twin of a session."""
        self = object.__new__(cls)
        self._loop, self._session = loop, session
        return self

    @property
    def session_id(self) -> str:
        return self._session.session_id

    @property
    def workspace(self) -> str:
        return self._session.workspace

    @property
    def init_warning(self) -> str | None:
        """What the session was made without, in a sentence."""
        return self._session.init_warning

    @property
    def review(self) -> Review:
        """What became of the changes of this session, and the way back."""
        return Review.of(self._loop, self._session.review)

    # ------------------------------------------------------------ prompts

    def send(self, prompt: Request, history: History | None = None) -> AgentResult:
        """The answer. Waits its turn if a run is going. RunFailed (a RuntimeError) says why there is none."""
        return self._loop.call(self._session.send(prompt, history))

    def send_request(self, request: Mapping[str, object]) -> AgentResult:
        """The answer to a request in its long form."""
        return self._loop.call(self._session.send_request(request))

    def send_with_attachments(
        self, prompt: str, attachments: Attachments, history: History | None = None
    ) -> AgentResult:
        """The answer to a prompt with images."""
        return self._loop.call(self._session.send_with_attachments(prompt, attachments, history))

    def run(self, prompt: Request, history: History | None = None) -> AgentResult:
        """The same as `send`."""
        return self.send(prompt, history)

    def stream(self, prompt: Request, history: History | None = None) -> EventStream:
        """The events of the answer as they happen; the last one is end, error or cancelled."""
        return EventStream.of(self._loop, lambda: self._session.stream(prompt, history))

    def stream_request(self, request: Mapping[str, object]) -> EventStream:
        """The events of the answer to a request in its long form."""
        return EventStream.of(self._loop, lambda: self._session.stream_request(request))

    def stream_with_attachments(
        self, prompt: str, attachments: Attachments, history: History | None = None
    ) -> EventStream:
        """The events of the answer to a prompt with images."""
        return EventStream.of(self._loop, lambda: self._session.stream_with_attachments(prompt, attachments, history))

    def resume(self) -> AgentResult | None:
        """Go on with the run that was cut when its process ended; None if there is none."""
        return self._loop.call(self._session.resume())

    def steer(self, text: str) -> bool:
        """Give the run that is going one more message between two turns. False if none is going."""
        return self._loop.call(self._session.steer(text))

    def cancel(self) -> bool:
        """Stop what is going. True if there was something."""
        return self._loop.call(self._session.cancel())

    def cancel_run(self, run_id: str) -> bool:
        """Stop this run. False if it is not going."""
        return self._loop.call(self._session.cancel_run(run_id))

    def close(self) -> None:
        """Stop what is going, and give the session back; it cannot be used any more."""
        self._loop.call(self._session.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def save(self) -> None:
        """Return when everything so far is durable. A session with a store needs no saving. Raises StoreError."""
        self._loop.call(self._session.save())

    def __repr__(self) -> str:
        return repr(self._session)
