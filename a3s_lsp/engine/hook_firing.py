"""How hooks are asked: in order, each for its time, with the changes of those before it. Where hooks gate, one that
fails says no; what goes wrong in the others is a fact of the session."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.handlers import HandlerFailed, call_handler
from a3s_lsp.engine.hook_answers import REPEATABLE, HookAnswer, understand
from a3s_lsp.engine.hook_facts import HookFailed
from a3s_lsp.engine.hook_matching import NOTHING, Subject
from a3s_lsp.engine.hooks import GATING, Hook, Hooks
from a3s_lsp.engine.messages import Json


def _unheard(fact: HookFailed) -> None:
    """Keep no record."""


class SessionHooks:
    """The hooks as one session fires them: its id is in every payload, and what goes wrong becomes a fact of it."""

    def __init__(self, hooks: Hooks, session_id: str, emit: Callable[[HookFailed], None] = _unheard) -> None:
        self.session_id = session_id
        self._emit = emit
        self._hooks = hooks

    def wanted(self, event: str) -> bool:
        """Whether any hook is there for the event."""
        return bool(self._hooks.of(event))

    def want_paths(self, event: str) -> bool:
        """Whether any hook of the event looks at the paths of files."""
        return any(hook.matcher.path_pattern is not None for hook in self._hooks.of(event))

    async def tell(self, event: str, payload: Json, subject: Subject = NOTHING) -> None:
        """Fire an event that nothing depends on."""
        await self.ask(event, payload, subject)

    async def ask(self, event: str, payload: Json, subject: Subject = NOTHING, tried: int = 0) -> HookAnswer:
        """Fire an event, and what its hooks came to. `tried` says how often it was done again already."""
        payload = {"session_id": self.session_id, **payload}
        while True:
            answer = await self._ask_all(event, payload, subject, tried)
            if not answer.again or event in REPEATABLE:
                return answer
            tried += 1

    async def _ask_all(self, event: str, payload: Json, subject: Subject, tried: int) -> HookAnswer:
        changed_by: tuple[str, ...] = ()
        escalated = ""
        for hook in self._hooks.of(event):
            if not hook.matcher.matches(self.session_id, subject):
                continue
            if hook.config.async_execution and event not in GATING:
                self._hooks.run_aside(self.session_id, self._ask_aside(hook, payload))
                continue
            answer = await self._ask_one(hook, payload)
            if answer.payload != payload:
                payload, changed_by = answer.payload, (*changed_by, hook.id)
            answer = await _heeded(hook, replace(answer, changed_by=changed_by), tried)
            if answer.blocked or answer.again:
                return answer
            if answer.action == "escalate":
                escalated = escalated or answer.reason
            if answer.action == "skip":
                break
        return HookAnswer(payload, changed_by=changed_by, escalated=escalated)

    async def _ask_one(self, hook: Hook, payload: Json) -> HookAnswer:
        try:
            with _answering_for(self.session_id):
                said = await _said_by(hook, payload)
            return understand(hook.event, payload, said)
        except HandlerFailed as error:
            self._emit(HookFailed(hook.id, hook.event, str(error)))
            if hook.event in GATING:
                return HookAnswer(payload, "block", f"the hook '{hook.id}' failed: {error}")
            return HookAnswer(payload)

    async def _ask_aside(self, hook: Hook, payload: Json) -> None:
        try:
            await _said_by(hook, payload)
        except HandlerFailed as error:
            self._emit(HookFailed(hook.id, hook.event, str(error)))


NO_HOOKS = SessionHooks(Hooks(), "")
"""The hooks of what has none."""


async def _said_by(hook: Hook, payload: Json) -> object:
    assert hook.handler is not None
    event: Json = {"event_type": hook.event, "payload": copy.deepcopy(payload)}  # what a hook does to it is its own
    return await call_handler(hook.handler, event, hook.config.timeout_ms)


async def _heeded(hook: Hook, answer: HookAnswer, tried: int) -> HookAnswer:
    """The answer, after the pause if something is to be done again; that is bounded."""
    if not answer.again:
        return answer
    if tried < hook.config.max_retries:
        await asyncio.sleep(answer.delay_ms / 1000)
        return answer
    if hook.event in GATING:
        return replace(answer, action="block", reason=f"the hook '{hook.id}' asked for another try {tried + 1} times")
    return replace(answer, action="continue")


# ---------------------------------------------------------------- hooks that use their own session


@dataclass(slots=True)
class _Answering:
    """A hook at work that a run of this session waits for."""

    session_id: str
    over: bool = False


_answering: ContextVar[tuple[_Answering, ...]] = ContextVar("answering", default=())


def check_not_answering(session_id: str) -> None:
    """Raise A3SError in a hook that a run of this session waits for: a run after it and the hook would wait for each
    other."""
    if any(hook.session_id == session_id and not hook.over for hook in _answering.get()):
        raise A3SError(
            "A hook cannot send a prompt to its own session while the run waits for the hook: "
            "return from it first, or use another session."
        )


@contextmanager
def _answering_for(session_id: str) -> Iterator[None]:
    mark = _Answering(session_id)
    before = _answering.set((*_answering.get(), mark))
    try:
        yield
    finally:
        mark.over = True
        _answering.reset(before)
