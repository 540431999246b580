"""Records as databases keep them, and which of those that are to be appended are there already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias, TypeVar

from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.facts import Record, decode, encode

T = TypeVar("T")
Row: TypeAlias = tuple[int, str | None, int | None, int, str]
"""Position, run, place among the run's events, time, and the fact as JSON."""


def row_of(record: Record) -> Row:
    """The record as a row. Raises StoreError if it cannot be written."""
    try:
        text = encode(record.fact).decode()
    except ValueError as error:
        raise StoreError(f"A step of the session cannot be stored: {error}.") from error
    return record.position, record.run_id, record.seq, record.time_ms, text


def records_of(rows: Iterable[Row], where: str) -> list[Record]:
    """The records that the rows hold; `where` names the session and its store. Raises StoreError."""
    try:
        return [Record(position, run, seq, time_ms, decode(text)) for position, run, seq, time_ms, text in rows]
    except ValueError as error:
        raise StoreError(
            f"{where} holds a record that this version cannot read; update a3s-lsp, or delete the session."
        ) from error


def missing(session_id: str, given: Mapping[int, T], stored: Mapping[int, T], *, known: bool) -> list[T]:
    """Those of the given records, by position, that are not stored yet. Raises StoreError if others are in their place,
    or if the session is not `known` although this is not its beginning."""
    if not known and given and min(given) > 0:
        raise StoreError(f"Session {session_id} was deleted while it was open; start a new one.")
    if any(stored.get(position, record) != record for position, record in given.items()):
        raise StoreError("The session was continued elsewhere in this program; open it again to go on from there.")
    return [record for position, record in given.items() if position not in stored]
