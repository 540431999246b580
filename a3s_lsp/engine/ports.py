"""What the engine needs from others, as Protocols. Implementations do not inherit from them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.facts import Outcome, QuestionAsked, Record
from a3s_lsp.engine.messages import Json, Message, Usage

Lane: TypeAlias = Literal["control", "query", "execute", "generate"]

# ---------------------------------------------------------------- models


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """How a tool is offered to the model; `parameters` is a JSON schema of type object."""

    name: str
    description: str
    parameters: Json


@dataclass(frozen=True, slots=True)
class ModelRequest:
    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class CallDelta:
    """A piece of a tool call. `index` tells the calls of one turn apart; `id` and `name` come with the first piece."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """The last chunk of a complete turn. `reason` is the provider's word, e.g. stop, tool_calls, length."""

    reason: str
    usage: Usage = field(default_factory=Usage)


Chunk: TypeAlias = TextDelta | ReasoningDelta | CallDelta | Finish


class Model(Protocol):
    """A language model, or what stands in for one."""

    @property
    def name(self) -> str:
        """`provider/model`."""

    def stream(self, request: ModelRequest) -> AsyncIterator[Chunk]:
        """One turn. Ends with exactly one `Finish`; raises ModelError otherwise.

        Retries are the model's own business as long as nothing of the turn was yielded. Closing the
        iterator, or cancelling the task that reads it, ends the request at once.
        """


# ---------------------------------------------------------------- documents


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it is on the screen if it is open in the editor, else as it is on the disk.

    `version` is the editor's version of an open document, None for one that is read from the disk.
    `dirty`: the buffer has text that the disk has not.
    """

    path: Path
    text: str
    version: int | None = None
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class BufferEdit:
    """The whole text of an open document before and after; `version` is the one that `before` was read at."""

    path: Path
    version: int
    before: str
    after: str


class Editor(Protocol):
    """The open documents of an editor. Calls come on the event loop."""

    def document(self, path: Path) -> Document | None:
        """The open document at this path, or None."""

    def documents(self) -> Sequence[Document]:
        """All open documents."""

    async def apply(self, label: str, edits: Sequence[BufferEdit]) -> None:
        """Apply all edits as one labelled step, and return when the editor has confirmed the new text.

        Raises StaleEdit if a document has another version by now, EditRefused if the editor says no.
        """


class Workspace(Protocol):
    """The files that a session works on."""

    @property
    def root(self) -> Path: ...

    def resolve(self, path: str) -> Path:
        """The absolute path, links followed. Raises PathRefused if it leads outside the workspace."""

    def display(self, path: Path) -> str:
        """The path as tools and people see it: relative to the root, with forward slashes."""

    async def read(self, path: Path) -> Document:
        """Buffer or disk. Raises ToolError if there is none, or if it is not text."""

    async def apply(self, changes: ChangeSet) -> None:
        """Apply the whole change set or nothing. Raises StaleEdit or EditRefused."""

    def unsaved(self) -> Sequence[Document]:
        """Open documents whose text the disk does not have."""


# ---------------------------------------------------------------- tools


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answers. `output` is for the model; `exit_code` 0 is success."""

    output: str
    exit_code: int = 0
    metadata: Json | None = None
    error_kind: Json | None = None


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a running call may use."""

    call_id: str
    workspace: Workspace
    emit: Callable[[str], None]
    """Show a piece of output while the call runs."""
    applied: Callable[[ChangeSet], None]
    """Tell the session that a change set was applied; to be called right after it was."""
    environment: Mapping[str, str]
    """The variables that processes started by the call get."""
    approved: ChangeSet | None = None
    """The change set that a person has seen and allowed, if one was shown."""


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
    """What a person said. `remember` is the rule to keep; it allows or denies as the answer does."""

    outcome: Outcome
    reason: str | None = None
    remember: str | None = None


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
    """A row of the session list. `updated_ms` is since the epoch."""

    id: str
    workspace: str
    title: str
    updated_ms: int
    status: str
    messages: int


class SessionStore(Protocol):
    """Append-only logs, one per session. Methods block; the engine calls them on a thread if `blocking` says so."""

    blocking: bool

    def open(self, session_id: str) -> None:
        """Take the session for this process. Raises SessionBusy."""

    def release(self, session_id: str) -> None:
        """Give the session back; nothing happens if it was not taken."""

    def append(self, session_id: str, records: Sequence[Record], *, sync: bool) -> None:
        """Write all records or none. With `sync` they must survive a loss of power. Raises StoreError."""

    def read(self, session_id: str) -> Iterable[Record]:
        """All records in order. Raises SessionNotFound."""

    def sessions(self) -> Sequence[SessionInfo]:
        """Newest first."""

    def delete(self, session_id: str) -> bool:
        """False if there was none. Raises SessionBusy."""
