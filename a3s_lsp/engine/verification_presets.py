"""Commands that would verify a project, told from the files in its root."""

from __future__ import annotations

import asyncio
import configparser
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.verification_json import Command
from a3s_lsp.engine.workspace.disk import open_file

_MAX_BYTES = 1024 * 1024
_LOCKS = (
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lockb", "bun"),
    ("bun.lock", "bun"),
    ("package-lock.json", "npm"),
)
_NO_TESTS = "no test specified"
"""What `npm init` writes in place of tests."""


@dataclass(frozen=True, slots=True)
class Preset:
    """What one kind of project is verified with."""

    id: str
    project_kind: str
    description: str
    commands: tuple[Command, ...]


async def presets(root: Path) -> list[Preset]:
    """The presets for what lies in this folder; none for folders below it."""
    return await asyncio.to_thread(_presets, root)


def _presets(root: Path) -> list[Preset]:
    found = (
        Preset("rust-default", "rust", "Rust cargo verification", tuple(_rust(root))),
        Preset("node-default", "node", "Node.js package verification", tuple(_node(root))),
        Preset("python-default", "python", "Python project verification", tuple(_python(root))),
        Preset("go-default", "go", "Go module verification", tuple(_go(root))),
    )
    return [preset for preset in found if preset.commands]


def _rust(root: Path) -> Iterable[Command]:
    if (root / "Cargo.toml").is_file():
        yield Command("rust:fmt", "format", "Check Rust formatting", "cargo fmt -- --check", required=True)
        yield Command("rust:check", "type_check", "Run Rust type checking", "cargo check", required=True)
        yield Command("rust:test", "test", "Run Rust tests", "cargo test", required=True)
        yield Command("rust:clippy", "lint", "Run Rust clippy lints", "cargo clippy -- -D warnings")


def _go(root: Path) -> Iterable[Command]:
    if (root / "go.mod").is_file():
        yield Command("go:test", "test", "Run Go tests", "go test ./...", required=True)
        yield Command("go:vet", "lint", "Run go vet", "go vet ./...")


def _node(root: Path) -> Iterable[Command]:
    package = _decoded(_text(root / "package.json"))
    scripts = _table(package, "scripts")
    runner = _runner(root, package)
    test = scripts.get("test")
    if isinstance(test, str) and test.strip() and _NO_TESTS not in test:
        line = "bun run test" if runner == "bun run" else f"{runner.removesuffix(' run')} test"
        yield Command("node:test", "test", "Run JavaScript tests", line, required=True)
    checked = next((name for name in ("typecheck", "type-check") if name in scripts), None)
    if checked is not None:
        yield Command("node:typecheck", "type_check", "Run JavaScript type checks", f"{runner} {checked}")
    if "lint" in scripts:
        yield Command("node:lint", "lint", "Run JavaScript lint checks", f"{runner} lint")


def _runner(root: Path, package: Mapping[str, object]) -> str:
    """How the scripts of a package are run."""
    named = str(package.get("packageManager") or "").partition("@")[0]
    locked = next((manager for lock, manager in _LOCKS if (root / lock).exists()), "npm")
    manager = named if named in dict(_LOCKS).values() else locked
    return manager if manager in ("pnpm", "yarn") else f"{manager} run"


def _python(root: Path) -> Iterable[Command]:
    tools = _table(_toml(root / "pyproject.toml"), "tool")
    sections = {*_sections(root / "setup.cfg"), *_sections(root / "tox.ini")}
    is_project = any((root / name).is_file() for name in ("pyproject.toml", "setup.py", "setup.cfg", "pytest.ini"))
    has_tests = is_project and any((root / name).is_dir() for name in ("tests", "test"))
    if has_tests or "pytest" in tools or (root / "pytest.ini").is_file() or {"pytest", "tool:pytest"} & sections:
        yield Command("python:test", "test", "Run Python tests", "python -m pytest", required=True)
    if "ruff" in tools or any((root / name).is_file() for name in ("ruff.toml", ".ruff.toml")):
        yield Command("python:ruff", "lint", "Run Ruff lint checks", "python -m ruff check .")
    if "mypy" in tools or "mypy" in sections or any((root / name).is_file() for name in ("mypy.ini", ".mypy.ini")):
        yield Command("python:mypy", "type_check", "Run mypy type checking", "python -m mypy .")


def _text(path: Path) -> str:
    """The start of a file; "" if it cannot be read."""
    try:
        with open_file(path) as file:
            return file.read(_MAX_BYTES).decode(errors="replace")
    except (ToolError, OSError):
        return ""


def _decoded(text: str) -> Mapping[str, object]:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _toml(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(_text(path))
    except (ValueError, RecursionError):
        return {}


def _sections(path: Path) -> Iterable[str]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(_text(path))
    except configparser.Error:
        return ()
    return parser.sections()


def _table(parent: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}
