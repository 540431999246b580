"""Facts: everything that happens in a session, in the order in which it happened.

A session's state is a fold over its facts, and what a client sees is a projection of them (`events`).
A fact is written to the session's log before anyone is shown it. Facts are stored, so a field may be
added with a default; it is never renamed or removed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.messages import AssistantMessage, Attachment, Json, Message, Usage

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Outcome: TypeAlias = Literal["approved", "rejected", "cancelled", "expired_rejected", "expired_approved"]
Status: TypeAlias = Literal["completed", "failed", "cancelled"]
Cause: TypeAlias = Literal["person", "editor", "disk", "agent"]
"""Who changed a text: the person, the editor by itself (format on save, auto-pairs), someone on the disk, or we."""


@dataclass(frozen=True, slots=True)
class SessionOpened:
    workspace: str
    model: str
    type: Literal["session_opened"] = "session_opened"


@dataclass(frozen=True, slots=True)
class RunQueued:
    """A prompt was accepted while another run was going; it waits its turn."""

    prompt: str
    attachments: tuple[Attachment, ...] = ()
    history: tuple[Message, ...] | None = None
    type: Literal["run_queued"] = "run_queued"


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A prompt is being answered. With `history` the run sees that instead of the session's own, and leaves the
    session's untouched."""

    prompt: str
    attachments: tuple[Attachment, ...] = ()
    history: tuple[Message, ...] | None = None
    type: Literal["run_started"] = "run_started"


@dataclass(frozen=True, slots=True)
class RunResumed:
    """The run goes on after the process that had it was gone."""

    type: Literal["run_resumed"] = "run_resumed"


@dataclass(frozen=True, slots=True)
class SteerQueued:
    """The person added a message while the run was going; the model gets it between two of its turns."""

    text: str
    type: Literal["steer_queued"] = "steer_queued"


@dataclass(frozen=True, slots=True)
class Steered:
    """The oldest message that waited joined the conversation."""

    text: str
    type: Literal["steered"] = "steered"


@dataclass(frozen=True, slots=True)
class TurnStarted:
    turn: int
    type: Literal["turn_started"] = "turn_started"


@dataclass(frozen=True, slots=True)
class TextStreamed:
    text: str
    type: Literal["text_streamed"] = "text_streamed"


@dataclass(frozen=True, slots=True)
class ReasoningStreamed:
    text: str
    type: Literal["reasoning_streamed"] = "reasoning_streamed"


@dataclass(frozen=True, slots=True)
class CallAnnounced:
    """The model began to write a call; its arguments follow as text."""

    call_id: str
    name: str
    type: Literal["call_announced"] = "call_announced"


@dataclass(frozen=True, slots=True)
class InputStreamed:
    call_id: str
    text: str
    type: Literal["input_streamed"] = "input_streamed"


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A model turn is complete and paid for."""

    turn: int
    message: AssistantMessage
    usage: Usage
    type: Literal["turn_ended"] = "turn_ended"


@dataclass(frozen=True, slots=True)
class CallDenied:
    call_id: str
    name: str
    args: Json
    reason: str
    type: Literal["call_denied"] = "call_denied"


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A person is asked for leave. `rule` is exactly what "always" would store; `timeout_ms` None waits for ever."""

    call_id: str
    name: str
    args: Json
    title: str
    detail: str = ""
    diff: str = ""
    rule: str = ""
    timeout_ms: int | None = None
    type: Literal["question_asked"] = "question_asked"


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    call_id: str
    name: str
    outcome: Outcome
    reason: str | None = None
    type: Literal["question_answered"] = "question_answered"


@dataclass(frozen=True, slots=True)
class RuleLearned:
    """ "Always" or "never": the rule joins the session's policy."""

    rule: str
    allow: bool
    type: Literal["rule_learned"] = "rule_learned"


@dataclass(frozen=True, slots=True)
class CallBegan:
    """Written ahead of the side effect: without a `CallEnded` after it the call was cut."""

    call_id: str
    name: str
    args: Json
    type: Literal["call_began"] = "call_began"


@dataclass(frozen=True, slots=True)
class OutputStreamed:
    call_id: str
    name: str
    text: str
    type: Literal["output_streamed"] = "output_streamed"


@dataclass(frozen=True, slots=True)
class FilesChanging:
    """A change set is about to be applied. Written ahead: without a `FilesChanged` after it, the files tell how much of
    it was done when the process died."""

    call_id: str
    changes: ChangeSet
    type: Literal["files_changing"] = "files_changing"


@dataclass(frozen=True, slots=True)
class FilesChanged:
    """A change set was applied. With `undoes` it took back the one that this call had made; with `reverts` it took back
    these hunks. Otherwise its hunks join the ledger."""

    call_id: str
    changes: ChangeSet
    undoes: str | None = None
    reverts: tuple[str, ...] = ()
    type: Literal["files_changed"] = "files_changed"


@dataclass(frozen=True, slots=True)
class TextEdited:
    """A file that this session has changed got other text, and not by this session: what was between `start` and `end`
    was replaced. `text` is None if the file is gone."""

    path: str
    start: int
    end: int
    text: str | None
    cause: Cause
    type: Literal["text_edited"] = "text_edited"


