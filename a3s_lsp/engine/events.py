"""Events: what a client sees of the facts, in the names and fields of the SDK.

An event is a projection of one fact; facts without a row here have no event. The names and fields are
the contract in docs/protocol.md.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.changes import Change
from a3s_lsp.engine.compaction_facts import describe_compaction
from a3s_lsp.engine.delegation.events import describe_task
from a3s_lsp.engine.lane_facts import describe_lane
from a3s_lsp.engine.memory_facts import describe_memory
from a3s_lsp.engine.messages import Json, Usage
from a3s_lsp.engine.planning_facts import describe_planning
from a3s_lsp.engine.policy_facts import describe_policy
from a3s_lsp.engine.verification import Summary
from a3s_lsp.engine.verification_events import describe_verification, verification_fields

OUTSIDE_RUNS = (
    f.FilesChanged,
    f.HunkChanged,
    f.Rewound,
    f.HookFailed,
    f.McpServerChanged,
    f.SubagentStarted,
    f.SubagentProgressed,
    f.SubagentEnded,
    f.VerificationReported,
    f.Compacted,
    f.CompactionUndone,
    f.HistoryRestored,
    f.RuleForgotten,
    f.MemoryCleared,
    f.MemoryStored,
)
"""Facts that are shown also if they belong to no run."""
_NAMES_ITS_SESSION = frozenset(
    {
        "context_compacted",
        "context_pruned",
        "context_restored",
        "external_task_pending",
        "external_task_completed",
        "task_updated",
    }
)
TERMINAL = frozenset({"end", "error", "cancelled"})
"""Exactly one of these ends a run."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a client may show. `seq` counts the events of the run from 0 without gaps; events that belong to
    no run have an empty `run_id`, and count on their own."""

    session_id: str
    run_id: str
    seq: int
    time_ms: int
    type: str
    fields: Json


def project(session_id: str, record: f.Record) -> Event | None:
    """The event of a record, or None if a client has no need of it."""
    shown = None if record.seq is None else describe(record.fact)
    if record.seq is None or shown is None:
        return None
    fields = {"session_id": session_id, **shown[1]} if shown[0] in _NAMES_ITS_SESSION else shown[1]
    return Event(session_id, record.run_id or "", record.seq, record.time_ms, shown[0], fields)


def is_shown(fact: f.Fact, run_id: str | None) -> bool:
    """Whether the fact has an event, and so a place among those of its run."""
    return describe(fact) is not None and (run_id is not None or isinstance(fact, OUTSIDE_RUNS))


def describe(fact: f.Fact) -> tuple[str, Json] | None:
    """The event's type and fields, or None for a fact that is not shown."""
    return _run_event(fact) or _call_event(fact) or _file_event(fact) or _told_event(fact) or _room_event(fact)


def _run_event(fact: f.Fact) -> tuple[str, Json] | None:
    """What the run and its turns do."""
    match fact:
        case f.TextStreamed(text=text):
            return "text_delta", {"text": text}
        case f.ReasoningStreamed(text=text):
            return "reasoning_delta", {"text": text}
        case f.RunQueued(prompt=prompt):
            return "queued", {"prompt": prompt}
        case f.RunStarted(prompt=prompt):
            return "start", {"prompt": prompt}
        case f.RunResumed():
            return "run_resumed", {}
        case f.TurnStarted(turn=turn):
            return "turn_start", {"turn": turn}
        case f.TurnEnded(turn=turn, usage=usage, finish_reason=reason):
            used: Json = {"total_tokens": usage.total_tokens, "usage": usage_fields(usage)}
            return "turn_end", {"turn": turn, **used, "finish_reason": reason}
        case f.RunEnded():
            return _ending(fact)
        case f.AgentModeChanged() | f.ModelRetried() | f.Continued() | f.BudgetHit():
            return _course(fact)
        case _:
            return None


def _course(fact: f.AgentModeChanged | f.ModelRetried | f.Continued | f.BudgetHit) -> tuple[str, Json]:
    names = {"model_retried": "model_retry", "continued": "continuation", "budget_hit": "budget_threshold_hit"}
    fields = asdict(fact)
    kind = str(fields.pop("type"))
    return names.get(kind, kind), fields


def _call_event(fact: f.Fact) -> tuple[str, Json] | None:
    """What calls do, and what is asked about them."""
    match fact:
        case f.CallAnnounced(call_id=call_id, name=name):
            return "tool_start", {"tool_id": call_id, "tool_name": name}
        case f.InputStreamed(call_id=call_id, text=text):
            return "tool_input_delta", {"tool_id": call_id, "text": text}
        case f.CallDenied(call_id=call_id, name=name, args=args, reason=reason):
            return "permission_denied", {"tool_id": call_id, "tool_name": name, "args": args, "reason": reason}
        case f.QuestionAsked():
            return "confirmation_required", _question(fact)
        case f.QuestionAnswered():
            return _answer(fact)
        case (
            f.OutputStreamed(call_id=call_id, name=name, text=text)
            | f.ObjectStreamed(call_id=call_id, name=name, text=text)
        ):
            return "tool_output_delta", {"tool_id": call_id, "tool_name": name, "text": text}
        case f.CallEnded():
            return "tool_end", {
                "tool_id": fact.call_id,
                "tool_name": fact.name,
                "tool_output": fact.output,
                "exit_code": fact.exit_code,
                "metadata": fact.metadata,
                "error_kind": fact.error_kind,
            }
        case _:
            return None


