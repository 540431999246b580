"""Contents for a checkpoint: read by two threads ahead of the one that stores them, with bounded memory."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from a3s_lsp.engine.store.checkpoint_tables import CheckpointTables, Content, digest_of, packed
from a3s_lsp.engine.workspace.checkpoint_scan import NOT_KEPT, Scan, Unread
from a3s_lsp.engine.workspace.checkpoint_trees import Entry

_GROUP_FILES = 256
_GROUP_BYTES = 4 * 1024 * 1024
_THREADS = 2
_GROUPS_AHEAD = 4
_ATTEMPTS = 3

_Read: TypeAlias = Content | int | str | None
"""New bytes, the number of bytes that are stored already, why it is left out, or None if it went away."""


def read_all(scan: Scan, tables: CheckpointTables, check: Callable[[], None]) -> set[int]:
    """Read and store what the scan has found to be unread; returns the numbers of the contents."""
    fresh: set[int] = set()
    for group in _read_ahead(scan, tables):
        check()
        numbers = iter(tables.put([read for _, read in group if isinstance(read, Content)]))
        for unread, read in group:
            if isinstance(read, str):
                _leave_out(scan, unread, read)
            elif read is not None:
                number = next(numbers) if isinstance(read, Content) else read
                fresh.add(number)
                unread.draft.entries[unread.name] = unread.blank._replace(content=number)
    return fresh


def content_of(path: str | Path, *, is_link: bool) -> bytes:
    """The bytes of a regular file, or the target of a link; links are not followed. Raises OSError."""
    if is_link:
        return os.fsencode(os.readlink(path))  # noqa: PTH115, a Path would tidy the target up
    data = b""
    for _ in range(_ATTEMPTS):
        descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW | _NO_WAIT | _BINARY)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise OSError(0, NOT_KEPT)
            data = file.readall()
            after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            break  # else it was written to meanwhile
    return data


_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def _read_ahead(scan: Scan, tables: CheckpointTables) -> Iterator[list[tuple[Unread, _Read]]]:
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="a3s-checkpoint") as pool:
        waiting: deque[Future[list[tuple[Unread, _Read]]]] = deque()
        for group in _groups(scan.unread):
            waiting.append(pool.submit(_read_group, scan.root, group, tables))
            if len(waiting) > _GROUPS_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _groups(unread: Iterable[Unread]) -> Iterator[list[Unread]]:
    group: list[Unread] = []
    size = 0
    for one in unread:
        group.append(one)
        size += one.blank.size
        if len(group) >= _GROUP_FILES or size >= _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _read_group(root: Path, group: list[Unread], tables: CheckpointTables) -> list[tuple[Unread, _Read]]:
    return [(unread, _read(root, unread, tables)) for unread in group]


def _read(root: Path, unread: Unread, tables: CheckpointTables) -> _Read:
    try:
        data = content_of(f"{root}/{unread.path}", is_link=unread.blank.is_link)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return f"It cannot be read: {error.strerror}."
    digest = digest_of(data)
    # Old contents come back where something was before; in a new folder looking for them costs more than it saves.
    known = None if unread.draft.old_content is None else tables.number(digest)
    return packed(data, digest) if known is None else known


def _leave_out(scan: Scan, unread: Unread, reason: str) -> None:
    """A file that cannot be read has its old content, if it can be seen that it was not written to."""
    old, now = unread.draft.old.get(unread.name), unread.blank
    if old is not None and _is_untouched(old, now):
        unread.draft.entries[unread.name] = now._replace(content=old.content)
    else:
        scan.left_out.append((unread.path, reason))


def _is_untouched(old: Entry, now: Entry) -> bool:
    return old.is_alike(now) and (old.size, old.mtime_ns, old.inode) == (now.size, now.mtime_ns, now.inode)
