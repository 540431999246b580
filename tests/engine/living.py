"""Which processes there are on this machine."""

from __future__ import annotations

import uuid

import psutil


def unique_seconds() -> str:
    """A time to sleep, some minutes, that no other process sleeps: `running` finds it by that."""
    return f"200.{uuid.uuid4().int % 10**12}"


def running(word: str) -> list[int]:
    """The living processes, whosever child they are, with this word among their arguments."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and word in process.cmdline():
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def alive(pid: int) -> bool:
    """Whether there is this process, and it is more than an entry that nobody has read yet."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
