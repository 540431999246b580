"""Which skills a query means: words that are shared, weighed by where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from a3s_lsp.engine.memory.words import asked_words, words_of
from a3s_lsp.engine.skills.skill import Skill

MOST_RESULTS = 20
_MOST_WORDS = 32
_NAME, _TAGS, _DESCRIPTION, _BODY = 8, 5, 3, 1


def find_skills(skills: Iterable[Skill], query: str, limit: int) -> Sequence[Skill]:
    """The skills that share words with the query, the best first; without words all of them, by name."""
    findable = sorted((skill for skill in skills if skill.findable), key=lambda skill: skill.name)
    if not query.strip():
        return findable[:limit]
    asked = asked_words(query, _MOST_WORDS)
    scored = [(score, skill) for skill in findable if (score := _score(skill, asked, query)) > 0]
    return [skill for _, skill in sorted(scored, key=lambda pair: -pair[0])][:limit]


def _score(skill: Skill, asked: Sequence[str], query: str) -> int:
    places = (
        (_NAME, frozenset(words_of(skill.name))),
        (_TAGS, frozenset(words_of(" ".join(skill.tags)))),
        (_DESCRIPTION, frozenset(words_of(skill.description))),
        (_BODY, frozenset(words_of(skill.body))),
    )
    named = 100 if query.strip().casefold() == skill.name.casefold() else 0
    return named + sum(weight for weight, words in places for word in asked if word in words)
