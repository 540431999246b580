"""Hooks as a configuration has them."""

from __future__ import annotations

from a3s_lsp.engine.config.settings import HookCommand
from a3s_lsp.engine.handlers import Handler
from a3s_lsp.engine.hook_matching import Matcher
from a3s_lsp.engine.hooks import Hook, HookConfig


def hook_of(configured: HookCommand, handler: Handler | None) -> Hook:
    """The hook. Raises ValueError for a pattern that is none."""
    given = configured.matcher
    return Hook(
        configured.id,
        configured.event,
        handler,
        Matcher(
            given.tool or None,
            given.path_pattern or None,
            given.command_pattern or None,
            given.session_id or None,
            given.skill or None,
        ),
        HookConfig(configured.priority, configured.timeout_ms, configured.async_execution, configured.max_retries),
    )
