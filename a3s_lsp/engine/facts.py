"""Facts: everything that happens in a session, in the order in which it happened.

A session's state is a fold over its facts, and what a client sees is a projection of them (`events`).
A fact is written to the session's log before anyone is shown it. Facts are stored, so a field may be
added with a default; it is never renamed or removed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from a3s_lsp.engine.aside_facts import AsideAnswered as AsideAnswered
from a3s_lsp.engine.aside_facts import ObjectStreamed as ObjectStreamed
from a3s_lsp.engine.call_facts import CallAnnounced as CallAnnounced
from a3s_lsp.engine.call_facts import CallBegan as CallBegan
from a3s_lsp.engine.call_facts import CallDenied as CallDenied
from a3s_lsp.engine.call_facts import CallEnded as CallEnded
from a3s_lsp.engine.call_facts import InputStreamed as InputStreamed
from a3s_lsp.engine.call_facts import Outcome as Outcome
from a3s_lsp.engine.call_facts import OutputStreamed as OutputStreamed
from a3s_lsp.engine.call_facts import QuestionAnswered as QuestionAnswered
from a3s_lsp.engine.call_facts import QuestionAsked as QuestionAsked
from a3s_lsp.engine.compaction_facts import Compacted as Compacted
from a3s_lsp.engine.compaction_facts import CompactionUndone as CompactionUndone
from a3s_lsp.engine.compaction_facts import HistoryRestored as HistoryRestored
from a3s_lsp.engine.delegation_facts import SubagentEnded as SubagentEnded
from a3s_lsp.engine.delegation_facts import SubagentProgressed as SubagentProgressed
from a3s_lsp.engine.delegation_facts import SubagentStarted as SubagentStarted
from a3s_lsp.engine.file_facts import Cause as Cause
from a3s_lsp.engine.file_facts import Checkpointed as Checkpointed
from a3s_lsp.engine.file_facts import FilesChanged as FilesChanged
from a3s_lsp.engine.file_facts import FilesChanging as FilesChanging
from a3s_lsp.engine.file_facts import HunkChanged as HunkChanged
from a3s_lsp.engine.file_facts import HunksKept as HunksKept
from a3s_lsp.engine.file_facts import HunkSplit as HunkSplit
from a3s_lsp.engine.file_facts import ReviewTold as ReviewTold
from a3s_lsp.engine.file_facts import Rewound as Rewound
from a3s_lsp.engine.file_facts import TextEdited as TextEdited
from a3s_lsp.engine.file_facts import TreeChanged as TreeChanged
from a3s_lsp.engine.hook_facts import HookFailed as HookFailed
from a3s_lsp.engine.hook_facts import PromptRewritten as PromptRewritten
from a3s_lsp.engine.instruction_facts import InstructionsTold as InstructionsTold
from a3s_lsp.engine.lane_facts import CommandDeadLettered as CommandDeadLettered
from a3s_lsp.engine.lane_facts import CommandRetried as CommandRetried
from a3s_lsp.engine.lane_facts import ExternalTaskCompleted as ExternalTaskCompleted
from a3s_lsp.engine.lane_facts import ExternalTaskPending as ExternalTaskPending
from a3s_lsp.engine.lane_facts import QueueAlerted as QueueAlerted
from a3s_lsp.engine.mcp_facts import McpServerChanged as McpServerChanged
from a3s_lsp.engine.memory_facts import ContextResolved as ContextResolved
from a3s_lsp.engine.memory_facts import ContextResolving as ContextResolving
from a3s_lsp.engine.memory_facts import MemoriesSearched as MemoriesSearched
from a3s_lsp.engine.memory_facts import MemoryCleared as MemoryCleared
from a3s_lsp.engine.memory_facts import MemoryFailed as MemoryFailed
from a3s_lsp.engine.memory_facts import MemoryRecalled as MemoryRecalled
from a3s_lsp.engine.memory_facts import MemoryStored as MemoryStored
from a3s_lsp.engine.messages import AssistantMessage, Attachment, Json, Message, Usage
from a3s_lsp.engine.planning.plans import StepStatus as StepStatus
from a3s_lsp.engine.planning_facts import WEIGHTY_PLANNING, PlanningFact
from a3s_lsp.engine.planning_facts import GoalAchieved as GoalAchieved
from a3s_lsp.engine.planning_facts import GoalExtracted as GoalExtracted
from a3s_lsp.engine.planning_facts import GoalProgressed as GoalProgressed
from a3s_lsp.engine.planning_facts import PlanMade as PlanMade
from a3s_lsp.engine.planning_facts import PlanningStarted as PlanningStarted
from a3s_lsp.engine.planning_facts import PlanSettled as PlanSettled
from a3s_lsp.engine.planning_facts import PromptAnalysed as PromptAnalysed
from a3s_lsp.engine.planning_facts import StepBegan as StepBegan
from a3s_lsp.engine.planning_facts import StepEnded as StepEnded
from a3s_lsp.engine.planning_facts import StepProgressed as StepProgressed
from a3s_lsp.engine.planning_facts import StepsGathered as StepsGathered
from a3s_lsp.engine.planning_facts import TasksUpdated as TasksUpdated
from a3s_lsp.engine.policy_facts import ContentFlagged as ContentFlagged
from a3s_lsp.engine.policy_facts import RuleForgotten as RuleForgotten
from a3s_lsp.engine.policy_facts import RuleLearned as RuleLearned
from a3s_lsp.engine.policy_facts import RuleScope as RuleScope
from a3s_lsp.engine.run_facts import AgentModeChanged as AgentModeChanged
from a3s_lsp.engine.run_facts import BudgetHit as BudgetHit
from a3s_lsp.engine.run_facts import Continued as Continued
from a3s_lsp.engine.run_facts import ModelRetried as ModelRetried
from a3s_lsp.engine.session_facts import HistoryImported as HistoryImported
from a3s_lsp.engine.session_facts import SessionForked as SessionForked
from a3s_lsp.engine.session_facts import WorkspaceMoved as WorkspaceMoved
from a3s_lsp.engine.verification import Summary
from a3s_lsp.engine.verification_facts import TreeSeen as TreeSeen
from a3s_lsp.engine.verification_facts import VerificationDemanded as VerificationDemanded
from a3s_lsp.engine.verification_facts import VerificationReported as VerificationReported

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Status: TypeAlias = Literal["completed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class SessionOpened:
    workspace: str
    model: str
    type: Literal["session_opened"] = "session_opened"


@dataclass(frozen=True, slots=True)
class RunQueued:
    """A prompt was accepted while another run was going; it waits its turn. `model` and `allowed` (patterns of calls)
    narrow what the session has for this run; None narrows nothing. A child has a `parent`, the call that gave it its
    task ("" for the program's own), and the name of its `agent`."""

    prompt: str
    attachments: tuple[Attachment, ...] = ()
    history: tuple[Message, ...] | None = None
    model: str | None = None
    allowed: tuple[str, ...] | None = None
    parent: str | None = None
    agent: str = ""
    type: Literal["run_queued"] = "run_queued"


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A prompt is being answered. With `history` the run sees that instead of the session's own, and leaves the
    session's untouched."""

    prompt: str
    attachments: tuple[Attachment, ...] = ()
    history: tuple[Message, ...] | None = None
    model: str | None = None
    allowed: tuple[str, ...] | None = None
    parent: str | None = None
    agent: str = ""
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
class TurnEnded:
    """A model turn is complete and paid for."""

    turn: int
    message: AssistantMessage
    usage: Usage
    finish_reason: str = ""
    """The provider's word for why it ended, e.g. stop, tool_calls, length."""
    type: Literal["turn_ended"] = "turn_ended"


@dataclass(frozen=True, slots=True)
class RunEnded:
    status: Status
    text: str = ""
    error: str | None = None
    usage: Usage = field(default_factory=Usage)
    verification: Summary | None = None
    """What was reported while the run was going."""
    limits: Json | None = None
    """What bounded the run, and how near it came."""
    budget: Json | None = None
    """What the session may spend, and what it has spent."""
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
    | RuleForgotten
    | ContentFlagged
    | CallBegan
    | OutputStreamed
    | FilesChanging
    | FilesChanged
    | HunkChanged
    | TextEdited
    | HunksKept
    | HunkSplit
    | ReviewTold
    | InstructionsTold
    | Checkpointed
    | TreeChanged
    | Rewound
    | AsideAnswered
    | ObjectStreamed
    | TreeSeen
    | VerificationReported
    | VerificationDemanded
    | SessionForked
    | HistoryImported
    | WorkspaceMoved
    | CallEnded
    | RunEnded
    | HistoryCleared
    | HistoryRestored
    | Compacted
    | CompactionUndone
    | HookFailed
    | SubagentStarted
    | SubagentProgressed
    | SubagentEnded
    | McpServerChanged
    | ExternalTaskPending
    | ExternalTaskCompleted
    | CommandRetried
    | CommandDeadLettered
    | QueueAlerted
    | PromptRewritten
    | ContextResolved
    | ContextResolving
    | MemoriesSearched
    | MemoryCleared
    | MemoryFailed
    | MemoryRecalled
    | MemoryStored
    | ModelSwitched
    | AgentModeChanged
    | ModelRetried
    | Continued
    | BudgetHit
    | PlanningFact
)

