"""Sessions as documents: to be kept elsewhere, sent to somebody, and taken into a store again.

A document is what somebody hands in, so nothing in it is believed: it must be a log that folds, its changes must lie
in its workspace, and leave that somebody gave there ("always allow") is not leave here.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import SessionStore
from a3s_lsp.engine.store.artifact_exchange import keep_outputs, outputs_as_json, outputs_of
from a3s_lsp.engine.store.artifacts import shelf_of
from a3s_lsp.engine.store.log_building import LogBuilder, add
from a3s_lsp.engine.store.reference_sessions import is_reference, reference_log, reference_outputs
from a3s_lsp.engine.workspace.addresses import shown

FORMAT = "a3s.session.v1"
MAX_BYTES = 256 * 1024 * 1024
"""Of a file that is taken in."""

_LARGEST = 2**53
_CUT = "The session was exported while this prompt was being answered."
_NOT_KNOWN = "Not known: the session was exported before this call had a result."


def document(store: SessionStore, session_id: str) -> Json:
    """The whole session as one JSON value. Raises SessionNotFound."""
    records = store.read(session_id)
    return {
        "format": FORMAT,
        "id": session_id,
        "exported_at_ms": time.time_ns() // 1_000_000,
        "records": [
            {"run_id": each.run_id, "seq": each.seq, "time_ms": each.time_ms, "fact": json.loads(f.encode(each.fact))}
            for each in records
        ],
        "artifacts": outputs_as_json(shelf_of(store, session_id)),
    }


def take_in(store: SessionStore, session: Mapping[str, object], folder: Path | None, new_id: str | None) -> str:
    """Store a document, ours or one of the reference, whose other files are in `folder`, as a new session; returns its
    id. Raises A3SError that says what is wrong with it, or that the id is taken."""
    session_id, records = log_of(session, folder)
    outputs = outputs_of(reference_outputs(session, folder) if folder and is_reference(session) else session)
    chosen = new_id or session_id
    add(store, chosen, records)
    keep_outputs(shelf_of(store, chosen), outputs)
    return chosen


def write_document(path: Path, session: Json) -> None:
    """Write a document as a file. Raises StoreError."""
    write_file(path, json.dumps(session))


def write_file(path: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all. Raises StoreError."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(f"The session cannot be written to {path}: {error.strerror or error}.") from error


def read_document(path: Path) -> Json:
    """What is in a session file. Raises StoreError."""
    try:
        if not path.is_file():
            raise StoreError(f"There is no file {path} to take a session from.")
        if path.stat().st_size > MAX_BYTES:
            raise StoreError(f"{path} is larger than the {MAX_BYTES // 2**20} MiB that a session file can have.")
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} is not a session file: it is not JSON that can be read ({error}).") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.") from error
    if not isinstance(value, dict):
        raise StoreError(f"{path} is not a session file: it has no object in it.")
    return value


def log_of(session: Mapping[str, object], folder: Path | None = None) -> tuple[str, Sequence[f.Record]]:
    """The id and the log of a document, ours or one of the reference, whose other files are in `folder`.

    Raises StoreError that says what is wrong with it.
    """
    session_id = session.get("id")
    if not isinstance(session_id, str):
        raise StoreError("This is not a session: it has no id.")
    if is_reference(session):
        return session_id, reference_log(session, folder)
    if session.get("format") != FORMAT:
        raise StoreError(f"Session {session_id} is in no format that can be read here; {FORMAT} is.")
    listed = session.get("records")
    if not isinstance(listed, list) or not listed:
        raise StoreError(f"Session {session_id} has no records.")
    return session_id, _checked(session_id, [_record(at, value) for at, value in enumerate(listed)])


def _record(position: int, value: object) -> f.Record:
    match value:
        case {
            "run_id": str() | None as run_id,
            "seq": int() | None as seq,
            "time_ms": int(time_ms),
            "fact": dict(fact),
        } if (run_id or "").isprintable() and 0 <= time_ms < _LARGEST and 0 <= (seq or 0) < _LARGEST:
            try:
                return f.Record(position, run_id, seq, time_ms, f.decode(json.dumps(fact)))
            except (ValueError, RecursionError):
                pass
    raise StoreError(f"Record {position} of the session is damaged, or of a newer version.")


def _checked(session_id: str, records: Sequence[f.Record]) -> Sequence[f.Record]:
    """The log as it may be taken in: runs ended, and without what was allowed elsewhere."""
    _check_seqs(session_id, records)
    log = LogBuilder()
    believed = [r for r in records if not (isinstance(r.fact, f.RuleLearned) and r.fact.allow)]
    if not believed or not isinstance(believed[0].fact, f.SessionOpened):
        raise StoreError(f"Session {session_id} is damaged: its beginning is missing.")
    try:
        log.take(believed)
    except (LookupError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise StoreError(f"Session {session_id} is damaged: its records do not fit together ({error!r}).") from error
    _check_paths(session_id, log.records)
    log.end_runs(_CUT, _NOT_KNOWN, time.time_ns() // 1_000_000)
    return log.records


def _check_seqs(session_id: str, records: Iterable[f.Record]) -> None:
    following: dict[str | None, int] = {}
    for record in records:
        if record.seq is not None:
            if record.seq != following.get(record.run_id, 0):
                raise StoreError(f"Session {session_id} is damaged: events of {record.run_id} are missing.")
            following[record.run_id] = record.seq + 1


def _check_paths(session_id: str, records: Iterable[f.Record]) -> None:
    root = ""
    for record in records:
        match record.fact:
            case f.SessionOpened(workspace=workspace) | f.WorkspaceMoved(workspace=workspace):
                root = workspace
            case f.FilesChanging(changes=changes) | f.FilesChanged(changes=changes):
                for name in (name for each in changes.changes for name in (each.path, each.source) if name):
                    if not _plain(name).is_relative_to(_plain(root)):
                        raise StoreError(f"Session {session_id} is not taken in: it changes {name}, outside of {root}.")
            case _:
                pass


def _plain(name: str) -> Path:
    """A path, or the address of a file elsewhere, without detours."""
    return Path(os.path.normpath(shown(name)))
