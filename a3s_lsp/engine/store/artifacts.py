"""Long outputs of sessions as files: one folder for a session, one file for an output, named in the order of their age.

The first line of a file says what it is. A file that is damaged or was not written whole is swept away.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from a3s_lsp.engine.ports import SessionStore
from a3s_lsp.engine.tools.limits import Artifact, MemoryShelf, Shelf

_DRAFT = ".draft-"
_HEADER_BYTES = 10_000


@runtime_checkable
class Shelved(Protocol):
    """A session store that keeps long outputs too."""

    def shelf(self, session_id: str) -> Shelf:
        """Where those of a session lie."""


def shelf_of(store: SessionStore, session_id: str) -> Shelf:
    """Where the long outputs of a session lie; a store that keeps none leaves them in memory."""
    return store.shelf(session_id) if isinstance(store, Shelved) else MemoryShelf()


def copy_artifacts(source: Shelf, target: Shelf) -> None:
    """Have the same outputs in both places."""
    for uri, _ in source.listed():
        artifact = source.get(uri)
        if artifact is not None:
            target.put(artifact)


class FolderShelf:
    """Artifacts in the files of a folder, which is made when it is first needed."""

    def __init__(self, folder: Path, session_id: str) -> None:
        self._folder = folder / hashlib.sha256(session_id.encode(errors="surrogatepass")).hexdigest()[:32]
        self._files: dict[str, Path] = {}

    def listed(self) -> Sequence[tuple[str, int]]:
        found = list(self._read_headers())
        self._files = {artifact.uri: path for path, artifact in found}
        return [(artifact.uri, artifact.original_bytes) for _, artifact in found]

    def put(self, artifact: Artifact) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(prefix=_DRAFT, dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(json.dumps(_header(artifact)).encode() + b"\n")
                file.write(artifact.content.encode(errors="replace"))
            path = self._folder / f"{self._next():012}"
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        self._files[artifact.uri] = path

    def get(self, uri: str) -> Artifact | None:
        path = self._files.get(uri)
        if path is None or not path.is_file():
            return None
        with path.open("rb") as file:
            return _artifact(file, whole=True)

    def drop(self, uri: str) -> None:
        path = self._files.pop(uri, None)
        if path is not None:
            path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Drop all, with the folder."""
        self._files.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _next(self) -> int:
        return 1 + max((int(path.name) for path in self._files.values()), default=0)

    def _read_headers(self) -> Iterator[tuple[Path, Artifact]]:
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.iterdir()):
            if not path.name.isdigit():
                path.unlink(missing_ok=True)
                continue
            with path.open("rb") as file:
                artifact = _artifact(file, whole=False)
            if artifact is None:
                path.unlink(missing_ok=True)
            else:
                yield path, artifact


def _header(artifact: Artifact) -> dict[str, object]:
    return {
        "tool_name": artifact.tool_name,
        "id": artifact.id,
        "original_bytes": artifact.original_bytes,
        "shown_bytes": artifact.shown_bytes,
    }


def _artifact(file: BinaryIO, *, whole: bool) -> Artifact | None:
    """What a file says of itself, with its content if it is wanted `whole`; None if it is damaged."""
    try:
        header = json.loads(file.readline(_HEADER_BYTES))
    except ValueError:
        return None
    match header:
        case {"tool_name": str(tool), "id": str(name), "original_bytes": int(size), "shown_bytes": int(shown)}:
            content = file.read().decode(errors="replace") if whole else ""
            return Artifact(tool, name, content, size, shown)
        case _:
            return None