def _file_event(fact: f.Fact) -> tuple[str, Json] | None:
    """What becomes of files."""
    match fact:
        case f.FilesChanged(call_id=call_id, changes=changes, undoes=undoes):
            files = [{"path": c.path, "change": _kind(c)} for c in changes.changes]
            return "files_changed", {"tool_id": call_id, "label": changes.label, "files": files, "undoes": undoes}
        case f.TreeChanged(call_id=call_id, files=changed):
            listed = [{"path": path, "change": change} for path, change in changed]
            return "files_changed", {"tool_id": call_id, "label": "command", "files": listed, "undoes": None}
        case f.HunkChanged():
            place: Json = {"hunk_id": fact.hunk, "path": fact.path, "line": fact.line}
            return "hunk_changed", {**place, "status": fact.status}
        case f.Rewound():
            fields: Json = {"id": fact.id, "to": fact.to, "files": fact.files}
            return "rewound", {**fields, "messages": None if fact.messages is None else len(fact.messages)}
        case _:
            return None


def _told_event(fact: f.Fact) -> tuple[str, Json] | None:
    """What is told to the model beside its conversation."""
    match fact:
        case f.PromptRewritten(prompt=prompt, hooks=hooks):
            return "prompt_rewritten", {"prompt": prompt, "hooks": list(hooks)}
        case f.Steered(text=text):
            return "steered", {"text": text}
        case f.ReviewTold(text=text):
            return "review_told", {"text": text}
        case f.InstructionsTold(files=files, text=text):
            return "instructions_told", {"files": list(files), "text": text}
        case _:
            return None


def _room_event(fact: f.Fact) -> tuple[str, Json] | None:
    """What happens in the rooms around the loop; each describes its own."""
    match fact:
        case f.HookFailed(hook_id=hook_id, event_type=event_type, error=error):
            return "hook_failed", {"hook_id": hook_id, "event_type": event_type, "error": error}
        case f.McpServerChanged(name=name, status=status, error=error, tools=count):
            return "mcp_server", {"name": name, "status": status, "error": error, "tool_count": count}
        case f.SubagentStarted() | f.SubagentProgressed() | f.SubagentEnded():
            return describe_task(fact)
        case (
            f.ExternalTaskPending()
            | f.ExternalTaskCompleted()
            | f.CommandRetried()
            | f.CommandDeadLettered()
            | f.QueueAlerted()
        ):
            return describe_lane(fact)
        case _:
            return (
                describe_compaction(fact)
                or describe_memory(fact)
                or describe_verification(fact)
                or describe_policy(fact)
                or describe_planning(fact)
            )


def _question(fact: f.QuestionAsked) -> Json:
    return {
        "tool_id": fact.call_id,
        "tool_name": fact.name,
        "args": fact.args,
        "timeout_ms": fact.timeout_ms,
        "title": fact.title,
        "detail": fact.detail,
        "diff": fact.diff,
        "rule": fact.rule,
        **({"agent": fact.agent} if fact.agent else {}),
        "hunks": [{"index": at, "path": part.path, "header": part.header} for at, part in enumerate(fact.parts)],
    }


def _answer(fact: f.QuestionAnswered) -> tuple[str, Json]:
    names: Json = {"tool_id": fact.call_id, "tool_name": fact.name}
    if fact.outcome.startswith("expired"):
        action = "auto_approved" if fact.outcome == "expired_approved" else "rejected"
        return "confirmation_timeout", {**names, "action_taken": action}
    return "confirmation_received", {**names, "approved": fact.outcome == "approved", "reason": fact.reason}


def _ending(fact: f.RunEnded) -> tuple[str, Json]:
    tokens: Json = {"total_tokens": fact.usage.total_tokens, "usage": usage_fields(fact.usage)}
    tokens |= verification_fields(fact.verification or Summary())
    tokens |= {"limits": fact.limits, "budget": fact.budget}
    match fact.status:
        case "completed":
            return "end", {"text": fact.text, **tokens}
        case "cancelled":
            return "cancelled", {"text": fact.text, "error": fact.error, **tokens}
        case "failed":
            return "error", {"error": fact.error, **tokens}


def _kind(change: Change) -> str:
    if change.before is None:
        return "created"
    return "deleted" if change.after is None else "modified"


def usage_fields(usage: Usage) -> Json:
    """Usage as a client sees it; `cost` is in US dollars, null where a price is not known."""
    return {**asdict(usage), "total_tokens": usage.total_tokens}
