"""Commands that a project wants to have run, as hooks and as MCP servers: none before the person has allowed it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.ahp.targets import HarnessSpec, harness_of
from a3s_lsp.engine.command_hooks import command_hooks, digest_of
from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.hooks import Hook, Hooks
from a3s_lsp.engine.mcp.servers_spec import ServerSpec, servers_of
from a3s_lsp.engine.ports import Answer, Approver
from a3s_lsp.engine.store.trust import Trust

_NAME = "hooks"
_RULE = "commands of this project's configuration as they are now"


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Hooks and servers that wait for leave, which `trust` keeps by their digest; `detail` is what the person is
    shown."""

    hooks: tuple[Hook, ...]
    source: Path
    detail: str
    digest: str
    trust: Trust | None
    servers: tuple[ServerSpec, ...] = ()
    harness: HarnessSpec | None = None


def held_back(
    settings: Settings, source: Path, root: Path, environment: Mapping[str, str], trust: Trust | None
) -> HeldBack | None:
    """What of a project's configuration waits for leave; None if it may run, or there is none. Raises ConfigError."""
    configured, servers = settings.hooks, servers_of(settings)
    harness = harness_of(settings)
    spoken_to = [*(server.command_line for server in servers), *([repr(harness)] if harness else [])]
    digest = digest_of(configured, root, *spoken_to)
    if not (configured or servers or harness) or (trust is not None and trust.has(digest)):
        return None
    told = [f"at {hook.event}: {hook.command}" for hook in configured.values()]
    told += [f"MCP server {server.name}: {server.command_line}" for server in servers]
    told += [f"supervision of the session, which sees all of it, by {harness.target.place}"] if harness else []
    own = command_hooks(configured, root, environment)
    return HeldBack(own, source, "; ".join(told), digest, trust, servers, harness)


async def ask_leave(
    held: HeldBack,
    hooks: Hooks,
    approver: Approver | None,
    emit: Callable[[f.Fact], None],
    settled: Callable[[], Awaitable[None]],
) -> bool:
    """Ask the person whether all that may run, and register the hooks if so. Shown as a call of its own."""
    call_id = f"hooks-{held.digest[:12]}"
    emit(f.CallAnnounced(call_id, _NAME))
    try:
        answer = await _asked(held, call_id, approver, emit)
    except asyncio.CancelledError:
        emit(f.CallEnded(call_id, _NAME, "Stopped before it was answered.", 1, error_kind={"type": "cancelled"}))
        raise
    if answer.outcome == "approved":
        for hook in held.hooks:
            hooks.register(hook)
        if answer.remember and held.trust is not None:
            await asyncio.to_thread(held.trust.add, held.digest)
        emit(f.CallEnded(call_id, _NAME, f"The commands of {held.source} run from now on.", 0))
    else:
        why = f" ({answer.reason})" if answer.reason else ""
        emit(f.CallEnded(call_id, _NAME, f"The commands of {held.source} do not run: they were not allowed{why}.", 1))
    await settled()
    return answer.outcome == "approved"


async def _asked(held: HeldBack, call_id: str, approver: Approver | None, emit: Callable[[f.Fact], None]) -> Answer:
    if approver is None:
        return Answer("rejected", "there is nobody who could be asked")
    title = f"Run commands that {held.source.name} names"
    question = f.QuestionAsked(call_id, _NAME, {}, title, held.detail, rule=_RULE, timeout_ms=approver.timeout_ms)
    emit(question)
    answer = await approver.ask(question)
    emit(f.QuestionAnswered(call_id, _NAME, answer.outcome, answer.reason))
    return answer
