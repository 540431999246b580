"""A tool call from the model's words to its result: prepare, admit, execute, finish.

There is no second way to a side effect. Whatever goes wrong on the way, the call gets exactly one result.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from a3s_lsp.engine import facts as f
from a3s_lsp.engine import hookpoints
from a3s_lsp.engine.asides import ask_aside
from a3s_lsp.engine.changes import ChangeSet, Part
from a3s_lsp.engine.errors import LimitReached, StoreError, ToolError
from a3s_lsp.engine.guards import CUT_CALL
from a3s_lsp.engine.hookpoints import REFUSED
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.messages import Json, ToolCall
from a3s_lsp.engine.policy.gate import denied_text, expired_text, rejected_text
from a3s_lsp.engine.policy.taint import flagged
from a3s_lsp.engine.policy.verdicts import Allow, Ask, CallFacts, Deny
from a3s_lsp.engine.ports import Answer, Approver, Tool, ToolContext, ToolResult
from a3s_lsp.engine.tools.applying import commit
from a3s_lsp.engine.tools.arguments import Invalid, prepare
from a3s_lsp.engine.tools.limits import SHOWN_BYTES, cap, worth_keeping
from a3s_lsp.engine.workspace.addresses import addressed

logger = logging.getLogger(__name__)

INTERRUPTED = (
    "Interrupted: the run was cut while this call was going on, and its result is not known. "
    "Look at what it may have done before you repeat it."
)
SECRETS_LOST = (
    "Not run: the session was resumed, and the secrets in the arguments of this call were not stored. "
    "Make the call again if it is still needed."
)

_TITLES = {
    "bash": "Run a command",
    "write": "Write a file",
    "edit": "Edit a file",
    "patch": "Patch a file",
    "replace": "Replace in files",
    "read": "Read a file",
    "ls": "List a folder",
    "glob": "Find files",
    "grep": "Search files",
    "git": "Use git",
    "batch": "Use several tools",
}
_PATH_ARGUMENTS = ("file_path", "path")
_CHANGING_ONE = frozenset({"write", "edit", "patch"})
"""Tools that change the one file of which they also say why they did not."""
_IN_WORDS = frozenset({"git"})
"""Tools whose calls are governed by their words, like commands, and not by the files that they name."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A call that may be executed."""

    call: ToolCall
    tool: Tool
    args: Json
    notes: str = ""
    escalated: str = ""
    """Why a person has to decide, whatever the policy says."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that has leave, with the change set that was shown for it; `accepted` is the part that was accepted, where
    that is not the whole."""

    ready: Ready
    change_set: ChangeSet | None
    accepted: ChangeSet | None = None


async def answer(kit: Kit, call: ToolCall) -> ToolResult:
    """Give one call its result: the four steps after each other."""
    ready = prepare_call(kit, call)
    admitted = ready if isinstance(ready, ToolResult) else await admit(kit, ready)
    result = admitted if isinstance(admitted, ToolResult) else await perform(kit, admitted)
    return await finish(kit, call, result)


def prepare_call(kit: Kit, call: ToolCall) -> Ready | ToolResult:
    """The call with checked arguments, or the result that says what is wrong with it."""
    if call.id in kit.interrupted:
        return ToolResult(f"{INTERRUPTED}{kit.interrupted[call.id]}", 1)
    original = kit.sealer.original(call)
    if original is None:
        return ToolResult(SECRETS_LOST, 1)
    call = original
    tool = kit.tools.get(call.name)
    if tool is None:
        return ToolResult(f"Unknown tool: {call.name}. Known are: {', '.join(kit.tools.names())}.", 1)
    prepared = prepare(tool, call.arguments)
    if isinstance(prepared, Invalid):
        why = CUT_CALL if kit.course.finish_reason == "length" else ""
        return ToolResult(prepared.message + why, 1, error_kind=prepared.kind)
    return Ready(call, tool, prepared.args, prepared.notes)


async def admit(kit: Kit, asked: Ready) -> Admitted | ToolResult:
    """Leave to go on, or the result that says why there is none. Hooks may change the arguments first."""
    ready = await hookpoints.before_call(kit, asked, lambda: asked.tool.plan(asked.args, context_for(kit, asked.call)))
    if isinstance(ready, ToolResult):
        return ready
    try:
        verdict = kit.judge(_facts(kit, ready, None))
        if isinstance(verdict, Deny):  # before anything is read for it
            return _denied(kit, ready, verdict)
        change_set = await _planned(kit, ready)
        kit.sealer.check(change_set)
        verdict = kit.judge(_facts(kit, ready, change_set))
    except ToolError as error:
        return _failure(error, ready)
    if isinstance(verdict, Allow) and ready.escalated:
        verdict = Ask(guarded=True)
    if isinstance(verdict, Allow) and kit.reviews_first and change_set is not None and kit.approver is not None:
        verdict = Ask()
    if isinstance(verdict, Allow):
        return Admitted(ready, change_set)
    if isinstance(verdict, Ask) and kit.approver is not None:
        return await _ask(kit, kit.approver, ready, verdict, change_set)
    nobody = Deny("There is nobody who could be asked")
    return _denied(kit, ready, verdict if isinstance(verdict, Deny) else nobody)


