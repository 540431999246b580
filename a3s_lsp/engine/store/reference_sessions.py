"""Sessions as a3s-code 3.1 keeps them in a folder: `<id>.json`, with `runs/`, `verification/` and `artifacts/` beside.

They are read, and never written. A run becomes a run with a history of its own, since which of them the conversation
has is only told by the conversation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.history_format import parse_history
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.store.log_building import LogBuilder
from a3s_lsp.engine.store.reference_runs import Runs
from a3s_lsp.engine.verification_json import read_report

SOURCE = "a3s-code"
_FOLDERS = ("runs", "traces", "verification")


def is_reference(session: Mapping[str, object]) -> bool:
    """Whether this is a session as the reference writes it."""
    return "format" not in session and "config" in session and "messages" in session


def file_name(session_id: str) -> str:
    """How the reference names the file of a session, without the ending; different ids may have the same name."""
    return session_id.replace("/", "_").replace("\\", "_").replace("..", "_")


def find(folder: Path, session_id: str) -> Path | None:
    """The file of this session in a folder of the reference, None if there is none, or if it is of another session."""
    path = folder / f"{file_name(session_id)}.json"
    try:
        data = path.read_bytes() if path.is_file() else None
    except OSError:
        return None
    try:
        value = None if data is None else json.loads(data)
    except (ValueError, RecursionError):
        return path  # what is wrong with it is told by whoever reads it
    return path if isinstance(value, dict) and value.get("id") == session_id else None


def remove(path: Path) -> None:
    """Delete a session's files. Raises StoreError."""
    beside = [path.parent / name / path.name for name in _FOLDERS]
    try:
        outputs = path.parent / "artifacts" / path.stem / "artifacts.json"
        for each in (*beside, outputs, path):
            each.unlink(missing_ok=True)
        if outputs.parent.is_dir():
            outputs.parent.rmdir()
    except OSError as error:
        raise StoreError(f"{path} cannot be deleted: {error.strerror}.") from error


def reference_log(session: Mapping[str, object], folder: Path | None) -> Sequence[f.Record]:
    """The log of such a session. Raises StoreError that says what is wrong with it."""
    session_id = session["id"]
    config = session.get("config")
    workspace = config.get("workspace") if isinstance(config, Mapping) else None
    if not isinstance(workspace, str) or not workspace:
        raise StoreError(f"Session {session_id} names no workspace.")
    model, created = session.get("model_name"), session.get("created_at")
    time_ms = created * 1000 if isinstance(created, int) else 0
    try:
        messages = parse_history(session.get("messages"))
    except TypeError as error:
        raise StoreError(f"Session {session_id} cannot be taken in: {error}.") from None
    log = LogBuilder()
    log.add(f.SessionOpened(workspace, model if isinstance(model, str) else ""), None, time_ms)
    stem = file_name(str(session_id))
    Runs(log).add(_beside(folder, "runs", stem))
    for value in _beside(folder, "verification", stem):
        try:
            log.add(f.VerificationReported(read_report(value)), None, time_ms)
        except ValueError:
            continue  # a report that cannot be read proves nothing
    log.add(f.HistoryImported(SOURCE, messages), None, _last_ms(log, session))
    return log.records


def reference_outputs(session: Mapping[str, object], folder: Path) -> Json:
    """What such a session has of long outputs, as `{"artifacts": […]}`."""
    value = _read(folder / "artifacts" / file_name(str(session["id"])) / "artifacts.json")
    return value if isinstance(value, dict) else {}


def _last_ms(log: LogBuilder, session: Mapping[str, object]) -> int:
    updated = session.get("updated_at")
    return max(log.records[-1].time_ms, updated * 1000 if isinstance(updated, int) else 0)


def _beside(folder: Path | None, kind: str, stem: str) -> list[Json]:
    """The objects in the list that is kept for a session in another file; none if there is no such file."""
    listed = None if folder is None else _read(folder / kind / f"{stem}.json")
    return [value for value in listed if isinstance(value, dict)] if isinstance(listed, list) else []


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read: {error}.") from None
