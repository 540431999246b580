"""A checkpoint of a tree of 30,000 files, beside what git and a plain copy cost."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from a3s_lsp.engine.workspace.checkpoint_listing import listed
from a3s_lsp.engine.workspace.checkpoints import CheckpointStore

_numbers = itertools.count()


def checkpoints(rounds: int = 3) -> None:
    """First and incremental checkpoints, the listing of the files included, beside a shadow repository and a copy."""
    for files in (30_000, 1_000):
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder, "tree")
            _grow(tree, files)
            taken = [
                [measure(tree, Path(folder, f"{number}{measure.__name__}")) for measure in (_ours, _git, _copy)]
                for number in range(rounds)
            ]  # all three in turn, so that a machine that changes its speed changes all
        ours, git, copy = zip(*taken, strict=True)
        print(f"{files:,} files             first   one file changed")
        print(f"  checkpoint       {_medians(ours)}")
        print(f"  git in a shadow  {_medians(git)}   (add -A, write-tree)")
        print(f"  cp -r            {_medians(copy)}")
        print(f"  ratio to git, first {statistics.median(a[0] / b[0] for a, b in zip(ours, git, strict=True)):.2f}")
    print("  (goal: 30,000 files first clearly under git, then under 300 ms; 1,000 files under 20 ms)\n")


def _ours(tree: Path, place: Path) -> list[float]:
    store = CheckpointStore(place / "checkpoints.sqlite")

    def take() -> None:
        store.take(tree, asyncio.run(listed(tree)))

    taken = [_timed(take), *_after_a_change(tree, take)]
    store.close()
    return taken


def _git(tree: Path, place: Path) -> list[float]:
    environment = {**os.environ, "GIT_DIR": str(place), "GIT_WORK_TREE": str(tree)}
    subprocess.run(["git", "init", "-q"], env=environment, check=True)

    def take() -> None:
        subprocess.run(["git", "add", "-A"], env=environment, check=True)
        subprocess.run(["git", "write-tree"], env=environment, check=True, stdout=subprocess.DEVNULL)

    return [_timed(take), *_after_a_change(tree, take)]


def _copy(tree: Path, place: Path) -> list[float]:
    return [_timed(lambda: subprocess.run(["cp", "-r", tree, place], check=True))]


def _after_a_change(tree: Path, take: Callable[[], None], rounds: int = 5) -> list[float]:
    """The median cost when one file has changed since the last time."""
    taken = []
    for _ in range(rounds):
        (tree / "p0" / "changed.py").write_text(f"{next(_numbers)}\n")
        taken.append(_timed(take))
    return [statistics.median(taken)]


def _grow(tree: Path, files: int) -> None:
    """Text like source: 16 files in a folder, 5 kB each on the average, the same in every run."""
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz_", k=chance.randint(2, 12))) for _ in range(3000)]
    for number in range(files):
        group = number // 16
        folder = tree / f"p{group % 30}" / f"m{group // 30 % 10}" / f"s{group // 300}"
        folder.mkdir(parents=True, exist_ok=True)
        size = int(min(60_000, chance.lognormvariate(8, 1)))
        text = " ".join(chance.choices(words, k=size // 8 + 1)).replace(" a", "\n    a")
        (folder / f"file_{number}.py").write_text(f"# {number}\n{text}\n")


def _medians(rounds: Sequence[list[float]]) -> str:
    return "".join(f"{statistics.median(taken) * 1e3:9.0f} ms" for taken in zip(*rounds, strict=True))


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
