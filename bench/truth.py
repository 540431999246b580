"""Many schedules of the model checker in tests/properties/truth, on all cores."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.properties.truth.editors import EDITORS
from tests.properties.truth.generate import schedule
from tests.properties.truth.judge import Broken, Count
from tests.properties.truth.steps import Schedule
from tests.properties.truth.world import play

_CHUNK = 100


def truth(schedules: int = 100_000) -> None:
    """Random schedules of a person, an agent and accidents: what was lost, forced, or out of step."""
    total = Count()
    broken: list[tuple[Schedule, list[Broken]]] = []
    begun = time.perf_counter()
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
        ProcessPoolExecutor(mp_context=get_context("spawn")) as pool,
    ):
        for count, failures in pool.map(partial(_chunk, folder), _chunks(schedules)):
            total.add(count)
            broken += failures
            pace = total.schedules / (time.perf_counter() - begun)
            print(f"\r{total.schedules:8,} of {schedules:,}, {pace:.0f} a second", end="", file=sys.stderr)
    print(file=sys.stderr)
    _report(total, time.perf_counter() - begun)
    kinds = dict.fromkeys(one.kind for _, what in broken for one in what)
    for kind in kinds:  # one of each
        failed, one = next((schedule, one) for schedule, what in broken for one in what if one.kind == kind)
        print(f"{failed}\n  {one.kind}: {one.text}\n")
    if broken:
        sys.exit(f"{len(broken)} schedules broke something")


def _chunks(schedules: int) -> Iterator[tuple[str, int, int]]:
    """Editor, first number and count; the editors in turn."""
    share = schedules // len(EDITORS)
    for first in range(0, share, _CHUNK):
        for editor in EDITORS:
            yield editor, first, min(_CHUNK, share - first)


def _chunk(folder: str, chunk: tuple[str, int, int]) -> tuple[Count, list[tuple[Schedule, list[Broken]]]]:
    editor, first, size = chunk
    total = Count()
    failures: list[tuple[Schedule, list[Broken]]] = []
    for number in range(first, first + size):
        one = schedule(editor, number)
        broken, count = play(one, Path(folder) / str(os.getpid()))
        total.add(count)
        if broken:
            failures.append((one, broken))
    return total, failures


def _report(total: Count, seconds: float) -> None:
    rows = (
        ("schedules", total.schedules),
        ("steps", total.steps),
        ("characters typed", total.typed),
        ("edits of the agent applied", total.applied),
        ("  of these carried over", total.carried),
        ("edits of the agent refused", total.refused),
        ("characters lost", total.lost),
        ("stale overwrites", total.stale),
        ("divergences of buffer, server and log", total.diverged),
        ("results and ledgers that are not true", total.other),
    )
    for name, value in rows:
        print(f"{name:40} {value:12,}")
    print(f"in {seconds:.0f} s\n")
