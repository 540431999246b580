"""Line endings: which a text has, and text given others."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Ending: TypeAlias = Literal["\n", "\r\n"]

_ENDING = re.compile(r"\r\n|\n")


def usual_ending(text: str) -> Ending:
    """How most lines of a text end."""
    return "\r\n" if 2 * text.count("\r\n") > text.count("\n") else "\n"


def with_ending(text: str, ending: Ending) -> str:
    """The text with all its lines ended like this."""
    return _ENDING.sub(ending, text)
