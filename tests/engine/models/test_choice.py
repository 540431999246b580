"""Which model answers when nobody, or somebody, said so."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from a3s_lsp.engine.config.load import load
from a3s_lsp.engine.config.target import KNOWN, OFFLINE
from a3s_lsp.engine.errors import ConfigError
from a3s_lsp.engine.models.select import choose, open_model
from a3s_lsp.engine.ports import Chunk, ModelRequest
from tests.engine.models.openai_server import Answer, Server

NOBODY = "http://127.0.0.1:9/v1"
SETTINGS = load(
    """
    default_model = "mine/a"
    providers "mine" { api_key = "k" base_url = "http://127.0.0.1:1/v1" models "a" {} models "b" {} }
    """,
    {},
).settings


class Stub:
    """Stands for the offline assistant."""

    name = OFFLINE

    def stream(self, request: ModelRequest) -> AsyncIterator[Chunk]:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("configured", "name", "environ", "line"),
    [
        (True, "mine/b", {"OPENAI_API_KEY": "k"}, "mine/b: named"),
        (True, None, {"OPENAI_API_KEY": "k"}, "mine/a: default_model in agent.acl"),
        (True, "anthropic/claude-x", {"ANTHROPIC_API_KEY": "k"}, "anthropic/claude-x: named"),
        (False, "ollama/qwen", {}, "ollama/qwen: named"),
        (True, OFFLINE, {"OPENAI_API_KEY": "k"}, f"{OFFLINE}: named"),
        (False, None, {"OPENROUTER_API_KEY": "k"}, "openrouter/openrouter/auto: OPENROUTER_API_KEY is set"),
        (
            False,
            None,
            {"OPENAI_API_KEY": ""},
            f"{OFFLINE}: no model is configured, no provider's key is set, and no Ollama answers",
        ),
    ],
)
def test_the_first_model_that_can_be_asked_is_chosen(
    configured: bool, name: str | None, environ: dict[str, str], line: str
) -> None:
    choice = choose(SETTINGS if configured else None, name, environ, ollama_url=NOBODY)
    assert choice.describe() == line


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a", "model format must be 'provider/model' (e.g., 'openai/gpt-4o')"),
        ("mine/", "model format must be 'provider/model' (e.g., 'openai/gpt-4o')"),
        ("mine/c", "provider 'mine' or model 'c' not found in config; known models of 'mine': a, b"),
        ("mime/a", "provider 'mime' or model 'a' not found in config; did you mean 'mine'?"),
    ],
)
def test_a_name_that_means_nothing_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        choose(SETTINGS, name, {})
    assert str(refused.value) == sentence


def test_a_local_ollama_is_asked_for_its_first_model() -> None:
    with Server(Answer(body='{"models": [{"name": "qwen:7b"}, {"name": "other"}]}')) as server:
        choice = choose(None, None, {}, ollama_url=f"{server.url}/v1")
    assert choice.describe() == f"ollama/qwen:7b: Ollama answers at {server.url}/v1"
    assert server.requests[0].path == "/api/tags"


@pytest.mark.parametrize("body", ["", "[]", '{"models": []}', "<html>"])
def test_an_ollama_without_a_model_is_passed_over(body: str) -> None:
    with Server(Answer(body=body)) as server:
        assert choose(None, None, {}, ollama_url=f"{server.url}/v1").name == OFFLINE


def test_the_chosen_model_is_opened() -> None:
    stub = Stub()
    assert open_model(None, None, {}, offline=lambda: stub, ollama_url=NOBODY) is stub
    assert open_model(SETTINGS, None, {}, offline=lambda: stub).name == "mine/a"


def test_every_model_that_is_chosen_unasked_is_on_the_price_list() -> None:
    found = find_spec("litellm")
    assert found is not None and found.origin is not None
    prices = json.loads(Path(found.origin).with_name("model_prices_and_context_window_backup.json").read_text())
    names = {provider: known.model for provider, known in KNOWN.items() if provider != "openrouter"}
    missing = [name for name in names.items() if not {"/".join(name), name[1]} & prices.keys()]
    assert missing == []
