"""Plays the schedules with every rival and with this server, and prints the table of docs/comparison.md."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from a3s_lsp.version import VERSION
from tests.properties.truth.generate import schedules
from tests.properties.truth.rivals.stage import Harm, comparable, ours, reads, rival, total
from tests.properties.truth.rivals.tools import A3SCode, Filesystem, Pi
from tests.properties.truth.steps import Schedule

DEFAULT = 2000


def main(count: int) -> None:
    """The table, for so many schedules."""
    chosen = [comparable(schedule) for schedule in schedules("vscode", 0, count)]
    rivals = (A3SCode(), Pi(), Filesystem())
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "w"
        columns: dict[str, Harm] = {f"a3s-lsp {VERSION}": _all(chosen, partial(ours, root=root))}
        for one in rivals:
            columns[one.name] = _all(chosen, partial(rival, root=root, tools=one))
            one.close()
    _print(columns, reads(chosen))


def _all(chosen: list[Schedule], play: Callable[[Schedule], Harm]) -> Harm:
    return total(map(play, chosen))


def _print(columns: dict[str, Harm], asked: int) -> None:
    rows: tuple[tuple[str, Callable[[Harm], int]], ...] = (
        ("schedules", lambda harm: harm.schedules),
        ("characters typed", lambda harm: harm.typed),
        ("edits that the tool says it made", lambda harm: harm.edits),
        ("edits that it refused", lambda harm: harm.refused),
        (f"reads (of {asked}) that missed text that was unsaved for 0.1 s", lambda harm: harm.blind_reads),
        ("documents in conflict: typed text or the agent's", lambda harm: harm.conflicts),
        ("characters lost if the person takes the agent's", lambda harm: harm.typed_at_stake),
        ("edits lost if the person keeps what was typed", lambda harm: harm.edits_at_stake),
        ("edits that landed on other lines", lambda harm: harm.misplaced),
        ("texts taken away that the model had not seen", lambda harm: harm.unseen),
    )
    print(f"| | {' | '.join(columns)} |")
    print(f"|---|{'---:|' * len(columns)}")
    for name, value in rows:
        print(f"| {name} | {' | '.join(f'{value(harm):,}' for harm in columns.values())} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
