"""Harnesses: supervisors outside of the program, which are told every step of a session, and may stop or change it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from a3s_lsp.engine.ahp.targets import Http, Stdio, UnixSocket, WebSocket
from a3s_lsp.sdk.checks import optional_string, string, strings


class HttpTransport:
    """A harness at an HTTP address. The token, if there is one, is sent as a bearer token, and shown nowhere."""

    def __init__(self, url: str, auth_token: str | None = None) -> None:
        self.url = string("url", url)
        self.auth_token = optional_string("auth_token", auth_token)

    def __repr__(self) -> str:
        return f"HttpTransport(url={_quoted(self.url)})"

    def to_engine(self) -> Http:
        """The target of the engine. ValueError for an address that is none."""
        return Http(string("url", self.url), optional_string("auth_token", self.auth_token))


class WebSocketTransport:
    """A harness at a WebSocket address. The token, if there is one, is sent as a bearer token, and shown nowhere."""

    def __init__(self, url: str, auth_token: str | None = None) -> None:
        self.url = string("url", url)
        self.auth_token = optional_string("auth_token", auth_token)

    def __repr__(self) -> str:
        return f"WebSocketTransport(url={_quoted(self.url)})"

    def to_engine(self) -> WebSocket:
        """The target of the engine. ValueError for an address that is none."""
        return WebSocket(string("url", self.url), optional_string("auth_token", self.auth_token))


class UnixSocketTransport:
    """A harness that listens on a Unix socket."""

    def __init__(self, path: str) -> None:
        self.path = string("path", path)

    def __repr__(self) -> str:
        return f"UnixSocketTransport(path={_quoted(self.path)})"

    def to_engine(self) -> UnixSocket:
        """The target of the engine. ValueError for a path that is none."""
        return UnixSocket(string("path", self.path))


class StdioTransport:
    """A harness that is started, in the program's current folder, and spoken to over its standard input and output."""

    def __init__(self, program: str, args: Sequence[str]) -> None:
        self.program = string("program", program)
        self.args = _arguments(args)

    def __repr__(self) -> str:
        return f"StdioTransport(program={_quoted(self.program)}, args=[{', '.join(map(_quoted, self.args))}])"

    def to_engine(self) -> Stdio:
        """The target of the engine. ValueError for a program without a name."""
        return Stdio(string("program", self.program), tuple(_arguments(self.args)))


def _arguments(args: Sequence[str]) -> list[str]:
    if args is None:
        raise TypeError("args must be a list of strings")
    return strings("args", args)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
