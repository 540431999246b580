"""Many sessions in one process: time and memory of each, beside a3s-code 3.1.0, against one scripted provider."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import session_program
from tests.engine.models.openai_server import Server, text

_PIECES = tuple(f"{number} " for number in range(50))
_ROWS = (
    ("made", "a session, created", 1e3, "ms"),
    ("each", "a session, open", 1, "KiB"),
    ("sent", "a prompt and its answer", 1e3, "ms"),
    ("at_once", f"{session_program.STREAMS} streams at once", 1e3, "ms"),
    ("list", "the list of all", 1e3, "ms"),
    ("closed", "a session, closed", 1e3, "ms"),
    ("left", "left by each of the next 1,000", 1, "KiB"),
)


def sessions() -> None:
    """1,000 sessions open, 50 prompts, 50 streams at once: in memory, with a store, and with the reference."""
    kinds = [("in memory", sys.executable, "a3s_lsp", False), ("stored", sys.executable, "a3s_lsp", True)]
    reference = _reference()
    if reference is not None:
        kinds.append(("a3s-code 3.1.0", reference, "a3s_code", False))
    taken = {name: _measured(python, module, stored) for name, python, module, stored in kinds}
    print(f"{session_program.OPEN:,} sessions{'':17}" + "".join(f"{name:>16}" for name in taken))
    for key, label, factor, unit in _ROWS:
        cells = [f"{each[key] * factor:>13.2f} {unit:<2}" if key in each else f"{'-':>16}" for each in taken.values()]
        print(f"  {label:<29}" + "".join(cells))
    for name, each in taken.items():
        assert each["heard"] == session_program.STREAMS, f"{name}: a stream was lost"
        assert each["texts"] == 1, f"{name}: a stream was cut or out of order"
    print()


def _measured(python: str, module: str, stored: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, Server(text(*_PIECES)) as server:
        workspace = Path(folder, "work")
        workspace.mkdir()
        arguments = [module, f"{server.url}/v1", str(workspace), *([str(Path(folder, "sessions"))] if stored else [])]
        done = subprocess.run(
            [python, session_program.__file__, *arguments], check=True, stdout=subprocess.PIPE, timeout=600
        )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _reference() -> str | None:
    """The Python that has the reference, None if it cannot be had."""
    found = subprocess.run(["scripts/get-reference"], stdout=subprocess.PIPE, text=True, check=False, timeout=600)
    return found.stdout.strip() if found.returncode == 0 else None
