"""What the model is told of the skills before it has looked for any: their names, and what they are for."""

from __future__ import annotations

from collections.abc import Iterable

from a3s_lsp.engine.context.blocks import block
from a3s_lsp.engine.skills.skill import Skill

CATALOG = "a3s://skills/catalog"
_HEADING = """\
# Skills
These skills are there on demand. Where one fits what is asked, invoke Skill with its skill_name; search_skills finds \
those that are not listed. What stands here is what their authors say of them."""
_MOST_CHARACTERS = 6000
_MOST_OF_ONE = 240


def catalog(skills: Iterable[Skill]) -> str:
    """The block for the system prompt; "" if there is nothing to tell."""
    rows = [
        _row(skill) for skill in sorted(skills, key=lambda skill: skill.name) if skill.findable and not skill.standing
    ]
    shown: list[str] = []
    room = _MOST_CHARACTERS
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            break
        shown.append(row)
    left = len(rows) - len(shown)
    more = [f"[{left} more are not listed; find them with search_skills]"] if left else []
    return block(CATALOG, "Skill", "\n".join([_HEADING, "", *shown, *more])) if rows else ""


def _row(skill: Skill) -> str:
    text = skill.description
    short = text if len(text) <= _MOST_OF_ONE else f"{text[: _MOST_OF_ONE - 1]}…"
    return f"- {skill.name}: {short}" if short else f"- {skill.name}"