WEIGHTY = (
    SessionOpened,
    RunQueued,
    RunStarted,
    SteerQueued,
    TurnEnded,
    QuestionAnswered,
    RuleLearned,
    RuleForgotten,
    CallBegan,
    FilesChanging,
    FilesChanged,
    HunksKept,
    ReviewTold,
    InstructionsTold,
    PromptRewritten,
    Checkpointed,
    TreeChanged,
    Rewound,
    Compacted,
    AsideAnswered,
    VerificationReported,
    VerificationDemanded,
    SessionForked,
    HistoryImported,
    WorkspaceMoved,
    CallEnded,
    RunEnded,
    BudgetHit,
    *WEIGHTY_PLANNING,
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
    """The fact as JSON. ValueError if it has something that JSON has no word for."""
    try:
        return _adapter().dump_json(fact)
    except ValueError:  # half a surrogate pair: file names have them, and whatever a program makes a prompt of
        pass
    try:
        return json.dumps(_adapter().dump_python(fact)).encode()
    except (TypeError, RecursionError) as error:
        raise ValueError(f"a fact of the type {fact.type} cannot be written as JSON: {error}") from error


def decode(text: str | bytes) -> Fact:
    """The fact that `encode` wrote. ValueError if it is not one."""
    try:
        return _adapter().validate_json(text)
    except ValueError:
        if b"\\ud" not in (text if isinstance(text, bytes) else text.encode()):
            raise
        return _adapter().validate_python(json.loads(text))
