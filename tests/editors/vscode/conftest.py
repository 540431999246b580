"""Fixtures: a real VS Code in a browser, with the extension packaged and installed as a person gets it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

REPOSITORY = Path(__file__).parents[3]
EXTENSION = REPOSITORY / "editors" / "vscode"
ARTIFACTS = REPOSITORY / "artifacts" / "vscode"
PROGRAM = "def old_name() -> int:\n    return 1\n\n\nprint(old_name())\n"
QUIET: dict[str, object] = {
    "chat.disableAIFeatures": True,
    "editor.minimap.enabled": False,
    "files.autoSave": "off",
    "telemetry.telemetryLevel": "off",
    "window.autoDetectColorScheme": False,
    "workbench.reduceMotion": "on",
    "workbench.colorTheme": "Dark Modern",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.startupEditor": "none",
}


Play: TypeAlias = Callable[[str, Mapping[str, object]], None]


@dataclass(frozen=True, slots=True)
class Tools:
    """What `scripts/get-vscode` installed."""

    code_server: Path
    node: Path
    chromium: Path
    playwright: Path

    def run(self, *command: str | Path, timeout: float, cwd: Path = REPOSITORY) -> None:
        """Runs a program with the editor's own node first on the path, and shows what it said if it fails."""
        environment = os.environ | {"PATH": f"{self.node.parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"


@pytest.fixture(scope="session")
def tools() -> Tools:
    script = REPOSITORY / "scripts" / "get-vscode"
    found = subprocess.run([script], check=True, stdout=subprocess.PIPE, text=True, timeout=600)
    places = dict(line.split("=", 1) for line in found.stdout.splitlines())
    return Tools(**{name.lower(): Path(place) for name, place in places.items()})


@pytest.fixture(scope="session")
def sources(tools: Tools) -> Path:
    """The extension's folder, with what it is built with."""
    if not (EXTENSION / "node_modules").is_dir():
        tools.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=EXTENSION, timeout=300)
    return EXTENSION


@pytest.fixture(scope="session")
def vsix(tools: Tools, sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension as it is published."""
    target = tmp_path_factory.mktemp("vsix") / "a3s.vsix"
    tools.run("npm", "run", "package", "--", "--out", target, cwd=sources, timeout=120)
    return target


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder with one program."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "main.py").write_text(PROGRAM)
    return folder


@pytest.fixture
def fake_server(tmp_path: Path) -> Path:
    """An executable that plays the script of `fake_server.py`."""
    return executable(tmp_path / "fake-a3s-lsp", f'exec "{sys.executable}" "{Path(__file__).parent}/fake_server.py"')


@pytest.fixture
def review_server(tmp_path: Path) -> Path:
    """An executable that plays the script of `fake_review.py`."""
    module = "tests.editors.vscode.fake_review"
    return executable(tmp_path / "review-a3s-lsp", f'PYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m {module}')


@pytest.fixture
def real_server(tmp_path: Path) -> Path:
    """The real one, with a home of its own."""
    program = Path(sys.executable).with_name("a3s-lsp")
    return executable(tmp_path / "real-a3s-lsp", f'exec env {own_home(tmp_path)} "{program}" "$@"')


@pytest.fixture
def scripted_server(tmp_path: Path) -> Path:
    """The real one with the model of `scripted_server.py`, which waits for the plan's pipe `go`."""
    os.mkfifo(tmp_path / "go")
    program = f'PYTHONPATH="{REPOSITORY}" "{sys.executable}" -m tests.editors.vscode.scripted_server "{tmp_path}/go"'
    return executable(tmp_path / "scripted-a3s-lsp", f"exec env {own_home(tmp_path)} {program}")


@pytest.fixture
def play(tools: Tools, vsix: Path, workspace: Path, fake_server: Path, tmp_path: Path) -> Play:
    """Plays a scenario of `drive.mjs` in a fresh editor with these settings of `a3s`."""

    def play(scenario: str, settings: Mapping[str, object]) -> None:
        profile = tmp_path / "profile"
        write_settings(profile / "User" / "settings.json", QUIET)
        # Where the window of a remote machine keeps what is true for that machine only.
        write_settings(machine := profile / "Machine" / "settings.json", settings)
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        for picture in ARTIFACTS.glob(f"{scenario}-*.png"):
            picture.unlink()
        with code_server(tools, vsix, profile) as address:
            plan = {
                "scenario": scenario,
                "url": f"{address}/?folder={workspace}",
                "chromium": tools.chromium,
                "playwright": tools.playwright,
                "artifacts": ARTIFACTS,
                "machineSettings": machine,
                "fakeServer": fake_server,
                "program": workspace / "main.py",
                "go": tmp_path / "go",
            }
            plan_file = tmp_path / "plan.json"
            plan_file.write_text(json.dumps(plan, default=str))
            tools.run(tools.node, Path(__file__).with_name("drive.mjs"), plan_file, timeout=180)

    return play


@contextlib.contextmanager
def code_server(tools: Tools, vsix: Path, profile: Path) -> Iterator[str]:
    """A running editor of our own; its address."""
    places = ["--user-data-dir", str(profile), "--extensions-dir", str(profile / "extensions")]
    # An empty file, so that nobody's own configuration is read.
    (profile / "config.yaml").touch()
    own = [*places, "--config", str(profile / "config.yaml")]
    tools.run(tools.code_server, *own, "--install-extension", vsix, timeout=60)
    port = free_port()
    flags = ["--auth", "none", "--bind-addr", f"127.0.0.1:{port}", "--disable-telemetry", "--disable-update-check"]
    more = ["--disable-workspace-trust", "--disable-getting-started-override"]
    with (profile / "code-server.log").open("wb") as log:
        process = subprocess.Popen([tools.code_server, *own, *flags, *more], stdout=log, stderr=subprocess.STDOUT)
    try:
        await_listener(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=5)


def write_settings(path: Path, settings: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(settings, default=str))


def own_home(folder: Path) -> str:
    """Variables for a program that is to find nothing of anybody's."""
    return " ".join(f'XDG_{kind}_HOME="{folder}/xdg/{kind}"' for kind in ("CACHE", "CONFIG", "DATA", "STATE"))


def executable(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_listener(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "the editor does not listen"
            time.sleep(0.05)
        else:
            return
