"""Skills, as a program gives them to its sessions and sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.skills.builtin import BUILTIN
from a3s_lsp.engine.skills.registry import Skills, own_skill_folders
from a3s_lsp.engine.skills.skill import Skill
from a3s_lsp.places import user_config
from a3s_lsp.sdk.faces import AsyncFace, Face
from a3s_lsp.sdk.inline_skills import InlineSkill
from a3s_lsp.sdk.results import Handle

if TYPE_CHECKING:
    from a3s_lsp.sdk.options import SessionOptions

_SOURCE = "the program"
_WARNINGS = 3


class SkillInfo(Handle):
    """A skill that a session knows."""

    name: str
    kind: str
    description: str

    @classmethod
    def of(cls, skill: Skill) -> SkillInfo:
        """From the engine's value."""
        self = object.__new__(cls)
        self.name, self.kind, self.description = skill.name, skill.kind, skill.description
        return self

    def __repr__(self) -> str:
        return f"SkillInfo(name='{self.name}', kind='{self.kind}', description='{self.description}')"


def builtin_skills() -> list[SkillInfo]:
    """The skills that need no file; sessions know them with `builtin_skills=True`."""
    return [SkillInfo.of(skill) for skill in BUILTIN]


def skills_of(workspace: Path, options: SessionOptions, settings: Settings) -> Skills:
    """The skills of a session with these options."""
    own = own_skill_folders(Path.home(), user_config().parent)
    folders = (*settings.skill_dirs, *options.skill_dirs)
    return Skills.of(workspace.absolute(), own, folders, _given(options._inline_skills), builtin=options.builtin_skills)


def skill_warnings(skills: Skills) -> Sequence[str]:
    """What is wrong with the files of skills, for the warning of a session. Blocks."""
    problems = skills.look().problems
    more = len(problems) - _WARNINGS
    return [*problems[:_WARNINGS], *([f"{more} more are told by skill_problems()."] if more > 0 else [])]


def _given(skills: Iterable[InlineSkill]) -> list[Skill]:
    """What the program gives in so many words stands in the prompt already, and can be found nevertheless."""
    return [
        Skill(each.name, "", each.content, each.kind, for_person=False, standing=True, source=_SOURCE)
        for each in skills
        if each.content.strip()
    ]


class AsyncSkills(AsyncFace):
    """What the session knows how to do."""

    async def skills(self) -> list[SkillInfo]:
        """The skills as they are now, by name."""
        shelf = await self.engine.skills.look()
        return [SkillInfo.of(skill) for _, skill in sorted(shelf.skills.items())]

    async def skill_problems(self) -> list[str]:
        """Sentences about files that were to be skills, and are none, or that give way to others of the same name."""
        return list((await self.engine.skills.look()).problems)


class SessionSkills(Face):
    """What the session knows how to do."""

    def skills(self) -> list[SkillInfo]:
        """The skills as they are now, by name."""
        return self._loop.call(self._session.skills())

    def skill_problems(self) -> list[str]:
        """Sentences about files that were to be skills, and are none, or that give way to others of the same name."""
        return self._loop.call(self._session.skill_problems())
