"""A work tree as a checkpoint has it: each folder is a content that lists its entries, so that what did not change
is there once, however many checkpoints there are."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator, Set
from os import stat_result
from typing import NamedTuple, TypeAlias


class Entry(NamedTuple):
    """What a folder has under one name: a file, a link or a folder.

    `content` is the number of the file's bytes, of the link's target or of the folder's list. The rest tells whether a
    file or a link is still the one that was read; for folders it is 0.
    """

    mode: int
    content: int
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)

    def is_alike(self, other: Entry) -> bool:
        """Whether both are of one type: two files, two links, two folders."""
        return stat.S_IFMT(self.mode) == stat.S_IFMT(other.mode)

    def describes(self, found: stat_result) -> bool:
        """Whether what is found now is, by all signs, what was read then."""
        return (
            self.ctime_ns == found.st_ctime_ns
            and self.mtime_ns == found.st_mtime_ns
            and self.size == found.st_size
            and self.inode == found.st_ino
            and self.mode == found.st_mode
        )


Folder: TypeAlias = dict[str, Entry]
ReadFolder: TypeAlias = Callable[[int], Folder]


class Part(NamedTuple):
    """The number of a content, and what it is used as: a file may have the very bytes that list a folder."""

    number: int
    is_folder: bool = False


class Difference(NamedTuple):
    """Something that differs between two trees. `path` is relative, empty for the root; None: it is not there."""

    path: str
    old: Entry | None
    new: Entry | None

    @property
    def is_mode_only(self) -> bool:
        """Whether nothing but the permissions differ."""
        return (
            self.old is not None
            and self.new is not None
            and self.old.is_alike(self.new)
            and (self.old.is_folder or self.old.content == self.new.content)
        )


def encode(folder: Folder) -> bytes:
    """The list of a folder; equal folders give equal bytes."""
    rows = [(name, *folder[name]) for name in sorted(folder)]
    return json.dumps(rows, separators=(",", ":")).encode()


def decode(data: bytes) -> Folder:
    """The folder of such a list."""
    return {name: Entry(*rest) for name, *rest in json.loads(data)}


def differences(old: Entry, new: Entry, read: ReadFolder) -> Iterator[Difference]:
    """All that differs between two trees, given by their roots, in no order."""
    waiting = [Difference("", old, new)]
    while waiting:
        found = waiting.pop()
        if _differs(found):
            yield found
        waiting += _inside(found, read)


def find(root: Entry, path: str, read: ReadFolder) -> Entry | None:
    """What is at a relative path."""
    entry: Entry | None = root
    for name in path.split("/") if path else ():
        if entry is None or not entry.is_folder:
            return None
        entry = read(entry.content).get(name)
    return entry


def parts(root: Entry, read: ReadFolder, known: Set[Part]) -> set[Part]:
    """All contents of a tree that are not known yet."""
    found: set[Part] = set()
    waiting = [root]
    while waiting:
        entry = waiting.pop()
        part = Part(entry.content, entry.is_folder)
        if part not in known and part not in found:
            found.add(part)
            if entry.is_folder:
                waiting += read(entry.content).values()
    return found


def _differs(found: Difference) -> bool:
    old, new = found.old, found.new
    if old is None or new is None or old.mode != new.mode:
        return True
    return not new.is_folder and old.content != new.content


def _inside(found: Difference, read: ReadFolder) -> Iterator[Difference]:
    old, new = _listed(found.old, read), _listed(found.new, read)
    prefix = f"{found.path}/" if found.path else ""
    for name in old.keys() | new.keys():
        before, after = old.get(name), new.get(name)
        if before != after:
            yield Difference(prefix + name, before, after)


def _listed(entry: Entry | None, read: ReadFolder) -> Folder:
    return read(entry.content) if entry is not None and entry.is_folder else {}
