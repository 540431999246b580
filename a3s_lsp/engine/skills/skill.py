"""What a skill is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from a3s_lsp.engine.commands.placeholders import filled

Kind: TypeAlias = Literal["instruction", "persona", "tool", "agent"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill. `allowed` has the patterns of the calls that it may make, None if it names none; `folder` is the one
    that its scripts and other files are in."""

    name: str
    description: str
    body: str
    kind: Kind = "instruction"
    allowed: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()
    version: str | None = None
    model: str | None = None
    hint: str = ""
    """What arguments a person may give, as it is shown behind the command."""
    for_model: bool = True
    """Whether the model may use it by itself."""
    for_person: bool = True
    """Whether it is a slash command."""
    standing: bool = False
    """Whether it stands in the prompt of every run already."""
    trusted: bool = True
    """Whether the person or the program has chosen it; one that came with a project gives no leave."""
    folder: Path | None = None
    source: str = ""
    """The file, or a word for where else it comes from."""

    @property
    def findable(self) -> bool:
        """Whether the model is to come across it. A persona says who somebody is, an agent is given tasks."""
        return self.for_model and self.kind not in ("persona", "agent")

    @property
    def allowed_text(self) -> str | None:
        """The patterns as they are shown."""
        return None if self.allowed is None else ", ".join(self.allowed)

    def told(self, arguments: str) -> str:
        """The body with the arguments in their places, and where its files are."""
        text, _ = filled(self.body, arguments)
        return text if self.folder is None else f"{text}\n\nThe files that this skill speaks of are in {self.folder}."
