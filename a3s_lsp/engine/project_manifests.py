"""What the manifests of a project say of it: its name, and how it is installed, built, tested and checked."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

MANIFESTS = ("package.json", "pyproject.toml", "Cargo.toml", "go.mod", "Makefile", "justfile")
"""The manifests that are read; of others it is enough that they are there."""
_MOST_TARGETS = 12
_NODE_SCRIPTS = ("build", "test", "lint", "typecheck", "format", "start", "dev")
_NODE_MANAGERS = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lock": "bun", "bun.lockb": "bun"}
_PRESENT = {
    "pom.xml": {"Build": "mvn package", "Test": "mvn test"},
    "build.gradle": {"Build": "gradle build", "Test": "gradle test"},
    "build.gradle.kts": {"Build": "gradle build", "Test": "gradle test"},
    "CMakeLists.txt": {"Build": "cmake -B build && cmake --build build", "Test": "ctest --test-dir build"},
    "mix.exs": {"Install": "mix deps.get", "Test": "mix test"},
    "Gemfile": {"Install": "bundle install"},
    "composer.json": {"Install": "composer install"},
    "deno.json": {"Test": "deno test", "Lint": "deno lint"},
}
Texts: TypeAlias = Mapping[str, str]


@dataclass(slots=True)
class Told:
    """What was found. `commands` are lines to type, by what they are for."""

    name: str = ""
    description: str = ""
    commands: dict[str, str] = field(default_factory=dict)

    def offer(self, what: str, command: str) -> None:
        """Take a command, unless there is one for this already."""
        self.commands.setdefault(what, command)


def read_manifests(texts: Texts, present: Collection[str]) -> Told:
    """What these texts say, by the names of their files; `present` are the names of all files beside them. A manifest
    that cannot be read says nothing."""
    told = Told()
    for name, reader in _READERS.items():
        if name in texts:
            reader(told, texts[name], present)
    for name, commands in _PRESENT.items():
        for what, command in commands.items() if name in present else ():
            told.offer(what, command)
    return told


def _node(told: Told, text: str, present: Collection[str]) -> None:
    try:
        manifest: object = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(manifest, dict):
        return
    _named(told, manifest)
    manager = next((tool for lock, tool in _NODE_MANAGERS.items() if lock in present), "npm")
    told.offer("Install", "npm ci" if "package-lock.json" in present else f"{manager} install")
    scripts = manifest.get("scripts")
    for script in _NODE_SCRIPTS:
        if isinstance(scripts, dict) and script in scripts:
            told.offer(script.capitalize(), f"{manager} run {script}" if script != "test" else f"{manager} test")


def _python(told: Told, text: str, present: Collection[str]) -> None:
    try:
        manifest = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    project, tools = manifest.get("project"), manifest.get("tool")
    if isinstance(project, dict):
        _named(told, project)
    configured = set(tools) if isinstance(tools, dict) else set()
    prefix = "uv run " if "uv.lock" in present else "poetry run " if "poetry.lock" in present else ""
    told.offer("Install", {"uv run ": "uv sync", "poetry run ": "poetry install"}.get(prefix, "pip install -e ."))
    if "pytest" in configured or "tests" in present or "pytest.ini" in present:
        told.offer("Test", f"{prefix}pytest" if prefix else "python -m pytest")
    if "ruff" in configured or "ruff.toml" in present:
        told.offer("Lint", f"{prefix}ruff check .")
        told.offer("Format", f"{prefix}ruff format .")
    if "black" in configured:
        told.offer("Format", f"{prefix}black .")
    if "mypy" in configured or "mypy.ini" in present:
        told.offer("Typecheck", f"{prefix}mypy .")


def _rust(told: Told, text: str, present: Collection[str]) -> None:
    try:
        package = tomllib.loads(text).get("package")
    except (tomllib.TOMLDecodeError, RecursionError):
        package = None
    if isinstance(package, dict):
        _named(told, package)
    for what, command in (("Build", "build"), ("Test", "test"), ("Lint", "clippy"), ("Format", "fmt")):
        told.offer(what, f"cargo {command}")


def _go(told: Told, text: str, present: Collection[str]) -> None:
    module = re.search(r"^module\s+(\S+)", text, re.MULTILINE)
    if module:
        told.name = told.name or module[1].rpartition("/")[2]
    for what, command in (("Build", "build"), ("Test", "test"), ("Lint", "vet"), ("Format", "fmt")):
        told.offer(what, f"go {command} ./...")


def _recipes(runner: str) -> Callable[[Told, str, Collection[str]], None]:
    def read(told: Told, text: str, present: Collection[str]) -> None:
        targets = dict.fromkeys(re.findall(r"^([A-Za-z][\w-]*)\s*:(?!=)", text, re.MULTILINE))
        for target in list(targets)[:_MOST_TARGETS]:
            told.offer(target.capitalize(), f"{runner} {target}")

    return read


def _named(told: Told, table: Mapping[str, object]) -> None:
    name, description = table.get("name"), table.get("description")
    if isinstance(name, str) and not told.name:
        told.name = " ".join(name.split())
    if isinstance(description, str) and not told.description:
        told.description = " ".join(description.split())


_READERS: dict[str, Callable[[Told, str, Collection[str]], None]] = {
    "package.json": _node,
    "pyproject.toml": _python,
    "Cargo.toml": _rust,
    "go.mod": _go,
    "Makefile": _recipes("make"),
    "justfile": _recipes("just"),
}
