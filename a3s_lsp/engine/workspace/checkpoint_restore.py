"""A work tree is made as it was: only what differs is touched, and nothing that somebody else has changed since."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.workspace.checkpoint_ignores import IgnoreRules
from a3s_lsp.engine.workspace.checkpoint_reading import content_of
from a3s_lsp.engine.workspace.checkpoint_trees import Difference, Entry

_CHANGED = "It has changed since, and was left as it is."
_WAS_LEFT_OUT = "It was not kept at that time, so it was left as it is."


class _Refused(Exception):
    """One path is left as it is; the text says why."""


@dataclass(slots=True)
class Restoration:
    """One restoring of the tree below `root`. All paths are relative; `failed` has the reasons.

    `bytes_of` gives a content, `number_of` finds the content that has these bytes. `ignored_then` are the rules of
    the time to go back to. `left_out_then` and `left_out_now` are what the checkpoints of both sides do not have.
    """

    root: Path
    bytes_of: Callable[[int], bytes]
    number_of: Callable[[bytes], int | None]
    skip: Collection[str]
    ignored_then: IgnoreRules
    left_out_then: Mapping[str, str]
    left_out_now: Mapping[str, str]
    changed: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    _entered: set[str] = field(default_factory=set)
    _modes: dict[str, int] = field(default_factory=dict)

    def run(self, differences: Iterable[Difference]) -> None:
        """Go from the old side of the differences to the new one."""
        self.failed.update({path: _WAS_LEFT_OUT for path in self.left_out_then.keys() - self.left_out_now.keys()})
        wanted = sorted(self._wanted(differences), key=lambda found: found.path)
        for found in reversed(wanted):  # what is in a folder goes before the folder
            if found.old is not None and (found.new is None or not found.old.is_alike(found.new)):
                self._guarded(found.path, self._remove, found.old)
        for path, old, new in wanted:
            if new is None:
                continue
            if new.is_folder:
                self._guarded(path, self._put_folder, old, new)
            else:
                self._guarded(path, self._put, old if old is not None and old.is_alike(new) else None, new)
        for path in sorted(self._modes, reverse=True):
            self._guarded(path, self._close_folder)

    def _wanted(self, differences: Iterable[Difference]) -> Iterator[Difference]:
        for found in differences:
            if found.path in self.skip:
                continue
            if found.old is None and found.path in self.left_out_now:
                self.failed[found.path] = f"It is not kept, so it was left as it is. {self.left_out_now[found.path]}"
            elif found.new is not None or not self._did_not_count(found):
                yield found

    def _did_not_count(self, found: Difference) -> bool:
        """Whether something that is not in the older checkpoint may have been there all the same."""
        names = found.path.split("/")
        if any("/".join(names[: depth + 1]) in self.left_out_then for depth in range(len(names))):
            return True
        return self.ignored_then.ignores(found.path, is_folder=found.old is not None and found.old.is_folder)

    def _guarded(self, path: str, work: Callable[..., bool], *entries: Entry | None) -> None:
        try:
            if work(path, *entries):
                self.changed.add(path)
        except (_Refused, StoreError) as error:
            self.failed.setdefault(path, str(error))
        except OSError as error:
            self.failed.setdefault(path, f"It could not be put back: {error.strerror}.")

    def _remove(self, path: str, old: Entry) -> bool:
        try:
            self._enter(path)
            if old.is_folder:
                self._remove_folder(path)
                return False
            self._verify(path, old)
            self._at(path).unlink()
        except FileNotFoundError:
            return False  # somebody else was faster
        return True

    def _remove_folder(self, path: str) -> None:
        try:
            self._at(path).rmdir()
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return  # it has ignored files, or those of somebody else
            raise
        self._modes.pop(path, None)

    def _put_folder(self, path: str, old: Entry | None, new: Entry) -> bool:
        self._enter(path)
        if old is None or not old.is_folder:
            with suppress(FileExistsError):
                self._at(path).mkdir(stat.S_IRWXU)
            self._need_folder(path)
        elif self._modes.get(path, self._need_folder(path)) != stat.S_IMODE(old.mode):
            raise _Refused(_CHANGED)
        self._modes[path] = stat.S_IMODE(new.mode)
        return False

    def _put(self, path: str, old: Entry | None, new: Entry) -> bool:
        self._enter(path)
        self._verify(path, old)
        if old is not None and old.content == new.content:
            self._at(path).chmod(stat.S_IMODE(new.mode))
            return True
        data = self.bytes_of(new.content)
        draft = self._at(path).with_name(f".a3s-{uuid.uuid4().hex}.tmp")
        try:
            if new.is_link:
                draft.symlink_to(os.fsdecode(data))
            else:
                _write(draft, data, stat.S_IMODE(new.mode))
            draft.replace(self._at(path))
        except OSError:
            with suppress(OSError):
                draft.unlink()
            raise
        return True

    def _verify(self, path: str, expected: Entry | None) -> None:
        """Refuse what is not as it is expected to be. FileNotFoundError if it is gone."""
        if expected is None:
            if os.path.lexists(self._at(path)):
                raise _Refused("Something else is there now, and was left as it is.")
            return
        found = self._at(path).lstat()
        if not expected.describes(found) and not self._has_content(path, expected, found):
            raise _Refused(_CHANGED)

    def _has_content(self, path: str, expected: Entry, found: os.stat_result) -> bool:
        if (found.st_mode, found.st_size) != (expected.mode, expected.size):
            return False
        try:
            return self.number_of(content_of(self._at(path), is_link=expected.is_link)) == expected.content
        except PermissionError:
            return (found.st_mtime_ns, found.st_ino) == (expected.mtime_ns, expected.inode)

    def _enter(self, path: str) -> None:
        """Make sure that all folders on the way to `path` are folders, not links, and open them for writing."""
        names = path.split("/")
        for depth in range(len(names) if path else 0):
            folder = "/".join(names[:depth])
            if folder in self._entered:
                continue
            mode = self._need_folder(folder)
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                self._at(folder).chmod(mode | stat.S_IRWXU)
                self._modes.setdefault(folder, mode)
            self._entered.add(folder)

    def _need_folder(self, folder: str) -> int:
        """The permissions of what must be a folder."""
        mode = self._at(folder).lstat().st_mode
        if not stat.S_ISDIR(mode):
            raise _Refused(f"{folder} is not a folder any more; nothing was changed behind it.")
        return stat.S_IMODE(mode)

    def _close_folder(self, path: str) -> bool:
        if self._need_folder(path) != self._modes[path]:
            self._at(path).chmod(self._modes[path])
        return False

    def _at(self, path: str) -> Path:
        return self.root / path


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), stat.S_IRUSR)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    path.chmod(mode)
