"""The bound on what a tool tells the model, and the store where the whole of it can be fetched."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import ToolResult

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


class ArtifactStore:
    """Long outputs of a session, in memory; the oldest go first when a limit is reached."""

    def __init__(self, max_artifacts: int = 256, max_bytes: int = 16 * 1024 * 1024) -> None:
        self.max_artifacts = max_artifacts
        self.max_bytes = max_bytes
        self._artifacts: OrderedDict[str, Artifact] = OrderedDict()
        self._bytes = 0

    def put(self, artifact: Artifact) -> bool:
        """Keep it. False, with nothing changed, if it alone would be more than the store may hold."""
        if artifact.original_bytes > self.max_bytes or self.max_artifacts < 1:
            return False
        self._drop(artifact.uri)
        self._artifacts[artifact.uri] = artifact
        self._bytes += artifact.original_bytes
        while len(self._artifacts) > self.max_artifacts or self._bytes > self.max_bytes:
            self._drop(next(iter(self._artifacts)))
        return True

    def get(self, uri: str) -> Json | None:
        """The artifact at this address, or None if there is none any more."""
        artifact = self._artifacts.get(uri)
        if artifact is None:
            return None
        return {**artifact.described(), "tool_name": artifact.tool_name, "content": artifact.content}

    def text(self, uri: str) -> str | None:
        """The content at this address, or None if there is none any more."""
        artifact = self._artifacts.get(uri)
        return None if artifact is None else artifact.content

    def _drop(self, uri: str) -> None:
        dropped = self._artifacts.pop(uri, None)
        self._bytes -= dropped.original_bytes if dropped else 0


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
    artifact = Artifact(tool_name, digest, result.output, len(data), len(shown.encode()))
    described = artifact.described()
    if artifacts.put(artifact):
        where = f"Full output artifact: {artifact.uri}."
    else:
        where = (
            f"The full output was not kept: it is larger than the limit of {artifacts.max_bytes} bytes for artifacts."
        )
        described = {key: described[key] for key in ("original_bytes", "shown_bytes")}
    notice = (
        f"\n\n[tool output truncated: showing the first {artifact.shown_bytes} of {len(data)} bytes. {where} "
        "Use narrower arguments such as offset/limit or filtering when possible.]"
    )
    metadata = {**(result.metadata or {}), "artifact": described}
    return replace(result, output=shown + notice + _own_notices(result.output), metadata=metadata)


def _own_notices(output: str) -> str:
    """The bracketed lines at the very end: what a tool says about its output must outlive the cut."""
    kept: list[str] = []
    for line in reversed(output[-_NOTICE_BYTES:].split("\n")):
        if line and not (line.startswith("[") and line.endswith("]")):
            break
        kept.append(line)
    notices = "\n".join(line for line in reversed(kept) if line)
    return f"\n\n{notices}" if notices else ""
