"""A language model behind a network, asked through litellm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass

from a3s_lsp.engine.config.target import Target
from a3s_lsp.engine.messages import Json, Usage
from a3s_lsp.engine.models.loading import Answer, loaded, warm
from a3s_lsp.engine.models.prices import price_of, sees_images, with_cost
from a3s_lsp.engine.models.refusals import as_model_error
from a3s_lsp.engine.models.retry import Retry, Transient, retried
from a3s_lsp.engine.models.sampling import sampling
from a3s_lsp.engine.models.wire import CallPieces, Dialect, wire_messages, wire_tool
from a3s_lsp.engine.ports import Chunk, Finish, ModelRequest, ReasoningDelta, TextDelta

_CACHED_PARTS = [
    {"location": "message", "role": "system"},
    {"location": "message", "index": -1},
    {"location": "tool_config"},
]


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds without a word from the provider: before its first, and between two."""

    first: float = 300.0
    idle: float = 120.0


class LiteLLMModel:
    """A `ports.Model`. Failures before the first chunk are retried here; a `ModelError` after one means that the
    answer was cut, and asking for the whole turn again may help; `ModelRefused` means that it would not."""

    def __init__(self, target: Target, *, patience: Patience | None = None, retry: Retry | None = None) -> None:
        self._target = target
        self._patience = patience or Patience()
        self._retry = retry or Retry()

    @property
    def name(self) -> str:
        return self._target.name

    @property
    def plans(self) -> bool:
        return True

    def warm(self) -> None:
        """Load what the first request needs, in the background."""
        warm()

    async def ready(self) -> None:
        """Return when what the first request needs is loaded."""
        await loaded()

    def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """One turn, as `ports.Model` says."""
        return retried(lambda: self._attempt(request), self._retry)

    async def _attempt(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        library = await loaded()
        usage = Usage()
        calls = CallPieces()
        answer: Answer | None = None
        until = asyncio.get_running_loop().time() + self._patience.first
        try:
            async with asyncio.timeout_at(until):
                answer = await library.acompletion(**self._arguments(request, library.prices))
            while (part := await _next_part(answer, until)) is not None:
                until = asyncio.get_running_loop().time() + self._patience.idle
                usage = _usage(part) or usage
                for chunk in _chunks(part, calls):
                    yield chunk
            if answer.received_finish_reason is None:
                raise Transient(f"{self.name}: the answer was cut before its end")
            yield Finish(answer.received_finish_reason, with_cost(usage, price_of(self._target, library.prices)))
        except TimeoutError:
            raise Transient(f"{self.name}: no word from the provider for too long", reason="timeout") from None
        except library.errors as error:
            raise as_model_error(error, self._target, opened=answer is not None) from None
        finally:
            if answer is not None:
                await answer.aclose()

    def _arguments(self, request: ModelRequest, listed: Mapping[str, Mapping[str, object]]) -> Json:
        target = self._target
        optional: Json = {
            "tools": [wire_tool(tool) for tool in request.tools] or None,
            "tool_choice": _forced(request.tool_choice),
            "response_format": request.response_format,
            "max_tokens": target.max_tokens,
            "extra_headers": dict(target.headers) or None,
            "cache_control_injection_points": _CACHED_PARTS if target.provider == "anthropic" else None,
        }
        return {
            **_address(target),
            "messages": wire_messages(request, _dialect(target, listed)),
            # Without a key litellm would take one from the environment and send it wherever the address points.
            "api_key": target.api_key or "none",
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_retries": 0,
            "_skip_mcp_handler": True,
            **{name: value for name, value in optional.items() if value is not None},
            **sampling(target, request, listed),
        }


def _dialect(target: Target, listed: Mapping[str, Mapping[str, object]]) -> Dialect:
    # litellm would put a sentence of its own into Anthropic's empty texts.
    silence = None if target.provider == "anthropic" else ""
    if not sees_images(target, listed):
        return Dialect(silence, "named")
    return Dialect(silence, "inside" if target.provider == "anthropic" else "behind")


def _forced(tool: str | None) -> Json | None:
    return None if tool is None else {"type": "function", "function": {"name": tool}}


def _address(target: Target) -> Json:
    """Who is asked. An address of one's own speaks OpenAI's dialect, but for Anthropic's."""
    if not target.base_url:
        return {"model": target.name}
    address = target.base_url.rstrip("/")
    if target.provider == "anthropic":
        return {"model": target.name, "base_url": address.removesuffix("/v1")}
    return {"model": f"openai/{target.model}", "base_url": address}


async def _next_part(answer: Answer, until: float) -> object | None:
    try:
        async with asyncio.timeout_at(until):
            return await anext(answer)
    except StopAsyncIteration:
        return None


def _chunks(part: object, calls: CallPieces) -> Iterator[Chunk]:
    for choice in getattr(part, "choices", None) or ():
        delta = choice.delta
        if reasoning := getattr(delta, "reasoning_content", None):
            yield ReasoningDelta(reasoning)
        if text := getattr(delta, "content", None):
            yield TextDelta(text)
        for piece in getattr(delta, "tool_calls", None) or ():
            function = piece.function
            yield from calls.pieces(piece.index, piece.id or "", function.name or "", function.arguments or "")


def _usage(part: object) -> Usage | None:
    usage = getattr(part, "usage", None)
    if usage is None:
        return None
    details = getattr(usage, "prompt_tokens_details", None)
    return Usage(
        usage.prompt_tokens or 0,
        usage.completion_tokens or 0,
        getattr(details, "cached_tokens", None) or 0,
        getattr(usage, "cache_creation_input_tokens", None) or 0,
    )
