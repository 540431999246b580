"""What keeps a run from going on for ever, and from ending too early: repeated calls, unfinished answers, time.

All is decided by the course of the run, which is a fold over its facts: a run that is resumed stands where it stood.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import LimitReached, ModelError, ModelRefused, RunFailed
from a3s_lsp.engine.messages import AssistantMessage, Json, Message, ToolCall, UserMessage, last_text


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a run."""

    max_tool_rounds: int = 50
    """Model turns that a run may have; it fails where it would need one more."""
    max_parse_retries: int = 2
    """Turns in a row whose every call has malformed arguments."""
    tool_timeout_ms: int | None = None
    """For every call, whatever the tool's own limit is; None leaves it to the tool."""
    circuit_breaker_threshold: int = 3
    """Failed requests in a row, after which the model is given up."""
    max_continuation_turns: int = 3
    """How often in a run the model is sent on from an answer that is no end; 0 takes every answer."""
    max_execution_time_ms: int | None = None
    """For the whole run, with its questions."""


MOST_IDENTICAL = 3
"""How often one call may be made with one result."""
_REMEMBERED_STEPS = 64
_SHORT_CHARACTERS = 80

LAST_WARNING = (
    f"\n\n[This call has had this same result {MOST_IDENTICAL} times. Made once more it ends the run: do something "
    "else, or give your answer.]"
)
CUT = (
    "Your answer was cut at the output limit of the model. Go on exactly where it stopped, without repeating anything "
    "and without a remark about the cut."
)
UNFINISHED = (
    "That does not look like the end: it announces something that was not done. Do it now with the tools you have; if "
    "nothing is left to do, give the final answer."
)
EMPTY = "Your answer was empty. Go on with the task; if nothing is left to do, say what was done."
CUT_CALL = (
    " The model's answer was cut at its output limit, and the arguments with it: send less at once, for instance a "
    "file in several parts."
)
_ANNOUNCEMENT = re.compile(
    r"(?:(?:ok(?:ay)?|sure|great|now|next|first|then|so)[,.!:]?\s+)*"
    r"(?:i['’]ll|i will|let me(?! know)|i need to|i should|i['’]m going to|i am going to|let['’]s (?:start|begin))\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class _Step:
    """A call with its result. `new`: it is the first of its kind in the run, and it worked."""

    call: bytes
    result: bytes
    new: bool


@dataclass(slots=True)
class Course:
    """How a run has gone so far."""

    continuations: int = 0
    finish_reason: str = ""
    """The provider's word for how the last turn ended."""
    _steps: deque[_Step] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_STEPS))
    _open: dict[str, bytes] = field(default_factory=dict)

    def apply(self, fact: f.Fact) -> None:
        """Fold one more fact of the run in."""
        match fact:
            case f.TurnEnded(message=message, finish_reason=reason):
                self.finish_reason = reason
                self._open = {call.id: _signature(call) for call in message.tool_calls}
            case f.CallEnded(call_id=call_id) if call_id in self._open:
                call, result = self._open.pop(call_id), _result(fact.output, fact.exit_code)
                known = any((step.call, step.result) == (call, result) for step in self._steps)
                self._steps.append(_Step(call, result, new=fact.exit_code == 0 and not known))
            case f.Continued():
                self.continuations += 1
            case _:
                pass

    def refusal(self, call: ToolCall) -> str | None:
        """Why this call must not be made once more; None if it may."""
        count = len(self._streak(call))
        if count < MOST_IDENTICAL:
            return None
        return (
            f"Tool '{call.name}' has been called {count} times with identical arguments. Aborting to prevent infinite "
            "loop. Consider modifying your approach."
        )

    def warning(self, call: ToolCall, output: str, exit_code: int) -> str:
        """What a result says after which the same call may not be made any more; else ""."""
        streak = self._streak(call)
        same = len(streak) == MOST_IDENTICAL - 1 and streak[0] == _result(output, exit_code)
        return LAST_WARNING if same else ""

    def _streak(self, call: ToolCall) -> list[bytes]:
        """The equal results that this very call had last, with nothing new in between."""
        wanted = _signature(call)
        found: list[bytes] = []
        for step in reversed(self._steps):
            if step.call != wanted:
                if step.new:
                    break
            elif found and step.result != found[0]:
                break
            else:
                found.append(step.result)
        return found


