"""The skills that a session knows: the built-in ones, those in folders, and those that the program gives in so many
words."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from a3s_lsp.engine.skills.builtin import BUILTIN
from a3s_lsp.engine.skills.files import Place, SkillFiles
from a3s_lsp.engine.skills.skill import Skill

FOLDERS = (".claude/skills", ".a3s/skills")
"""Below the workspace, and below the person's home; the later ones win."""


def own_skill_folders(home: Path, config: Path) -> tuple[Path, ...]:
    """The folders of a person's own skills; the later ones win."""
    return (*(home / name for name in FOLDERS), config / "skills")


@dataclass(frozen=True, slots=True)
class Shelf:
    """The skills by name as they were when one looked, and sentences about files that are none, or not used."""

    skills: dict[str, Skill]
    problems: tuple[str, ...] = ()

    def get(self, name: str) -> Skill | None:
        """The skill of this name; without regard to case, where that is enough to know which one is meant."""
        if name in self.skills:
            return self.skills[name]
        alike = [skill for known, skill in self.skills.items() if known.casefold() == name.strip().casefold()]
        return alike[0] if len(alike) == 1 else None


class Skills:
    """Of two of the same name the later one counts. What came with a project comes before what the person and the
    program have chosen: it cannot stand in for a skill that they know."""

    def __init__(self, places: Sequence[Place] = (), given: Sequence[Skill] = (), *, builtin: bool = False) -> None:
        self.places = tuple(places)
        self._given = tuple(given)
        self._builtin = BUILTIN if builtin else ()
        self._files = SkillFiles()
        self._chosen: dict[str, Skill] | None = None

    @classmethod
    def of(
        cls,
        workspace: Path,
        own: Sequence[Path],
        folders: Iterable[str] = (),
        given: Sequence[Skill] = (),
        *,
        builtin: bool = False,
        trusted: bool = True,
    ) -> Skills:
        """The skills of a session on a folder. `own` are the person's folders; `folders` are named by the configuration
        or the program, and count as the project's own if they are not `trusted`."""
        project = [Place(workspace / name, trusted=False, within=workspace) for name in FOLDERS]
        named = [workspace / Path(folder).expanduser() for folder in folders]
        theirs = [Place(folder, trusted=True) for folder in own]
        if trusted:
            return cls([*project, *theirs, *(Place(each, trusted=True) for each in named)], given, builtin=builtin)
        confined = [Place(folder, trusted=False, within=workspace) for folder in named]
        return cls([*project, *confined, *theirs], given, builtin=builtin)

    def folders(self) -> list[Path]:
        """The folders in which files of skills may come and go; they need not be there. Blocks."""
        return [folder for place in self.places for folder in (place.folder, *_below(place.folder))]

    def look(self) -> Shelf:
        """The skills as they are now. What a file grants that is not as it was at the first look does not count: an
        agent that may write it could give itself any leave. Blocks."""
        skills = {skill.name: skill for skill in self._builtin}
        problems: list[str] = []
        looked = [(place, self._files.look(place)) for place in self.places]
        if self._chosen is None:
            self._chosen = {skill.source: skill for place, found in looked if place.trusted for skill in found.skills}
        for place, found in looked:
            problems += found.problems
            for read in found.skills:
                trusted = place.trusted and self._chosen.get(read.source) == read
                skill = replace(read, trusted=trusted)
                problems += self._replaced(skills.get(skill.name), skill)
                skills[skill.name] = skill
        for skill in self._given:
            skills[skill.name] = skill
        return Shelf(skills, tuple(dict.fromkeys(problems)))

    def _replaced(self, earlier: Skill | None, later: Skill) -> Sequence[str]:
        if earlier is None or earlier in self._builtin or earlier.source == later.source:
            return ()
        return (f"{earlier.source} is not used: {later.source} is a skill of the same name, '{later.name}'.",)


def _below(folder: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:  # most projects have no such folder
        return []
