"""How an MCP server is reached, and the two ways in which that is written: as a program's dict, and in `agent.acl`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from a3s_lsp.engine.config.settings import McpServer, Settings
from a3s_lsp.engine.errors import ConfigError

DEFAULT_TIMEOUT_MS = 60_000
_KINDS = ("stdio", "http", "streamable-http", "sse")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Stdio:
    """A program that is started, and spoken to over its standard input and output."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Remote:
    """A server at an address; `kind` is http (streamable HTTP) or sse."""

    url: str
    kind: str = "http"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


Transport: TypeAlias = Stdio | Remote


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """A server. `timeout_ms` bounds the connection, and each call."""

    name: str
    transport: Transport
    timeout_ms: int = DEFAULT_TIMEOUT_MS

    @property
    def command_line(self) -> str:
        """What would be run, or spoken to."""
        match self.transport:
            case Stdio(command=command, args=args):
                return shlex.join([command, *args])
            case Remote(url=url):
                return url


def parse_server(config: Mapping[str, object]) -> ServerSpec:
    """From `{"name", "transport": {"type", …}, "env"?, "timeout_ms"?}`; the names of the transport may stand beside it.
    ValueError says what is missing, TypeError what is of the wrong kind."""
    name = _text(config, "name")
    if not _NAME.fullmatch(name):
        raise _invalid(f"name {name!r} must be letters, digits, '_', '-' and '.', at most 64")
    transport = config.get("transport")
    if transport is None:
        raise _invalid("missing field `transport`")
    if isinstance(transport, str):
        transport = {**config, "type": transport}
    if not isinstance(transport, Mapping):
        raise TypeError(f"transport must be a dict, not {type(transport).__name__}")
    timeout = config.get("timeout_ms")
    if timeout is not None and (not isinstance(timeout, int) or isinstance(timeout, bool)):
        raise TypeError(f"timeout_ms must be a whole number, not {type(timeout).__name__}")
    if timeout is not None and timeout <= 0:
        raise _invalid("timeout_ms must be positive")
    env = _strings(config, "env") or _strings(transport, "env")
    return ServerSpec(name, _transport(transport, env), DEFAULT_TIMEOUT_MS if timeout is None else timeout)


def configured(server: McpServer) -> ServerSpec:
    """From the table of an `agent.acl`. ValueError says what is missing."""
    inner = server.transport
    kind = inner.type or ("stdio" if server.command or inner.command else "http")
    table = {
        "type": kind,
        "command": inner.command or server.command,
        "args": list(inner.args or server.args),
        "url": inner.url or server.url,
        "headers": {**server.headers, **inner.headers},
    }
    rows = {"name": server.name, "transport": table, "env": server.env, "timeout_ms": server.timeout_ms}
    return parse_server(rows)


def servers_of(settings: Settings) -> tuple[ServerSpec, ...]:
    """The servers of a configuration that are to be connected. Raises ConfigError."""
    try:
        return tuple(configured(server) for server in settings.mcp_servers.values() if server.enabled)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _transport(given: Mapping[str, object], env: Mapping[str, str]) -> Transport:
    kind = _text(given, "type")
    if kind not in _KINDS:
        known = ", ".join(f"`{each}`" for each in _KINDS)
        raise _invalid(f"unknown variant `{kind}`, expected one of {known}")
    if kind == "stdio":
        args = given.get("args") or ()
        if not isinstance(args, list | tuple) or not all(isinstance(each, str) for each in args):
            raise TypeError("args must be a list of strings")
        return Stdio(_text(given, "command"), tuple(args), env)
    url = _text(given, "url")
    if not url.startswith(("http://", "https://")):
        raise _invalid(f"url must begin with http:// or https://, not {url!r}")
    return Remote(url, "sse" if kind == "sse" else "http", _strings(given, "headers"))


def _text(given: Mapping[str, object], name: str) -> str:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    if not value:
        raise _invalid(f"missing field `{name}`")
    return value


def _strings(given: Mapping[str, object], name: str) -> dict[str, str]:
    value = given.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        raise TypeError(f"{name} must be a dict of strings")
    return dict(value)


def _invalid(reason: str) -> ValueError:
    return ValueError(f"Invalid MCP server config: {reason}")
