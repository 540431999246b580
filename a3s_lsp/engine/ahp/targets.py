"""Where a harness is, and what holds while it cannot be reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

from a3s_lsp.engine.config.settings import Ahp, OnFailure, Settings
from a3s_lsp.engine.errors import ConfigError

IDLE_MS = 10_000
TIMEOUT_MS = 10_000


@dataclass(frozen=True, slots=True)
class Http:
    """A harness that each message is posted to."""

    url: str
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check(self.url, "http", "https")

    @property
    def place(self) -> str:
        """The address without what may be secret in it."""
        return _place(self.url)


@dataclass(frozen=True, slots=True)
class WebSocket:
    """A harness that each message is sent to as a text frame."""

    url: str
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check(self.url, "ws", "wss")

    @property
    def place(self) -> str:
        """The address without what may be secret in it."""
        return _place(self.url)


@dataclass(frozen=True, slots=True)
class UnixSocket:
    """A harness that listens on a socket of the file system, and is spoken to in lines."""

    path: str

    def __post_init__(self) -> None:
        if not self.path or "\0" in self.path:
            raise ValueError("the path of a harness's socket must not be empty, and have no NUL character")

    @property
    def place(self) -> str:
        """The path."""
        return self.path


@dataclass(frozen=True, slots=True)
class Stdio:
    """A harness that is started by the session, and spoken to in lines."""

    program: str
    args: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.program or any("\0" in word for word in (self.program, *self.args)):
            raise ValueError("the program of a harness must have a name, and no word of it a NUL character")

    @property
    def place(self) -> str:
        """The program's name; the arguments may have secrets."""
        return f"'{self.program}'"


Target: TypeAlias = Http | WebSocket | UnixSocket | Stdio


@dataclass(frozen=True, slots=True)
class HarnessSpec:
    """A harness, and how it is used. While it cannot be asked, `on_failure` is what its answer would be."""

    target: Target
    on_failure: OnFailure = "block"
    idle_ms: int = IDLE_MS
    """After how long without work it is told so; 0 never tells it."""
    timeout_ms: int = TIMEOUT_MS
    """How long an answer may take, unless the harness says otherwise itself."""


def harness_of(settings: Settings) -> HarnessSpec | None:
    """The harness of a configuration, None if it has none. Raises ConfigError."""
    ahp = settings.ahp
    if ahp is None or not ahp.enabled:
        return None
    try:
        target = _target(ahp)
    except ValueError as error:
        raise ConfigError(f"ahp: {error}") from None
    return HarnessSpec(target, ahp.on_failure, IDLE_MS if ahp.idle_ms is None else ahp.idle_ms)


def parse_on_failure(text: str) -> OnFailure:
    """block or allow. ValueError if it is neither."""
    match text:
        case "block" | "allow" as known:
            return known
        case _:
            raise ValueError(f"on_failure must be 'block' or 'allow', got \"{text}\"")


def _target(ahp: Ahp) -> Target:
    if ahp.url.startswith("unix:"):
        return UnixSocket(ahp.url.removeprefix("unix:").removeprefix("//"))
    kind = WebSocket if ahp.url.startswith(("ws:", "wss:")) else Http
    return kind(ahp.url, ahp.auth_token or None)


def _check(url: str, *schemes: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        known = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ValueError(f"the address of a harness must begin with {known} and name a host")


def _place(url: str) -> str:
    """Without user, password, query and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
