"""A model is asked beside the conversation: what a tool wants of it, which is paid for all the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import ModelError
from a3s_lsp.engine.messages import ToolCall
from a3s_lsp.engine.ports import CallDelta, Chunk, Finish, Model, ModelRequest, Said, TextDelta


async def ask_aside(
    model: Model,
    purpose: str,
    emit: Callable[[f.Fact], None],
    request: ModelRequest,
    show: Callable[[Chunk], None],
) -> Said:
    """One whole answer, each piece of which is shown. Raises ModelError, or LimitReached if nothing may be spent."""
    text: list[str] = []
    calls: dict[int, ToolCall] = {}
    finish: Finish | None = None
    async with aclosing(model.stream(request)) as chunks:  # type: ignore[type-var]  # ports promise an iterator, all models are generators
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
    emit(f.AsideAnswered(purpose, finish.usage))
    return Said("".join(text), tuple(calls[index] for index in sorted(calls)), finish.reason)
