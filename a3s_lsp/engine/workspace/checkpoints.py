"""Checkpoints of a work tree, kept outside of it, so that whatever a session did to files can be taken back.

Kept are regular files with their permissions, links with their targets, and folders. Not kept, and never touched, are
ignored files, `.git` at any level, and what `Checkpoint.left_out` names.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.store.checkpoint_tables import CheckpointTables, Row, digest_of, packed
from a3s_lsp.engine.workspace import checkpoint_trees as trees
from a3s_lsp.engine.workspace.checkpoint_ignores import IgnoreRules
from a3s_lsp.engine.workspace.checkpoint_reading import read_all
from a3s_lsp.engine.workspace.checkpoint_restore import Restoration
from a3s_lsp.engine.workspace.checkpoint_scan import Scan
from a3s_lsp.engine.workspace.checkpoint_trees import Difference, Entry, Folder, Part

KEEP_DAYS = 14
"""For how long checkpoints are kept."""

MAX_BYTES = 2 * 1024**3
"""How much room all contents may take."""

DeltaKind: TypeAlias = Literal["created", "modified", "deleted", "mode"]

_ATTEMPTS = 3
_REMEMBERED_FOLDERS = 10_000
_NO_TEXTS: Mapping[Path, str] = MappingProxyType({})
_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A path that was left alone, and why, in a sentence."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A work tree as it was at one time. `left_out` is what is there and was not kept."""

    id: str
    root: Path
    taken_ms: int
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class FileDelta:
    """What became of one path; `mode` means that only its permissions changed."""

    path: Path
    kind: DeltaKind


@dataclass(frozen=True, slots=True)
class Restored:
    """The files and links that were put back or removed, and the paths that were left as they are."""

    changed: tuple[Path, ...]
    failed: tuple[LeftOut, ...]


