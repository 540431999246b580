"""Loads litellm: late, on a thread because it takes seconds, and so that it keeps to itself.

Left alone, litellm reads the `.env` of the working folder into this process, fetches price lists when it is imported
and tokenizers when it counts, and prints advice to stdout.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Protocol, runtime_checkable

_ENVIRONMENT = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
}


_SWITCHES = {
    "suppress_debug_info": True,
    "disable_hf_tokenizer_download": True,
    "telemetry": False,
    # httpx alone: a session of aiohttp complains on stderr when its loop ends first.
    "disable_aiohttp_transport": True,
    # A hundred like pieces in a row may well be a table or a ruler.
    "REPEATED_STREAMING_CHUNK_LIMIT": sys.maxsize,
}


_FIRST_REQUEST = ("openai.resources", "httpcore", "h2.connection", "tiktoken_ext.openai_public")
"""What the first request would load, on the loop, for half a second."""


class Answer(Protocol):
    """A streamed answer. Without a `received_finish_reason` at its end it was cut, whatever the last chunk says."""

    @property
    def received_finish_reason(self) -> str | None: ...

    async def __anext__(self) -> object: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Library:
    """What is used of litellm. `errors` are those that a request can end with."""

    acompletion: Callable[..., Awaitable[Answer]]
    prices: Mapping[str, Mapping[str, object]]
    errors: tuple[type[Exception], ...]


@runtime_checkable
class Lazy(Protocol):
    """A model that has something to load before its first request."""

    async def ready(self) -> None:
        """Return when that is loaded."""


async def ready(model: object) -> None:
    """Have loaded what a model needs, so that the time for it is nobody's."""
    if isinstance(model, Lazy):
        await model.ready()


@cache
def warm() -> threading.Thread:
    """Start to load litellm in the background; does nothing the second time."""
    thread = threading.Thread(target=_load, name="load-litellm", daemon=True)
    thread.start()
    return thread


async def loaded() -> Library:
    """litellm, when it is there. The loop stays free, and the wait can be cancelled."""
    thread = warm()
    while thread.is_alive():  # noqa: ASYNC110 - a thread that loads belongs to no loop
        await asyncio.sleep(0.02)
    return _load()


@cache
def _load() -> Library:
    os.environ.update(_ENVIRONMENT)
    # What pydantic says of litellm's types is nothing that its user could mend.
    warnings.filterwarnings("ignore", "Items? .* using the `ReadOnly` qualifier", UserWarning)
    litellm = importlib.import_module("litellm")
    for name, value in _SWITCHES.items():
        setattr(litellm, name, value)
    for name in _FIRST_REQUEST:
        with contextlib.suppress(ImportError):  # a version without it does not need it
            importlib.import_module(name)
    return Library(
        litellm.acompletion,
        litellm.model_cost,
        (importlib.import_module("openai").OpenAIError, importlib.import_module("httpx").HTTPError),
    )
