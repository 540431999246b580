"""What the engine needs from others, as Protocols. Implementations do not inherit from them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

from a3s_lsp.engine.changes import Applied, ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.facts import Cause, Outcome, QuestionAsked, Record, RuleScope
from a3s_lsp.engine.messages import Attachment, Json, Message, ToolCall, Usage
from a3s_lsp.engine.seen import Seen
from a3s_lsp.engine.texts import digest
from a3s_lsp.engine.verification import Report

if TYPE_CHECKING:
    from a3s_lsp.engine.delegation.requests import TaskRequest

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
    thinking_budget: int | None = None
    """Tokens that the model may think for, where it can."""
    tool_choice: str | None = None
    """The name of the tool that has to be called."""
    response_format: Json | None = None
    """The shape of the answer, as OpenAI's API writes it."""


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


@dataclass(frozen=True, slots=True)
class Waiting:
    """Comes before all others: the model could not be asked, and is asked again after a pause. `reason` is rate_limit,
    overloaded, server_error, timeout or connection; `attempt` counts the requests that have failed so far."""

    reason: str
    delay_ms: int
    attempt: int
    message: str = ""


Chunk: TypeAlias = TextDelta | ReasoningDelta | CallDelta | Finish | Waiting


@dataclass(frozen=True, slots=True)
class Said:
    """A whole answer of a model that is no part of the conversation."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    finish_reason: str = ""


AskModel: TypeAlias = Callable[[ModelRequest, Callable[[Chunk], None]], Awaitable[Said]]
"""Asks the model of the session beside the conversation; each piece of the answer is handed on as it comes."""


class Model(Protocol):
    """A language model, or what stands in for one."""

    @property
    def name(self) -> str:
        """`provider/model`."""

    def stream(self, request: ModelRequest) -> AsyncIterator[Chunk]:
        """One turn. Ends with exactly one `Finish`; raises ModelError otherwise.

        A model may ask again by itself as long as nothing of the turn was yielded but `Waiting`. Closing the
        iterator, or cancelling the task that reads it, ends the request at once.
        """


@runtime_checkable
class Planner(Protocol):
    """A model that says itself whether it is worth its cost to ask it for a plan."""

    @property
    def plans(self) -> bool: ...


def plans(model: Model) -> bool:
    """Whether prompts for this model are planned where nothing else is said."""
    return isinstance(model, Planner) and model.plans


# ---------------------------------------------------------------- documents


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it is on the screen if it is open in the editor, else as it is on the disk.

    `version` is the editor's version of an open document, None for one that is read from the disk. `dirty`: the buffer
    has text that the disk has not. `behind`: the disk has got another text since the buffer was read from it or saved.
    With both, the person and someone else have changed it.
    """

    path: Path
    text: str
    version: int | None = None
    dirty: bool = False
    behind: bool = False

    @property
    def digest(self) -> str:
        """The content hash of the text."""
        return digest(self.text)


@dataclass(frozen=True, slots=True)
class BufferEdit:
    """The whole text of an open document before and after; `version` is the one that `before` was read at."""

    path: Path
    version: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class FileMove:
    """A file that gets another path; the document stays open under it, with its undo history."""

    path: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Shown:
    """The text that an open document has right after an edit. It differs from what was asked for where the editor, or
    the person who went on typing, changed it at once; `cause` says who."""

    path: Path
    text: str
    cause: Cause = "person"


@dataclass(frozen=True, slots=True)
class TextChange:
    """An open document, or a file that is watched, has another text now. `text` is None if it was closed or deleted."""

    path: Path
    text: str | None
    cause: Cause


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A problem that the editor shows. `line` counts from 1."""

    line: int
    severity: Literal["error", "warning", "information", "hint"]
    message: str
    source: str = ""


class Editor(Protocol):
    """The open documents of an editor. Calls come on the event loop."""

    def document(self, path: Path) -> Document | None:
        """The open document at this path, or None."""

    def documents(self) -> Sequence[Document]:
        """All open documents."""

    async def apply(self, label: str, edits: Sequence[BufferEdit], moves: Sequence[FileMove] = ()) -> Sequence[Shown]:
        """Apply all as one labelled step, and return when the editor has confirmed the new texts: one for each edit.

        Edits name documents by the paths that they have before the moves, and are made before them. Raises StaleEdit
        if a document has another version by now, EditRefused if the editor says no.
        """

    def subscribe(self, listener: Callable[[TextChange], None]) -> Callable[[], None]:
        """Have every change of a text told at once, also those by `apply`; call what is returned to stop that."""

    def watch(self, paths: Sequence[Path]) -> None:
        """Have changes of these files told also while they are not open."""

    @property
    def can_move(self) -> bool:
        """Whether `apply` takes moves."""

    async def save_all(self, paths: Sequence[Path]) -> Sequence[Path]:
        """Save these documents; returns those that are saved, which is none where the editor cannot be asked."""

    async def reload(self, paths: Sequence[Path]) -> Sequence[Path]:
        """Read these documents from the disk again, unless they are dirty; returns those for which that was done."""

    async def diagnostics(self, path: Path, version: int) -> Sequence[Diagnostic] | None:
        """The problems of this very version of a document, after a bounded wait; None if they are not known."""


async def unrecorded(changes: ChangeSet) -> None:
    """Keep no record of a change set that is about to be applied."""


def unnoticed(changes: ChangeSet) -> None:
    """Take no notice of a change set that was applied."""


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

    async def apply(
        self,
        changes: ChangeSet,
        planned: Callable[[ChangeSet], Awaitable[None]] = unrecorded,
        made: Callable[[ChangeSet], None] = unnoticed,
    ) -> Applied:
        """Apply the whole change set or nothing, carried over to what was typed meanwhile where that is not in its way.

        `planned` is awaited before anything is touched, and again if it has to be carried over once more; `made` is
        called with what was really done, before anything else can happen to the files. Raises StaleEdit or EditRefused.
        """

    def subscribe(self, listener: Callable[[TextChange], None]) -> Callable[[], None]:
        """Have every change of an open document told that was not made by `apply` of this workspace."""

    def watch(self, paths: Sequence[Path]) -> None:
        """Have changes of these files told also while they are not open."""

    def unsaved(self) -> Sequence[Document]:
        """Open documents whose text the disk does not have."""

    def opened(self) -> Sequence[Document]:
        """The documents that are open in the editor."""

    async def save(self, paths: Sequence[Path]) -> Sequence[Path]:
        """Have the editor save these documents; returns those that are saved."""

    async def reload(self) -> Sequence[Path]:
        """Have the editor read again what is newer on the disk and not dirty; returns the documents that are still
        behind the disk after that."""

    async def diagnostics(self, path: Path) -> Sequence[Diagnostic] | None:
        """The problems of the text that the file has now; None if they are not known."""


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
