"""What the engine needs from others, as Protocols. Implementations do not inherit from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.facts import Outcome, QuestionAsked, Record, RuleScope
from a3s_lsp.engine.messages import Attachment, Json
from a3s_lsp.engine.model_port import AskModel as AskModel
from a3s_lsp.engine.model_port import CallDelta as CallDelta
from a3s_lsp.engine.model_port import Chunk as Chunk
from a3s_lsp.engine.model_port import Finish as Finish
from a3s_lsp.engine.model_port import Model as Model
from a3s_lsp.engine.model_port import ModelRequest as ModelRequest
from a3s_lsp.engine.model_port import Planner as Planner
from a3s_lsp.engine.model_port import ReasoningDelta as ReasoningDelta
from a3s_lsp.engine.model_port import Said as Said
from a3s_lsp.engine.model_port import TextDelta as TextDelta
from a3s_lsp.engine.model_port import ToolSpec as ToolSpec
from a3s_lsp.engine.model_port import Waiting as Waiting
from a3s_lsp.engine.model_port import plans as plans
from a3s_lsp.engine.seen import Seen
from a3s_lsp.engine.verification import Report
from a3s_lsp.engine.workspace_port import BufferEdit as BufferEdit
from a3s_lsp.engine.workspace_port import Diagnostic as Diagnostic
from a3s_lsp.engine.workspace_port import Document as Document
from a3s_lsp.engine.workspace_port import Editor as Editor
from a3s_lsp.engine.workspace_port import FileMove as FileMove
from a3s_lsp.engine.workspace_port import Shown as Shown
from a3s_lsp.engine.workspace_port import TextChange as TextChange
from a3s_lsp.engine.workspace_port import Workspace as Workspace
from a3s_lsp.engine.workspace_port import unnoticed as unnoticed
from a3s_lsp.engine.workspace_port import unrecorded as unrecorded

if TYPE_CHECKING:
    from a3s_lsp.engine.delegation.requests import TaskRequest

Lane: TypeAlias = Literal["control", "query", "execute", "generate"]

# ---------------------------------------------------------------- tools


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answers. `output` is for the model, with the images in `attachments`; `exit_code` 0 is success.

    `produced` is how many bytes there were to say, where `output` has only the first of them.
    """

    output: str
    exit_code: int = 0
    metadata: Json | None = None
    error_kind: Json | None = None
    attachments: tuple[Attachment, ...] = ()
    produced: int | None = None


Unsaved: TypeAlias = Literal["overlay", "save", "ask"]
"""Let commands see unsaved text without saving it, save it before, or ask."""


async def refuse(title: str, detail: str) -> bool:
    """The answer of nobody."""
    return False


def no_artifact(uri: str) -> str | None:
    """Nothing is kept."""
    return None


async def nobody(request: ModelRequest, show: Callable[[Chunk], None]) -> Said:
    """The answer where there is no model."""
    raise ToolError("There is no model that could be asked here.")


def unshown(text: str) -> None:
    """Show nothing."""


async def alone(name: str, args: Json) -> ToolResult:
    """The answer where a call may make no further ones."""
    raise ToolError(f"The tool {name} cannot be used from within this call.")


async def childless(requests: Sequence[TaskRequest], together: bool) -> ToolResult:
    """The answer where there are no child agents."""
    raise ToolError("Tasks cannot be given from within this call.")


async def unskilled(name: str, prompt: str) -> ToolResult:
    """The answer where there are no skills."""
    raise ToolError("Skills cannot be used from within this call.")


