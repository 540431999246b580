"""What a program gets back: results, events, and text that knows how it came about."""

from __future__ import annotations

import base64
import json

from a3s_lsp.engine import ports
from a3s_lsp.engine.events import Event
from a3s_lsp.engine.messages import Json, Usage
from a3s_lsp.engine.run import RunResult
from a3s_lsp.engine.verification import Summary
from a3s_lsp.engine.verification_events import verification_fields
from a3s_lsp.engine.verification_json import summary_json

_SHOWN = 80
"""How many characters of an answer its repr shows."""


class Handle:
    """A value that only this package makes."""

    def __init__(self) -> None:
        raise TypeError(f"No constructor defined for {type(self).__name__}")


class AgentResult(Handle):
    """The answer to one prompt; `str()` of it is the text."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    tool_calls_count: int
    verification_status: str
    verification_report_count: int
    failed_verification_count: int
    pending_verification_count: int
    verification_summary_json: str
    verification_summary_text: str
    limits: Json | None
    """What bounded the run, and how near it came; None for a slash command, which is no run."""
    budget: Json | None
    """What the session may spend, and what it has spent."""

    @classmethod
    def of(cls, text: str, usage: Usage, tool_calls: int, verification: Summary | None = None) -> AgentResult:
        """From the engine's values."""
        self = object.__new__(cls)
        self.text = text
        self.prompt_tokens, self.completion_tokens = usage.prompt_tokens, usage.completion_tokens
        self.total_tokens = usage.total_tokens
        self.tool_calls_count = tool_calls
        verified = verification or Summary()
        self.verification_status = verified.status
        self.verification_report_count = verified.report_count
        self.failed_verification_count = verified.failed_check_count
        self.pending_verification_count = verified.pending_required_check_count
        self.verification_summary_json = json.dumps(summary_json(verified))
        self.verification_summary_text = verified.text
        self.limits = self.budget = None
        return self

    @classmethod
    def of_run(cls, result: RunResult) -> AgentResult:
        """From a run that has an answer."""
        self = cls.of(result.text, result.usage, result.tool_calls, result.verification)
        self.limits, self.budget = result.limits, result.budget
        return self

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        text = self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}..."
        return (
            f"AgentResult(text={_quoted(text)}, tool_calls={self.tool_calls_count}, "
            f"tokens={self.total_tokens}, verification={self.verification_status})"
        )


class ToolResult(Handle):
    """What a tool answered. `exit_code` 0 is success; `attachments` are images, in the form that prompts have."""

    name: str
    output: str
    exit_code: int
    metadata: Json | None
    error_kind: Json | None
    attachments: list[Json]

    @classmethod
    def of(cls, name: str, result: ports.ToolResult) -> ToolResult:
        """From the engine's value."""
        self = object.__new__(cls)
        self.name, self.output, self.exit_code = name, result.output, result.exit_code
        self.metadata, self.error_kind = result.metadata, result.error_kind
        self.attachments = _attachments(result)
        return self

    @property
    def ok(self) -> bool:
        """Whether it worked."""
        return self.exit_code == 0

    @property
    def metadata_json(self) -> str | None:
        """The metadata as JSON text."""
        return None if self.metadata is None else json.dumps(self.metadata)

    @property
    def error_kind_json(self) -> str | None:
        """The kind of error as JSON text."""
        return None if self.error_kind is None else json.dumps(self.error_kind)

    def __repr__(self) -> str:
        return f"ToolResult(name='{self.name}', exit_code={self.exit_code})"


class ToolText(str):
    """A tool's output as text that also knows the exit code, and the images that belong to it."""

    __slots__ = ("attachments", "exit_code", "metadata")
    exit_code: int
    metadata: Json | None
    attachments: list[Json]

    @classmethod
    def of(cls, result: ports.ToolResult) -> ToolText:
        """From the engine's value."""
        self = cls(result.output)
        self.exit_code, self.metadata = result.exit_code, result.metadata
        self.attachments = _attachments(result)
        return self

    @property
    def ok(self) -> bool:
        """Whether it worked."""
        return self.exit_code == 0

    @property
    def artifact_uri(self) -> str | None:
        """Where the whole output is, if this is only its start."""
        artifact = (self.metadata or {}).get("artifact")
        uri = artifact.get("artifact_uri") if isinstance(artifact, dict) else None
        return uri if isinstance(uri, str) else None


def _attachments(result: ports.ToolResult) -> list[Json]:
    return [{"data": base64.b64decode(each.data), "media_type": each.media_type} for each in result.attachments]


_ATTRIBUTES = (
    "text",
    "tool_id",
    "tool_name",
    "tool_output",
    "exit_code",
    "error",
    "prompt",
    "total_tokens",
    "turn",
    "verification_summary_json",
    "verification_summary_text",
)


class AgentEvent(Handle):
    """One step of a run. Attributes that an event has no use for are None; `data` is the rest of it as JSON text."""

    event_type: str
    text: str | None
    tool_id: str | None
    tool_name: str | None
    tool_output: str | None
    exit_code: int | None
    error: str | None
    error_kind: Json | None
    prompt: str | None
    total_tokens: int | None
    turn: int | None
    verification_summary_json: str | None
    verification_summary_text: str | None
    data: str | None

    @classmethod
    def of(cls, event: Event) -> AgentEvent:
        """From the engine's value."""
        return cls.made(event.type, event.fields)

    @classmethod
    def made(cls, event_type: str, fields: Json) -> AgentEvent:
        """From a type and its fields."""
        self = object.__new__(cls)
        self.event_type = event_type
        rest = dict(fields)
        if event_type == "end":
            rest = {**verification_fields(Summary()), **rest}
        for name in _ATTRIBUTES:
            setattr(self, name, rest.pop(name, None))
        kind = rest.pop("error_kind", None)
        self.error_kind = kind if isinstance(kind, dict) else None
        if event_type == "confirmation_received":
            rest = {"approved": rest.get("approved"), "reason": rest.get("reason")}
        if event_type == "context_resolved":
            rest = dict(fields)
        self.data = json.dumps(rest) if rest else None
        return self

    @property
    def error_kind_json(self) -> str | None:
        """The kind of error as JSON text."""
        return None if self.error_kind is None else json.dumps(self.error_kind)

    def __repr__(self) -> str:
        match self.event_type:
            case "tool_start":
                shown = f", tool='{self.tool_name}'"
            case "text_delta":
                shown = f", text={_quoted(self.text)}"
            case "end":
                shown = f", tokens={self.total_tokens}"
            case "error":
                shown = f", error={_quoted(self.error)}"
            case _:
                shown = ""
        return f"AgentEvent(type='{self.event_type}'{shown})"


def _quoted(text: str | None) -> str:
    return json.dumps(text, ensure_ascii=False)
