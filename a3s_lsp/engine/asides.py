"""A model is asked beside the conversation: what a tool wants of it, which is paid for all the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import ModelError
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.messages import Message, ToolCall, ToolMessage
from a3s_lsp.engine.policy.redaction import Redactor
from a3s_lsp.engine.ports import CallDelta, Chunk, Finish, ModelRequest, Said, TextDelta


async def ask_aside(kit: Kit, purpose: str, request: ModelRequest, show: Callable[[Chunk], None]) -> Said:
    """One whole answer, each piece of which is shown. Raises ModelError, or LimitReached if nothing may be spent."""
    text: list[str] = []
    calls: dict[int, ToolCall] = {}
    finish: Finish | None = None
    async with aclosing(kit.model.stream(_sealed(request, kit.sealer.redactor))) as chunks:  # type: ignore[type-var]  # ports promise an iterator, all models are generators
        async for chunk in chunks:
            show(chunk)
            match chunk:
                case TextDelta(text=piece):
                    text.append(piece)
                case CallDelta(index=index, id=call_id, name=name, arguments=piece):
                    call = calls.get(index, ToolCall(call_id, name, ""))
                    calls[index] = ToolCall(call.id, call.name or name, call.arguments + piece)
                case Finish():
                    finish = chunk
                case _:
                    pass
    if finish is None:
        raise ModelError("The model's answer ended before it was complete.")
    kit.emit(f.AsideAnswered(purpose, finish.usage))
    await kit.settled()
    return Said("".join(text), tuple(calls[index] for index in sorted(calls)), finish.reason)


def _sealed(request: ModelRequest, redactor: Redactor) -> ModelRequest:
    """The request without secrets: no fact has it, so nothing has taken them out before."""
    messages = tuple(_message(message, redactor) for message in request.messages)
    return request if redactor.idle else replace(request, system=redactor.text(request.system), messages=messages)


def _message(message: Message, redactor: Redactor) -> Message:
    if isinstance(message, ToolMessage):
        return replace(message, content=redactor.text(message.content))
    return replace(message, text=redactor.text(message.text))
