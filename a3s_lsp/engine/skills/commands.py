"""Skills as slash commands: the person has one done in the conversation itself, with no more tools than it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from a3s_lsp.engine.commands.command import Command, check_name
from a3s_lsp.engine.commands.placeholders import filled
from a3s_lsp.engine.facts import RunQueued
from a3s_lsp.engine.prompt_references import with_references
from a3s_lsp.engine.skills.registry import Skills
from a3s_lsp.engine.skills.skill import Skill

if TYPE_CHECKING:
    from a3s_lsp.engine.session import Session

_LONGEST = 80


def skill_commands(skills: Skills) -> list[Command]:
    """The commands of the skills whose names can be typed. Blocks."""
    return [_command(skill) for skill in skills.look().skills.values() if skill.for_person and _is_word(skill.name)]


def _is_word(name: str) -> bool:
    try:
        check_name(name)
    except ValueError:
        return False
    return True


def _command(skill: Skill) -> Command:
    async def run(args: str, session: Session) -> RunQueued:
        _, has_places = filled(skill.body, args)
        behind = f"\n\nArguments: {args}" if args and not has_places else ""
        text = f"{skill.told(args)}{behind}"
        prompt = await with_references(text, session.workspace, session.leave.denies_reading)
        return RunQueued(prompt, model=skill.model, allowed=skill.allowed)

    text = skill.description or skill.name
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return Command(skill.name, f"{short} (skill)", f"/{skill.name} {skill.hint}" if skill.hint else None, run)
