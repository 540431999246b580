"""What a checkpoint keeps: the files that are not ignored, and those that git tracks although they are."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.workspace.processes import run_process, safe_environment
from a3s_lsp.engine.workspace.ripgrep import ripgrep
from a3s_lsp.engine.workspace.walk import list_files

_RIPGREP = ("--files", "--null", "--no-config", "--no-messages", "--hidden", "--no-require-git", "--glob", "!.git")
# A repository's own configuration could name a program to be run as its file system monitor.
_GIT = ("git", "-c", "core.fsmonitor=false", "ls-files", "-z")


async def listed(root: Path) -> Sequence[str]:
    """The relative paths, with forward slashes, of the files below `root` that a checkpoint is to keep."""
    program = ripgrep()
    if program is None:
        plain, tracked = await asyncio.gather(asyncio.to_thread(_walked, root), _tracked(root))
    else:
        plain, tracked = await asyncio.gather(_names([program, *_RIPGREP], root), _tracked(root))
    return tuple({*plain, *tracked}) if tracked else plain


def _walked(root: Path) -> Sequence[str]:
    return [path.relative_to(root).as_posix() for path in list_files(root)]


async def _tracked(root: Path) -> Sequence[str]:
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return ()
    try:
        return await _names(_GIT, root)
    except ToolError:
        return ()  # without git nothing is known to be tracked


async def _names(command: Sequence[str], root: Path) -> Sequence[str]:
    """What the command lists, apart by NULs. Words of warning that got between them name no file, and do no harm."""
    finished = await run_process(command, cwd=root, env=safe_environment(os.environ))
    text = os.fsdecode(finished.output)
    return tuple((text.replace(os.sep, "/") if os.sep != "/" else text).split("\0")[:-1])
