"""What a configuration means, and what it says about its faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3s_lsp.engine.config.load import Loaded, examine, load
from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.config.target import Target, find_target
from a3s_lsp.engine.errors import ConfigError

WHOLE = """
default_model = "openai/m"
providers "openai" {
  api_key = env("KEY")
  base_url = "http://127.0.0.1:1/v1"
  models "m" { name = "M" }
}
"""
ENV = {"KEY": "sk-very-secret"}
AT = "1:17 error default_model: "
NOTFOUND = AT + "provider 'openai' or model 'm' not found in config; "
NEEDED = 'The environment variable NO is not set, and "api_key" needs it.'
LEFT_OUT = 'The environment variable NO is not set; "api_key" is left out.'


def read(more: str) -> Loaded:
    """What a whole configuration with `more` in it means; it must be free of errors."""
    return load(WHOLE + more, ENV)


def told(text: str, *, need_model: bool = False) -> list[str]:
    """Every problem as `line:column severity message`."""
    found = examine(text, ENV, "f", need_model=need_model).problems
    return [f"{problem.line}:{problem.column} {problem.severity} {problem.message}" for problem in found]


def test_a_whole_configuration_is_read() -> None:
    settings = read(
        """
        # a comment
        skill_dirs = ["a", 'b'] // another
        agent_dirs = "c"        /* and
                                   another */
        max_tool_rounds = 7
        auto_delegation { enabled = true min_confidence = 0.5 }
        search { health { max_failures = 9 } engine { ddg { weight = 2 } } }
        queue { retry_policy { strategy = "fixed" } lane_handlers "execute" { mode = "external" } }
        memory = { prune_policy { max_items = 3 } }
        sessions_dir = <<-END
            one
              two
            END
        """
    ).settings
    assert (settings.skill_dirs, settings.agent_dirs, settings.max_tool_rounds) == (("a", "b"), ("c",), 7)
    assert (settings.auto_delegation.enabled, settings.auto_delegation.min_confidence) == (True, 0.5)
    assert (settings.search.health.max_failures, settings.search.engine["ddg"].weight) == (9, 2.0)
    assert settings.queue is not None
    assert settings.queue.retry_policy.strategy == "fixed"
    assert settings.queue.lane_handlers["execute"].mode == "external"
    assert settings.memory.prune.max_items == 3
    assert settings.sessions_dir == "one\n  two\n"
    assert settings.search.timeout == 10.0


@pytest.mark.parametrize(
    "provider",
    [
        'providers "p" { api_key = "k" base_url = "u" models "m" { limit = { output = 7 } } }',
        'providers "p" { apiKey = "k", baseUrl = "u", models "m" { limit { output = 7 } } }',
        "providers 'p' { api-key: 'k', base_url: 'u'\n models { m { limit { 'output' = 7 } } } }",
        'providers = { p = { api_key = "k" base_url = "u" models = [{ id = "m" limit = { output = 7 } }] } }',
        'providers = [{ name = "p", api_key += "k", base_url = "u", models "m" { limit { output = 7.0 } } }]',
        'providers p {\n api_key = "k"\n base_url = "u"\n models m {\n limit {\n output = 7\n }\n }\n}',
        'providers "p" { api_key = "k" base_url = "u" models "m" { maxTokens = 7 } }',
    ],
)
def test_every_spelling_of_a_provider_means_the_same(provider: str) -> None:
    settings = load(f'default_model = "p/m"\n{provider}', {}).settings
    assert find_target(settings.providers, "p/m", {}) == Target("p", "m", "k", "u", {}, 7)


def test_what_stands_in_the_model_wins_over_its_provider() -> None:
    settings = load(
        """
        default_model = "p/m"
        providers "p" {
          api_key = "k"
          base_url = "u"
          headers = { "X-A" = "1", "X-B" = "1" }
          models "m" { api_key = "own" base_url = "own-u" headers { X-B = "2" } }
        }
        """,
        {},
    ).settings
    target = find_target(settings.providers, "p/m", {})
    assert (target.api_key, target.base_url, target.headers) == ("own", "own-u", {"X-A": "1", "X-B": "2"})


@pytest.mark.parametrize(
    "servers",
    [
        'mcp_servers "x" { command = "c" args = ["a"] env = { E = "1" } }',
        'mcp_servers = [{ name = "x" command = "c" args = ["a"] env { E = "1" } }]',
        'mcpServers = { x = { transport = "stdio" command = "c" args = ["a"] env { E = "1" } } }',
    ],
)
def test_every_form_of_an_mcp_server_is_read(servers: str) -> None:
    server = read(servers).settings.mcp_servers["x"]
    assert (server.name, server.command, server.args, dict(server.env)) == ("x", "c", ("a",), {"E": "1"})


def test_a_file_may_be_named_instead_of_its_text(tmp_path: Path) -> None:
    path = tmp_path / "agent.acl"
    path.write_text(WHOLE)
    assert load(str(path), ENV).path == path
    assert load(WHOLE, ENV).path is None
    assert load(str(path), ENV).settings == load(WHOLE, ENV).settings


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("agent.acl", None, "Config file not found: {path}"),
        ("agent.acl", b'a = "\xff"', "Failed to load config: {path}:1 did not contain valid UTF-8"),
        ("agent.hcl", b"", "HCL config files are not supported in 2.0; rename the file to .acl"),
        ("agent.json", b"{}", "JSON config files are not supported; use .acl"),
        ("agent.acl", b"a = 1 b", '{path}:1:7: "b" has no value: write b = … or b {{ … }}.'),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, name: str, content: bytes | None, sentence: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        load(str(path), ENV, need_model=False)
    assert str(refused.value) == sentence.format(path=path)


def test_a_folder_named_as_a_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "agent.acl"
    folder.mkdir()
    with pytest.raises(ConfigError, match=r"is a folder; give the path of the agent.acl in it"):
        load(str(folder), ENV)


def test_json_text_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"JSON config is not supported; use ACL-compatible .acl config"):
        load('{"default_model": "openai/m"}', ENV)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a", ['1:1 error "a" has no value: write a = … or a { … }.']),
        ("strict =\nmax_tool_rounds = 3", ['1:1 error "strict" has no value.']),
        ("strict = }", ['1:1 error "strict" has no value.']),
        ("strict = yes", ['1:10 error Text needs quotes: write "yes".']),
        ("}\nstrict = true", ['1:1 error "}" is not expected here.']),
        ("strict = ?", ['1:1 error "strict" has no value.', "1:10 error The character '?' means nothing here."]),
        ("agent_dirs = ['a' 2]", ['1:19 error "agent_dirs[1]" must be a string, not a number.']),
        ('agent_dirs = ["a"\nstrict = false', ['1:14 warning This "[" is never closed with "]".']),
        ("ahp {\n  url = 'u'", ['1:5 warning This "{" is never closed with "}".']),
        ('sessions_dir = "a', ["1:16 warning This string has no closing quote; it ends with its line."]),
        ("/* a", ["1:1 warning This comment is never closed with */."]),
        ("max_tool_rounds = 1e999", ["1:19 error This number is too large."]),
        ("max_tool_rounds = 1.5", ['1:19 error "max_tool_rounds" must be a whole number, not a number.']),
        ("max_tool_rounds = true", ['1:19 error "max_tool_rounds" must be a whole number, not true or false.']),
        ("max_tool_rounds = 0", ['1:19 warning "max_tool_rounds" must be at least 1; 1 is used.']),
        ("auto_delegation { min_confidence = 2 }", ['1:36 warning "min_confidence" must be at most 1; 1 is used.']),
        ("strict = 'true'", ['1:10 error "strict" must be true or false, not a string.']),
        ("search = 3", ['1:10 error "search" must be a block, not a number.']),
        ("sessions_dir = ['a']", ['1:16 error "sessions_dir" must be a string, not a list.']),
        ("sessions_dir 'x' = 'a'", ['1:14 warning "sessions_dir" takes no name before its value.']),
        ("storage_backend = 'disk'", ['1:19 error "storage_backend" must be one of memory, file, custom.']),
        ("storage_url = 'a'\nstorageUrl = 'b'", ['2:1 warning "storage_url" is given twice; the last one holds.']),
        (
            "max_tool_round = 3",
            ['1:1 warning "max_tool_round" is not known and has no effect; did you mean "max_tool_rounds"?'],
        ),
        (
            "search { helth { } }",
            ['1:10 warning "helth" is not known in "search" and has no effect; did you mean "health"?'],
        ),
        ("zzz = 3", ['1:1 warning "zzz" is not known and has no effect.']),
        ("providers { }", ['1:1 error "providers" needs a name: providers "name" { … }.']),
        ("providers = 3", ['1:1 error "providers" needs a name and a block: providers "name" { … }.']),
        ("providers 'a' 'b' { }", ['1:15 warning "providers" takes one name; this one has no effect.']),
        ("providers = [3]", ['1:14 error "providers" takes blocks, not a number.']),
        (
            "providers 'p' { models 'm' { max_tokens = 3 } }",
            ['1:30 warning "max_tokens" is an old name; write limit { output = … }.'],
        ),
        (
            "sessions_dir = env('NO')",
            ['1:16 warning The environment variable NO is not set; "sessions_dir" is left out.'],
        ),
        ("sessions_dir = env(3)", ['1:16 error env takes the name of one variable in quotes: env("NAME").']),
        ("sessions_dir = file('x')", ['1:16 error There is no function "file"; env("NAME") is the only one.']),
        ("default_model = 'm'", [AT + "model format must be 'provider/model' (e.g., 'openai/gpt-4o')"]),
        (
            "default_model = env('NO')",
            ['1:17 error The environment variable NO is not set, and "default_model" needs it.'],
        ),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, problems: list[str]) -> None:
    assert told(text) == problems


@pytest.mark.parametrize(
    ("provider", "problem"),
    [
        ('models "x" { }', NOTFOUND + "known models of 'openai': x"),
        ('models "mm" { }', NOTFOUND + "did you mean 'mm'?"),
        ('models "m" { }', f"{AT}provider 'openai' has no api_key: write api_key = env(\"OPENAI_API_KEY\")"),
        ('api_key = env("NO") models "m" { }', "2:32 error " + NEEDED),
        ('api_key = "k" models "m" { api_key = env("NO") }', "2:59 error " + NEEDED),
        ('api_key = "k" models "m" { } models "o" { api_key = env("NO") }', "2:74 warning " + LEFT_OUT),
    ],
)
def test_what_the_default_model_lacks_is_told(provider: str, problem: str) -> None:
    assert told(f'default_model = "openai/m"\nproviders "openai" {{ {provider} }}') == [problem]


def test_all_faults_are_told_at_once_in_the_order_of_the_text() -> None:
    with pytest.raises(ConfigError) as refused:
        load('strict = 1\nzzz = 1\ndefault_model = "nobody/m"\nmax_tool_rounds = "x"', {})
    assert [line.partition(" ")[0] for line in str(refused.value).splitlines()] == [
        "agent.acl:1:10:",
        "agent.acl:3:17:",
        "agent.acl:4:19:",
    ]


def test_a_configuration_without_a_default_model_is_whole_only_if_that_is_asked() -> None:
    assert load("", {}, need_model=False) == Loaded(Settings(), ())
    with pytest.raises(ConfigError, match="default_model must be set in 'provider/model' format"):
        load("", {})


def test_what_a_later_block_replaced_is_not_missed() -> None:
    assert told("search { timeout = env('NO') }\nsearch { timeout = 3 }") == [
        '2:1 warning "search" is given twice; the last one holds.'
    ]
    assert told("providers 'p' { api_key = env('NO') }\nproviders 'p' { api_key = 'k' }") == [
        '2:11 warning "providers" has "p" twice; the last one holds.'
    ]


def test_the_offline_assistant_may_be_the_default_model() -> None:
    assert load('default_model = "offline/assistant"', {}).settings.default_model == "offline/assistant"


@pytest.mark.parametrize("opening", ["a = [", "a {", "a = {b = ", "a = env(", "["])
def test_nesting_without_end_is_an_error_and_not_a_crash(opening: str) -> None:
    assert examine("a = " + opening * 10_000, {}, "f").problems


def test_strict_makes_errors_of_warnings() -> None:
    assert [problem.severity for problem in load("zzz = 1", {}, need_model=False).problems] == ["warning"]
    with pytest.raises(ConfigError, match='"zzz" is not known'):
        load("zzz = 1\nstrict = true", {}, need_model=False)


def test_the_rest_of_a_broken_file_still_counts() -> None:
    loaded = examine("max_tool_rounds = 7\nsearch { timeout = }\nagent_dirs = [}\nskill_dirs = 'a'", {}, "f")
    assert (loaded.settings.max_tool_rounds, loaded.settings.skill_dirs) == (7, ("a",))


def test_a_known_provider_needs_only_its_key_in_the_environment() -> None:
    load('default_model = "anthropic/claude-sonnet-5-5"', {"ANTHROPIC_API_KEY": "k"})
    with pytest.raises(ConfigError, match="it has no providers block and ANTHROPIC_API_KEY is not set"):
        load('default_model = "anthropic/claude-sonnet-5-5"', {})


def test_a_model_on_this_machine_needs_no_key() -> None:
    text = 'default_model = "p/m"\nproviders "p" {{ base_url = "{}" models "m" {{}} }}'
    load(text.format("http://127.0.0.1:8000/v1"), {})
    with pytest.raises(ConfigError, match='write api_key = env\\("P_API_KEY"\\)'):
        load(text.format("http://elsewhere:8000/v1"), {})


def test_keys_are_in_no_repr_and_in_no_message() -> None:
    text = WHOLE.replace(
        "base_url", 'headers = { Authorization = "sk-very-secret" }\n api_key "x" = "sk-very-secret"\n base_ur'
    )
    loaded = examine(text, ENV, "f")
    assert loaded.problems
    assert "sk-very-secret" not in repr(loaded)
    assert "sk-very-secret" not in repr(find_target(load(WHOLE, ENV).settings.providers, "openai/m", {}))


def test_more_than_a_mebibyte_is_refused() -> None:
    assert told("#" * (1024 * 1024 + 1)) == ["1:1 error The configuration is larger than 1 MiB."]
