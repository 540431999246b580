"""The work tree is looked at and compared with how it was; what is new, or seems to be, is noted as to be read."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from a3s_lsp.engine.errors import StoreError, ToolError
from a3s_lsp.engine.workspace.checkpoint_ignores import IgnoreRules
from a3s_lsp.engine.workspace.checkpoint_trees import Entry, Folder, ReadFolder, encode
from a3s_lsp.engine.workspace.disk import open_file

SIZE_LIMIT = 16 * 1024 * 1024
"""The size in bytes above which a file is left out of checkpoints."""

NOT_KEPT = "It is neither a file nor a link nor a folder."

# A file that changed this shortly before it was looked at may change again without a new time stamp. Where the clock
# of the file system counts whole seconds, as on FAT, it is two of them.
_TICK_NS = 50_000_000
_COARSE_TICK_NS = 2_000_000_000
_SECOND_NS = 1_000_000_000


@dataclass(slots=True)
class Draft:
    """A folder of the tree that is being put together. `old` is what the last checkpoint has in its place."""

    path: str
    mode: int
    parent: Draft | None = None
    old: Folder = field(default_factory=dict)
    old_content: int | None = None
    is_bare: bool = False
    entries: Folder = field(default_factory=dict)
    folders: dict[str, Draft] = field(default_factory=dict)
    content: int = 0

    def inside(self, name: str) -> str:
        """The relative path of what has this name in the folder."""
        return f"{self.path}/{name}" if self.path else name


@dataclass(frozen=True, slots=True)
class Unread:
    """A file or link whose content is to be read. `blank` is its entry but for the content."""

    draft: Draft
    name: str
    blank: Entry

    @property
    def path(self) -> str:
        return self.draft.inside(self.name)


class Scan:
    """One look at the tree below `root`.

    Kept are the `listed` files and those of the last checkpoint that are still there; links that are not ignored; and
    the folders of all these, with those that hold nothing but folders and links and are not ignored.
    """

    def __init__(
        self,
        root: Path,
        listed: Iterable[str],
        base: Entry | None,
        read: ReadFolder,
        check: Callable[[], None],
    ) -> None:
        self.root = root
        self.unread: list[Unread] = []
        self.left_out: list[tuple[str, str]] = []
        self._names: dict[str, set[str]] = {}
        self._needed: set[str] = set()
        self._base = base
        self._read = read
        self._check = check
        self._drafts: list[Draft] = []
        self._rules = IgnoreRules(self._file_on_disk)
        self._began_ns = 0
        self._note_listed(listed)

    def look(self) -> None:
        """Go through all folders. StoreError if there is no root."""
        self._began_ns = time.time_ns()
        try:
            mode = self.root.stat().st_mode
        except OSError as error:
            raise StoreError(f"No checkpoint of {self.root} can be taken: {error.strerror}.") from error
        waiting = [self._draft(None, "", mode, self._base)]
        while waiting:
            self._check()
            draft = waiting.pop()
            self._look_into(draft)
            waiting += draft.folders.values()

    def store(self, put: Callable[[bytes], int]) -> Entry:
        """Keep the lists of all folders that are not as they were; returns the entry of the root."""
        for draft in reversed(self._drafts):
            entries = draft.entries
            entries.update((name, Entry(folder.mode, folder.content)) for name, folder in draft.folders.items())
            if draft.old_content is not None and entries == draft.old:
                draft.content = draft.old_content
            else:
                draft.content = put(encode(entries))
        return Entry(self._drafts[0].mode, self._drafts[0].content)

    def _note_listed(self, listed: Iterable[str]) -> None:
        for path in listed:
            folder, _, name = path.rpartition("/")
            self._names.setdefault(folder, set()).add(name)
        for folder in self._names:
            while folder not in self._needed:
                self._needed.add(folder)
                folder = folder.rpartition("/")[0]

    def _draft(self, parent: Draft | None, path: str, mode: int, old: Entry | None, *, is_bare: bool = False) -> Draft:
        if old is None or not old.is_folder:
            return Draft(path, mode, parent, is_bare=is_bare)
        return Draft(path, mode, parent, self._read(old.content), old.content)

    def _look_into(self, draft: Draft) -> None:
        children: list[os.DirEntry[str]] = []
        try:
            with os.scandir(f"{self.root}/{draft.path}") as found:
                children += found
        except (FileNotFoundError, NotADirectoryError):
            if draft.parent is not None:  # it went away meanwhile
                del draft.parent.folders[draft.path.rpartition("/")[2]]
                return
        except OSError as error:
            # What cannot be seen is taken to be as it was.
            self.left_out.append((draft.path, f"The folder cannot be read: {error.strerror}."))
            draft.entries.update(draft.old)
        self._drafts.append(draft)
        names = self._names.get(draft.path, ())
        for child in children:
            try:
                self._take(draft, child, is_listed=child.name in names)
            except FileNotFoundError:
                pass  # it went away meanwhile
            except OSError as error:
                self.left_out.append((draft.inside(child.name), f"It cannot be looked at: {error.strerror}."))

    def _take(self, draft: Draft, child: os.DirEntry[str], *, is_listed: bool) -> None:
        if child.name == ".git":
            return
        if child.is_dir(follow_symlinks=False):
            self._take_folder(draft, child)
        elif is_listed or child.name in draft.old or self._is_not_listed_but_kept(draft, child):
            self._take_file(draft, child)

    def _is_not_listed_but_kept(self, draft: Draft, child: os.DirEntry[str]) -> bool:
        return not child.is_file(follow_symlinks=False) and not self._rules.ignores(draft.inside(child.name))

    def _take_file(self, draft: Draft, child: os.DirEntry[str]) -> None:
        found = child.stat(follow_symlinks=False)
        old = draft.old.get(child.name)
        if old is not None and old.describes(found):
            draft.entries[child.name] = old
        elif not stat.S_ISREG(found.st_mode) and not stat.S_ISLNK(found.st_mode):
            self.left_out.append((draft.inside(child.name), NOT_KEPT))
        elif found.st_size > SIZE_LIMIT:
            self.left_out.append((draft.inside(child.name), f"It is larger than {SIZE_LIMIT >> 20} MiB."))
        else:
            self.unread.append(Unread(draft, child.name, self._blank(found)))

    def _blank(self, found: os.stat_result) -> Entry:
        latest = max(found.st_mtime_ns, found.st_ctime_ns)
        tick = _TICK_NS if found.st_ctime_ns % _SECOND_NS else _COARSE_TICK_NS
        ctime = found.st_ctime_ns if latest < self._began_ns - tick else -1  # never found again: read the next time too
        return Entry(found.st_mode, 0, found.st_size, found.st_mtime_ns, ctime, found.st_ino)

    def _take_folder(self, draft: Draft, child: os.DirEntry[str]) -> None:
        path = draft.inside(child.name)
        old = draft.old.get(child.name)
        is_known = path in self._needed or (old is not None and old.is_folder)
        if is_known or self._is_bare(draft, child, path):
            mode = child.stat(follow_symlinks=False).st_mode
            draft.folders[child.name] = self._draft(draft, path, mode, old, is_bare=not is_known)

    def _is_bare(self, draft: Draft, child: os.DirEntry[str], path: str) -> bool:
        """Whether the folder, in which no file is listed, is to be kept: there is none, and it is not ignored."""
        return not self._rules.ignores(path, is_folder=True) and (draft.is_bare or _holds_no_file(child.path))

    def _file_on_disk(self, path: str) -> bytes | None:
        try:
            with open_file(self.root / path) as file:
                return file.read()
        except (ToolError, OSError):
            return None


def _holds_no_file(folder: str) -> bool:
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                children = [child for child in found if child.name != ".git"]
        except OSError:
            continue  # the look will name it
        if not all(child.is_dir(follow_symlinks=False) or child.is_symlink() for child in children):
            return False
        waiting += [child.path for child in children if child.is_dir(follow_symlinks=False)]
    return True
