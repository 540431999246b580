"""The bound on what a tool tells the model, and the store where the whole of it can be fetched."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import ToolResult

logger = logging.getLogger(__name__)

SHOWN_BYTES = 102_400
"""How much of one result the model gets to see."""

_NOTICE_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class Artifact:
    """The whole output of a call that was too long to show."""

    tool_name: str
    id: str
    content: str
    original_bytes: int
    shown_bytes: int

    @property
    def uri(self) -> str:
        """The address under which the content can be fetched."""
        return f"a3s://tool-output/{self.tool_name}/{self.id}"

    def described(self) -> Json:
        """What a result's metadata says about it."""
        return {
            "artifact_id": f"tool-output:{self.tool_name}:{self.id}",
            "artifact_uri": self.uri,
            "original_bytes": self.original_bytes,
            "shown_bytes": self.shown_bytes,
        }


class Shelf(Protocol):
    """Where artifacts lie. Any thread may use it, one at a time. Raises OSError."""

    def listed(self) -> Sequence[tuple[str, int]]:
        """The addresses and sizes of all, the oldest first."""

    def put(self, artifact: Artifact) -> None:
        """Keep it as the newest."""

    def get(self, uri: str) -> Artifact | None:
        """The artifact at this address; None if it is not here, or damaged."""

    def drop(self, uri: str) -> None:
        """Keep it no longer."""


class MemoryShelf:
    """Artifacts as long as this object lives."""

    def __init__(self) -> None:
        self._artifacts: dict[str, Artifact] = {}

    def listed(self) -> Sequence[tuple[str, int]]:
        return [(uri, artifact.original_bytes) for uri, artifact in self._artifacts.items()]

    def put(self, artifact: Artifact) -> None:
        self._artifacts[artifact.uri] = artifact

    def get(self, uri: str) -> Artifact | None:
        return self._artifacts.get(uri)

    def drop(self, uri: str) -> None:
        self._artifacts.pop(uri, None)


class ArtifactStore:
    """Long outputs of a session; the oldest go first when a limit is reached. Any thread may use it."""

    def __init__(self, max_artifacts: int = 256, max_bytes: int = 16 * 1024 * 1024, shelf: Shelf | None = None) -> None:
        self.max_artifacts = max_artifacts
        self.max_bytes = max_bytes
        self._shelf: Shelf = MemoryShelf() if shelf is None else shelf
        self._mutex = threading.Lock()
        self._sizes: OrderedDict[str, int] | None = None

    def on(self, shelf: Shelf) -> ArtifactStore:
        """A store with the same limits, of what lies there."""
        return ArtifactStore(self.max_artifacts, self.max_bytes, shelf)

    def put(self, artifact: Artifact) -> bool:
        """Keep it. False, with nothing else changed, if it alone would be more than the store may hold, or if the disk
        has no room for it."""
        if artifact.original_bytes > self.max_bytes or self.max_artifacts < 1:
            return False
        with self._mutex:
            try:
                sizes = self._known()
                self._drop(sizes, artifact.uri)
                self._shelf.put(artifact)
                sizes[artifact.uri] = artifact.original_bytes
                while len(sizes) > self.max_artifacts or sum(sizes.values()) > self.max_bytes:
                    self._drop(sizes, next(iter(sizes)))
            except OSError as error:
                logger.warning("the output of %s could not be kept: %s", artifact.tool_name, error)
                return False
        return True

    def get(self, uri: str) -> Json | None:
        """The artifact at this address, or None if there is none any more."""
        artifact = self._found(uri)
        if artifact is None:
            return None
        return {**artifact.described(), "tool_name": artifact.tool_name, "content": artifact.content}

    def text(self, uri: str) -> str | None:
        """The content at this address, or None if there is none any more."""
        artifact = self._found(uri)
        return None if artifact is None else artifact.content

    def _found(self, uri: str) -> Artifact | None:
        with self._mutex:
            try:
                return self._shelf.get(uri) if uri in self._known() else None
            except OSError as error:
                logger.warning("the artifact %s could not be read: %s", uri, error)
                return None

    def _known(self) -> OrderedDict[str, int]:
        if self._sizes is None:
            self._sizes = OrderedDict(self._shelf.listed())
        return self._sizes

    def _drop(self, sizes: OrderedDict[str, int], uri: str) -> None:
        if sizes.pop(uri, None) is not None:
            self._shelf.drop(uri)


def worth_keeping(artifacts: ArtifactStore) -> int:
    """How much of a command's output is of any use: what is shown, and what the store would keep."""
    return max(2 * SHOWN_BYTES, artifacts.max_bytes)


def cap(tool_name: str, result: ToolResult, artifacts: ArtifactStore) -> ToolResult:
    """The result as the model may see it: of output beyond `SHOWN_BYTES` it gets the start and the whole's address."""
    data = result.output.encode(errors="replace")
    if len(data) <= SHOWN_BYTES:
        return result
    shown = data[:SHOWN_BYTES].decode(errors="ignore")
    digest = hashlib.blake2b(data, digest_size=8).hexdigest()
    size = max(len(data), result.produced or 0)
    artifact = Artifact(tool_name, digest, result.output, size, len(shown.encode()))
    described = artifact.described()
    if artifacts.put(artifact):
        where = f"Full output artifact: {artifact.uri}."
    else:
        where = f"The full output was not kept: {_why_not(size, artifacts)}."
        described = {key: described[key] for key in ("original_bytes", "shown_bytes")}
    notice = (
        f"\n\n[tool output truncated: showing the first {artifact.shown_bytes} of {size} bytes. {where} "
        "Use narrower arguments such as offset/limit or filtering when possible.]"
    )
    metadata = {**(result.metadata or {}), "artifact": described}
    return replace(result, output=shown + notice + _own_notices(result.output), metadata=metadata)


def _why_not(size: int, artifacts: ArtifactStore) -> str:
    if size > artifacts.max_bytes:
        return f"it is larger than the limit of {artifacts.max_bytes} bytes for artifacts"
    return "no artifacts are to be kept" if artifacts.max_artifacts < 1 else "the disk has no room for it"


def _own_notices(output: str) -> str:
    """The bracketed lines at the very end: what a tool says about its output must outlive the cut."""
    kept: list[str] = []
    for line in reversed(output[-_NOTICE_BYTES:].split("\n")):
        if line and not (line.startswith("[") and line.endswith("]")):
            break
        kept.append(line)
    notices = "\n".join(line for line in reversed(kept) if line)
    return f"\n\n{notices}" if notices else ""
