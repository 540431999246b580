"""What happens to the instructions of folders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class InstructionsTold:
    """The model was told the instructions of these files, which have come into play."""

    text: str
    files: tuple[str, ...] = ()
    type: Literal["instructions_told"] = "instructions_told"
