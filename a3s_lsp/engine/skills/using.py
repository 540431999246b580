"""A skill at work: a child that has it for its instructions, and its allowed tools for as long as it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, time

from a3s_lsp.engine.delegation.agents import Agent
from a3s_lsp.engine.delegation.delegation import Delegation
from a3s_lsp.engine.delegation.requests import TaskOutcome, TaskRequest
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.events import usage_fields
from a3s_lsp.engine.hook_firing import SessionHooks
from a3s_lsp.engine.hook_matching import Subject
from a3s_lsp.engine.kit import Kit
from a3s_lsp.engine.messages import Json, ToolCall, Usage
from a3s_lsp.engine.policy.permissions import PermissionPolicy
from a3s_lsp.engine.policy.rules import parse_rule
from a3s_lsp.engine.ports import ToolResult
from a3s_lsp.engine.skills.registry import Shelf, Skills
from a3s_lsp.engine.skills.skill import Skill
from a3s_lsp.engine.state import State

_READING = ("read", "ls", "glob", "grep")
"""What a skill may do that names no tools."""
_NAMED = 20
_LAST_WORD_SECONDS = 0.2


class SkillUse:
    """Puts the skills of one session to work."""

    def __init__(self, skills: Skills, delegation: Delegation, state: State, direct_kit: Callable[[], Kit]) -> None:
        self._skills = skills
        self._delegation = delegation
        self._state = state
        self._direct_kit = direct_kit

    async def look(self) -> Shelf:
        """The skills as they are now."""
        return await asyncio.to_thread(self._skills.look)

    async def use(self, parent: Kit | None, call: ToolCall, name: str, prompt: str) -> ToolResult:
        """Have a skill answer a prompt; without a parent the program asks for it itself. Raises ToolError."""
        skill = _chosen(await self.look(), name)
        kit = parent or self._direct_kit()
        request = TaskRequest(_agent_name(skill), skill.description, prompt or f"Execute the '{skill.name}' skill")
        agent = agent_of(skill, prompt, kit.limits.max_tool_rounds)
        begun = monotonic()
        await loaded(kit.hooks, skill)
        try:
            outcome = await self._delegation.employ(agent, request, parent, "" if parent is None else call.id)
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORD_SECONDS):
                    await unloaded(kit.hooks, skill, begun)
            raise
        await unloaded(kit.hooks, skill, begun)
        return self._result(skill, outcome)

    def _result(self, skill: Skill, outcome: TaskOutcome) -> ToolResult:
        run = self._state.runs.get(outcome.task_id)
        usage, calls = (Usage(), 0) if run is None else (run.usage, run.tool_calls)
        metadata: Json = {"skill_name": skill.name, "tool_calls": calls, "usage": usage_fields(usage)}
        if outcome.success:
            return ToolResult(outcome.output, metadata=metadata)
        why = outcome.output.removeprefix("Task failed: ")
        return ToolResult(f"Skill '{skill.name}' failed: {why}", 1, metadata)


def agent_of(skill: Skill, arguments: str, most_steps: int) -> Agent:
    """The child that a skill is put to work as. It may do what the skill names, as far as its parent may; a skill that
    names nothing may read."""
    allowed = _READING if skill.allowed is None else skill.allowed
    denial = f"It is not among the allowed tools of the skill '{skill.name}'"
    return Agent(
        _agent_name(skill),
        skill.description,
        f"# Skill: {skill.name}\nYou are executing the '{skill.name}' skill.\n\n{skill.told(arguments)}",
        PermissionPolicy(allow=allowed, default_decision="deny", denial=denial),
        skill.model,
        most_steps,
        confirmation_inheritance="inherit_parent",
        source=skill.source,
        grants=skill.trusted and skill.allowed is not None,
    )


def _agent_name(skill: Skill) -> str:
    return f"skill:{skill.name}"


def _chosen(shelf: Shelf, name: str) -> Skill:
    skill = shelf.get(name)
    if skill is None:
        names = sorted(each.name for each in shelf.skills.values() if each.findable)
        more = " and more; search_skills finds them" if len(names) > _NAMED else ""
        known = f"Known are: {', '.join(names[:_NAMED])}{more}." if names else "There are no skills."
        raise ToolError(f"Skill '{name}' not found. {known}", {"type": "not_found", "skill_name": name})
    if not skill.for_model:
        raise ToolError(
            f"Skill '{skill.name}' is kept for the person (disable-model-invocation), who invokes it as /{skill.name}.",
            {"type": "permission_denied"},
        )
    return skill


# ---------------------------------------------------------------- hooks


async def loaded(hooks: SessionHooks, skill: Skill) -> None:
    """Tell that a skill is about to be put to work."""
    about: Json = {"version": skill.version, "description": skill.description, "loaded_at": int(time() * 1000)}
    await hooks.tell("skill_load", {**_names(skill), **about}, Subject(skill=skill.name))


async def unloaded(hooks: SessionHooks, skill: Skill, begun: float) -> None:
    """Tell that it has ended, whatever came of it."""
    spent: Json = {"duration_ms": int((monotonic() - begun) * 1000)}
    await hooks.tell("skill_unload", {**_names(skill), **spent}, Subject(skill=skill.name))


def _names(skill: Skill) -> Json:
    tools = _READING if skill.allowed is None else tuple(parse_rule(rule).tool for rule in skill.allowed)
    return {"skill_name": skill.name, "tool_names": list(dict.fromkeys(tools))}
