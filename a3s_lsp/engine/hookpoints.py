"""Where a session asks its hooks: one function for each place, with the payload of its events."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import A3SError, LimitReached, ModelError, RunFailed, ToolError
from a3s_lsp.engine.hook_answers import HookAnswer
from a3s_lsp.engine.hook_firing import SessionHooks
from a3s_lsp.engine.hook_matching import Subject
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.messages import AssistantMessage, Json, Message, ToolCall, ToolMessage, Usage, UserMessage
from a3s_lsp.engine.ports import Chunk, ModelRequest, ReasoningDelta, ToolResult, Waiting, Workspace
from a3s_lsp.engine.tools.arguments import Invalid, prepare

if TYPE_CHECKING:
    from a3s_lsp.engine.state import RunState, State
    from a3s_lsp.engine.toolcalls import Ready

REFUSED: Json = {"type": "permission_denied"}
"""The kind of error of a call that was not allowed."""
_RECENT_TOOLS = 8
_PATH_ARGUMENTS = ("file_path", "path")
_SHOWN = 500

# ---------------------------------------------------------------- calls


async def before_call(kit: Kit, ready: Ready, plan: Callable[[], Awaitable[ChangeSet | None]]) -> Ready | ToolResult:
    """The call as the hooks leave it, or the result that says that they stop it."""
    if not kit.hooks.wanted("pre_tool_use"):
        return ready
    name, paths = ready.call.name, _named(kit.workspace, ready.args)
    if not paths and ready.tool.lane != "query" and kit.hooks.want_paths("pre_tool_use"):
        paths = await _planned(kit.workspace, plan)
    payload: Json = {
        "tool": name,
        "args": ready.args,
        "working_directory": str(kit.workspace.root),
        "recent_tools": _recent_tools(kit.conversation()),
    }
    answer = await kit.hooks.ask("pre_tool_use", payload, _subject(ready, paths))
    if answer.blocked:
        return blocked(kit, ready, answer.reason)
    ready = replace(ready, escalated=answer.escalated)
    return _changed(ready, answer.payload["args"], answer.changed_by) if answer.changed_by else ready


def blocked(kit: Kit, ready: Ready, reason: str) -> ToolResult:
    """The result of a call that hooks do not allow."""
    kit.emit(f.CallDenied(ready.call.id, ready.call.name, ready.args, reason))
    return ToolResult(f"Tool '{ready.call.name}' blocked by hook: {reason}", 1, error_kind=REFUSED)


def _changed(ready: Ready, args: object, hooks: Sequence[str]) -> Ready | ToolResult:
    """The call with other arguments, which have to fit as those of the model have to."""
    assert isinstance(args, dict)
    by = " and ".join(f"'{hook}'" for hook in hooks)
    prepared = prepare(ready.tool, args)
    if isinstance(prepared, Invalid):
        return ToolResult(f"Not run: the arguments that the hook {by} made do not fit. {prepared.message}", 1)
    note = f"\n\n[The hook {by} changed the arguments of this call to {_short(prepared.args)}]"
    return replace(ready, args=prepared.args, notes=f"{ready.notes}{prepared.notes}{note}")


async def performed(
    kit: Kit, ready: Ready, change_set: ChangeSet | None, perform: Callable[[], Awaitable[ToolResult]]
) -> ToolResult:
    """Do it, and the result as the hooks leave it; they may have it done once more."""
    tried = 0
    while True:
        begun = monotonic()
        result = await perform()
        answer = await _after_call(kit, ready, change_set, result, _since(begun), tried)
        if not answer.again:
            break
        tried += 1
    if answer.blocked:
        text = f"Tool '{ready.call.name}' was run, but a hook withholds its output: {answer.reason}"
        return ToolResult(text, 1, error_kind=REFUSED)
    if result.exit_code == 0:
        await _call_done(kit, ready, begun)
    match answer.payload.get("result"):
        case {"output": str() as output} if answer.changed_by:
            return replace(result, output=output)
        case _:
            return result


async def _after_call(
    kit: Kit, ready: Ready, changes: ChangeSet | None, result: ToolResult, duration_ms: int, tried: int
) -> HookAnswer:
    if not kit.hooks.wanted("post_tool_use"):
        return HookAnswer({})
    told: Json = {"success": result.exit_code == 0, "output": result.output, "exit_code": result.exit_code}
    payload: Json = {
        "tool": ready.call.name,
        "args": ready.args,
        "result": {**told, "duration_ms": duration_ms},
    }
    paths = _named(kit.workspace, ready.args) + _changed_paths(kit.workspace, changes)
    return await kit.hooks.ask("post_tool_use", payload, _subject(ready, paths), tried)


async def after_result(kit: Kit, call: ToolCall, result: ToolResult) -> None:
    """Tell of a call that has its result if it is a failure."""
    if result.exit_code == 0:
        return
    kind = (result.error_kind or {}).get("type")
    known = {"timeout": "timeout", REFUSED["type"]: "permission_denied"}
    payload: Json = {
        "error_type": known.get(kind, "tool_failure"),
        "error_message": result.output,
        "context": {"tool": call.name, "call_id": call.id},
    }
    await kit.hooks.tell("on_error", payload, Subject(call.name))


async def _call_done(kit: Kit, ready: Ready, begun: float) -> None:
    summary = f"{ready.call.name} {_short(ready.args)}"
    payload: Json = {"action_type": "tool", "action_summary": summary, "duration_ms": _since(begun)}
    await kit.hooks.tell("on_success", payload, Subject(ready.call.name))


async def before_permission(kit: Kit, ready: Ready) -> str | None:
    """The reason why hooks do not allow that a person is asked for leave, or None."""
    payload: Json = {"tool": ready.call.name, "args": ready.args, "working_directory": str(kit.workspace.root)}
    answer = await kit.hooks.ask("permission_request", payload, _subject(ready, _named(kit.workspace, ready.args)))
    return answer.reason if answer.blocked else None


async def before_question(kit: Kit, question: f.QuestionAsked) -> None:
    """Tell that a person is about to be asked."""
    payload: Json = {
        "confirmation_type": "tool_use",
        "message": f"{question.title}: {question.detail}",
        "options": ["approve", "reject"],
        "tool": question.name,
        "args": question.args,
    }
    await kit.hooks.tell("on_confirmation", payload, Subject(question.name))


def _subject(ready: Ready, paths: tuple[str, ...]) -> Subject:
    command = ready.args.get("command")
    return Subject(ready.call.name, paths, command if isinstance(command, str) else None)


def _named(workspace: Workspace, args: Json) -> tuple[str, ...]:
    """The files that the arguments name, as given and by their real places."""
    given = [path for name in _PATH_ARGUMENTS if isinstance(path := args.get(name), str) and path]
    return tuple(spelling for path in given for spelling in (path, *_places(workspace, path)))


def _places(workspace: Workspace, path: str) -> tuple[str, ...]:
    try:
        place = workspace.resolve(path)
    except ToolError:  # outside of the workspace: the call will be refused
        return ((workspace.root / path).as_posix(),)
    return workspace.display(place), place.as_posix()


def _changed_paths(workspace: Workspace, changes: ChangeSet | None) -> tuple[str, ...]:
    paths = [] if changes is None else [change.path for change in changes.changes]
    return tuple(spelling for path in paths for spelling in _places(workspace, path))


async def _planned(workspace: Workspace, plan: Callable[[], Awaitable[ChangeSet | None]]) -> tuple[str, ...]:
    """The files that a call would change that names none."""
    try:
        return _changed_paths(workspace, await plan())
    except ToolError:
        return ()


def _recent_tools(conversation: Sequence[Message]) -> list[str]:
    """The last calls that have a result, with what came of them."""
    turns = [message for message in conversation if isinstance(message, AssistantMessage)]
    shown = {call.id: f"{call.name}:{_compact(call.arguments)}" for turn in turns for call in turn.tool_calls}
    results = [message for message in conversation if isinstance(message, ToolMessage) and message.call_id in shown]
    ends = {True: "error", False: "ok"}
    return [f"{shown[result.call_id]} => {ends[result.is_error]}" for result in results[-_RECENT_TOOLS:]]


def _compact(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments or "{}"), separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):
        return arguments


# ---------------------------------------------------------------- turns of the model


async def before_turn(kit: Kit, request: ModelRequest) -> ModelRequest:
    """The request as the hooks leave it. Raises RunFailed if they stop it."""
    if not kit.hooks.wanted("generate_start"):
        return request
    payload: Json = {
        "prompt": _prompt(request.messages),
        "system_prompt": request.system,
        **_model(kit.model.name),
        "available_tools": [tool.name for tool in request.tools],
    }
    answer = await kit.hooks.ask("generate_start", payload)
    if answer.blocked:
        raise RunFailed(f"Generation blocked by hook: {answer.reason}")
    return replace(request, system=str(answer.payload["system_prompt"]))


async def generated(kit: Kit, request: ModelRequest, generate: Callable[[], Awaitable[f.TurnEnded]]) -> f.TurnEnded:
    """The model's turn as the hooks leave it; they may have it made once more. Raises RunFailed if they stop it."""
    spent = Usage()
    tried = 0
    while True:
        begun = monotonic()
        ended = await generate()
        spent += ended.usage
        answer = await _after_turn(kit, request, ended, _since(begun), tried)
        if not answer.again:
            break
        tried += 1
    ended = replace(ended, usage=spent)
    if answer.blocked:
        kit.emit(replace(ended, message=AssistantMessage(f"[A hook withholds this answer: {answer.reason}]")))
        raise RunFailed(f"Response blocked by hook: {answer.reason}")
    text = str(answer.payload["response_text"]) if answer.changed_by else ended.message.text
    return replace(ended, message=replace(ended.message, text=text))


