"""What a program says about leave: the permission policy and the confirmation policy."""

from __future__ import annotations

from collections.abc import Sequence

from a3s_lsp.engine.policy.confirmation import ConfirmationPolicy as EngineConfirmation
from a3s_lsp.engine.policy.confirmation import parse_lane, parse_timeout_action
from a3s_lsp.engine.policy.permissions import PermissionPolicy as EnginePermission
from a3s_lsp.engine.policy.permissions import parse_decision
from a3s_lsp.sdk.checks import lower, strings


class PermissionPolicy:
    """Which tool calls of the model are allowed, denied, or asked about.

    Rules are `tool` or `tool(pattern)`. Order: deny, allow, ask, then `default_decision` (allow, deny or ask). With
    `enabled=False` everything is allowed.
    """

    def __init__(
        self,
        allow: Sequence[str] | None = None,
        deny: Sequence[str] | None = None,
        ask: Sequence[str] | None = None,
        default_decision: str | None = None,
        enabled: bool = True,
    ) -> None:
        self.allow = strings("allow", allow)
        self.deny = strings("deny", deny)
        self.ask = strings("ask", ask)
        self.default_decision = "ask" if default_decision is None else default_decision
        self.enabled = enabled

    def __repr__(self) -> str:
        return (
            f"PermissionPolicy(allow={len(self.allow)}, deny={len(self.deny)}, ask={len(self.ask)}, "
            f'default_decision="{self.default_decision}", enabled={lower(self.enabled)})'
        )

    def to_engine(self) -> EnginePermission:
        """The frozen policy of the engine. ValueError says what is wrong with this one."""
        return EnginePermission(
            tuple(self.allow), tuple(self.deny), tuple(self.ask), parse_decision(self.default_decision), self.enabled
        )


class ConfirmationPolicy:
    """How a program is asked for leave: `timeout_action` is reject or auto_approve; `yolo_lanes` need no leave."""

    def __init__(
        self,
        enabled: bool = False,
        default_timeout_ms: int = 30_000,
        timeout_action: str | None = None,
        yolo_lanes: Sequence[str] | None = None,
    ) -> None:
        self.enabled = enabled
        self.default_timeout_ms = default_timeout_ms
        self.timeout_action = "reject" if timeout_action is None else timeout_action
        self.yolo_lanes = strings("yolo_lanes", yolo_lanes)

    def __repr__(self) -> str:
        return (
            f"ConfirmationPolicy(enabled={lower(self.enabled)}, default_timeout_ms={self.default_timeout_ms}, "
            f'timeout_action="{self.timeout_action}", yolo_lanes={len(self.yolo_lanes)})'
        )

    def to_engine(self) -> EngineConfirmation:
        """The frozen policy of the engine. ValueError says what is wrong with this one."""
        return EngineConfirmation(
            self.enabled,
            self.default_timeout_ms,
            parse_timeout_action(self.timeout_action),
            tuple(parse_lane(lane) for lane in self.yolo_lanes),
        )
