"""Hooks: functions of the program that see what a session does, and may change or stop it."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping

from a3s_lsp.engine.handlers import Handler
from a3s_lsp.engine.hook_matching import Matcher
from a3s_lsp.engine.hooks import Hook, HookConfig
from a3s_lsp.sdk.checks import count, string
from a3s_lsp.sdk.faces import AsyncFace, Face

_MATCHED = tuple(Matcher.__dataclass_fields__)
_CONFIGURED = tuple(HookConfig.__dataclass_fields__)
_CALLERS = 4
"""The frames between a warning and the program that is warned."""


class AsyncHooking(AsyncFace):
    """Registering hooks; from any thread."""

    def register_hook(
        self,
        hook_id: str,
        event_type: str,
        matcher: Mapping[str, object] | Handler | None = None,
        config: Mapping[str, object] | None = None,
        handler: Handler | None = None,
    ) -> None:
        """Call the handler at every event of this type that the matcher selects; a hook with the same id is replaced.

        A handler without a matcher may stand in the third place. ValueError for an unknown event or a bad pattern.
        """
        self.engine.hooks.register(_hook(hook_id, event_type, matcher, config, handler))

    def unregister_hook(self, hook_id: str) -> bool:
        """Take a hook away. False if there is none with this id."""
        return self.engine.hooks.unregister(string("hook_id", hook_id))

    def hook_count(self) -> int:
        """How many hooks are registered."""
        return len(self.engine.hooks)


class Hooking(Face):
    """Registering hooks; from any thread, also from within a hook."""

    def register_hook(
        self,
        hook_id: str,
        event_type: str,
        matcher: Mapping[str, object] | Handler | None = None,
        config: Mapping[str, object] | None = None,
        handler: Handler | None = None,
    ) -> None:
        """Call the handler at every event of this type that the matcher selects; a hook with the same id is replaced.

        A handler without a matcher may stand in the third place. ValueError for an unknown event or a bad pattern.
        """
        self._session.engine.hooks.register(_hook(hook_id, event_type, matcher, config, handler))

    def unregister_hook(self, hook_id: str) -> bool:
        """Take a hook away. False if there is none with this id."""
        return self._session.unregister_hook(hook_id)

    def hook_count(self) -> int:
        """How many hooks are registered."""
        return self._session.hook_count()


def _hook(
    hook_id: str,
    event_type: str,
    matcher: Mapping[str, object] | Handler | None,
    config: Mapping[str, object] | None,
    handler: Handler | None,
) -> Hook:
    if callable(matcher) and not isinstance(matcher, Mapping):
        if handler is not None:
            raise TypeError("the handler was given twice, in the place of the matcher and in its own")
        matcher, handler = None, matcher
    if handler is not None and not callable(handler):
        raise TypeError(f"handler must be callable, not {type(handler).__name__}")
    names = string("hook_id", hook_id), string("event_type", event_type)
    return Hook(*names, handler, _matcher(matcher), _config(config))


def _matcher(given: Mapping[str, object] | Handler | None) -> Matcher:
    known = _known("matcher", given, _MATCHED)
    return Matcher(**{name: string(f"matcher.{name}", value) for name, value in known.items()})


def _config(given: Mapping[str, object] | None) -> HookConfig:
    known = _known("config", given, _CONFIGURED)
    default = HookConfig()
    together = known.get("async_execution", default.async_execution)
    if not isinstance(together, bool):
        raise TypeError(f"config.async_execution must be true or false, not {type(together).__name__}")
    priority = known.get("priority", default.priority)
    if not isinstance(priority, int) or isinstance(priority, bool):
        raise TypeError(f"config.priority must be a whole number, not {type(priority).__name__}")
    timeout = count("config.timeout_ms", known.get("timeout_ms", 0))
    retries = count("config.max_retries", known.get("max_retries", default.max_retries))
    return HookConfig(priority, timeout or default.timeout_ms, together, retries)


def _known(name: str, given: object, names: tuple[str, ...]) -> dict[str, object]:
    """What is set under the names that are known; the others are warned about, as they never did anything."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"{name} must be a dict, not {type(given).__name__}")
    for key in given:
        if key not in names:
            near = difflib.get_close_matches(str(key), names, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(names)}."
            warnings.warn(f"register_hook ignores '{key}' in its {name}: {hint}", UserWarning, stacklevel=_CALLERS + 1)
    return {key: value for key, value in given.items() if key in names and value is not None}
