"""The settings: every name of an `agent.acl`, what it means, and what holds without it."""

# ruff: noqa: RUF009 - the functions of `schema` make dataclass fields, anew for each

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from a3s_lsp.engine.config.schema import (
    choice,
    flag,
    integer,
    label,
    mapping,
    number,
    optional_table,
    table,
    tables,
    text,
    texts,
)
from a3s_lsp.engine.hooks import EVENTS

StorageBackend: TypeAlias = Literal["memory", "file", "custom"]
HandlerMode: TypeAlias = Literal["internal", "external", "hybrid"]
RetryStrategy: TypeAlias = Literal["exponential", "fixed", "none"]
TransportKind: TypeAlias = Literal["", "stdio", "http", "streamable-http", "sse"]
OnFailure: TypeAlias = Literal["block", "allow"]


@dataclass(frozen=True, slots=True)
class Limit:
    context: int | None = integer("Tokens that the model can see at once.", None, least=1)
    output: int | None = integer("Tokens that one answer may have.", None, least=1)


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars for a million tokens; None where the price is not known."""

    input: float | None = number("Dollars for a million tokens read.", None)
    output: float | None = number("Dollars for a million tokens written.", None)
    cache_read: float | None = number("Dollars for a million tokens read from the provider's cache.", None)
    cache_write: float | None = number("Dollars for a million tokens written to the provider's cache.", None)


@dataclass(frozen=True, slots=True)
class Modalities:
    input: tuple[str, ...] = texts("What the model can be sent, for instance text and image.")
    output: tuple[str, ...] = texts("What the model answers with.")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model of a provider. What it leaves out comes from the provider."""

    id: str = label("The name that the provider knows the model by; it is sent with every request.")
    name: str = text("The name that people see; the id if it is left out.")
    family: str = text("The family of models that it belongs to.")
    api_key: str = text("The key for this model alone.", secret=True)
    base_url: str = text("The address for this model alone.")
    headers: Mapping[str, str] = mapping("HTTP headers sent with every request for this model.")
    session_id_header: str = text("The HTTP header that carries the session's id.")
    attachment: bool = flag("Whether the model takes files.", False)
    reasoning: bool = flag("Whether the model thinks before it answers.", False)
    tool_call: bool = flag("Whether the model can call tools.", True)
    temperature: bool = flag("Whether the model takes a temperature.", True)
    release_date: str = text("When the model came out.")
    modalities: Modalities = table("What goes in and what comes out.", Modalities)
    cost: Cost = table("Prices, in US dollars for a million tokens.", Cost)
    limit: Limit = table("How much the model can take and give.", Limit)
    max_tokens: int | None = integer("Tokens that one answer may have.", None, least=1, instead="limit { output = … }")
    context_tokens: int | None = integer(
        "Tokens that the model can see at once.", None, least=1, instead="limit { context = … }"
    )

    @property
    def output_limit(self) -> int | None:
        """Tokens that one answer may have."""
        return self.limit.output or self.max_tokens

    @property
    def context_limit(self) -> int | None:
        """Tokens that the model can see at once."""
        return self.limit.context or self.context_tokens


@dataclass(frozen=True, slots=True)
class Provider:
    """Where models are asked, and with which key."""

    name: str = label("The provider's name, the part of provider/model before the slash.")
    api_key: str = text('The key; better read from the environment: env("OPENAI_API_KEY").', secret=True)
    base_url: str = text("The address, for instance http://127.0.0.1:8000/v1.")
    headers: Mapping[str, str] = mapping("HTTP headers sent with every request.")
    session_id_header: str = text("The HTTP header that carries the session's id.")
    models: Mapping[str, ModelSpec] = tables("A model that can be asked here.", ModelSpec)


@dataclass(frozen=True, slots=True)
class AutoDelegation:
    enabled: bool = flag("Whether matching prompts are handed to child agents at once.", False)
    auto_parallel: bool = flag("Whether several children may start for one prompt.", True, also=("parallel",))
    allow_manual_delegation: bool = flag("Whether the model may delegate by itself.", True)
    min_confidence: float = number("How sure a match must be, from 0 to 1.", 0.72, most=1.0)
    max_tasks: int = integer("How many children one prompt may start.", 4, least=1)


@dataclass(frozen=True, slots=True)
class Relevance:
    decay_days: float = number("Days until the recency of a memory has fallen to a third.", 30.0, least=0.1)
    importance_weight: float = number("How much importance counts.", 0.7)
    recency_weight: float = number("How much recency counts.", 0.3)


@dataclass(frozen=True, slots=True)
class Prune:
    max_age_days: int = integer("Days after which an unimportant memory is dropped.", 90)
    min_importance_to_keep: float = number("From this importance on a memory is kept however old.", 0.5, most=1.0)
    max_items: int = integer("How many memories are kept; 0 keeps all.", 0)


