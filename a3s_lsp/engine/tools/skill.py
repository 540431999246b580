"""The tool `Skill`: something is done by a skill, in a conversation of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult
from a3s_lsp.engine.tools.arguments import Parameter, load, specification

_DESCRIPTION = """Have a skill do something. It works in a conversation of its own, with its own instructions and the \
tools that it names, sees nothing of this conversation, and answers when it is done."""
_OTHER_NAMES = {"name": "skill_name", "skillName": "skill_name", "skill": "skill_name"}
_NESTED = ("input", "arguments")


@dataclass(frozen=True, slots=True)
class SkillArguments:
    skill_name: Annotated[str, Parameter("The name of the skill.")]
    prompt: Annotated[str, Parameter("What it is to do, with all that it has to know.")] = ""


class UseSkill:
    """Uses a skill by its name."""

    lane: Lane = "execute"
    arguments = SkillArguments

    def __init__(self) -> None:
        self.spec = specification("Skill", _DESCRIPTION, SkillArguments)

    def understood(self, given: Json) -> Json:
        """The arguments under the names that they have, where the model has given them others."""
        nested = next((inner for name in _NESTED if isinstance(inner := given.get(name), dict)), {})
        plain = {name: value for name, value in given.items() if not isinstance(value, dict)}
        return {_OTHER_NAMES.get(name, name): value for name, value in {**nested, **plain}.items()}

    def subject(self, args: Json) -> str:
        return load(SkillArguments, args).skill_name

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(SkillArguments, args)
        return await context.use_skill(wanted.skill_name, wanted.prompt)
