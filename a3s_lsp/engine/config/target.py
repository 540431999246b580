"""What the name of a model stands for: where it is asked, with which key, at which price."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from a3s_lsp.engine.config.settings import Cost, ModelSpec, Provider
from a3s_lsp.engine.errors import ConfigError

OFFLINE = "offline/assistant"
"""The one model that needs no provider: it has no language model behind it, and says so."""
OLLAMA_URL = "http://127.0.0.1:11434/v1"


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """A provider that needs no configuration but its key; `model` is asked when none is named."""

    variable: str
    model: str


KNOWN: Mapping[str, KnownProvider] = {
    "anthropic": KnownProvider("ANTHROPIC_API_KEY", "claude-sonnet-5-5"),
    "openai": KnownProvider("OPENAI_API_KEY", "gpt-5.6"),
    "gemini": KnownProvider("GEMINI_API_KEY", "gemini-pro-latest"),
    "openrouter": KnownProvider("OPENROUTER_API_KEY", "openrouter/auto"),
    "mistral": KnownProvider("MISTRAL_API_KEY", "devstral-medium-latest"),
    "deepseek": KnownProvider("DEEPSEEK_API_KEY", "deepseek-v4-pro"),
    "xai": KnownProvider("XAI_API_KEY", "grok-code-fast-1"),
    "groq": KnownProvider("GROQ_API_KEY", "openai/gpt-oss-120b"),
}
"""In the order in which their keys are looked for."""


@dataclass(frozen=True, slots=True)
class Target:
    """A model and how it is reached. An empty `base_url` is the provider's own address."""

    provider: str
    model: str
    api_key: str = field(default="", repr=False)
    base_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_tokens: int | None = None
    cost: Cost = field(default_factory=Cost)
    images: bool | None = None
    """Whether it takes images; None where the configuration does not say."""
    reasoning: bool = False
    """Whether the configuration says that it thinks before it answers."""
    temperature: bool = True
    """Whether it takes a temperature."""

    @property
    def name(self) -> str:
        return f"{self.provider}/{self.model}"


def find_target(providers: Mapping[str, Provider], name: str, environ: Mapping[str, str]) -> Target:
    """The target of `provider/model`. Raises ConfigError with what is missing."""
    provider_name, slash, model_name = name.partition("/")
    if not (provider_name and slash and model_name):
        raise ConfigError("model format must be 'provider/model' (e.g., 'openai/gpt-4o')")
    provider = providers.get(provider_name)
    if provider is None:
        return _unconfigured(providers, provider_name, model_name, environ)
    model = provider.models.get(model_name)
    if model is None:
        raise ConfigError(_not_found(provider_name, model_name, provider.models, f"models of '{provider_name}'"))
    return _configured(provider, model, environ)


def _configured(provider: Provider, model: ModelSpec, environ: Mapping[str, str]) -> Target:
    known = KNOWN.get(provider.name)
    base_url = model.base_url or provider.base_url or (OLLAMA_URL if provider.name == "ollama" else "")
    key = model.api_key or provider.api_key or (environ.get(known.variable, "") if known else "")
    if not key and not _local(base_url):
        variable = known.variable if known else f"{provider.name.upper()}_API_KEY"
        raise ConfigError(f"provider '{provider.name}' has no api_key: write api_key = env(\"{variable}\")")
    return Target(
        provider.name,
        model.id,
        key,
        base_url,
        {**provider.headers, **model.headers},
        model.output_limit,
        model.cost,
        _takes_images(model),
        model.reasoning,
        model.temperature,
    )


def _takes_images(model: ModelSpec) -> bool | None:
    if model.attachment or "image" in model.modalities.input:
        return True
    return False if model.modalities.input else None


def _unconfigured(providers: Mapping[str, Provider], provider: str, model: str, environ: Mapping[str, str]) -> Target:
    """Providers that everyone knows do not need a block if their key is in the environment."""
    if provider == "ollama":
        return Target(provider, model, base_url=OLLAMA_URL)
    known = KNOWN.get(provider)
    if known is None:
        raise ConfigError(_not_found(provider, model, {*providers, *KNOWN}, "providers"))
    key = environ.get(known.variable, "")
    if not key:
        missing = f"it has no providers block and {known.variable} is not set"
        raise ConfigError(f"provider '{provider}' or model '{model}' not found in config: {missing}")
    return Target(provider, model, key)


def _not_found(provider: str, model: str, known: Iterable[str], what: str) -> str:
    wanted = provider if what == "providers" else model
    near = difflib.get_close_matches(wanted, list(known), n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known {what}: {', '.join(sorted(known)) or 'none'}"
    return f"provider '{provider}' or model '{model}' not found in config; {hint}"


def _local(base_url: str) -> bool:
    return urlsplit(base_url).hostname in ("127.0.0.1", "localhost", "::1")
