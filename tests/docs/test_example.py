"""The example of the guide runs on this package, and on the reference with the import changed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.models.openai_server import Server, call, calls, text

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "review_folder.py"
ANSWER = "One mark in a.py:1; all compiles."


def review(python: str, program: Path, folder: Path) -> dict[str, object]:
    """Let the program review a folder with a scripted model; what it says about it."""
    folder.mkdir()
    (folder / "a.py").write_text("x = 1  # TODO name it\n")
    (folder / "b.py").write_text("def f():\n    return 2\n")
    answers = (
        calls(call("c1", "grep", pattern="TODO"), call("c2", "read", file_path="a.py")),
        calls(call("c3", "bash", command="python3 -m py_compile a.py b.py")),
        calls(call("c4", "bash", command="curl http://127.0.0.1:9")),
        calls(call("c5", "bash", command="rm -rf nothing")),
        calls(call("c6", "write", file_path="REVIEW.md", content="- a.py:1 has a TODO\n")),
        text(ANSWER),
        text("The mark in a.py:1."),
    )
    with Server(*answers) as server:
        (folder / "agent.acl").write_text(
            f'default_model = "openai/m"\nproviders "openai" {{\n  apiKey = "k"\n  baseUrl = "{server.url}/v1"\n'
            '  models "m" { name = "m" }\n}\n'
        )
        done = subprocess.run(
            [python, program, folder], capture_output=True, text=True, timeout=100, check=False, cwd=folder.parent
        )
    assert done.returncode == 0, done.stderr
    outcome: dict[str, object] = json.loads(done.stdout[done.stdout.rindex("\n{\n") :])
    return outcome


def expected() -> dict[str, object]:
    """What both do."""
    return {
        "answer": ANSWER,
        "tools": ["grep", "read", "bash", "bash", "bash", "write"],
        "questions": [["python3 -m py_compile a.py b.py", True], ["curl http://127.0.0.1:9", False]],
        "verified": "passed",
        "status": "completed",
    }


@pytest.mark.e2e
def test_the_example_reviews_a_folder_and_goes_on_with_its_session(tmp_path: Path) -> None:
    outcome = review(sys.executable, EXAMPLE, tmp_path / "ws")
    assert {name: outcome[name] for name in expected()} == expected()
    assert outcome["resumed"] == "The mark in a.py:1."


@pytest.mark.e2e
@pytest.mark.editor
def test_the_example_runs_on_the_reference_with_only_the_import_changed(tmp_path: Path) -> None:
    got = subprocess.run([ROOT / "scripts/get-reference"], capture_output=True, text=True, timeout=110, check=False)
    if got.returncode != 0:
        pytest.skip(f"the reference cannot be had here: {got.stderr}")
    program = tmp_path / "program.py"
    program.write_text(EXAMPLE.read_text().replace("import a3s_lsp as a3s_code", "import a3s_code"))
    outcome = review(got.stdout.strip(), program, tmp_path / "ws")
    assert {name: outcome[name] for name in expected()} == expected()
    assert outcome["resumed"] is None  # its stores keep nothing
