"""Where files of instructions may lie: the workspace, or the person's own folder. None of them reaches into another."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from a3s_lsp.engine.errors import PathRefused, ToolError
from a3s_lsp.engine.ports import Workspace

_LARGEST = 1024 * 1024


class Realm(Protocol):
    """Files that may refer to each other."""

    def place(self, folder: Path, name: str) -> Path:
        """The file that a name means in a folder, links followed. Raises PathRefused if it lies outside."""

    def shown(self, path: Path) -> str:
        """The path as it is told."""

    async def text(self, path: Path) -> str:
        """Buffer or disk. Raises ToolError."""


class ProjectRealm:
    """The workspace, without what the policy denies to read."""

    def __init__(self, workspace: Workspace, denied: Callable[[str], bool]) -> None:
        self._workspace = workspace
        self._denied = denied

    def place(self, folder: Path, name: str) -> Path:
        if name.startswith("~"):
            raise PathRefused("it lies outside of the workspace")
        try:
            return self._workspace.resolve(str(folder / name))
        except PathRefused:
            raise PathRefused("it lies outside of the workspace") from None

    def shown(self, path: Path) -> str:
        return self._workspace.display(path)

    async def text(self, path: Path) -> str:
        if self._denied(self.shown(path)):
            raise ToolError("the permission policy denies to read it")
        return (await self._workspace.read(path)).text


class OwnRealm:
    """The folder of the person's own settings."""

    def __init__(self, folder: Path, workspace: Workspace) -> None:
        self._folder = folder.resolve()
        self._workspace = workspace

    def place(self, folder: Path, name: str) -> Path:
        path = (folder / Path(name).expanduser()).resolve()
        if not path.is_relative_to(self._folder):
            raise PathRefused(f"it lies outside of {self._folder}")
        return path

    def shown(self, path: Path) -> str:
        return str(path)

    async def text(self, path: Path) -> str:
        opened = next((document.text for document in self._workspace.opened() if document.path == path), None)
        return opened if opened is not None else await asyncio.to_thread(_read, path)


def _read(path: Path) -> str:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise ToolError("it is no regular file")
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8-sig", errors="replace")
    except FileNotFoundError:
        raise ToolError("there is no such file", {"type": "not_found"}) from None
    except OSError as error:
        raise ToolError(error.strerror or str(error)) from None
