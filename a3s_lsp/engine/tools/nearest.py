"""What a text that was not found may have meant: the lines of the file that are most like it."""

from __future__ import annotations

from collections.abc import Sequence

_MAX_LINES = 20_000
_MAX_CHARACTERS = 500
_SHOWN_LINES = 12
_ENOUGH = 60.0


def describe_nearest(text: str, wanted: str) -> str:
    """Say where something like `wanted` is in `text`, and how it differs; or that there is nothing like it."""
    if wanted.replace("\r\n", "\n") in text.replace("\r\n", "\n"):
        ending = "CRLF" if "\r\n" in text else "LF"
        return f"Only the line endings differ: the file has {ending}."
    lines = text.split("\n")[:_MAX_LINES]
    searched = wanted.strip("\n").split("\n")
    start = _same_but_for_whitespace(lines, searched)
    if start is not None:
        return f"Only whitespace differs. The file has:\n{numbered(lines, start, len(searched))}"
    start = _most_alike([line[:_MAX_CHARACTERS] for line in lines], searched[:_SHOWN_LINES])
    if start is not None:
        return f"The nearest lines are:\n{numbered(lines, start, len(searched))}"
    return "Nothing in the file is like it; read the file first."


def _same_but_for_whitespace(lines: list[str], searched: list[str]) -> int | None:
    bare = ["".join(line.split()) for line in lines]
    sought = ["".join(line.split()) for line in searched]
    if not any(sought):
        return None
    ends = len(bare) - len(sought) + 1
    if len(sought) == 1:
        return next((index for index in range(ends) if sought[0] in bare[index]), None)
    return next((index for index in range(ends) if bare[index : index + len(sought)] == sought), None)


def _most_alike(lines: list[str], searched: list[str]) -> int | None:
    from rapidfuzz import fuzz, process

    size = len(searched)
    windows = ["\n".join(lines[index : index + size]) for index in range(max(1, len(lines) - size + 1))]
    best = process.extractOne("\n".join(searched), windows, scorer=fuzz.ratio, score_cutoff=_ENOUGH)
    return None if best is None else best[2]


def numbered(lines: Sequence[str], start: int, count: int) -> str:
    """Some lines as `read` shows them; of many or long ones the beginning."""
    shown = lines[start : start + min(count, _SHOWN_LINES)]
    return "\n".join(f"{number:>6}\t{line.rstrip()[:_MAX_CHARACTERS]}" for number, line in enumerate(shown, start + 1))
