"""Characters that tell who wrote them: no two that are written in a schedule are the same, so a lost one is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

PERSON = re.compile("[\u4e00-\u9fff\U00020000-\U0002a6df]")
"""What the person types: Chinese characters, every fourth one outside of the basic plane."""
AGENT = re.compile("[\uac00-\ud7a3]")
"""What the agent writes: Korean syllables."""
DISK = re.compile("[\ua000-\ua48c]")
"""What other programs write: Yi syllables."""
SOMEBODY = re.compile("[\u4e00-\u9fff\U00020000-\U0002a6df\ua000-\ua48c]")
"""What the agent must not take away unseen."""


def written(by: re.Pattern[str], text: str) -> frozenset[str]:
    """The characters of one author in a text."""
    return frozenset(by.findall(text))


def _typed() -> Iterator[str]:
    plane, astral = iter(range(0x4E00, 0xA000)), iter(range(0x20000, 0x2A6E0))
    while True:
        yield from map(chr, chain(islice(plane, 3), islice(astral, 1)))


@dataclass(slots=True)
class Letters:
    """Where the next character of each author comes from."""

    person: Iterator[str] = field(default_factory=_typed)
    agent: Iterator[str] = field(default_factory=lambda: map(chr, range(0xAC00, 0xD7A4)))
    disk: Iterator[str] = field(default_factory=lambda: map(chr, range(0xA000, 0xA48D)))
