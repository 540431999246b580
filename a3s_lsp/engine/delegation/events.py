"""The events of tasks."""

from __future__ import annotations

from a3s_lsp.engine.delegation.rows import child_session
from a3s_lsp.engine.delegation_facts import DelegationFact, SubagentEnded, SubagentProgressed, SubagentStarted
from a3s_lsp.engine.messages import Json


def describe_task(fact: DelegationFact) -> tuple[str, Json]:
    """The event's type and fields."""
    place: Json = {"task_id": fact.task_id, "session_id": child_session(fact.task_id)}
    match fact:
        case SubagentStarted(agent=agent, description=description, call_id=call_id):
            who: Json = {"parent_session_id": fact.parent_session_id, "agent": agent, "description": description}
            return "subagent_start", {**place, **who, "tool_id": call_id or None}
        case SubagentProgressed(status=status, metadata=metadata):
            return "subagent_progress", {**place, "status": status, "metadata": metadata}
        case SubagentEnded(agent=agent, output=output, status=status):
            how: Json = {"output": output, "success": status == "completed", "status": status}
            return "subagent_end", {**place, "agent": agent, **how}
