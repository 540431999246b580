"""Programs written for the reference behave the same here: its conformance suite, as far as this version covers it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = os.environ.get("A3S_CONFORMANCE")
LEFT_OUT = [
    line
    for line in Path(__file__).with_name("left_out.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.e2e
@pytest.mark.skipif(not SUITE, reason="A3S_CONFORMANCE names no folder with the conformance suite")
@pytest.mark.timeout(600)
def test_every_covered_case_of_the_conformance_suite_holds(tmp_path: Path) -> None:
    assert SUITE
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        SUITE,
        SUITE,
        "-W",
        "ignore",
    ]
    for case in LEFT_OUT:
        command += ["--deselect", case]
    environ = {**os.environ, "A3S_IMPL": "a3s_lsp"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) >= 150, done.stdout[-500:]
