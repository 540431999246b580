"""Hunks in words: as a diff, and as what a person wants to know who asks why a line is as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from a3s_lsp.engine.texts import split_lines
from a3s_lsp.server.hunks import PlacedHunk

_SHOWN_LINES = 40
_SHOWN_PROMPT = 160
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_TICKS = re.compile(r"`+")


def hunk_diff(placed: PlacedHunk, most: int = _SHOWN_LINES) -> str:
    """What the agent replaced, and by what; of each so many lines at most."""
    return "\n".join([*_marked("-", placed.hunk.before, most), *_marked("+", placed.hunk.after, most)])


def explained(placed: PlacedHunk, *, markdown: bool) -> str:
    """Why these lines changed, by which call of which run, what became of the change, and what stood there."""
    diff = hunk_diff(placed)
    asked = _prompt(placed)
    facts = [
        f"a3s: {placed.hunk.label} ({_run(placed)})",
        *([f"Asked for: {asked}"] if asked else []),
        f"Status: {_status(placed)}",
    ]
    if not markdown:
        return "\n".join([*facts, "", diff])
    fence = "`" * max([3, *(len(ticks) + 1 for ticks in _TICKS.findall(diff))])
    return "\n\n".join([*(_MARKS.sub(r"\\\1", fact) for fact in facts), f"{fence}diff\n{diff}\n{fence}"])


def question(placed: PlacedHunk, text: str | None) -> str:
    """The prompt that asks the agent about a hunk."""
    place = placed.session.workspace.display(Path(placed.hunk.path))
    opening = f'<hunk source="{place}" lines="{placed.first + 1}-{placed.last + 1}" status="{placed.hunk.status}">'
    asked = text or "Why did you make this change?"
    return f"{asked}\n\n{opening}\n{hunk_diff(placed)}\n</hunk>"


def _marked(mark: str, text: str, most: int) -> Iterable[str]:
    lines = [line.rstrip("\r\n") for line in split_lines(text)]
    yield from (f"{mark}{line}" for line in lines[:most])
    if len(lines) > most:
        yield f" … {len(lines) - most} more lines"


def _run(placed: PlacedHunk) -> str:
    run_id = placed.hunk.run_id
    return "not in a run" if run_id is None else f"run {run_id.removeprefix('run-')[:8]}"


def _status(placed: PlacedHunk) -> str:
    whole = placed.hunk.whole
    if placed.hunk.status == "tweaked":
        who = {"person": "you", "editor": "the editor", "disk": "someone on the disk", "agent": "the agent"}
        return f"tweaked: changed since by {who[placed.hunk.by]}"
    made = "" if whole is None else f": the file was {whole}"
    return f"{placed.hunk.status}{made}"


def _prompt(placed: PlacedHunk) -> str:
    """The first line of what the person wanted."""
    run = placed.session.state.runs.get(placed.hunk.run_id or "")
    lines = [] if run is None else run.prompt.strip().splitlines()
    first = lines[0] if lines else ""
    return first if len(first) <= _SHOWN_PROMPT else f"{first[: _SHOWN_PROMPT - 1]}…"
