"""The tool `search_skills`: which skills there are for something."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult
from a3s_lsp.engine.skills.registry import Skills
from a3s_lsp.engine.skills.search import MOST_RESULTS, find_skills
from a3s_lsp.engine.skills.skill import Skill
from a3s_lsp.engine.tools.arguments import Parameter, load, specification

_DESCRIPTION = """Find skills: instructions that somebody has written for a kind of work. Search with a few words of \
what is to be done, then use the one that fits with Skill."""
_NOTHING = "No matching skills found. Continue with the core tools."


@dataclass(frozen=True, slots=True)
class SearchArguments:
    query: Annotated[str, Parameter("A few words of what is to be done; empty lists all.")]
    limit: Annotated[int, Parameter(f"How many to show, from 1 to {MOST_RESULTS}; 5 if not given.")] = 5


class SearchSkills:
    """Looks for skills."""

    lane: Lane = "query"
    arguments = SearchArguments

    def __init__(self, skills: Skills) -> None:
        self.spec = specification("search_skills", _DESCRIPTION, SearchArguments)
        self._skills = skills

    def subject(self, args: Json) -> str:
        return load(SearchArguments, args).query

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(SearchArguments, args)
        if wanted.limit < 1:
            raise ToolError(
                f"limit must be from 1 to {MOST_RESULTS}, not {wanted.limit}.", {"type": "invalid_argument"}
            )
        found = await asyncio.to_thread(self._find, wanted)
        if not found:
            return ToolResult(_NOTHING)
        rows = [_row(skill) for skill in found]
        title = f"Found {len(found)} matching skill(s). Invoke one with Skill using its skill_name."
        return ToolResult("\n".join([title, *rows]), metadata={"skills": [_fields(skill) for skill in found]})

    def _find(self, wanted: SearchArguments) -> Sequence[Skill]:
        return find_skills(self._skills.look().skills.values(), wanted.query, min(wanted.limit, MOST_RESULTS))


def _row(skill: Skill) -> str:
    return f"- {skill.name} ({skill.kind}): {skill.description} Allowed tools: {skill.allowed_text or 'not specified'}."


def _fields(skill: Skill) -> Json:
    return {
        "name": skill.name,
        "kind": skill.kind,
        "description": skill.description,
        "tags": list(skill.tags),
        "allowed_tools": skill.allowed_text,
    }
