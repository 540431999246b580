"""The row of the session list: a projection of the log, kept up to date as records arrive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.messages import UserMessage
from a3s_lsp.engine.ports import SessionInfo

TITLE_LENGTH = 72


def summarise(session_id: str, known: SessionInfo | None, records: Iterable[f.Record]) -> SessionInfo:
    """The row after these records, given the row before them."""
    row = known or SessionInfo(session_id, workspace="", title="", updated_ms=0, status="idle", messages=0)
    for record in records:
        row = replace(_after(row, record.fact), updated_ms=max(row.updated_ms, record.time_ms))
    return row


def _after(row: SessionInfo, fact: f.Fact) -> SessionInfo:
    match fact:
        case f.SessionOpened(workspace=workspace) | f.WorkspaceMoved(workspace=workspace):
            return replace(row, workspace=_shown(workspace))
        case f.SessionForked(origin=origin):
            return replace(row, origin=origin)
        case f.HistoryImported(messages=messages):
            first = next((message.text for message in messages if isinstance(message, UserMessage)), "")
            return replace(row, title=title_of(first), status="completed", messages=len(messages))
        case f.RunStarted(prompt=prompt, history=history):
            own = 0 if history is not None else 1
            return replace(row, title=row.title or title_of(prompt), status="running", messages=row.messages + own)
        case f.TurnEnded():
            return replace(row, messages=row.messages + 1)
        case f.RunEnded(status=status):
            return replace(row, status=status)
        case f.HistoryCleared():
            return replace(row, messages=0)
        case f.HistoryRestored(messages=count):
            return replace(row, messages=row.messages + count)
        case f.Compacted(before_messages=before, after_messages=after):
            return replace(row, messages=max(0, row.messages - before + after))
        case f.CompactionUndone(messages=count):
            return replace(row, messages=count)
        case _:
            return row


def title_of(prompt: str) -> str:
    """The first line of the prompt, short enough for a list, and without what no list can show."""
    line = _shown(next(iter(prompt.strip().splitlines()), ""))
    return line if len(line) <= TITLE_LENGTH else f"{line[: TITLE_LENGTH - 1]}…"


def _shown(text: str) -> str:
    spaced = "".join(" " if character.isspace() else character for character in text)
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in spaced)
