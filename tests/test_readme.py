"""What the README shows works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.e2e
@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_of_the_readme_runs(code: str, tmp_path: Path) -> None:
    (tmp_path / "seen.txt").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "seen.txt" in done.stdout and "Messages: 4" in done.stdout


def test_the_configuration_of_the_readme_is_valid() -> None:
    from a3s_lsp.engine.config.load import load

    (source,) = blocks("hcl")
    loaded = load(source, {"ANTHROPIC_API_KEY": "k"})
    assert loaded.problems == ()
    assert loaded.settings.default_model == "anthropic/claude-sonnet-4-5"


def test_every_script_and_file_that_the_readme_names_is_there() -> None:
    for name in re.findall(r"scripts/[a-z]+|docs/[\w.]+|editors/\w+(?=\))|[A-Z]+\.md", README):
        assert (ROOT / name).exists(), name


@pytest.mark.e2e
def test_the_demo_plays_to_its_end() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "a3s_lsp", "demo"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("✓") == 3 and "byte for byte" in done.stdout


@pytest.mark.e2e
@pytest.mark.editor
def test_the_demo_plays_to_its_end_in_a_real_neovim() -> None:
    nvim = subprocess.run([ROOT / "scripts/get-nvim", "0.12"], capture_output=True, text=True, timeout=110, check=True)
    done = subprocess.run(
        [nvim.stdout.strip(), "--headless", "--clean", "-l", ROOT / "editors/neovim/demo.lua", ROOT],
        env={"A3S_DEMO_PYTHON": sys.executable, "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "byte for byte" in done.stdout
