"""What a session is at this moment: a fold over its facts, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from a3s_lsp.engine import facts as f
from a3s_lsp.engine import hook_facts
from a3s_lsp.engine.budget import Spending
from a3s_lsp.engine.context.compactions import Compactions
from a3s_lsp.engine.context.in_play import InPlay
from a3s_lsp.engine.delegation.rows import Tasks
from a3s_lsp.engine.guards import Course
from a3s_lsp.engine.ledger import Ledger
from a3s_lsp.engine.memory.tiers import Tiers
from a3s_lsp.engine.messages import (
    AssistantMessage,
    Json,
    Message,
    ToolMessage,
    Usage,
    UserMessage,
    put_result,
    unanswered,
)
from a3s_lsp.engine.planning.progress import Progress
from a3s_lsp.engine.tracing import Trace
from a3s_lsp.engine.verification_state import Verifications

RunStatus: TypeAlias = Literal["queued", "executing", "completed", "failed", "cancelled"]


@dataclass(slots=True)
class RunState:
    """One run as far as the log tells."""

    id: str
    prompt: str
    created_ms: int
    updated_ms: int
    status: RunStatus = "executing"
    text: str | None = None
    error: str | None = None
    usage: Usage = field(default_factory=Usage)
    turns: int = 0
    tool_calls: int = 0
    event_count: int = 0
    partial: str = ""
    """What the model has said in the turn that is not complete yet."""
    steering: list[str] = field(default_factory=list)
    """Messages for the model that wait for the end of its turn, oldest first."""
    used_tools: tuple[str, ...] = ()
    """The tools that were really used, each once."""
    last_output: str = ""
    """What the last of them answered."""
    queued: f.RunQueued | None = None
    rewritten: bool = False
    """Whether hooks have put another prompt in place of the one that was given."""
    own: list[Message] | None = None
    """The conversation of a run that was given its own history."""
    compactions: Compactions = field(default_factory=Compactions)
    """What of that was compacted."""
    model: str | None = None
    """The model that this run has instead of the session's."""
    parent: str | None = None
    """The call that gave a child its task, "" for the program's own; the run whose step this is, if it is carried out
    apart; None for a run of the session itself."""
    allowed: tuple[str, ...] | None = None
    """Patterns of the calls that this run may make at most; None narrows nothing."""
    in_play: InPlay = field(default_factory=InPlay)
    course: Course = field(default_factory=Course)
    planning: Progress = field(default_factory=Progress)
    limits: Json | None = None
    budget: Json | None = None

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "failed", "cancelled")