class CheckpointStore:
    """The checkpoints of all work trees, in the file `path`; any thread and any number of processes may use it.

    Methods block, and raise StoreError when the file, or a checkpoint in it, cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._tables = CheckpointTables(path)
        self._folders: dict[int, Folder] = {}

    @property
    def exists(self) -> bool:
        """Whether there is anything in it; the file is made with the first checkpoint."""
        return self._tables.path.exists()

    def close(self) -> None:
        """Close the file."""
        self._tables.close()

    def take(
        self,
        root: Path,
        files: Collection[str],
        texts: Mapping[Path, str] = _NO_TEXTS,
        stop: threading.Event | None = None,
    ) -> Checkpoint:
        """Keep the tree below `root` as it is: the `files` (relative paths, as `listed` gives them), and those of the
        last checkpoint that are still there, whether or not they are ignored by now.

        `texts` are kept beside it, as texts of unsaved buffers. Files that cannot have changed since the last
        checkpoint are not read. StoreError also when `stop` is set meanwhile; then nothing is kept.
        """
        check = partial(_check, root, stop)
        for _ in range(_ATTEMPTS):
            base = self._tables.newest(os.fsencode(root))
            scan = Scan(root, files, None if base is None else _root_of(base), self._folder, check)
            scan.look()
            fresh = read_all(scan, self._tables, check)
            with self._tables.writing(sync=True):
                # Someone may have thrown away meanwhile what this is built upon.
                if self._tables.holds(fresh, None if base is None else base.id):
                    return self._add(root, scan, texts)
        raise StoreError(f"No checkpoint of {root} could be taken, other programs use the store: try again.")

    def checkpoint(self, checkpoint: str) -> Checkpoint:
        """The checkpoint with this id."""
        return _checkpoint(self._row(checkpoint))

    def changes(self, older: str, newer: str) -> tuple[FileDelta, ...]:
        """What became of files and links, and of folders that have none, sorted by path.

        What either of the checkpoints left out is not among them.
        """
        old, new = self._row(older), self._row(newer)
        root = Path(os.fsdecode(new.root))
        unknown = _reasons(old) | _reasons(new)
        found = trees.differences(_root_of(old), _root_of(new), self._folder)
        deltas = ((each.path, self._kind(each)) for each in found if each.path not in unknown)
        return tuple(FileDelta(root / path, kind) for path, kind in sorted(deltas) if kind is not None)

    def text(self, checkpoint: str, path: Path) -> bytes | None:
        """The bytes that the file had; None if there was no file, or if it was not kept."""
        row = self._row(checkpoint)
        return self._bytes_at(_root_of(row), _relative(row, path))

    def buffer(self, checkpoint: str, path: Path) -> str | None:
        """The unsaved text that was kept beside the file, None if there was none."""
        number = json.loads(self._row(checkpoint).buffers).get(str(path))
        return None if number is None else self._tables.get(number).decode("utf-8", "surrogatepass")

    def restore(self, root: Path, checkpoint: str, current: str, skip: Collection[Path] = ()) -> Restored:
        """Make the tree as it was in `checkpoint`, but for the paths in `skip`; `current` was just taken.

        Each file is replaced in one step. A path that is not as `current` has it is left alone, and so is whatever may
        have been there at that time without being kept. It can be repeated when it was cut.
        """
        target, now = self._row(checkpoint), self._row(current)
        restoration = Restoration(
            root,
            self._tables.get,
            lambda data: self._tables.number(digest_of(data)),
            {_relative(now, path) for path in skip},
            IgnoreRules(partial(self._bytes_at, _root_of(target))),
            _reasons(target),
            _reasons(now),
        )
        restoration.run(trees.differences(_root_of(now), _root_of(target), self._folder))
        failed = (LeftOut(root / path, restoration.failed[path]) for path in sorted(restoration.failed))
        return Restored(tuple(root / path for path in sorted(restoration.changed)), tuple(failed))

    def prune(self, keep_days: float = KEEP_DAYS, max_bytes: int = MAX_BYTES) -> None:
        """Bound the store. The newest checkpoint of each tree stays, whatever its age and size. Of the others those
        that are older than `keep_days` go; then the oldest go until what is kept takes at most `max_bytes`."""
        with self._tables.writing():
            rows = self._tables.rows()
            sizes = self._tables.sizes()
            newest = {row.root: row for row in reversed(rows)}
            oldest_ms = time.time_ns() // 1_000_000 - keep_days * _DAY_MS
            kept: list[str] = []
            parts: set[Part] = set()
            total = 0
            for row in sorted(rows, key=lambda row: row is not newest[row.root]):
                more = self._parts(row, parts)
                total += sum(sizes.get(part.number, 0) for part in more)
                if row is not newest[row.root] and (row.taken_ms < oldest_ms or total > max_bytes):
                    break
                kept.append(row.id)
                parts |= more
            self._tables.keep_only(kept, {part.number for part in parts})
        self._tables.shrink()

    def _add(self, root: Path, scan: Scan, texts: Mapping[Path, str]) -> Checkpoint:
        tree = scan.store(self._put)
        buffers = {str(path): self._put(text.encode("utf-8", "surrogatepass")) for path, text in texts.items()}
        row = Row(
            uuid.uuid4().hex,
            os.fsencode(root),
            time.time_ns() // 1_000_000,
            tree.mode,
            tree.content,
            json.dumps(scan.left_out),
            json.dumps(buffers),
        )
        self._tables.add(row)
        return _checkpoint(row)

    def _put(self, data: bytes) -> int:
        return self._tables.put([packed(data, digest_of(data))])[0]

    def _row(self, checkpoint: str) -> Row:
        row = self._tables.row(checkpoint)
        if row is None:
            raise StoreError(
                f"There is no checkpoint {checkpoint} any more: they are kept for {KEEP_DAYS} days, the newest longer."
            )
        return row

    def _folder(self, number: int) -> Folder:
        """The folder that a content lists, remembered because the next checkpoint is compared with it."""
        folder = self._folders.get(number)
        if folder is None:
            if len(self._folders) >= _REMEMBERED_FOLDERS:
                self._folders.clear()
            folder = self._folders[number] = trees.decode(self._tables.get(number))
        return folder

    def _bytes_at(self, root: Entry, path: str) -> bytes | None:
        entry = trees.find(root, path, self._folder)
        return None if entry is None or entry.is_folder or entry.is_link else self._tables.get(entry.content)

    def _parts(self, row: Row, known: Set[Part]) -> set[Part]:
        buffers = {Part(number) for number in json.loads(row.buffers).values()}
        return trees.parts(_root_of(row), self._folder, known) | (buffers - known)

    def _kind(self, found: Difference) -> DeltaKind | None:
        """What is told of a difference; None for folders that come and go with the files in them."""
        old, new = (self._worth_telling(found, side) for side in (found.old, found.new))
        if found.is_mode_only:
            return "mode"
        if old is None or new is None:
            return "created" if new is not None else "deleted" if old is not None else None
        return "modified"

    def _worth_telling(self, found: Difference, entry: Entry | None) -> Entry | None:
        return None if entry is not None and entry.is_folder and self._folder(entry.content) else entry


def _check(root: Path, stop: threading.Event | None) -> None:
    if stop is not None and stop.is_set():
        raise StoreError(f"The checkpoint of {root} was stopped before it was whole; nothing was kept.")


def _checkpoint(row: Row) -> Checkpoint:
    root = Path(os.fsdecode(row.root))
    return Checkpoint(
        row.id, root, row.taken_ms, tuple(LeftOut(root / path, why) for path, why in _reasons(row).items())
    )


def _reasons(row: Row) -> dict[str, str]:
    return dict(json.loads(row.left_out))


def _root_of(row: Row) -> Entry:
    return Entry(row.mode, row.tree)


def _relative(row: Row, path: Path) -> str:
    root = Path(os.fsdecode(row.root))
    # A path elsewhere is one that no tree has.
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else "//"
