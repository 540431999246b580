"""What the person did with the agent's changes, in one short, exact note for the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from a3s_lsp.engine.ledger import Hunk, Ledger
from a3s_lsp.engine.texts import split_lines

_SHOWN_LINES = 12
_SHOWN_CHARACTERS = 400
_WHO = {"person": "The person", "editor": "The editor itself", "disk": "Someone on the disk", "agent": "A command"}


def review_note(ledger: Ledger, display: Callable[[str], str]) -> str:
    """The note for all that the model has not been told of yet; "" if there is nothing."""
    hunks = sorted(ledger.untold(), key=lambda hunk: (hunk.path, hunk.start))
    parts = [*_kept(ledger, hunks), *(_part(ledger, hunk, display) for hunk in hunks if hunk.status != "kept")]
    return f"[What became of your changes since your last turn: {'; '.join(parts)}.]" if parts else ""


def _kept(ledger: Ledger, hunks: Sequence[Hunk]) -> list[str]:
    """How many were kept, of how many that the same calls had made."""
    kept = [hunk for hunk in hunks if hunk.status == "kept"]
    if not kept:
        return []
    calls = {hunk.call_id for hunk in kept}
    total = sum(hunk.call_id in calls and hunk.status != "superseded" for hunk in ledger.hunks.values())
    return [f"the person kept {len(kept)} of {total} hunk{'s' if total != 1 else ''}"]


def _part(ledger: Ledger, hunk: Hunk, display: Callable[[str], str]) -> str:
    line = ledger.line(hunk)
    name = f"hunk {hunk.id.rpartition(':')[2]} of {display(hunk.path)} (line {line})"
    who = "" if hunk.by == "person" else f" by {_WHO[hunk.by].lower()}"
    if hunk.status == "undone":
        return f"{name} undone{who}"
    if hunk.status == "applied":
        return f"{name} applied again"
    current = ledger.current(hunk)
    if not current:
        return f"{name} deleted{who}"
    return f"{display(hunk.path)} {_lines(line, current)} changed{who} to {_quoted(current)}"


def _lines(first: int, text: str) -> str:
    count = len(split_lines(text))
    return f"line {first}" if count == 1 else f"lines {first}-{first + count - 1}"


def _quoted(text: str) -> str:
    lines = text.rstrip("\r\n").split("\n")
    shown = "\n".join(lines[:_SHOWN_LINES])[:_SHOWN_CHARACTERS]
    more = " …" if len(lines) > _SHOWN_LINES or len(shown) < len("\n".join(lines[:_SHOWN_LINES])) else ""
    return f'"{shown}"{more}'
