"""Workspaces that are no folder of this machine: their paths begin where no file can be, and are shown as addresses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from a3s_lsp.engine.ports import ToolResult

_NOWHERE = Path("/dev/null")
"""Nothing can be below it, so that whoever asks the disk about such a path finds nothing."""
_INSIDE, _SHOWN = f"{_NOWHERE}/s3:/", "s3://"


def rooted(address: str) -> Path:
    """The path that stands for `s3://bucket/prefix`."""
    return Path(_INSIDE + address.removeprefix(_SHOWN))


def is_remote(path: Path) -> bool:
    """Whether a path stands for an address."""
    return path.is_relative_to(_NOWHERE)


def local_folder(root: Path) -> Path:
    """Where programs run that belong to a session: in its workspace, or where this process runs."""
    return Path.cwd() if is_remote(root) else root


def address(path: Path) -> str:
    """A path as people write it: the address that it stands for, or the path itself."""
    return shown(str(path))


def shown(text: str) -> str:
    """The text with addresses in the place of the paths that stand for them."""
    return text.replace(_INSIDE, _SHOWN)


def addressed(result: ToolResult, root: Path) -> ToolResult:
    """The result of a call in the workspace with this root, as it is told: with addresses where they are meant."""
    if not is_remote(root):
        return result
    kind = result.error_kind
    if kind is not None and isinstance(path := kind.get("path"), str):
        kind = {**kind, "path": shown(path)}
    return replace(result, output=shown(result.output), error_kind=kind)
