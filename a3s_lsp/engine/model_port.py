"""What the engine needs of language models. Implementations do not inherit from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from a3s_lsp.engine.messages import Json, Message, ToolCall, Usage


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """How a tool is offered to the model; `parameters` is a JSON schema of type object."""

    name: str
    description: str
    parameters: Json


@dataclass(frozen=True, slots=True)
class ModelRequest:
    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    temperature: float | None = None
    thinking_budget: int | None = None
    """Tokens that the model may think for, where it can."""
    tool_choice: str | None = None
    """The name of the tool that has to be called."""
    response_format: Json | None = None
    """The shape of the answer, as OpenAI's API writes it."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class CallDelta:
    """A piece of a tool call. `index` tells the calls of one turn apart; `id` and `name` come with the first piece."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """The last chunk of a complete turn. `reason` is the provider's word, e.g. stop, tool_calls, length."""

    reason: str
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Comes before all others: the model could not be asked, and is asked again after a pause. `reason` is rate_limit,
    overloaded, server_error, timeout or connection; `attempt` counts the requests that have failed so far."""

    reason: str
    delay_ms: int
    attempt: int
    message: str = ""


Chunk: TypeAlias = TextDelta | ReasoningDelta | CallDelta | Finish | Waiting


@dataclass(frozen=True, slots=True)
class Said:
    """A whole answer of a model that is no part of the conversation."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    finish_reason: str = ""


AskModel: TypeAlias = Callable[[ModelRequest, Callable[[Chunk], None]], Awaitable[Said]]
"""Asks the model of the session beside the conversation; each piece of the answer is handed on as it comes."""


class Model(Protocol):
    """A language model, or what stands in for one."""

    @property
    def name(self) -> str:
        """`provider/model`."""

    def stream(self, request: ModelRequest) -> AsyncIterator[Chunk]:
        """One turn. Ends with exactly one `Finish`; raises ModelError otherwise.

        A model may ask again by itself as long as nothing of the turn was yielded but `Waiting`. Closing the
        iterator, or cancelling the task that reads it, ends the request at once.
        """


@runtime_checkable
class Planner(Protocol):
    """A model that says itself whether it is worth its cost to ask it for a plan."""

    @property
    def plans(self) -> bool: ...


def plans(model: Model) -> bool:
    """Whether prompts for this model are planned where nothing else is said."""
    return isinstance(model, Planner) and model.plans