async def _after_turn(kit: Kit, request: ModelRequest, ended: f.TurnEnded, duration_ms: int, tried: int) -> HookAnswer:
    message = ended.message
    if message.reasoning:
        told: Json = {"reasoning_text": message.reasoning, "duration_ms": duration_ms}
        await kit.hooks.tell("post_reasoning", told)
    if not kit.hooks.wanted("generate_end"):
        return HookAnswer({})
    payload: Json = {
        "prompt": _prompt(request.messages),
        "response_text": message.text,
        "tool_calls": [{"name": call.name, "args": _decoded(call.arguments)} for call in message.tool_calls],
        "usage": _usage(ended.usage),
        "duration_ms": duration_ms,
    }
    return await kit.hooks.ask("generate_end", payload, tried=tried)


async def before_chunk(kit: Kit, request: ModelRequest, chunk: Chunk, *, thinking: bool) -> None:
    """Tell that the model begins to think aloud, if it was not `thinking` yet, or that its provider makes us wait."""
    match chunk:
        case ReasoningDelta() if not thinking:
            await kit.hooks.tell("pre_reasoning", {"prompt": _prompt(request.messages), **_model(kit.model.name)})
        case Waiting(reason="rate_limit", delay_ms=delay_ms):
            told: Json = {"limit_type": "requests", "retry_after_ms": delay_ms, "current_usage": None}
            await kit.hooks.tell("on_rate_limit", told)
        case _:
            pass


