"""Personas and instructions that a program gives its sessions in so many words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from a3s_lsp.sdk.checks import string


@dataclass(frozen=True, slots=True)
class InlineSkill:
    """One of them, by its name."""

    kind: Literal["persona", "instruction"]
    name: str
    content: str


def inline_skill(kind: Literal["persona", "instruction"], name: str, content: str) -> InlineSkill:
    """The skill. TypeError if it is not made of strings."""
    return InlineSkill(kind, string("name", name), string("content", content))


def persona(skills: Iterable[InlineSkill]) -> str | None:
    """The persona that was added last, None if there is none."""
    return next((s.content for s in reversed(tuple(skills)) if s.kind == "persona" and s.content.strip()), None)


def instructions(skills: Iterable[InlineSkill]) -> tuple[tuple[str, str], ...]:
    """The instructions in their order; of those with one name the last holds."""
    named = {s.name: s.content for s in skills if s.kind == "instruction"}
    return tuple((name, content) for name, content in named.items() if content.strip())
