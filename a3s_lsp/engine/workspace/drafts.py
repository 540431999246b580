"""New contents of a file, written beside it first, so that they can take its place in one step."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from contextlib import suppress
from pathlib import Path

_NAME_CHARACTERS = 40


def write_draft(path: Path, data: bytes, status: os.stat_result | None = None, like: Path | None = None) -> Path:
    """A new file in the folder of `path`. It gets the mode and the owner of `status`, and the attributes of `like`."""
    draft = path.with_name(f".{path.name[:_NAME_CHARACTERS]}.{uuid.uuid4().hex[:12]}.tmp")
    mode = 0o666 if status is None else 0o600  # nobody else may read it before it has the mode that it is to have
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
        if like is not None:
            shutil.copystat(like, draft)
            os.utime(draft)
        if status is not None:
            with suppress(OSError, AttributeError):  # not the owner, or a system without owners
                os.chown(draft, status.st_uid, status.st_gid)
            draft.chmod(stat.S_IMODE(status.st_mode))  # after the owner, whose change takes away some bits
    except OSError:
        discard(draft)
        raise
    return draft


def discard(draft: Path) -> None:
    """Remove a draft that is not wanted, if it is still there."""
    with suppress(OSError):
        draft.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Wait until the disk has the contents of a file."""
    _sync(path, os.O_RDWR)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder, on systems that let a folder be opened."""
    with suppress(OSError):
        _sync(folder, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
