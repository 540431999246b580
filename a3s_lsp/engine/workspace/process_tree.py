"""A process and all that came of it, also what left its session or lost its parent.

On Linux this process takes orphaned descendants as its own children, so none can hide by forking twice; they are
told apart by the variable `MARK`, by their session and by their parents. macOS and Windows, where this could not be
tried, go by the same signs over all processes of the user.
"""

from __future__ import annotations

import os
import select
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

MARK = "A3S_PROCESS_TREE"
"""The environment variable that all descendants of one command share."""

_PR_SET_CHILD_SUBREAPER = 36
_TERM_SECONDS = 0.1
_KILL_ROUNDS = 100


@cache
def adopt_orphans() -> None:
    """Have descendants that lose their parent fall to this process, where they can be found and waited for."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_tree(root: int, mark: str) -> None:
    """End the process and its descendants: asked first, and after a tenth of a second made to. Blocks until then."""
    members = _members(root, mark)
    for member in members:
        _end(member, gently=True)
    deadline = time.monotonic() + _TERM_SECONDS
    while any(_alive(member) for member in members) and time.monotonic() < deadline:
        time.sleep(0.005)
    for _ in range(_KILL_ROUNDS):  # again and again: a process may fork between the look and the blow
        members = _members(root, mark)
        if not members:
            return
        for member in members:
            _end(member, gently=False)
        time.sleep(0.005)


def reap_orphans(root: int, mark: str) -> None:
    """Wait for the descendants that outlived the command `root` and fell to this process, to the last of them."""
    if sys.platform != "linux":
        return
    while orphans := [pid for pid in _own_children() if _belongs(pid, root, mark)]:
        watched: dict[int, int] = {}
        for pid in orphans:
            with suppress(OSError):
                watched[os.pidfd_open(pid)] = pid
        if not watched:
            return
        poller = select.poll()
        for handle in watched:
            poller.register(handle, select.POLLIN)
        for handle, _ in poller.poll(1000):  # an orphan may join them at any time: look again now and then
            with suppress(ChildProcessError):
                os.waitpid(watched[handle], 0)
        for handle in watched:
            os.close(handle)


def _members(root: int, mark: str) -> list[psutil.Process]:
    import psutil

    on_linux = sys.platform == "linux"
    pool = psutil.Process().children(recursive=True) if on_linux else list(psutil.process_iter())
    found = {process.pid for process in pool if process.pid == root or _belongs(process.pid, root, mark)}
    parents = {process.pid: _parent(process) for process in pool}
    while more := {pid for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= more
    return [process for process in pool if process.pid in found and _alive(process)]


def _belongs(pid: int, root: int, mark: str) -> bool:
    """Whether the process is of the session that `root` leads, or has the mark."""
    if sys.platform != "linux":
        return _environment_has(pid, mark)
    with suppress(OSError):
        return os.getsid(pid) == root or f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    return False


def _environment_has(pid: int, mark: str) -> bool:
    import psutil

    with suppress(psutil.Error):
        return psutil.Process(pid).environ().get(MARK) == mark
    return False


def _parent(process: psutil.Process) -> int:
    import psutil

    with suppress(psutil.Error):
        return process.ppid()
    return 0


def _alive(process: psutil.Process) -> bool:
    import psutil

    with suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def _end(process: psutil.Process, *, gently: bool) -> None:
    import psutil

    with suppress(psutil.Error):
        (process.terminate if gently else process.kill)()


def _own_children() -> list[int]:
    found: list[int] = []
    for listing in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, listing.read_text().split())
    return found