def unreported(report: Report) -> None:
    """Keep no report of what was verified."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a running call may use."""

    call_id: str
    workspace: Workspace
    emit: Callable[[str], None]
    """Show a piece of output while the call runs."""
    applied: Callable[[ChangeSet], None]
    """Tell the session that a change set was applied; to be handed to the workspace's `apply`."""
    environment: Mapping[str, str]
    """The variables that processes started by the call get."""
    approved: ChangeSet | None = None
    """The change set that a person has seen and allowed, if one was shown."""
    seen: Seen | None = None
    """The texts of files as the model has seen them last: what it writes whole was made for those. None for a call of
    the embedding program, which knows what it does."""
    planned: Callable[[ChangeSet], Awaitable[None]] = unrecorded
    """Write a change set into the log before it is applied; to be handed to the workspace's `apply`."""
    unsaved: Unsaved = "ask"
    """What to do about unsaved text before a command reads the disk."""
    ask: Callable[[str, str], Awaitable[bool]] = refuse
    """Put a yes-or-no question to the person: a title and the details. False also if there is nobody to ask."""
    around_command: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """To be entered around whatever may change files in other ways than by change sets: checkpoints are taken there."""
    call: Callable[[str, Json], Awaitable[ToolResult]] = alone
    """Use another tool, by its name and arguments: through the same gate, with events of its own. Failures are results.
    Any number may be begun at once; those that could get into each other's way run in order."""
    artifact: Callable[[str], str | None] = no_artifact
    """The whole of a long output, by its address; None if it is not kept."""
    keep: int = 16 * 1024 * 1024
    """How many bytes of the output of a command are worth keeping."""
    delegate: Callable[[Sequence[TaskRequest], bool], Awaitable[ToolResult]] = childless
    """Give tasks to child agents, one or several together, and tell how they came out."""
    use_skill: Callable[[str, str], Awaitable[ToolResult]] = unskilled
    """Have a skill, by its name, answer a prompt."""
    tools: tuple[str, ...] = ()
    """The names of the tools that `call` knows."""
    ask_model: AskModel = nobody
    """Ask the model of the session something. Raises A3SError."""
    emit_whole: Callable[[str], None] = unshown
    """Show a piece of output that is not to be joined with others."""
    report: Callable[[Report], None] = unreported
    """Have the session keep what was verified."""


class Tool(Protocol):
    """Something the model can do. One file each in `tools/`."""

    @property
    def spec(self) -> ToolSpec: ...

    @property
    def lane(self) -> Lane: ...

    def subject(self, args: Json) -> str:
        """The argument that permission patterns are matched against, e.g. the command or the path."""

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        """What the call would change, without doing it; None if it changes no files by itself. Raises ToolError."""

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        """Do it. `args` were validated against the schema. Raises ToolError; cancelled by cancelling the task,
        after which nothing of the call goes on."""


# ---------------------------------------------------------------- people, and the log


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said. `remember` is the rule to keep, and `scope` where; it allows or denies as the answer does.
    `accepted` has the places of those parts of the question that are approved, None means all."""

    outcome: Outcome
    reason: str | None = None
    remember: str | None = None
    accepted: tuple[int, ...] | None = None
    scope: RuleScope = "session"


class Approver(Protocol):
    """Whoever can give leave."""

    @property
    def timeout_ms(self) -> int | None:
        """How long a question waits before its default applies; None means until it is answered."""

    async def ask(self, question: QuestionAsked) -> Answer:
        """Ask, and wait. Must have registered the question before it first yields to the loop, so that an answer can
        never come too early. Must not raise: no client, no answer, an error are a rejection with the reason."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A row of the session list. `updated_ms` is since the epoch; `origin` is the session that it was forked from."""

    id: str
    workspace: str
    title: str
    updated_ms: int
    status: str
    messages: int
    origin: str = ""


class SessionStore(Protocol):
    """Append-only logs, one per session. Methods block; the engine calls them on a thread if `blocking` says so."""

    blocking: bool

    def open(self, session_id: str) -> None:
        """Take the session for this process. Raises SessionBusy. It is free again when this process is gone."""

    def release(self, session_id: str) -> None:
        """Give the session back; nothing happens if it was not taken."""

    def append(self, session_id: str, records: Sequence[Record], *, sync: bool) -> None:
        """Write all records or none. With `sync` they must survive a loss of power.

        Records that are there already, as they are, stay so: an append may be repeated when it is not known whether it
        was made. Raises StoreError, also if others are in their place, or if the session was deleted meanwhile.
        """

    def read(self, session_id: str) -> Iterable[Record]:
        """All records in order. Raises SessionNotFound."""

    def info(self, session_id: str) -> SessionInfo | None:
        """The session's row, None if there is no such session."""

    def sessions(self) -> Sequence[SessionInfo]:
        """Newest first."""

    def delete(self, session_id: str) -> bool:
        """False if there was none. Raises SessionBusy."""
