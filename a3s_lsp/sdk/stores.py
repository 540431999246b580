"""Where a program keeps its sessions and their long outputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from a3s_lsp.engine import forking
from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import SessionInfo
from a3s_lsp.engine.store import folder
from a3s_lsp.engine.store.exchange import document, read_document, take_in, write_document
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.store.postgres import PostgresStore
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.sdk.checks import optional_string, path_text, string


class ArtifactStoreLimits:
    """How much long tool output a session keeps."""

    def __init__(self, max_artifacts: int | None = None, max_bytes: int | None = None) -> None:
        self.max_artifacts = 256 if max_artifacts is None else max_artifacts
        self.max_bytes = 16 * 1024 * 1024 if max_bytes is None else max_bytes

    def __repr__(self) -> str:
        return f"ArtifactStoreLimits(max_artifacts={self.max_artifacts}, max_bytes={self.max_bytes})"


class SessionStore:
    """What every store of sessions can do. Calls block; any thread may make them. All raise StoreError."""

    writer: LogWriter

    def sessions(self) -> list[Json]:
        """All sessions, newest first: id, workspace, title, status, messages, updated_at_ms, forked_from."""
        return [_row(info) for info in self.writer.store.sessions()]

    def fork(self, session_id: str, at: str | None = None, new_id: str | None = None) -> str:
        """Store a session that begins as this one was before the run or call `at`, or as it is. Returns its id."""
        self.adopt(string("session_id", session_id))
        return forking.fork(self.writer.store, session_id, optional_string("at", at), optional_string("new_id", new_id))

    def delete(self, session_id: str) -> bool:
        """Delete a session. False if there was none. SessionBusy if another process has it open."""
        return self.writer.store.delete(string("session_id", session_id))

    def export(self, session_id: str, path: str | None = None) -> Json:
        """The whole session as a JSON object, which is also written to the file `path` if one is given."""
        self.adopt(string("session_id", session_id))
        named = None if path is None else Path(path_text("path", path))
        session = document(self.writer.store, session_id)
        if named is not None:
            write_document(named, session)
        return session

    def import_session(self, source: str | Mapping[str, object], new_id: str | None = None) -> str:
        """Take in what `export` gave, or a session file of a3s-code: an object, or the path of a file. Returns the id
        of the session. Rules that were learned elsewhere are left out, and runs that were going have ended."""
        if not isinstance(source, str | Mapping):
            raise TypeError(f"source must be a path or an exported session, not {type(source).__name__}")
        if isinstance(source, str):
            path = Path(path_text("source", source))
            return take_in(self.writer.store, read_document(path), path.parent, optional_string("new_id", new_id))
        return take_in(self.writer.store, source, None, optional_string("new_id", new_id))

    def adopt(self, session_id: str) -> None:
        """Take over a session that is only there in another format."""


class FileSessionStore(SessionStore):
    """Sessions in the file `sessions.db` of a folder, which is made when it is first needed. Session files that
    a3s-code has left in the folder are taken over when they are asked for by their id."""

    def __init__(self, dir: str) -> None:
        self.dir = path_text("dir", dir)
        self.writer = LogWriter(SQLiteStore(Path(dir) / "sessions.db", "give FileSessionStore another folder"))

    def adopt(self, session_id: str) -> None:
        """Take over a session that is only there as a file of a3s-code."""
        folder.adopt(self.writer.store, Path(self.dir), session_id)

    def delete(self, session_id: str) -> bool:
        """Delete a session, and the files of a3s-code that it was taken over from. False if there was none."""
        return folder.delete(self.writer.store, Path(self.dir), string("session_id", session_id))

    def __repr__(self) -> str:
        return f'FileSessionStore(dir="{self.dir}")'


class MemorySessionStore(SessionStore):
    """Sessions that live as long as this object."""

    def __init__(self) -> None:
        self.writer = LogWriter(MemoryStore(outputs=True))

    def __repr__(self) -> str:
        return "MemorySessionStore()"


def _row(info: SessionInfo) -> Json:
    return {
        "id": info.id,
        "workspace": info.workspace,
        "title": info.title,
        "status": info.status,
        "messages": info.messages,
        "updated_at_ms": info.updated_ms,
        "forked_from": info.origin or None,
    }


class PostgresSessionStore(SessionStore):
    """Sessions in a schema of a PostgreSQL database, whose tables are made when they are first needed, for programs on
    any number of machines. `dsn` is a URL or `name=value` pairs; needs the extra `a3s-lsp[postgres]`."""

    def __init__(self, dsn: str, schema: str = "a3s") -> None:
        self.schema = string("schema", schema)
        if not 0 < len(schema.encode()) < 64 or not schema.isprintable():
            raise ValueError("schema must be a name of 1 to 63 bytes")
        self._postgres = PostgresStore(string("dsn", dsn), schema)
        self.writer = LogWriter(self._postgres)

    def __repr__(self) -> str:
        return f'PostgresSessionStore("{self._postgres.place}", schema="{self.schema}")'


def configured_store(settings: Settings) -> SessionStore | None:
    """The store that the configuration names for sessions that are given none; None if it names none."""
    match settings.storage_backend:
        case "file" if settings.sessions_dir:
            return FileSessionStore(str(Path(settings.sessions_dir).expanduser().absolute()))
        case "custom" if settings.storage_url:
            return PostgresSessionStore(settings.storage_url)
        case _:
            return None