def _signature(call: ToolCall) -> bytes:
    """The call without its id; the order and the spacing of its arguments make no difference."""
    try:
        arguments = json.dumps(json.loads(call.arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        arguments = call.arguments
    return _digest(f"{call.name} {arguments}")


def _result(output: str, exit_code: int) -> bytes:
    return _digest(f"{exit_code} {output.removesuffix(LAST_WARNING)}")


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=12).digest()


def limit_of(error: BaseException | None) -> str | None:
    """The name of the limit that an error means, if it is one."""
    match error:
        case LimitReached(limit=limit):
            return limit
        case ModelError() if not isinstance(error, ModelRefused):
            return "circuit_breaker_threshold"
        case _:
            return None


def account(limits: Limits, course: Course, turns: int, milliseconds: int, stopped_by: str | None) -> Json:
    """What bounds a run, how near it came, and which of the limits ended it."""
    return {
        "max_tool_rounds": limits.max_tool_rounds,
        "tool_rounds": turns,
        "max_parse_retries": limits.max_parse_retries,
        "tool_timeout_ms": limits.tool_timeout_ms,
        "max_execution_time_ms": limits.max_execution_time_ms,
        "execution_time_ms": milliseconds,
        "circuit_breaker_threshold": limits.circuit_breaker_threshold,
        "max_continuation_turns": limits.max_continuation_turns,
        "continuations": course.continuations,
        "finish_reason": course.finish_reason,
        "stopped_by": stopped_by,
    }


# ---------------------------------------------------------------- the end of an answer


def continuation(course: Course, messages: Sequence[Message], most: int) -> f.Continued | None:
    """What the model is told if its answer is no end; None if it is one, or must count as one."""
    if course.continuations >= most:
        return None
    text = last_text(messages)
    if course.finish_reason == "length":
        return f.Continued("length", CUT)
    if not text.strip():
        return f.Continued("empty", EMPTY)
    return f.Continued("unfinished", UNFINISHED) if looks_unfinished(text) else None


def looks_unfinished(text: str) -> bool:
    """Whether an answer stops in the middle, or announces at its end what it then does not do."""
    text = text.strip()
    if len(text) < _SHORT_CHARACTERS and "\n" not in text and text.endswith((":", "...", "…", ",")):
        return True
    last = next((part for part in reversed(_SENTENCE_END.split(text)) if part.strip()), "")
    return _ANNOUNCEMENT.match(last) is not None and not last.endswith("?")


def answer_text(messages: Sequence[Message]) -> str:
    """The final answer, put together again where it was cut at the model's limit."""
    pieces: list[str] = []
    for message in reversed(messages):
        match message:
            case AssistantMessage(text=text, tool_calls=()):
                pieces.append(text)
            case UserMessage(text=text) if text == CUT:
                continue
            case _:
                break
    return "".join(reversed(pieces))


def check_filtered(course: Course) -> None:
    """Raises RunFailed if the provider's filter cut the answer."""
    if course.finish_reason == "content_filter":
        raise RunFailed(
            "The provider's content filter cut the answer (finish_reason content_filter): word the prompt in another "
            "way, or use another model."
        )


# ---------------------------------------------------------------- time


@asynccontextmanager
async def in_time(limit_ms: int | None, turns: Callable[[], int]) -> AsyncIterator[None]:
    """Raises LimitReached, and cuts whatever is going on, when the time is over."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    try:
        async with asyncio.timeout(None if limit_ms is None else limit_ms / 1000) as deadline:
            yield
    except TimeoutError:
        if not deadline.expired() or limit_ms is None:
            raise
        raise LimitReached(
            "max_execution_time_ms",
            f"Execution timeout after {_time((clock() - begun) * 1000)} (limit: {_time(limit_ms)}). "
            f"Completed {turns()} turns.",
        ) from None


def _time(milliseconds: float) -> str:
    if milliseconds < 1000:
        return f"{milliseconds:.0f} milliseconds"
    return f"{milliseconds / 1000:.1f} seconds".replace(".0 ", " ")
