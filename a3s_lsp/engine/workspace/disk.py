"""Files on the disk: read as text, and written so that a file is always either the old one or the new one."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from a3s_lsp.engine.changes import Change
from a3s_lsp.engine.errors import EditRefused, StaleEdit, ToolError
from a3s_lsp.engine.workspace.drafts import discard, sync_file, sync_folder, write_draft
from a3s_lsp.engine.workspace.encodings import Decoded, Encoding, Unencodable, decode, encode, has_wide_mark

TEXT_LIMIT = 64 * 1024 * 1024
"""The size in bytes up to which a file is taken into memory as a whole."""

_SMALL_BYTES = 256 * 1024
_WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_KINDS = (
    (stat.S_ISDIR, "Is a directory (os error 21); list it with ls"),
    (stat.S_ISFIFO, "it is a named pipe (FIFO), which could block for ever"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)
_REMEDIES = {
    errno.ENOSPC: "; free some space on the disk, then repeat it",
    errno.EDQUOT: "; free some space on the disk, then repeat it",
    errno.EACCES: "; its folder must be writable first",
    errno.EPERM: "; its folder must be writable first",
    errno.ENOENT: "; its folder is gone, look at what became of it",
}

# ---------------------------------------------------------------- reading


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
    return _size(file) <= _SMALL_BYTES


def is_wide(file: BinaryIO) -> bool:
    """Whether an open file says at its beginning that it is UTF-16 or UTF-32."""
    start = file.read(4)
    file.seek(0)
    return has_wide_mark(start)


def text_of(file: BinaryIO, path: Path) -> str:
    """The whole text of an open file, with its line endings and its byte order mark; closes it."""
    with file:
        return _decoded(_bytes(file, path), path).text


def as_utf8(file: BinaryIO, path: Path) -> BinaryIO:
    """The text of an open file as UTF-8; closes the file. ToolError if it is not text."""
    with file:
        if _size(file) > TEXT_LIMIT:  # all of it would have to be read to tell whether it is text
            raise not_utf8(path)
        return io.BytesIO(_decoded(_bytes(file, path), path).text.encode())


def current_text(path: Path) -> str | None:
    """The text on the disk, or None if there is no file."""
    data = _current_bytes(path)
    return None if data is None else _decoded(data, path).text


def not_utf8(path: Path) -> ToolError:
    """What to say about a file that is not text."""
    return ToolError(
        f"Failed to read file {path}: stream did not contain valid UTF-8; it is binary or in another encoding.",
        {"type": "unsupported", "path": str(path)},
    )


def _size(file: BinaryIO) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


def _bytes(file: BinaryIO, path: Path) -> bytes:
    size = _size(file)
    if size > TEXT_LIMIT:
        raise ToolError(
            f"Failed to read file {path}: its {size} bytes are more than the {TEXT_LIMIT} that can be edited as "
            "a whole; read it in parts, or change it with a command."
        )
    return file.read()


def _current_bytes(path: Path) -> bytes | None:
    try:
        with open_file(path) as file:
            return _bytes(file, path)
    except ToolError as error:
        if error.kind is not None and error.kind["type"] == "not_found":
            return None
        raise


def _decoded(data: bytes, path: Path) -> Decoded:
    decoded = decode(data)
    if decoded is None:
        raise not_utf8(path)
    return decoded


def _unreadable(path: Path, error: OSError) -> ToolError:
    if error.errno == errno.ENXIO:
        kind = {"type": "invalid_argument", "path": str(path)}
        return ToolError(f"Failed to read file {path}: it is a socket.", kind)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        kind = {"type": "not_found", "path": str(path)}
    else:
        kind = {"type": "invalid_argument", "path": str(path)}
    return ToolError(f"Failed to read file {path}: {error.strerror} (os error {error.errno}).", kind)


# ---------------------------------------------------------------- writing


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of a change set: the bytes of a file before and after, or the move of a file that keeps its bytes."""

    path: Path
    before: bytes | None
    after: bytes | None
    source: Path | None = None
    draft: Path | None = None
    status: os.stat_result | None = None


