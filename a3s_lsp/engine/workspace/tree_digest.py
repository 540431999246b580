"""Whether the files of a workspace are still what they were, told from their names, sizes and time stamps."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from a3s_lsp.engine.workspace.checkpoint_listing import listed


async def tree_digest(root: Path) -> str:
    """A digest that is another one after any change of a file that is not ignored. StoreError if nobody can tell."""
    if not await asyncio.to_thread(root.is_dir):
        return "no folder"
    return await asyncio.to_thread(_digest, root, await listed(root))


def _digest(root: Path, paths: Iterable[str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(paths):
        try:
            found = (root / path).lstat()
        except OSError:  # it is gone; its absence is what the digest tells
            continue
        stamp = f"{found.st_mode} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
        digest.update(os.fsencode(path) + f"\0{stamp}\0".encode())
    return digest.hexdigest()
