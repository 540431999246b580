"""Fixtures: a workspace, the script of a fake server, and one real Neovim per version and test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.neovim.driver import REPOSITORY, Neovim, Scene, running, wait_until


@pytest.fixture(scope="session", params=["0.10", "0.12"])
def binary(request: pytest.FixtureRequest) -> Path:
    """A real Neovim of each supported line."""
    script = REPOSITORY / "scripts" / "get-nvim"
    found = subprocess.run([script, request.param], check=True, stdout=subprocess.PIPE, text=True, timeout=300)
    return Path(found.stdout.strip())


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder with two files and a marker that makes it a workspace."""
    folder = tmp_path / "workspace"
    (folder / ".git").mkdir(parents=True)
    (folder / "a.py").write_text("one = 1\ntwo = 2\nthree = 3\n")
    (folder / "b.py").write_text("four = 4\n")
    return folder


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """What the server will do."""
    return Scene(tmp_path)


@pytest.fixture
def bare(binary: Path, tmp_path: Path, workspace: Path) -> Iterator[Neovim]:
    """An editor in which nobody has called `setup` yet."""
    with running(binary, tmp_path / "home", workspace) as editor:
        yield editor


@pytest.fixture
def editor(bare: Neovim, scene: Scene, workspace: Path) -> Neovim:
    """An editor that uses the fake server, with `a.py` open and lent."""
    bare.setup(cmd=[str(scene.command)])
    bare.edit(workspace / "a.py")
    wait_until(lambda: scene.received("textDocument/didOpen"), "the file is lent")
    return bare