class DiskWrites:
    """The writes of one change set. Each is atomic, and all can be taken back."""

    def __init__(self) -> None:
        self._done: list[_Step] = []
        self._folders: list[Path] = []

    def write_all(self, changes: Iterable[Change]) -> None:
        """Write, create, move or delete files that still have the text `before`. StaleEdit or EditRefused otherwise.

        All that can fail is tried first: the files change when the new contents of all of them are on the disk.
        """
        steps: list[_Step] = []
        try:
            for change in changes:
                with _refusals(change.path):
                    steps += self._prepared(change)
            for step in steps:
                if step.draft is not None:
                    with _refusals(step.path):
                        sync_file(step.draft)
            for step in steps:
                with _refusals(step.path):
                    _take(step)
                self._done.append(step)
        finally:
            for step in steps:
                if step.draft is not None:
                    discard(step.draft)
        self._sync_folders()

    def roll_back(self) -> list[str]:
        """Take back what was written, the last first. Returns the paths where that did not work."""
        left = [str(step.path) for step in reversed(self._done) if not _taken_back(step)]
        self._sync_folders()
        for folder in reversed(self._folders):
            with suppress(OSError):  # someone else has put a file there
                folder.rmdir()
        self._done.clear()
        self._folders.clear()
        return left

    def _prepared(self, change: Change) -> Iterator[_Step]:
        """The steps of a change, with the draft of what is to be written. Raises StaleEdit, EditRefused, OSError."""
        path, source = Path(change.path), Path(change.source or change.path)
        before = _current_bytes(source)
        decoded = None if before is None else _decoded(before, source)
        if (None if decoded is None else decoded.text) != change.before:
            raise _stale(source, change.before is not None, before is not None)
        status = None if before is None else source.stat()
        if status is not None and not (status.st_mode & _WRITE_BITS and os.access(source, os.W_OK)):
            raise EditRefused(f"Failed to write {source}: the file is read-only; make it writable first.")
        if change.after is not None:
            self._make_folder(path.parent)
        if source != path:
            _check_free(path, source)
            yield _Step(path, before, before, source=source)
        if change.after is None:
            yield _Step(path, before, None, status=status)
        elif change.after != change.before:
            after = _encoded(change.after, "utf-8" if decoded is None else decoded.encoding, path)
            draft = write_draft(path, after, status, None if before is None else source)
            yield _Step(path, before, after, draft=draft, status=status)

    def _make_folder(self, folder: Path) -> None:
        missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
        for parent in reversed(missing):
            parent.mkdir(exist_ok=True)
            self._folders.append(parent)

    def _sync_folders(self) -> None:
        """Each folder once, however many of its files have changed."""
        changed = [path.parent for step in self._done for path in (step.path, step.source) if path is not None]
        for folder in dict.fromkeys([*changed, *(folder.parent for folder in self._folders)]):
            sync_folder(folder)


def _take(step: _Step) -> None:
    """Do what was prepared, if the file still is as it was then."""
    place = step.source or step.path
    now = _current_bytes(place)
    if now != step.before:
        raise _stale(place, step.before is not None, now is not None)
    if step.source is not None:
        _check_free(step.path, step.source)
        step.source.rename(step.path)
    elif step.draft is not None:
        step.draft.replace(step.path)
    else:
        step.path.unlink()


def _taken_back(step: _Step) -> bool:
    """Whether the file is as it was before. What somebody else has made of it since is left alone."""
    try:
        now = _current_bytes(step.path)
        if step.source is None and now == step.before:
            return True
        if now != step.after:
            return False
        if step.source is not None:
            _check_free(step.source, step.path)
            step.path.rename(step.source)
        elif step.before is None:
            step.path.unlink()
        else:
            _restore(step.path, step.before, step.status)
    except (OSError, ToolError):
        return False
    return True


def _restore(path: Path, data: bytes, status: os.stat_result | None) -> None:
    """The file with the bytes, the mode and the times that it had; attributes are those of what has its place."""
    draft = write_draft(path, data, status, path if path.exists() else None)
    try:
        if status is not None:
            os.utime(draft, ns=(status.st_atime_ns, status.st_mtime_ns))
        sync_file(draft)
        draft.replace(path)
    finally:
        discard(draft)


def _check_free(path: Path, source: Path) -> None:
    """Nothing may be where a file is to be moved; only that the case of its name changes is no obstacle."""
    same = path.parent == source.parent and path.name.casefold() == source.name.casefold()
    if os.path.lexists(path) and not (same and path.samefile(source)):
        raise EditRefused(f"{path} exists already; delete it first, or choose another name.")


def _encoded(text: str, encoding: Encoding, path: Path) -> bytes:
    try:
        return encode(text, encoding)
    except Unencodable as error:
        raise EditRefused(f"Failed to write {path}: {error}.", {"type": "unsupported", "path": str(path)}) from error


def _stale(path: Path, was_there: bool, is_there: bool) -> StaleEdit:
    if not was_there:
        what = "was created by someone else meanwhile; read it, and change it with edit"
    elif not is_there:
        what = "was deleted by someone else since it was read; look at what became of it before you go on"
    else:
        what = "was changed by someone else since it was read; read it again and repeat the edit"
    return StaleEdit(f"{path} {what}.", {"type": "version_conflict", "path": str(path)})


@contextmanager
def _refusals(path: str | Path) -> Iterator[None]:
    """What the operating system does not allow is a refusal that says why."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "")
        raise EditRefused(f"Failed to write {path}: {error.strerror} (os error {error.errno}){remedy}.") from error