@dataclass(frozen=True, slots=True)
class Memory:
    dir: str = text("The folder that memories are kept in; none are kept if it is left out.")
    max_short_term: int = integer("How many short-term memories a session keeps.", 100)
    max_working: int = integer("How many working memories a session keeps.", 10)
    prune_interval_secs: int = integer("Seconds between two clean-ups; 0 never cleans up.", 3600)
    relevance: Relevance = table("How memories are ranked.", Relevance)
    prune: Prune = table("Which memories are dropped.", Prune, also=("prune_policy",))
    llm_extraction: bool = flag("Whether the model picks what is worth remembering.", False)
    llm_extraction_max_items: int = integer("How many memories one extraction may give.", 5)
    llm_extraction_max_input_chars: int = integer("How much text one extraction may read.", 12000)


@dataclass(frozen=True, slots=True)
class LaneHandler:
    lane: str = label("control, query, execute or generate.")
    mode: HandlerMode = choice("Who runs the calls of the lane.", "internal", ("internal", "external", "hybrid"))
    timeout_ms: int = integer("How long an external worker may take.", 60000)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    strategy: RetryStrategy = choice("How the pauses grow.", "exponential", ("exponential", "fixed", "none"))
    max_retries: int = integer("How often a call is tried again.", 3)
    initial_delay_ms: int = integer("The first pause of the exponential strategy.", 100)
    fixed_delay_ms: int = integer("Every pause of the fixed strategy.", 100)


@dataclass(frozen=True, slots=True)
class RateLimit:
    limit_type: Literal["per_second", "per_minute", "per_hour", "unlimited"] = choice(
        "What the limit counts by.", "unlimited", ("per_second", "per_minute", "per_hour", "unlimited")
    )
    max_operations: int = integer("How many calls may start in that time.", 0)


@dataclass(frozen=True, slots=True)
class PriorityBoost:
    strategy: Literal["standard", "aggressive", "disabled"] = choice(
        "How calls near their deadline are moved forward.", "disabled", ("standard", "aggressive", "disabled")
    )
    deadline_ms: int | None = integer("The deadline of a call.", None)


@dataclass(frozen=True, slots=True)
class LaneTimeouts:
    control: int | None = integer("Milliseconds for a call of the control lane.", None)
    query: int | None = integer("Milliseconds for a call of the query lane.", None)
    execute: int | None = integer("Milliseconds for a call of the execute lane.", None)
    generate: int | None = integer("Milliseconds for a call of the generate lane.", None)


@dataclass(frozen=True, slots=True)
class Queue:
    control_max_concurrency: int = integer("Calls of the control lane at once.", 4, least=1)
    query_max_concurrency: int = integer("Calls of the query lane at once.", 12, least=1)
    execute_max_concurrency: int = integer("Calls of the execute lane at once.", 4, least=1)
    generate_max_concurrency: int = integer("Calls of the generate lane at once.", 2, least=1)
    lane_handlers: Mapping[str, LaneHandler] = tables("Who runs the calls of a lane.", LaneHandler)
    lane_timeouts: LaneTimeouts = table("How long a call may take, by lane.", LaneTimeouts)
    enable_dlq: bool = flag("Whether failed calls are kept for a look.", False)
    dlq_max_size: int = integer("How many failed calls are kept.", 1000)
    enable_metrics: bool = flag("Whether calls are counted and timed.", False)
    enable_alerts: bool = flag("Whether a long queue is reported.", False)
    default_timeout_ms: int | None = integer("How long a call may take.", None)
    storage_path: str = text("Where the queue is kept.")
    retry_policy: RetryPolicy = table("When a failed call is tried again.", RetryPolicy)
    rate_limit: RateLimit = table("How many calls may start in a while.", RateLimit)
    priority_boost: PriorityBoost = table("How calls near their deadline are treated.", PriorityBoost)
    pressure_threshold: int | None = integer("From how many waiting calls on the queue counts as long.", None)


@dataclass(frozen=True, slots=True)
class SearchHealth:
    max_failures: int = integer("After how many failures in a row an engine rests.", 3)
    suspend_seconds: int = integer("How long it rests.", 60)


@dataclass(frozen=True, slots=True)
class SearchEngine:
    name: str = label("The engine's short name, for instance ddg or wiki.")
    enabled: bool = flag("Whether the engine is asked.", True)
    weight: float = number("How much its results count.", 1.0)
    timeout: float | None = number("Seconds that this engine may take.", None)
    url: str = text("Where it is asked, if not at its own address; searxng has none of its own.")


@dataclass(frozen=True, slots=True)
class Search:
    timeout: float = number("Seconds that a web search may take.", 10.0)
    health: SearchHealth = table("When an engine rests.", SearchHealth)
    engine: Mapping[str, SearchEngine] = tables("A search engine.", SearchEngine, also=("engines",))


@dataclass(frozen=True, slots=True)
class Web:
    allow_private: tuple[str, ...] = texts(
        "Places off the public internet that the model may fetch: hosts, host:port, addresses, networks as 10.0.0.0/8."
    )