class State:
    """Apply records in order; read the attributes; change nothing from outside."""

    def __init__(self) -> None:
        self.position = 0
        self.workspace = ""
        self.model = ""
        self.messages: list[Message] = []
        self.runs: dict[str, RunState] = {}
        self.begun: dict[str, f.CallBegan] = {}
        """Calls whose side effects may have happened, and that have no result."""
        self.call_ids: set[str] = set()
        """The ids of all calls there ever were."""
        self.questions: dict[str, f.QuestionAsked] = {}
        self.rules: list[f.RuleLearned] = []
        self.ledger = Ledger()
        self.spending = Spending()
        self.trace = Trace()
        self.compactions = Compactions()
        self.memory = Tiers()
        self.tasks = Tasks()
        self.verifications = Verifications()
        self.changing: dict[str, tuple[str | None, f.FilesChanging]] = {}
        """Change sets that may have been applied in part, with their runs: the process died while it was at them."""
        self.event_count = 0
        """Events that belong to no run."""
        self.changes: list[f.FilesChanged] = []
        """Change sets that were applied and not taken back, oldest first."""
        self.usage = Usage()

    def conversation(self, run_id: str) -> Sequence[Message]:
        """What the model of this run is to see."""
        run = self.runs[run_id]
        return self.messages if run.own is None else run.own

    @property
    def open_runs(self) -> list[RunState]:
        """Runs of the session itself without an end, in the order in which they were asked for."""
        return [run for run in self.runs.values() if not run.ended and run.parent is None]

    def apply(self, record: f.Record) -> None:
        """Fold one more record in."""
        self.position = record.position + 1
        fact = record.fact
        if record.run_id is not None:
            self._apply_to_run(record.run_id, record, fact)
        else:
            self.event_count += record.seq is not None
            self.compactions.apply(fact, self.messages)
        self.ledger.apply(fact, record.run_id)
        self.spending.apply(fact)
        self.trace.apply(record)
        self.memory.apply(fact)
        self.tasks.apply(fact, record.time_ms)
        self.verifications.apply(fact, record.run_id)
        match fact:
            case f.SessionOpened(workspace=workspace, model=model):
                self.workspace, self.model = workspace, model
            case f.ModelSwitched(model=model):
                self.model = model
            case f.WorkspaceMoved(workspace=workspace):
                self._moved(workspace)
            case f.AsideAnswered(usage=usage):
                self.usage += usage
            case f.RuleLearned(scope="session"):
                self.rules.append(fact if fact.id else replace(fact, id=f"rule-{record.position}"))
            case f.RuleForgotten(id=rule_id):
                self.rules = [rule for rule in self.rules if rule.id != rule_id]
            case f.FilesChanging(call_id=call_id):
                self.changing[call_id] = record.run_id, fact
            case f.FilesChanged():
                self._changed(fact)
            case f.CallEnded(call_id=call_id):
                self.changing.pop(call_id, None)
            case _:
                self._apply_to_conversation(fact)

    def _apply_to_conversation(self, fact: f.Fact) -> None:
        match fact:
            case f.HistoryCleared():
                self.messages.clear()
            case f.HistoryImported(messages=messages):
                self.messages[:] = messages
            case f.Rewound(messages=messages) if messages is not None:
                self.messages[:] = messages
            case f.Rewound(to=to, files=True):
                self.messages.append(UserMessage(f"[The person took the files back to where they were before {to}.]"))
            case _:
                pass

    def _apply_to_run(self, run_id: str, record: f.Record, fact: f.Fact) -> None:
        run = self._run(run_id, record, fact)
        run.updated_ms = record.time_ms
        run.event_count += record.seq is not None
        run.course.apply(fact)
        run.in_play.apply(fact)
        talk = self.messages if run.own is None else run.own
        run.planning.apply(fact, talk)
        match fact:
            case f.RunStarted(prompt=prompt, attachments=attachments):
                run.status = "executing"
                talk.append(UserMessage(prompt, attachments))
            case f.PromptRewritten():
                run.rewritten, run.prompt = True, fact.prompt
                hook_facts.rewrite(talk, fact)
            case f.SteerQueued(text=text):
                run.steering.append(text)
            case f.Steered(text=text):
                del run.steering[:1]
                talk.append(UserMessage(text))
            case f.InstructionsTold(text=text):
                talk.append(UserMessage(text))
            case f.ReviewTold(text=text) | f.VerificationDemanded(text=text) | f.Continued(text=text):
                talk.append(UserMessage(text))
            case f.AsideAnswered(usage=usage):
                self._paid(run, usage)
            case f.TurnStarted():
                run.partial = ""
            case f.TextStreamed(text=text):
                run.partial += text
            case f.TurnEnded(message=message, usage=usage, turn=turn):
                run.partial, run.turns = "", turn
                self._paid(run, usage)
                self.usage += usage
                talk.append(message)
                self.call_ids.update(call.id for call in message.tool_calls)
            case f.RunEnded():
                self._ended(run, talk, fact)
            case _:
                self._apply_to_call(run, talk, fact)
        (self.compactions if run.own is None else run.compactions).apply(fact, talk)

    def _paid(self, run: RunState, usage: Usage) -> None:
        """Count what a model has cost; what steps cost that are carried out apart is of their run, too."""
        run.usage += usage
        if run.parent in self.runs:
            self.runs[run.parent].usage += usage

    def _begin_step(self, run: RunState, talk: list[Message], fact: f.StepBegan) -> None:
        """A step has turns of its own; one that is carried out apart a conversation, too, from where all stands."""
        if fact.in_line:
            run.planning.turns_before = run.turns
        if fact.apart:
            own = [*talk, UserMessage(fact.instruction)]
            self.runs[fact.apart] = RunState(
                fact.apart, fact.instruction, run.updated_ms, run.updated_ms, own=own, parent=run.id
            )

    def _apply_to_call(self, run: RunState, talk: list[Message], fact: f.Fact) -> None:
        match fact:
            case f.StepBegan():
                self._begin_step(run, talk, fact)
            case f.QuestionAsked(call_id=call_id):
                self.questions[call_id] = fact
            case f.QuestionAnswered(call_id=call_id):
                self.questions.pop(call_id, None)
            case f.CallBegan(call_id=call_id, name=name):
                self.begun[call_id] = fact
                run.used_tools = tuple(dict.fromkeys((*run.used_tools, name)))
                self.call_ids.add(call_id)
            case f.CallEnded(call_id=call_id, output=output, exit_code=exit_code):
                if call_id in self.begun:
                    run.last_output = output
                for ended in self._with_inner(call_id):
                    self.begun.pop(ended, None)
                    self.questions.pop(ended, None)
                if any(call.id == call_id for call in unanswered(talk)):
                    put_result(talk, ToolMessage(call_id, output, exit_code != 0, fact.attachments))
                    run.tool_calls += 1
                    if run.parent in self.runs:
                        self.runs[run.parent].tool_calls += 1
            case _:
                pass

    def _with_inner(self, call_id: str) -> list[str]:
        """The call and those that it made, which end with it."""
        inner = f"{call_id}."
        return [call_id, *(other for other in {**self.begun, **self.questions} if other.startswith(inner))]

    def _run(self, run_id: str, record: f.Record, fact: f.Fact) -> RunState:
        if run_id not in self.runs:
            self.runs[run_id] = RunState(run_id, "", record.time_ms, record.time_ms)
        run = self.runs[run_id]
        match fact:
            case f.RunQueued(prompt=prompt):
                run.prompt, run.status, run.queued = prompt, "queued", fact
            case f.RunStarted(prompt=prompt, history=history):
                run.prompt, run.queued = prompt, None
                run.model, run.allowed, run.parent = fact.model, fact.allowed, fact.parent
                run.own = None if history is None else list(history)
            case _:
                pass
        return run

    def _ended(self, run: RunState, talk: list[Message], fact: f.RunEnded) -> None:
        if run.partial:
            # What was said before the stop was seen by the person, so the model is to know of it too.
            talk.append(AssistantMessage(run.partial))
        run.status, run.error, run.partial = fact.status, fact.error, ""
        run.limits, run.budget = fact.limits, fact.budget
        run.text = fact.text if fact.status == "completed" else None

    def _moved(self, workspace: str) -> None:
        self.workspace, self.ledger = workspace, Ledger()
        self.changing.clear()
        self.changes.clear()

    def _changed(self, fact: f.FilesChanged) -> None:
        self.changing.pop(fact.call_id, None)
        if fact.undoes is None:
            self.changes.append(fact)
        else:
            self.changes = [change for change in self.changes if change.call_id != fact.undoes]


def folded(records: Iterable[f.Record]) -> State:
    """What a session is after these records."""
    state = State()
    for record in records:
        state.apply(record)
    return state


def merged(earlier: f.Fact, later: f.Fact) -> f.Fact | None:
    """One fact for two pieces of the same stream, or None if they are not that."""
    match earlier, later:
        case f.TextStreamed(), f.TextStreamed(text=text):
            return replace(earlier, text=earlier.text + text)
        case f.ReasoningStreamed(), f.ReasoningStreamed(text=text):
            return replace(earlier, text=earlier.text + text)
        case f.InputStreamed(), f.InputStreamed(text=text) if earlier.call_id == later.call_id:
            return replace(earlier, text=earlier.text + text)
        case f.OutputStreamed(), f.OutputStreamed(text=text) if earlier.call_id == later.call_id:
            return replace(earlier, text=earlier.text + text)
        case _:
            return None
