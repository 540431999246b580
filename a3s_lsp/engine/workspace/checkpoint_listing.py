"""What a checkpoint keeps: the files that are not ignored, and those that git tracks although they are."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from a3s_lsp.engine.errors import StoreError, ToolError
from a3s_lsp.engine.workspace.processes import run_process, safe_environment
from a3s_lsp.engine.workspace.ripgrep import ripgrep
from a3s_lsp.engine.workspace.walk import list_files

PATIENCE_MS = 60_000
"""How long a listing may take, in milliseconds."""

_RIPGREP = ("--files", "--null", "--no-config", "--no-messages", "--hidden", "--no-require-git", "--glob", "!.git")
# A repository's own configuration could name a program to be run as its file system monitor.
_GIT = ("git", "-c", "core.fsmonitor=false", "ls-files", "-z")


async def listed(root: Path, patience_ms: int = PATIENCE_MS) -> Sequence[str]:
    """The relative paths, with forward slashes, of the files below `root` that a checkpoint is to keep.

    StoreError if they cannot be found out.
    """
    program = ripgrep()
    if program is None:
        plain, tracked = await asyncio.gather(asyncio.to_thread(_walked, root), _tracked(root, patience_ms))
    else:
        command = [program, *_RIPGREP]
        plain, tracked = await asyncio.gather(_names(command, root, patience_ms), _tracked(root, patience_ms))
    return tuple({*plain, *tracked}) if tracked else plain


def _walked(root: Path) -> Sequence[str]:
    return [path.relative_to(root).as_posix() for path in list_files(root)]


async def _tracked(root: Path, patience_ms: int) -> Sequence[str]:
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return ()
    try:
        return await _names(_GIT, root, patience_ms)
    except ToolError:
        return ()  # without git nothing is known to be tracked


async def _names(command: Sequence[str], root: Path, patience_ms: int) -> Sequence[str]:
    """What the command lists, apart by NULs. Words of warning that got between them name no file, and do no harm."""
    finished = await run_process(command, cwd=root, env=safe_environment(os.environ), timeout_ms=patience_ms)
    if finished.timed_out or finished.dropped or finished.exit_code < 0:
        reason = "it took too long" if finished.timed_out else "there are too many" if finished.dropped else "it failed"
        raise StoreError(
            f"The files of {root} could not be listed, {reason}: run `{Path(command[0]).name}` there by hand, and "
            "ignore what it stumbles upon."
        )
    text = os.fsdecode(finished.output)
    return tuple((text.replace(os.sep, "/") if os.sep != "/" else text).split("\0")[:-1])