async def perform(kit: Kit, admitted: Admitted) -> ToolResult:
    """Do what leave was given for: the call, or the part of its changes that was accepted."""
    ready, change_set = admitted.ready, admitted.change_set
    run = None
    if admitted.accepted is not None and change_set is not None:
        run = functools.partial(_apply_part, change_set, admitted.accepted)
    return await hookpoints.performed(kit, ready, change_set, lambda: execute(kit, ready, change_set, run))


def named_paths(kit: Kit, ready: Ready) -> list[Path]:
    """The real places of the files that the arguments name. Raises PathRefused."""
    given = (ready.args.get(name) for name in _PATH_ARGUMENTS if ready.tool.spec.name not in _IN_WORDS)
    return [kit.workspace.resolve(path) for path in given if isinstance(path, str)]


async def _planned(kit: Kit, ready: Ready) -> ChangeSet | None:
    """What the call would change. A call that cannot work is not worth a question, but the reason why may tell what is
    in the file: it is only given where reading is free."""
    try:
        return await ready.tool.plan(ready.args, context_for(kit, ready.call))
    except ToolError:
        facts = _facts(kit, ready, None)
        reading = CallFacts("read", facts.subject, {"file_path": facts.subject}, "query", facts.paths)
        if isinstance(kit.judge(reading), Allow):
            raise
        return None


def _denied(kit: Kit, ready: Ready, denial: Deny) -> ToolResult:
    kit.emit(f.CallDenied(ready.call.id, ready.call.name, ready.args, denial.reason))
    return ToolResult(denied_text(ready.call.name, denial), 1, error_kind=REFUSED)


def _facts(kit: Kit, ready: Ready, change_set: ChangeSet | None) -> CallFacts:
    """The call as the policy sees it, with every file that it means by its real place. Raises PathRefused."""
    paths = [Path(change.path) for change in change_set.changes] if change_set else []
    shown = dict.fromkeys(kit.workspace.display(path) for path in [*paths, *named_paths(kit, ready)])
    return CallFacts(ready.call.name, ready.tool.subject(ready.args), ready.args, ready.tool.lane, tuple(shown))


async def _ask(
    kit: Kit, approver: Approver, ready: Ready, verdict: Ask, change_set: ChangeSet | None
) -> Admitted | ToolResult:
    name = ready.call.name
    parts = () if change_set is None else change_set.parts()
    subject = ready.tool.subject(ready.args)
    question = f.QuestionAsked(
        ready.call.id,
        name,
        ready.args,
        title=_TITLES.get(name, f"Use the tool {name}"),
        detail=_detail(subject or ("" if change_set is None else change_set.label), ready.escalated),
        diff="" if change_set is None else change_set.diff(kit.workspace.root),
        rule=verdict.suggestion,
        timeout_ms=approver.timeout_ms,
        parts=parts if len(parts) > 1 else (),
    )
    if (reason := await hookpoints.before_permission(kit, ready)) is not None:
        return hookpoints.blocked(kit, ready, reason)
    answer = await put_question(kit, approver, question)
    match answer.outcome:
        case "approved" | "expired_approved":
            return _accepted(ready, change_set, parts, answer)
        case "expired_rejected":
            return ToolResult(expired_text(name, question.timeout_ms or 0), 1, error_kind=REFUSED)
        case "rejected" | "cancelled":
            return ToolResult(rejected_text(name, answer.reason), 1, error_kind=REFUSED)


async def put_question(kit: Kit, approver: Approver, question: f.QuestionAsked) -> Answer:
    """Ask, and keep what was answered."""
    question = kit.sealer.question(question)
    await hookpoints.before_question(kit, question)
    kit.emit(question)
    answer = await approver.ask(question)
    kit.emit(f.QuestionAnswered(question.call_id, question.name, answer.outcome, answer.reason))
    if answer.remember and answer.outcome in ("approved", "rejected"):
        await kit.learn(answer.remember, answer.outcome == "approved", answer.scope)
    await kit.settled()
    return answer


def _detail(about: str, escalated: str) -> str:
    return f"{about}\n[{escalated}]" if escalated else about


def _accepted(
    ready: Ready, change_set: ChangeSet | None, parts: Sequence[Part], answer: Answer
) -> Admitted | ToolResult:
    if change_set is None or answer.accepted is None or len(set(answer.accepted)) >= len(parts):
        return Admitted(ready, change_set)
    partly = change_set.only(answer.accepted)
    if not partly.changes:
        return ToolResult("The person accepted none of the hunks; nothing was changed.", 1)
    return Admitted(ready, change_set, partly)


async def _apply_part(asked: ChangeSet, partly: ChangeSet, context: ToolContext) -> ToolResult:
    """Apply what the person accepted, instead of what the tool would do."""
    root = context.workspace.root
    remarks = await commit(context, partly)
    accepted, all_parts = len(partly.parts()), len(asked.parts())
    return ToolResult(
        f"The person accepted {accepted} of {all_parts} hunks, and these alone were applied:\n{partly.diff(root)}\n"
        f"All that was proposed:\n{asked.diff(root)}{remarks}"
    )


