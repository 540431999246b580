"""The facts about how a run goes and what it costs: its mode, waiting, going on, budgets. Part of `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class AgentModeChanged:
    """In which mode, and as which agent, the run goes on."""

    mode: str = "general"
    agent: str = "general"
    description: str = "Works on the task with all the tools it has leave for"
    type: Literal["agent_mode_changed"] = "agent_mode_changed"


@dataclass(frozen=True, slots=True)
class ModelRetried:
    """The model could not be asked, and will be asked again after a pause. `attempt` counts what has failed so far."""

    reason: str
    attempt: int
    delay_ms: int
    message: str = ""
    type: Literal["model_retried"] = "model_retried"


@dataclass(frozen=True, slots=True)
class Continued:
    """An answer that was no end got this message from us, so that the model goes on."""

    reason: Literal["empty", "unfinished", "length"]
    text: str
    type: Literal["continued"] = "continued"


@dataclass(frozen=True, slots=True)
class BudgetHit:
    """The session came near the limit of its budget (`soft`), or to it (`hard`). `consumed` is None where what was
    spent is not known."""

    resource: Literal["tokens", "cost_usd"]
    kind: Literal["soft", "hard"]
    consumed: float | None
    limit: float
    message: str
    type: Literal["budget_hit"] = "budget_hit"
