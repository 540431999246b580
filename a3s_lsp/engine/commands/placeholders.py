"""Where a prompt or a skill has places for arguments: `$ARGUMENTS` for all of them, `$1` to `$9` for single words."""

from __future__ import annotations

import re
import shlex

_PLACEHOLDER = re.compile(r"\$(?:(ARGUMENTS)\b|([1-9]))")


def filled(text: str, args: str) -> tuple[str, bool]:
    """The text with the arguments in their places, and whether it has any."""
    words = _words(args)

    def given(found: re.Match[str]) -> str:
        if found[1]:
            return args
        place = int(found[2])
        return words[place - 1] if place <= len(words) else ""

    made, places = _PLACEHOLDER.subn(given, text)
    return made, places > 0


def _words(args: str) -> list[str]:
    try:
        return shlex.split(args)
    except ValueError:  # a quote that is not closed, as in "don't"
        return args.split()