async def execute(
    kit: Kit,
    ready: Ready,
    approved: ChangeSet | None = None,
    run: Callable[[ToolContext], Awaitable[ToolResult]] | None = None,
) -> ToolResult:
    """Run an admitted call. Only cancellation and a log that cannot be written get out; the rest is a result."""
    run = run or functools.partial(ready.tool.run, ready.args)
    kit.emit(f.CallBegan(ready.call.id, ready.call.name, ready.args))
    await kit.settled()
    limit = kit.limits.tool_timeout_ms
    try:
        async with asyncio.timeout(None if limit is None else limit / 1000) as deadline:
            work = functools.partial(run, context_for(kit, ready.call, approved))
            result = await kit.lanes.run(ready.call, ready.tool.lane, ready.args, work, kit.emit)
    except ToolError as error:
        return _failure(error, ready)
    except TimeoutError:
        if not deadline.expired():
            raise
        kind: Json = {"type": "timeout", "op": ready.call.name, "duration_ms": limit}
        text = f"Tool '{ready.call.name}' timed out after {limit}ms; you may retry with less to do."
        return ToolResult(text, 1, error_kind=kind)
    except LimitReached as error:  # a model that it asked; what the run asks next meets the same limit
        return ToolResult(f"Tool '{ready.call.name}' was stopped. {error}", 1)
    except StoreError:
        raise
    except Exception as error:  # the guard around a tool: its failure is a result, not the end of the session
        logger.error("tool %s failed\n%s", ready.call.name, kit.sealer.trace(error))
        return ToolResult(f"Tool '{ready.call.name}' failed: {type(error).__name__}: {error}", 1)
    result = replace(result, output=result.output + ready.notes)
    return kit.taint.marked(result, ready.call.name, ready.args, kit.workspace.root)


async def finish(kit: Kit, call: ToolCall, result: ToolResult) -> ToolResult:
    """Bound the result and make it a fact."""
    capped = await bounded(kit, call, addressed(result, kit.workspace.root))
    if (flag := flagged(call.id, call.name, capped)) is not None:
        kit.emit(flag)
    capped = replace(capped, output=capped.output + kit.course.warning(call, capped.output, capped.exit_code))
    told = (capped.output, capped.exit_code, capped.metadata, capped.error_kind, capped.attachments)
    kit.emit(f.CallEnded(call.id, call.name, *told))
    await kit.settled()
    await hookpoints.after_result(kit, call, capped)
    return capped


async def bounded(kit: Kit, call: ToolCall, result: ToolResult) -> ToolResult:
    """The result without secrets, and as much of it as is shown; what is long keeps nobody else waiting."""

    def work() -> ToolResult:
        return kit.taint.told(cap(call.name, kit.sealer.result(result), kit.artifacts))

    return work() if len(result.output) <= SHOWN_BYTES else await asyncio.to_thread(work)


def context_for(kit: Kit, call: ToolCall, approved: ChangeSet | None = None) -> ToolContext:
    """What a running call may use of the kit."""

    async def planned(changes: ChangeSet) -> None:
        await kit.before_change(call.id)
        kit.emit(f.FilesChanging(call.id, changes))
        await kit.settled()

    return ToolContext(
        call.id,
        kit.workspace,
        emit=lambda text: kit.emit(f.OutputStreamed(call.id, call.name, text)),
        applied=lambda changes: kit.emit(f.FilesChanged(call.id, changes)),
        environment=kit.environment,
        approved=approved,
        seen=kit.seen,
        planned=planned,
        unsaved=kit.unsaved,
        around_command=functools.partial(kit.around_command, call.id),
        ask=functools.partial(_ask_aside, kit, call),
        call=kit.inner(kit, call),
        artifact=kit.artifacts.text,
        keep=worth_keeping(kit.artifacts),
        tools=kit.tools.names(),
        delegate=functools.partial(kit.delegate, kit, call),
        use_skill=functools.partial(kit.use_skill, kit, call),
        ask_model=functools.partial(ask_aside, kit, call.name),
        emit_whole=lambda text: kit.emit(f.ObjectStreamed(call.id, call.name, text)),
        report=lambda report: kit.emit(f.VerificationReported(report)),
    )


async def _ask_aside(kit: Kit, call: ToolCall, title: str, detail: str) -> bool:
    """A yes-or-no question that comes up while a call is running."""
    if kit.approver is None:
        return False
    question = f.QuestionAsked(call.id, call.name, {}, title, detail, timeout_ms=kit.approver.timeout_ms)
    return (await put_question(kit, kit.approver, question)).outcome in ("approved", "expired_approved")


def _failure(error: ToolError, ready: Ready) -> ToolResult:
    named: Json | None = {"file_path": ready.args["file_path"]} if ready.call.name in _CHANGING_ONE else None
    return ToolResult(f"{error}{ready.notes}", 1, named, error.kind)
