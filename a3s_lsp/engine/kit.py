"""The kit: all that the loop and the calls of one run may use, in one frozen bundle."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.delegation.requests import TaskRequest
from a3s_lsp.engine.guards import Course
from a3s_lsp.engine.guards import Limits as Limits
from a3s_lsp.engine.hook_firing import NO_HOOKS, SessionHooks
from a3s_lsp.engine.lanes.queue import Lanes
from a3s_lsp.engine.messages import Json, Message, ToolCall
from a3s_lsp.engine.policy.redaction import Redactor
from a3s_lsp.engine.policy.taint import Taint
from a3s_lsp.engine.policy.verdicts import CallFacts, Verdict
from a3s_lsp.engine.ports import Approver, Model, ToolResult, Unsaved, Workspace, alone, childless, unskilled
from a3s_lsp.engine.sealing import Sealer
from a3s_lsp.engine.seen import Seen
from a3s_lsp.engine.tools.limits import ArtifactStore
from a3s_lsp.engine.tools.registry import Registry


async def nothing_to_tell() -> str:
    """The review of somebody who has none."""
    return ""


async def nothing_missing() -> None:
    """The verification of somebody who requires none."""


async def soon_forgotten(error: str | None) -> None:
    """The memory of somebody who has none."""


async def unlearned(rule: str, allow: bool, scope: f.RuleScope) -> None:
    """Keep no rule."""


async def unkept(call_id: str) -> None:
    """Take no checkpoint."""


def makes_none(kit: Kit, outer: ToolCall) -> Callable[[str, Json], Awaitable[ToolResult]]:
    """A call makes no further calls."""
    return alone


async def gives_none(kit: Kit, outer: ToolCall, requests: Sequence[TaskRequest], together: bool) -> ToolResult:
    """A call gives no tasks."""
    return await childless(requests, together)


async def knows_none(kit: Kit, outer: ToolCall, name: str, prompt: str) -> ToolResult:
    """A call uses no skills."""
    return await unskilled(name, prompt)


async def nothing_to_follow() -> f.InstructionsTold | None:
    """The instructions of folders, for somebody who has none."""


async def enough_room(kit: Kit) -> None:
    """The conversation of somebody whose model sees all of it."""


def unguarded(call_id: str) -> AbstractAsyncContextManager[None]:
    """Take no checkpoints around a command."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Kit:
    """Everything the loop needs comes by argument. A child agent is the same loop with a narrower kit."""

    model: Model
    system: str
    tools: Registry
    judge: Callable[[CallFacts], Verdict]
    """The policy as of now: rules are learned, and postures change, while a run goes on."""
    approver: Approver | None
    workspace: Workspace
    artifacts: ArtifactStore
    environment: Mapping[str, str]
    limits: Limits
    emit: Callable[[f.Fact], None]
    """Append a fact to the run; the state has it at once."""
    settled: Callable[[], Awaitable[None]]
    """Wait until all that was emitted is durable."""
    conversation: Callable[[], Sequence[Message]]
    """What the model is to see, as of now."""
    call_ids: Callable[[], Collection[str]] = frozenset
    """The ids of all calls that the session ever had, also of those that are no longer in the conversation."""
    steering: Callable[[], Sequence[str]] = field(default=tuple)
    """The messages that the person added meanwhile; each is gone from here once its `Steered` is emitted."""
    before_change: Callable[[str], Awaitable[None]] = unkept
    """Called with a call's id before it changes files for the first time: a checkpoint is taken there."""
    around_command: Callable[[str], AbstractAsyncContextManager[None]] = unguarded
    """Entered around commands; checkpoints are taken there."""
    inner: Callable[[Kit, ToolCall], Callable[[str, Json], Awaitable[ToolResult]]] = makes_none
    """How a running call makes further ones."""
    delegate: Callable[[Kit, ToolCall, Sequence[TaskRequest], bool], Awaitable[ToolResult]] = gives_none
    """How a running call gives tasks to child agents: one, or several together."""
    lanes: Lanes = field(default_factory=lambda: Lanes("", None))
    """Where calls wait for their turn, and who executes them."""
    use_skill: Callable[[Kit, ToolCall, str, str], Awaitable[ToolResult]] = knows_none
    """How a running call has a skill, by its name, answer a prompt."""
    instruct: Callable[[], Awaitable[f.InstructionsTold | None]] = nothing_to_follow
    """The instructions that have come into play by the files that were read and changed; None if there are none."""
    seen: Seen | None = None
    """The texts of files as the model of this session has seen them last; None where there is no model."""
    reviews_first: bool = False
    """Whether each change of files is shown to the person before it is made, also where the policy allows it."""
    unsaved: Unsaved = "ask"
    """What to do about unsaved text before a command reads the disk."""
    review: Callable[[], Awaitable[str]] = nothing_to_tell
    """What the person did with the agent's changes since the model was told of it last; "" if nothing."""
    unverified: Callable[[], Awaitable[f.VerificationDemanded | None]] = nothing_missing
    """What has to be verified before the run may end with success. Raises RunFailed where that was said already."""
    hooks: SessionHooks = NO_HOOKS
    """What sees, changes and stops what the model has done; what the program does itself has none."""
    course: Course = field(default_factory=Course)
    """How the run has gone so far; it goes on by the facts that are emitted."""
    learn: Callable[[str, bool, f.RuleScope], Awaitable[None]] = unlearned
    """Keep a rule that allows, or denies, from now on."""
    taint: Taint = field(default_factory=Taint)
    """What is done about content that comes from outside the project."""
    sealer: Sealer = field(default_factory=lambda: Sealer(Redactor()))
    """Takes secrets out of what is told, and has the real arguments of calls that are to run."""
    make_room: Callable[[Kit], Awaitable[None]] = enough_room
    """Called before each turn of the model: a conversation that is too long is made shorter there."""
    interrupted: Mapping[str, str] = field(default_factory=dict)
    """Calls that had begun when the process that had the run was gone, and what they are known to have done."""
    planned: Callable[[Kit], Awaitable[str]] | None = None
    """How the run finds its answer by a plan; None has it just converse."""
    temperature: float | None = None
    thinking_budget: int | None = None
    """Tokens that the model may think for, where it can."""
    remember: Callable[[str | None], Awaitable[None]] = soon_forgotten
    """Called before a run ends by itself: with None if it has an answer, else with the reason why it has none."""
