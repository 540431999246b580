"""A work tree with a store of checkpoints beside it, and all that a tree is, as one value that can be compared."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from a3s_lsp.engine.workspace.checkpoint_listing import listed
from a3s_lsp.engine.workspace.checkpoints import Checkpoint, CheckpointStore, Restored

Tree: TypeAlias = dict[str, tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Desk:
    """The folder `root`, and checkpoints of it."""

    root: Path
    store: CheckpointStore

    def take(self, texts: Mapping[Path, str] | None = None) -> Checkpoint:
        """A checkpoint of the tree as it is."""
        return self.store.take(self.root, asyncio.run(listed(self.root)), texts or {})

    def bash(self, program: str | bytes) -> None:
        """Run a program in the tree; what its commands say, and whether they fail, is of no interest."""
        command = program if isinstance(program, bytes) else program.encode()
        quiet = subprocess.DEVNULL
        subprocess.run([b"bash", b"-c", command], cwd=self.root, check=False, stdout=quiet, stderr=quiet, timeout=60)

    def rewind(self, checkpoint: Checkpoint) -> Restored:
        """Make the tree as it was."""
        return self.store.restore(self.root, checkpoint.id, self.take().id)

    def changes(self, older: Checkpoint, newer: Checkpoint) -> list[tuple[str, str]]:
        """What became of which path."""
        found = self.store.changes(older.id, newer.id)
        return [(delta.path.relative_to(self.root).as_posix(), delta.kind) for delta in found]

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files, with the folders in which they are."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())


def tree_of(root: Path, counts: Callable[[str], bool] = lambda path: ".git" not in path.split("/")) -> Tree:
    """Everything below `root` that counts: its type and permissions, and the bytes, or the target of a link."""
    found: Tree = {".": (root.stat().st_mode, b"")}
    for parent, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(parent, name)
            relative = path.relative_to(root).as_posix()
            mode = path.lstat().st_mode
            if counts(relative):
                found[relative] = (mode, _content(path, mode))
    return found


def _content(path: Path, mode: int) -> bytes:
    if stat.S_ISLNK(mode):
        return os.fsencode(os.readlink(path))  # noqa: PTH115, exactly as it is
    return path.read_bytes() if stat.S_ISREG(mode) else b""