# ---------------------------------------------------------------- runs


async def before_run(kit: Kit, run: RunState) -> None:
    """Have the hooks see the prompt before the model does. Raises RunFailed if they stop it."""
    had_that = run.turns or run.rewritten or run.planning.intent  # before it was cut
    if had_that or not kit.hooks.wanted("pre_prompt"):
        return
    answer = await _before_prompt(kit, run.prompt, len(kit.conversation()) - 1)
    if answer.blocked:
        raise RunFailed(f"Prompt blocked by hook: {answer.reason}")
    if answer.changed_by:
        kit.emit(f.PromptRewritten(str(answer.payload["prompt"]), run.prompt, answer.changed_by))


async def before_steering(kit: Kit, text: str) -> str:
    """What the model gets of a message that the person added while the run was going."""
    answer = await _before_prompt(kit, text, len(kit.conversation()))
    if answer.blocked:
        return f"[A hook withholds a message of the person: {answer.reason}]"
    return str(answer.payload["prompt"])


async def _before_prompt(kit: Kit, prompt: str, message_count: int) -> HookAnswer:
    payload: Json = {"prompt": prompt, "system_prompt": kit.system, "message_count": message_count}
    return await kit.hooks.ask("pre_prompt", payload)


async def after_run(kit: Kit, run: RunState, text: str, begun: float) -> str:
    """The answer as the hooks leave it. Raises RunFailed if they withhold it."""
    payload: Json = {
        "response_text": text,
        "tool_calls_count": run.tool_calls,
        "usage": _usage(run.usage),
        "duration_ms": _since(begun),
    }
    answer = await kit.hooks.ask("post_response", payload)
    if answer.blocked:
        raise RunFailed(f"Response blocked by hook: {answer.reason}")
    await kit.hooks.tell(
        "on_success", {"action_type": "run", "action_summary": run.prompt[:_SHOWN], "duration_ms": _since(begun)}
    )
    return str(answer.payload["response_text"])


