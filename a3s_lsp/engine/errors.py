"""The engine's exceptions.

    A3SError (a RuntimeError: programs written for the reference catch that)
    ├── ConfigError        the configuration cannot be used; carries its problems with positions
    ├── ModelError         the model could not be asked, or its answer was cut
    │   └── ModelRefused   the provider will not answer this request however often it is sent
    ├── StoreError         the session log cannot be read or written
    │   ├── SessionNotFound
    │   └── SessionBusy    another process holds the session
    ├── RunFailed          a run ended without an answer
    │   ├── RunCancelled
    │   └── LimitReached   one of the limits of the run ended it
    └── ToolError          a tool cannot do what was asked; the one text that is meant for the model
        ├── PathRefused    the path leaves the workspace
        ├── StaleEdit      the text is no longer the one that the edit was made for
        └── EditRefused    the editor, or the disk, did not take the edit

Each message is one sentence that a person can act on.
"""

from __future__ import annotations

from collections.abc import Mapping


class A3SError(RuntimeError):
    """The base of all that this package raises on purpose."""


class ConfigError(A3SError):
    """The configuration cannot be used; the text lists every problem with file, line and column."""


class ModelError(A3SError):
    """The model could not be asked, or its answer ended before it was complete; `tries` requests have failed."""

    def __init__(self, message: str, tries: int = 1) -> None:
        super().__init__(message)
        self.tries = tries


class ModelRefused(ModelError):
    """The provider refused the request itself: asking again would not help."""


class StoreError(A3SError):
    """The session log could not be read or written."""


class SessionNotFound(StoreError):
    """No session with this id is in the store."""


class SessionBusy(StoreError):
    """Another process has this session open."""


class RunFailed(A3SError):
    """A run ended without an answer. `limits` and `budget` say what bounded it and what it used, if that is known."""

    def __init__(
        self, message: str, limits: Mapping[str, object] | None = None, budget: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.limits = None if limits is None else dict(limits)
        self.budget = None if budget is None else dict(budget)


class RunCancelled(RunFailed):
    """The run was stopped before it had an answer."""


class LimitReached(RunFailed):
    """One of the limits of the run ended it; `limit` is its name."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class ToolError(A3SError):
    """A tool could not do what was asked.

    `kind` is the machine-readable reason in the reference's shape, for instance
    `{"type": "not_found", "path": …}`, or None.
    """

    def __init__(self, message: str, kind: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.kind = None if kind is None else dict(kind)


class PathRefused(ToolError):
    """The path leads outside the workspace."""


class StaleEdit(ToolError):
    """The file changed since the edit was made; the edit was not applied."""


class EditRefused(ToolError):
    """The editor or the file system did not take the edit; what it did in part was rolled back."""
