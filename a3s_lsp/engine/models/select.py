"""Which model answers, and why that one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.config.target import KNOWN, OFFLINE, OLLAMA_URL, Target, find_target
from a3s_lsp.engine.models.litellm_model import LiteLLMModel
from a3s_lsp.engine.ports import Model

_OLLAMA_PATIENCE = 0.2


@dataclass(frozen=True, slots=True)
class Choice:
    """A model and why it was chosen. Without a target it is the offline assistant."""

    target: Target | None
    reason: str

    @property
    def name(self) -> str:
        return OFFLINE if self.target is None else self.target.name

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name}: {self.reason}"


def open_model(
    settings: Settings | None,
    name: str | None,
    environ: Mapping[str, str],
    *,
    offline: Callable[[], Model],
    ollama_url: str = OLLAMA_URL,
) -> Model:
    """The model that `choose` chooses; `offline` makes the offline assistant."""
    target = choose(settings, name, environ, ollama_url=ollama_url).target
    return offline() if target is None else LiteLLMModel(target)


def choose(
    settings: Settings | None, name: str | None, environ: Mapping[str, str], *, ollama_url: str = OLLAMA_URL
) -> Choice:
    """The named model, else the configured one, else what the environment has a key for, else a local Ollama, else the
    offline assistant. Raises ConfigError if a named or configured model cannot be asked."""
    providers = settings.providers if settings else {}
    for wanted, reason in ((name, "named"), (settings and settings.default_model, "default_model in agent.acl")):
        if wanted:
            return Choice(None if wanted == OFFLINE else find_target(providers, wanted, environ), reason)
    for provider, known in KNOWN.items():
        if environ.get(known.variable):
            target = find_target({}, f"{provider}/{known.model}", environ)
            return Choice(target, f"{known.variable} is set")
    model = _ollama_model(ollama_url)
    if model:
        return Choice(Target("ollama", model, base_url=ollama_url), f"Ollama answers at {ollama_url}")
    return Choice(None, "no model is configured, no provider's key is set, and no Ollama answers")


def _ollama_model(url: str) -> str | None:
    """The first model of a local Ollama, if there is one that answers at once."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=_OLLAMA_PATIENCE)
    try:
        connection.request("GET", "/api/tags")
        answer: object = json.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
    match answer:
        case {"models": [{"name": str(name)}, *_]}:
            return name
        case _:
            return None
