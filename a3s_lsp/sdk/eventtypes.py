"""The names of the events."""

from __future__ import annotations


class EventType:
    """The names of the events."""

    START = "start"
    END = "end"
    ERROR = "error"
    CANCELLED = "cancelled"
    AGENT_MODE_CHANGED = "agent_mode_changed"
    MODEL_RETRY = "model_retry"
    CONTINUATION = "continuation"
    BUDGET_THRESHOLD_HIT = "budget_threshold_hit"
    EXTERNAL_TASK_PENDING = "external_task_pending"
    EXTERNAL_TASK_COMPLETED = "external_task_completed"
    PLANNING_START = "planning_start"
    PLANNING_END = "planning_end"
    TASK_UPDATED = "task_updated"
    STEP_START = "step_start"
    STEP_PROGRESS = "step_progress"
    STEP_END = "step_end"
    GOAL_EXTRACTED = "goal_extracted"
    GOAL_PROGRESS = "goal_progress"
    GOAL_ACHIEVED = "goal_achieved"
    CONTEXT_COMPACTED = "context_compacted"
    CONTEXT_PRUNED = "context_pruned"
    CONTEXT_RESTORED = "context_restored"
    HOOK_FAILED = "hook_failed"
    PROMPT_REWRITTEN = "prompt_rewritten"
    VERIFICATION_REPORTED = "verification_reported"
    VERIFICATION_REQUIRED = "verification_required"
    TURN_START = "turn_start"
    TURN_END = "turn_end"
    TEXT_DELTA = "text_delta"
    REASONING_DELTA = "reasoning_delta"
    TOOL_START = "tool_start"
    TOOL_END = "tool_end"
    TOOL_OUTPUT_DELTA = "tool_output_delta"
    PERMISSION_DENIED = "permission_denied"
    CONFIRMATION_REQUIRED = "confirmation_required"
    CONFIRMATION_RECEIVED = "confirmation_received"
    CONFIRMATION_TIMEOUT = "confirmation_timeout"

    def __init__(self) -> None:
        raise TypeError("No constructor defined for EventType")
