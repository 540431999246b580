"""A session under supervision: its harness is asked before something is done, and told what was done."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass
from time import monotonic

from a3s_lsp.engine.ahp import happenings, protocol
from a3s_lsp.engine.ahp.decisions import hook_answer
from a3s_lsp.engine.ahp.injected import context_piece
from a3s_lsp.engine.ahp.link import Link
from a3s_lsp.engine.ahp.protocol import HarnessFailed
from a3s_lsp.engine.ahp.targets import HarnessSpec
from a3s_lsp.engine.ahp.telling import Telling
from a3s_lsp.engine.context.gathering import add_about, add_piece
from a3s_lsp.engine.delegation.depth import depth
from a3s_lsp.engine.events import Event
from a3s_lsp.engine.handlers import Handler
from a3s_lsp.engine.hook_facts import HookFailed
from a3s_lsp.engine.hooks import Hook, HookConfig
from a3s_lsp.engine.journal import Journal
from a3s_lsp.engine.messages import Json

HOOK_ID = "ahp"
_WHOLE_TIME_MS = 1_200_000
"""More than an answer may ever take, for which the link has a time of its own."""


@dataclass(slots=True)
class _Counts:
    """What the session did so far; `active` is when it last did something."""

    begun: float
    active: float
    actions: int = 0
    errors: int = 0
    events: int = 0


class Supervision:
    """The hooks that ask and tell a harness, what it is told beside them, and its pulse."""

    def __init__(self, spec: HarnessSpec, link: Link, journal: Journal, agent_id: str) -> None:
        self._spec = spec
        self._link = link
        self._journal = journal
        self._agent_id = agent_id
        now = monotonic()
        self._counts = _Counts(now, now)
        self._telling = Telling(link, functools.partial(self._failed, "notification"))
        self._unsubscribe = journal.subscribe(self._see)
        loop = asyncio.get_running_loop()
        self._pulse = loop.create_task(self._beat(spec.idle_ms / 1000), name="harness pulse") if spec.idle_ms else None

    def hooks(self) -> tuple[Hook, ...]:
        """The hooks that do the asking and telling."""
        config = HookConfig(timeout_ms=_WHOLE_TIME_MS)
        handlers: list[tuple[str, Handler]] = [
            *((event, functools.partial(self._ask, event)) for event in happenings.ASKED),
            *((event, functools.partial(self._tell, event)) for event in happenings.TOLD),
        ]
        return tuple(Hook(HOOK_ID, event, handler, config=config) for event, handler in handlers)

    async def query(self, query_type: str, payload: Json) -> Json:
        """What the harness answers to a question. Raises HarnessFailed."""
        named: Json = {"session_id": self._journal.session_id, "agent_id": self._agent_id}
        result = await self._link.ask("ahp/query", {**named, "query_type": query_type, "payload": payload})
        if "answer" not in result:
            raise HarnessFailed(f"The harness at {self._spec.target.place} answered {protocol.shown(result)}.")
        return result

    async def close(self) -> None:
        """Tell what is still to be told, and end the connection."""
        self._unsubscribe()
        if self._pulse is not None:
            self._pulse.cancel()
        await self._telling.close()
        await self._link.close()

    async def _ask(self, hook: str, event: Json) -> Json | None:
        payload = event["payload"]
        assert isinstance(payload, dict)
        self._counts.actions += hook == "pre_tool_use"
        try:
            told = happenings.payload_of(hook, payload)
            decision = await self._link.ask("ahp/event", self._event(happenings.ASKED[hook], told))
            answer = hook_answer(hook, payload, decision)
        except HarnessFailed as error:
            if self._spec.on_failure == "block":
                raise
            self._failed(hook, error)
            return None
        if answer is None or answer["action"] != "block":
            _gather(hook, decision)
        return answer

    async def _tell(self, hook: str, event: Json) -> None:
        payload = event["payload"]
        assert isinstance(payload, dict)
        self._counts.errors += hook == "on_error"
        self._telling.put(self._event(happenings.TOLD[hook], happenings.payload_of(hook, payload)))

    def _see(self, event: Event) -> None:
        if (happened := happenings.of_event(event)) is not None:
            self._telling.put(self._event(*happened))

    def _event(self, event_type: str, payload: Json, *, active: bool = True) -> Json:
        counts, now = self._counts, monotonic()
        counts.events += 1
        if active:
            counts.active = now
        return {
            "event_type": event_type,
            "session_id": self._journal.session_id,
            "agent_id": self._agent_id,
            "timestamp": protocol.now(),
            "depth": depth.get(),
            "payload": payload,
            "context": {
                "session_stats": {
                    "total_actions": counts.actions,
                    "total_tokens": self._journal.state.usage.total_tokens,
                    "duration_ms": _ms(now - counts.begun),
                    "error_count": counts.errors,
                }
            },
        }

    def _failed(self, event_type: str, error: HarnessFailed) -> None:
        going = (run.id for run in self._journal.state.open_runs if run.status == "executing")
        self._journal.append(HookFailed(HOOK_ID, event_type, str(error)), next(going, None))

    # ------------------------------------------------------------ pulse

    async def _beat(self, period: float) -> None:
        """Let the harness know that the session is there, and once that it has nothing to do."""
        told_at = 0.0
        while True:
            await asyncio.sleep(period)
            counts, busy = self._counts, bool(self._journal.state.open_runs)
            state: Json = {
                "uptime_ms": _ms(monotonic() - counts.begun),
                "total_events_processed": counts.events,
                "current_state": "executing" if busy else "idle",
                "tokens_used": self._journal.state.usage.total_tokens,
            }
            self._telling.put(self._event("heartbeat", state, active=False))
            quiet = monotonic() - counts.active
            if not busy and quiet >= period and told_at != counts.active:
                last = counts.active
                told_at = last if await self._idle(quiet) else 0.0

    async def _idle(self, seconds: float) -> bool:
        """Tell that there is nothing to do. False if the harness wants to hear that again."""
        payload: Json = {"idle_duration_ms": _ms(seconds), "idle_reason": "no run is going"}
        try:
            decision = await self._link.ask("ahp/event", self._event("idle", payload, active=False))
        except HarnessFailed as error:
            self._failed("idle", error)
            return True
        return decision.get("decision") != "defer"


def _gather(hook: str, decision: Json) -> None:
    """What the harness says about the prompt beside its decision."""
    if hook == "intent_detection":
        hints = decision.get("target_hints")
        about: Json = {"intent": decision.get("detected_intent"), **(hints if isinstance(hints, dict) else {})}
        add_about({name: told for name, told in about.items() if isinstance(told, str) and told})
    elif hook in ("pre_context_perception", "pre_memory_recall") and (piece := context_piece(decision)) is not None:
        add_piece(piece)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