@dataclass(frozen=True, slots=True)
class HunksKept:
    """The person is content with these hunks; they are not under review any more."""

    hunks: tuple[str, ...]
    type: Literal["hunks_kept"] = "hunks_kept"


@dataclass(frozen=True, slots=True)
class HunkChanged:
    """A hunk has another status now. It follows from the facts before it, and is there to be shown. `line` is from
    1."""

    hunk: str
    path: str
    line: int
    status: Literal["applied", "kept", "undone", "tweaked", "superseded"]
    type: Literal["hunk_changed"] = "hunk_changed"


@dataclass(frozen=True, slots=True)
class HunkSplit:
    """A hunk became several, named `<hunk>.1` and so on. `cuts` are offsets into its text before and after, where each
    of them but the first begins."""

    hunk: str
    cuts: tuple[tuple[int, int], ...]
    type: Literal["hunk_split"] = "hunk_split"


@dataclass(frozen=True, slots=True)
class ReviewTold:
    """The model was told what the person did with its changes."""

    text: str
    type: Literal["review_told"] = "review_told"


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """The work tree was kept as it is. `call_id` names the call before (or after) which that was, None for the start of
    the run; `before` tells which."""

    checkpoint: str
    call_id: str | None
    before: bool
    left_out: int = 0
    type: Literal["checkpointed"] = "checkpointed"


@dataclass(frozen=True, slots=True)
class TreeChanged:
    """A command changed files: pairs of a path and `created`, `modified` or `deleted`. The checkpoints before and after
    it have the contents."""

    call_id: str
    before: str
    after: str
    files: tuple[tuple[str, str], ...]
    type: Literal["tree_changed"] = "tree_changed"


@dataclass(frozen=True, slots=True)
class Rewound:
    """The session went back to where it was before the run or the call `to`, or forth to where it was before an earlier
    rewind. `redo` is the checkpoint of how the work tree was just before, None if the files were left alone. `messages`
    is the whole conversation from then on, None if it was left alone; `dropped` is what it was just before."""

    id: str
    to: str
    redo: str | None = None
    messages: tuple[Message, ...] | None = None
    dropped: tuple[Message, ...] = ()
    type: Literal["rewound"] = "rewound"


@dataclass(frozen=True, slots=True)
class CallEnded:
    call_id: str
    name: str
    output: str
    exit_code: int
    metadata: Json | None = None
    error_kind: Json | None = None
    type: Literal["call_ended"] = "call_ended"


@dataclass(frozen=True, slots=True)
class RunEnded:
    status: Status
    text: str = ""
    error: str | None = None
    usage: Usage = field(default_factory=Usage)
    type: Literal["run_ended"] = "run_ended"


@dataclass(frozen=True, slots=True)
class HistoryCleared:
    messages: int
    type: Literal["history_cleared"] = "history_cleared"


@dataclass(frozen=True, slots=True)
class ModelSwitched:
    model: str
    type: Literal["model_switched"] = "model_switched"


Fact: TypeAlias = (
    SessionOpened
    | RunQueued
    | RunStarted
    | RunResumed
    | SteerQueued
    | Steered
    | TurnStarted
    | TextStreamed
    | ReasoningStreamed
    | CallAnnounced
    | InputStreamed
    | TurnEnded
    | CallDenied
    | QuestionAsked
    | QuestionAnswered
    | RuleLearned
    | CallBegan
    | OutputStreamed
    | FilesChanging
    | FilesChanged
    | HunkChanged
    | TextEdited
    | HunksKept
    | HunkSplit
    | ReviewTold
    | Checkpointed
    | TreeChanged
    | Rewound
    | CallEnded
    | RunEnded
    | HistoryCleared
    | ModelSwitched
)

WEIGHTY = (
    SessionOpened,
    RunQueued,
    RunStarted,
    SteerQueued,
    TurnEnded,
    QuestionAnswered,
    RuleLearned,
    CallBegan,
    FilesChanging,
    FilesChanged,
    HunksKept,
    ReviewTold,
    Checkpointed,
    TreeChanged,
    Rewound,
    CallEnded,
    RunEnded,
)
"""Facts that must also survive a loss of power; the rest survives the death of the process."""


@dataclass(frozen=True, slots=True)
class Record:
    """A fact with its place in the log.

    `position` counts all facts of the session from 0, `seq` those of the run that a client sees (None for
    facts that have no event). `time_ms` is since the epoch.
    """

    position: int
    run_id: str | None
    seq: int | None
    time_ms: int
    fact: Fact


@cache
def _adapter() -> TypeAdapter[Fact]:
    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[Fact, Field(discriminator="type")])


def encode(fact: Fact) -> bytes:
    """The fact as JSON."""
    return _adapter().dump_json(fact)


def decode(text: str | bytes) -> Fact:
    """The fact that `encode` wrote. ValueError if it is not one."""
    return _adapter().validate_json(text)
