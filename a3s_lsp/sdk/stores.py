"""Where a program keeps its sessions and their long outputs."""

from __future__ import annotations

from pathlib import Path

from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.engine.store.writer import LogWriter


class ArtifactStoreLimits:
    """How much long tool output a session keeps."""

    def __init__(self, max_artifacts: int | None = None, max_bytes: int | None = None) -> None:
        self.max_artifacts = 256 if max_artifacts is None else max_artifacts
        self.max_bytes = 16 * 1024 * 1024 if max_bytes is None else max_bytes

    def __repr__(self) -> str:
        return f"ArtifactStoreLimits(max_artifacts={self.max_artifacts}, max_bytes={self.max_bytes})"


class FileSessionStore:
    """Sessions in the file `sessions.db` of a folder, which is made when it is first needed."""

    def __init__(self, dir: str) -> None:
        if not isinstance(dir, str):
            raise TypeError(f"dir must be a string, not {type(dir).__name__}")
        self.dir = dir
        self.writer = LogWriter(SQLiteStore(Path(dir) / "sessions.db"))

    def __repr__(self) -> str:
        return f'FileSessionStore(dir="{self.dir}")'


class MemorySessionStore:
    """Sessions that live as long as this object."""

    def __init__(self) -> None:
        self.writer = LogWriter(MemoryStore())

    def __repr__(self) -> str:
        return "MemorySessionStore()"