@dataclass(frozen=True, slots=True)
class Oauth:
    auth_url: str = text("Where leave is asked.")
    token_url: str = text("Where the token comes from.")
    client_id: str = text("The id of this client.")
    client_secret: str = text("The secret of this client.", secret=True)
    scopes: tuple[str, ...] = texts("What is asked for.")
    redirect_uri: str = text("Where the browser goes afterwards.")
    access_token: str = text("A token that is there already.", secret=True)


@dataclass(frozen=True, slots=True)
class Transport:
    """How an MCP server is reached."""

    type: TransportKind = choice("How the server is spoken to.", "", ("stdio", "http", "streamable-http", "sse"))
    command: str = text("The program to start.")
    args: tuple[str, ...] = texts("Its arguments.")
    url: str = text("The server's address.")
    headers: Mapping[str, str] = mapping("HTTP headers sent to the server.")


@dataclass(frozen=True, slots=True)
class McpServer:
    name: str = label("The server's name; its tools are called mcp__<name>__<tool>.")
    enabled: bool = flag("Whether the server is connected.", True)
    transport: Transport = table(
        "How the server is reached; its names may also stand beside it.", Transport, plain="type"
    )
    command: str = text("The program to start.")
    args: tuple[str, ...] = texts("Its arguments.")
    url: str = text("The server's address.")
    headers: Mapping[str, str] = mapping("HTTP headers sent to the server.")
    env: Mapping[str, str] = mapping("Variables that the program gets.")
    timeout_ms: int | None = integer("Milliseconds that a call may take.", None)
    oauth: Oauth | None = optional_table("How leave is asked from the server.", Oauth)


@dataclass(frozen=True, slots=True)
class Ahp:
    """An outside supervisor that sees every step and may stop it."""

    enabled: bool = flag("Whether the supervisor is asked.", True)
    url: str = text("The supervisor's address.")
    auth_token: str = text("The token that it expects.", secret=True)
    on_failure: OnFailure = choice("What holds while it cannot be asked.", "block", ("block", "allow"))
    idle_ms: int | None = integer("After how long without work it is told so.", None)


@dataclass(frozen=True, slots=True)
class HookMatcher:
    """Which events a hook is for: all that is set must hold."""

    tool: str = text("The tool's name; * and ? are placeholders.")
    path_pattern: str = text("A file pattern such as src/**; the files of the call are matched.")
    command_pattern: str = text("A regular expression, looked for in the command and in each of its parts.")
    session_id: str = text("The session's id.")
    skill: str = text("The skill's name; * and ? are placeholders.")


@dataclass(frozen=True, slots=True)
class HookCommand:
    """A command that is asked at an event: it reads JSON, and may answer JSON."""

    id: str = label("The hook's name.")
    event: str = choice("When the command is asked, for instance pre_tool_use.", "", ("", *EVENTS))
    command: str = text("The shell command; it runs in the workspace folder.")
    matcher: HookMatcher = table("Which events of that kind it is asked at.", HookMatcher)
    priority: int = integer("Lower ones are asked first.", 100)
    timeout_ms: int = integer("How long it may take.", 30000, least=1)
    async_execution: bool = flag("Whether nobody waits for it, where it cannot stop anything.", False)
    max_retries: int = integer("How often it may ask for another try.", 3)


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole `agent.acl`."""

    default_model: str = text("The model that answers, as provider/model.")
    providers: Mapping[str, Provider] = tables("Where models are asked.", Provider)
    strict: bool = flag("Whether what is only a warning otherwise is an error.", False)
    skill_dirs: tuple[str, ...] = texts("Folders with skills.", also=("skills",))
    agent_dirs: tuple[str, ...] = texts("Folders with agent definitions.")
    max_tool_rounds: int = integer("How many turns one prompt may take.", 50, least=1)
    max_parallel_tasks: int = integer("How many child agents may work at once.", 8, least=1)
    auto_parallel: bool | None = flag(
        "Whether independent tasks start together; wins over the one in auto_delegation.",
        None,
        also=("auto_parallel_enabled",),
    )
    auto_delegation: AutoDelegation = table("When prompts go to child agents at once.", AutoDelegation)
    thinking_budget: int | None = integer("Tokens that the model may think for.", None)
    storage_backend: StorageBackend = choice("Where sessions are kept.", "file", ("memory", "file", "custom"))
    sessions_dir: str = text("The folder that sessions are kept in.")
    storage_url: str = text("The address of a custom store.")
    memory_dir: str = text("The folder that memories are kept in; the one in memory wins over it.")
    memory: Memory = table("What is remembered from one session to the next.", Memory)
    queue: Queue | None = optional_table("How calls wait for each other, by lane.", Queue)
    search: Search = table("How the web is searched.", Search)
    web: Web = table("What of the web may be fetched.", Web)
    mcp_servers: Mapping[str, McpServer] = tables("A server with more tools.", McpServer, also=("mcp_server",))
    hooks: Mapping[str, HookCommand] = tables("A command that sees, changes or stops.", HookCommand, also=("hook",))
    ahp: Ahp | None = optional_table("An outside supervisor.", Ahp)
