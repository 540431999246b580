"""A first AGENTS.md, from what can be seen of a project without a model: its languages, its commands, its layout."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.ports import Workspace
from a3s_lsp.engine.project_manifests import MANIFESTS, Told, read_manifests
from a3s_lsp.engine.workspace.walk import list_files

_LANGUAGES = {
    ".py": "Python", ".pyi": "Python", ".js": "JavaScript", ".mjs": "JavaScript", ".jsx": "JavaScript",
    ".ts": "TypeScript", ".tsx": "TypeScript", ".rs": "Rust", ".go": "Go", ".java": "Java", ".kt": "Kotlin",
    ".c": "C", ".h": "C", ".cc": "C++", ".cpp": "C++", ".hpp": "C++", ".cs": "C#", ".rb": "Ruby", ".php": "PHP",
    ".swift": "Swift", ".scala": "Scala", ".ex": "Elixir", ".exs": "Elixir", ".lua": "Lua", ".sh": "Shell",
    ".zig": "Zig", ".hs": "Haskell", ".sql": "SQL", ".html": "HTML", ".css": "CSS", ".vue": "Vue",
}  # fmt: skip
_NOT_OURS = frozenset({"node_modules", ".venv", "venv", "target", "dist", "build", "vendor", "__pycache__", ".tox"})
_STYLE = {
    ".editorconfig": "indents and line ends",
    ".prettierrc": "formatting (Prettier)",
    ".prettierrc.json": "formatting (Prettier)",
    "eslint.config.js": "lint rules (ESLint)",
    "eslint.config.mjs": "lint rules (ESLint)",
    ".eslintrc.json": "lint rules (ESLint)",
    "ruff.toml": "formatting and lint rules (ruff)",
    ".flake8": "lint rules (flake8)",
    "rustfmt.toml": "formatting (rustfmt)",
    ".clang-format": "formatting (clang-format)",
    "stylua.toml": "formatting (StyLua)",
    ".golangci.yml": "lint rules (golangci-lint)",
    ".pre-commit-config.yaml": "what runs before a commit",
    "CONTRIBUTING.md": "how to contribute",
}
_NO_COMMANDS = "None were found in the manifests: say here how the project is built and tested."
_MOST_FOLDERS = 20
_MOST_LANGUAGES = 5


async def first_instructions(workspace: Workspace) -> str:
    """The text of an AGENTS.md for this workspace: the same for the same files."""
    root = workspace.root
    files = [path.relative_to(root) for path in await asyncio.to_thread(list_files, root)]
    ours = [path for path in files if _NOT_OURS.isdisjoint(path.parts)]
    beside = {path.parts[0] for path in ours}
    texts = {name: text for name in MANIFESTS if name in beside and (text := await _text(workspace, name)) is not None}
    told = read_manifests(texts, beside)
    sections = (_title(told, root), _languages(ours), _commands(told), _layout(ours), _style(beside))
    return "\n\n".join(section for section in sections if section) + "\n"


async def _text(workspace: Workspace, name: str) -> str | None:
    try:
        return (await workspace.read(workspace.resolve(name))).text
    except ToolError:
        return None


def _title(told: Told, root: Path) -> str:
    title = f"# {told.name or root.name or 'Project'}"
    return f"{title}\n\n{told.description}" if told.description else title


def _languages(files: Sequence[PurePath]) -> str:
    counted = Counter(_LANGUAGES[path.suffix] for path in files if path.suffix in _LANGUAGES)
    if not counted:
        return ""
    ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_LANGUAGES]
    return "Languages: " + ", ".join(f"{language} ({_files(count)})" for language, count in ranked) + "."


def _commands(told: Told) -> str:
    rows = [f"- {what}: `{command}`" for what, command in told.commands.items()]
    end = "Run the checks before you say that something is done." if rows else _NO_COMMANDS
    return "\n".join(["## Commands", "", *rows, *([""] if rows else []), end])


def _layout(files: Sequence[PurePath]) -> str:
    folders: dict[str, list[PurePath]] = {}
    for path in files:
        if len(path.parts) > 1:
            folders.setdefault(path.parts[0], []).append(path)
    if not folders:
        return ""
    rows = [f"- `{name}/`: {_described(inside)}" for name, inside in sorted(folders.items())[:_MOST_FOLDERS]]
    more = [f"- and {len(folders) - _MOST_FOLDERS} more folders"] if len(folders) > _MOST_FOLDERS else []
    return "\n".join(["## Layout", "", *rows, *more])


def _described(inside: Sequence[PurePath]) -> str:
    languages = Counter(_LANGUAGES[path.suffix] for path in inside if path.suffix in _LANGUAGES)
    most = sorted(languages.items(), key=lambda pair: (-pair[1], pair[0]))
    return _files(len(inside)) + (f", mostly {most[0][0]}" if most else "")


def _style(beside: set[str]) -> str:
    rows = [f"- `{name}`: {what}" for name, what in _STYLE.items() if name in beside]
    return "\n".join(["## Style", "", "These files have the last word:", *rows]) if rows else ""


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"
