"""Files on the disk: read as text, and written so that a file is always either the old one or the new one."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from a3s_lsp.engine.changes import Change
from a3s_lsp.engine.errors import EditRefused, StaleEdit, ToolError

TEXT_LIMIT = 64 * 1024 * 1024
"""The size in bytes up to which a file is taken into memory as a whole."""

_SMALL_BYTES = 256 * 1024
_KINDS = (
    (stat.S_ISDIR, "Is a directory (os error 21)"),
    (stat.S_ISFIFO, "it is a named pipe (FIFO), which could block for ever"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)


def open_file(path: Path) -> BinaryIO:
    """Open a regular file. ToolError, without ever blocking, for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise _unreadable(path, error) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        reason = next((name for is_kind, name in _KINDS if is_kind(mode)), "it is not a regular file")
        raise ToolError(f"Failed to read file {path}: {reason}.", {"type": "invalid_argument", "path": str(path)})
    return os.fdopen(descriptor, "rb")


def is_small(file: BinaryIO) -> bool:
    """Whether reading it takes less time than handing it to a thread."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size <= _SMALL_BYTES


def text_of(file: BinaryIO, path: Path) -> str:
    """The whole text of an open file, with its line endings and its byte order mark; closes it."""
    with file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if size > TEXT_LIMIT:
            raise ToolError(
                f"Failed to read file {path}: its {size} bytes are more than the {TEXT_LIMIT} that can be edited as "
                "a whole; read it in parts, or change it with a command."
            )
        try:
            return file.read().decode()
        except UnicodeDecodeError as error:
            raise not_utf8(path) from error


def not_utf8(path: Path) -> ToolError:
    """What to say about a file that is not text."""
    return ToolError(
        f"Failed to read file {path}: stream did not contain valid UTF-8; it is binary or in another encoding.",
        {"type": "unsupported", "path": str(path)},
    )


def _unreadable(path: Path, error: OSError) -> ToolError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        kind = {"type": "not_found", "path": str(path)}
    else:
        kind = {"type": "invalid_argument", "path": str(path)}
    return ToolError(f"Failed to read file {path}: {error.strerror} (os error {error.errno}).", kind)


class DiskWrites:
    """The writes of one change set. Each is atomic, and all can be taken back."""

    def __init__(self) -> None:
        self._done: list[Change] = []
        self._folders: list[Path] = []

    def write_all(self, changes: Iterable[Change]) -> None:
        """Write, create or delete files that still have the text `before`. StaleEdit or EditRefused otherwise."""
        for change in changes:
            self._write(change)

    def _write(self, change: Change) -> None:
        path = Path(change.path)
        if current_text(path) != change.before:
            raise StaleEdit(
                f"{path} was changed by someone else since it was read; read it again and repeat the edit.",
                {"type": "version_conflict", "path": change.path},
            )
        try:
            if change.after is None:
                path.unlink()
            else:
                self._make_folder(path.parent)
                _replace(path, change.after)
        except OSError as error:
            raise EditRefused(f"Failed to write {path}: {error.strerror} (os error {error.errno}).") from error
        self._done.append(change)

    def roll_back(self) -> list[str]:
        """Take back what was written, the last first. Returns the paths where that did not work."""
        left: list[str] = []
        for change in reversed(self._done):
            path = Path(change.path)
            try:
                if change.before is None:
                    path.unlink(missing_ok=True)
                else:
                    _replace(path, change.before)
            except OSError:
                left.append(change.path)
        for folder in reversed(self._folders):
            with suppress(OSError):  # someone else has put a file there
                folder.rmdir()
        self._done.clear()
        self._folders.clear()
        return left

    def _make_folder(self, folder: Path) -> None:
        missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
        for parent in reversed(missing):
            parent.mkdir(exist_ok=True)
            self._folders.append(parent)


def current_text(path: Path) -> str | None:
    """The text on the disk, or None if there is no file."""
    try:
        return text_of(open_file(path), path)
    except ToolError as error:
        if error.kind is not None and error.kind["type"] == "not_found":
            return None
        raise


def _replace(path: Path, text: str) -> None:
    """Put the text in the place of the file in one step that survives a loss of power; mode and owner stay."""
    before = path.stat() if path.exists() else None
    if before is not None and not os.access(path, os.W_OK):
        raise PermissionError(13, "The file is read-only", str(path))
    draft = path.with_name(f".{path.name[:80]}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if before is not None:
            shutil.copymode(path, draft)
            with suppress(OSError, AttributeError):  # not the owner, or a system without owners
                os.chown(draft, before.st_uid, before.st_gid)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every system lets a folder be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
