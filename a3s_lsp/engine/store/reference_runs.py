"""The stored runs of the reference, event by event, as facts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.messages import AssistantMessage, Json, ToolCall, Usage, unanswered
from a3s_lsp.engine.store.log_building import LogBuilder

_NO_RESULT = "The run ended before this call had a result."
_CUT = "Interrupted: the process that answered this prompt ended before it was done."


class Runs:
    """Adds runs to a log."""

    def __init__(self, log: LogBuilder) -> None:
        self._log = log

    def add(self, runs: Iterable[Mapping[str, object]]) -> None:
        """Add all of these; what is no run, and events that we have no word for, are left out."""
        for run in runs:
            snapshot, events = run.get("snapshot"), run.get("events")
            if isinstance(snapshot, Mapping) and isinstance(snapshot.get("id"), str):
                _Run(self._log, snapshot).add([each for each in _list(events) if isinstance(each, Mapping)])


class _Run:
    def __init__(self, log: LogBuilder, snapshot: Mapping[str, object]) -> None:
        self._log = log
        self._snapshot = snapshot
        self._id = _text(snapshot, "id")
        self._time_ms = _number(snapshot, "created_at_ms")
        self._turn = 0
        self._text = self._reasoning = ""
        self._calls: list[ToolCall] = []

    def add(self, events: Iterable[Mapping[str, object]]) -> None:
        self._say(f.RunStarted(_text(self._snapshot, "prompt"), history=()))
        for event in events:
            self._time_ms = max(self._time_ms, _number(event, "timestamp_ms"))
            inner = event.get("event")
            if isinstance(inner, Mapping):
                self._event(inner)
        self._end()

    def _say(self, fact: f.Fact) -> None:
        self._log.add(fact, self._id, self._time_ms)

    def _event(self, event: Mapping[str, object]) -> None:
        match event.get("type"):
            case "turn_start":
                self._turn = _number(event, "turn")
                self._text, self._reasoning, self._calls = "", "", []
                self._say(f.TurnStarted(self._turn))
            case "text_delta":
                self._text += _text(event, "text")
                self._say(f.TextStreamed(_text(event, "text")))
            case "reasoning_delta":
                self._reasoning += _text(event, "text")
                self._say(f.ReasoningStreamed(_text(event, "text")))
            case "turn_end":
                message = AssistantMessage(self._text, tuple(self._calls), self._reasoning)
                self._say(f.TurnEnded(self._turn, message, _usage(event.get("usage"))))
            case _:
                self._call_event(event)

    def _call_event(self, event: Mapping[str, object]) -> None:
        call_id, name = _text(event, "id"), _text(event, "name")
        match event.get("type"):
            case "tool_start":
                self._calls.append(ToolCall(call_id, name, ""))
                self._say(f.CallAnnounced(call_id, name))
            case "tool_input_delta" if self._calls:
                last = self._calls[-1]
                self._calls[-1] = ToolCall(last.id, last.name, last.arguments + _text(event, "delta"))
                self._say(f.InputStreamed(last.id, _text(event, "delta")))
            case "tool_output_delta":
                self._say(f.OutputStreamed(call_id, name, _text(event, "delta")))
            case "tool_end":
                self._begin(call_id, name)
                metadata = event.get("metadata")
                self._say(
                    f.CallEnded(
                        call_id,
                        name,
                        _text(event, "output"),
                        _number(event, "exit_code"),
                        metadata if isinstance(metadata, dict) else None,
                    )
                )
            case _:
                pass

    def _begin(self, call_id: str, name: str) -> None:
        arguments = next((call.arguments for call in self._calls if call.id == call_id), "")
        try:
            args = json.loads(arguments or "{}")
        except ValueError:
            args = {}
        self._say(f.CallBegan(call_id, name, args if isinstance(args, dict) else {}))

    def _end(self) -> None:
        for call in unanswered(self._log.state.conversation(self._id)):
            self._say(f.CallEnded(call.id, call.name, _NO_RESULT, 1))
        usage = self._log.state.runs[self._id].usage
        self._time_ms = max(self._time_ms, _number(self._snapshot, "updated_at_ms"))
        match self._snapshot.get("status"):
            case "completed":
                self._say(f.RunEnded("completed", _text(self._snapshot, "result_text"), usage=usage))
            case "cancelled":
                self._say(f.RunEnded("cancelled", self._text, _text(self._snapshot, "error") or None, usage))
            case _:
                self._say(f.RunEnded("failed", self._text, _text(self._snapshot, "error") or _CUT, usage))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: Mapping[str, object], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _number(value: Mapping[str, object], name: str) -> int:
    found = value.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**63 else 0


def _usage(value: object) -> Usage:
    fields: Json = value if isinstance(value, dict) else {}
    names = ("prompt_tokens", "completion_tokens", "cache_read_tokens", "cache_write_tokens")
    return Usage(*(_number(fields, name) for name in names))
