"""Hooks: functions of the embedding program, and commands of the configuration, that see what a session does, and may
change or stop it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import dataclass, field

from a3s_lsp.engine.handlers import Handler
from a3s_lsp.engine.hook_matching import Matcher

EVENTS = (
    "pre_tool_use",
    "post_tool_use",
    "generate_start",
    "generate_end",
    "session_start",
    "session_end",
    "skill_load",
    "skill_unload",
    "pre_prompt",
    "post_response",
    "on_error",
    "pre_context_perception",
    "post_context_perception",
    "on_success",
    "pre_memory_recall",
    "post_memory_recall",
    "pre_planning",
    "post_planning",
    "pre_reasoning",
    "post_reasoning",
    "on_rate_limit",
    "on_confirmation",
    "intent_detection",
    "permission_request",
    "pre_compact",
    "post_compact",
)
GATING = frozenset(
    {
        "pre_tool_use",
        "pre_prompt",
        "intent_detection",
        "generate_start",
        "pre_planning",
        "permission_request",
        "pre_compact",
        "pre_memory_recall",
    }
)
"""Events that wait for their hooks, and where a hook that fails is one that says no."""


@dataclass(frozen=True, slots=True)
class HookConfig:
    """How a hook is called. Lower priorities come first. With `async_execution` nobody waits for it, except where it
    gates. `max_retries` bounds how often its "retry" is heeded for one event."""

    priority: int = 100
    timeout_ms: int = 30_000
    async_execution: bool = False
    max_retries: int = 3


@dataclass(frozen=True, slots=True)
class Hook:
    """One registered hook; without a handler it does nothing."""

    id: str
    event: str
    handler: Handler | None = None
    matcher: Matcher = field(default_factory=Matcher)
    config: HookConfig = field(default_factory=HookConfig)

    def __post_init__(self) -> None:
        if self.event not in EVENTS:
            raise ValueError(f"Invalid hook event type: '{self.event}'. Expected one of: {', '.join(EVENTS)}")


class Hooks:
    """The hooks of a session, which its children share. May be changed from any thread."""

    def __init__(self, hooks: Iterable[Hook] = ()) -> None:
        self._hooks = {hook.id: hook for hook in hooks}
        self._standing: tuple[Hook, ...] = ()
        self._changing = threading.Lock()
        self._aside: dict[asyncio.Task[None], str] = {}

    def register(self, hook: Hook) -> None:
        """Add a hook; one with the same id is replaced."""
        with self._changing:
            self._hooks = {**self._hooks, hook.id: hook}

    def stand_first(self, hooks: Iterable[Hook]) -> None:
        """Ask these before all others. They are the session's own: nobody counts, replaces or takes them away."""
        self._standing = tuple(hooks)

    def unregister(self, hook_id: str) -> bool:
        """Take a hook away. False if there is none with this id."""
        with self._changing:
            kept = {known: hook for known, hook in self._hooks.items() if known != hook_id}
            found = len(kept) < len(self._hooks)
            self._hooks = kept
        return found

    def __iter__(self) -> Iterator[Hook]:
        return iter(tuple(self._hooks.values()))

    def __len__(self) -> int:
        return len(self._hooks)

    def of(self, event: str) -> list[Hook]:
        """The hooks of an event that do something, in the order in which they are asked."""
        found = [hook for hook in self._hooks.values() if hook.event == event and hook.handler is not None]
        own = [hook for hook in self._standing if hook.event == event]
        return [*own, *sorted(found, key=lambda hook: hook.config.priority)]

    def run_aside(self, session_id: str, work: Coroutine[object, object, None]) -> None:
        """Let a hook of this session work while nobody waits for it."""
        task = asyncio.get_running_loop().create_task(work, name=f"hook of {session_id}")
        self._aside[task] = session_id
        task.add_done_callback(lambda done: self._aside.pop(done, None))

    def dismiss(self, session_id: str) -> None:
        """Wait no longer for any hook of a session that ends."""
        for task, owner in self._aside.items():
            if owner == session_id:
                task.cancel()