async def after_failure(kit: Kit, run: RunState, error: A3SError) -> None:
    """Tell why a run has no answer."""
    kind = "llm_failure" if isinstance(error, ModelError) else "other"
    if isinstance(error, LimitReached) and error.limit == "max_execution_time_ms":
        kind = "timeout"
    payload: Json = {"error_type": kind, "error_message": str(error), "context": {"run_id": run.id}}
    await kit.hooks.tell("on_error", payload)


async def before_compaction(kit: Kit, messages: int, tokens: int, room: int, *, auto: bool) -> bool:
    """Whether the hooks allow that the conversation is made shorter."""
    trigger = "auto" if auto else "manual"
    payload: Json = {"trigger": trigger, "message_count": messages, "tokens": tokens, "max_tokens": room}
    return not (await kit.hooks.ask("pre_compact", payload)).blocked


async def after_compaction(kit: Kit, done: f.Compacted) -> None:
    """Tell of a conversation that was made shorter."""
    counts: Json = {"before_messages": done.before_messages, "after_messages": done.after_messages}
    await kit.hooks.tell("post_compact", {**counts, "summary": done.summary})


async def session_started(hooks: SessionHooks, model: str) -> None:
    """Tell of a session that has its first run."""
    await hooks.tell("session_start", _model(model))


async def session_ended(hooks: SessionHooks, state: State, begun: float) -> None:
    """Tell of the end of a session."""
    calls = sum(run.tool_calls for run in state.runs.values() if run.parent not in state.runs)  # steps count in theirs
    totals: Json = {"total_tokens": state.usage.total_tokens, "total_tool_calls": calls}
    await hooks.tell("session_end", {**totals, "duration_ms": _since(begun)})


def _prompt(messages: Sequence[Message]) -> str:
    return next((message.text for message in reversed(messages) if isinstance(message, UserMessage)), "")


def _model(model: str) -> Json:
    provider, _, name = model.partition("/")
    return {"model_provider": provider, "model_name": name}


def _usage(usage: Usage) -> Json:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def _decoded(arguments: str) -> object:
    try:
        return json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return arguments


def _short(args: Json) -> str:
    text = json.dumps(args, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _since(begun: float) -> int:
    return int((monotonic() - begun) * 1000)
