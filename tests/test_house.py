"""The house stands as it was drawn: layers, the front door, imports without effects, stdout for the protocol alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import a3s_lsp

PACKAGE = Path(a3s_lsp.__file__).parent
MAY_IMPORT = {"engine": {"engine"}, "sdk": {"engine", "sdk"}, "server": {"engine", "sdk", "server"}}
ONLY_IN: dict[str, tuple[str, ...]] = {
    "pygls": ("server/",),
    "lsprotocol": ("server/",),
    "subprocess": ("engine/workspace/processes.py", "engine/workspace/process_tree.py"),
    "litellm": ("engine/models/",),
    "psycopg": ("engine/store/",),
    "sqlite3": ("engine/store/", "engine/memory/"),
}
HEAVY = (
    "pygls",
    "lsprotocol",
    "litellm",
    "openai",
    "boto3",
    "mcp",
    "websockets",
    "psutil",
    "whatthepatch",
    "rapidfuzz",
    "psycopg",
)


def _modules() -> list[str]:
    return sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def _imports(name: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((PACKAGE / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("name", _modules())
def test_imports_go_down_only(name: str) -> None:
    room = name.split("/")[0]
    for imported in _imports(name):
        parts = imported.split(".")
        if parts[0] == "a3s_lsp" and room in MAY_IMPORT and len(parts) > 1 and parts[1] in MAY_IMPORT:
            assert parts[1] in MAY_IMPORT[room], f"{name} imports {imported}"
        allowed = ONLY_IN.get(parts[0])
        assert allowed is None or name.startswith(allowed), f"{name} imports {imported}"


def test_the_front_door_is_sorted_and_opens_to_every_name() -> None:
    assert a3s_lsp.__all__ == sorted(a3s_lsp.__all__)
    assert set(a3s_lsp.__all__) <= set(dir(a3s_lsp))
    assert [name for name in a3s_lsp.__all__ if getattr(a3s_lsp, name).__name__ != name] == []
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = a3s_lsp.no_such_name
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    seen_by_type_checkers = {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen_by_type_checkers - {"import_module", "TYPE_CHECKING"} == set(a3s_lsp.__all__)


def _python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


def test_importing_loads_nothing_heavy_and_has_no_effect(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A3S_FROM_DOTENV=1\n")
    code = f"""
import os, sys, threading, logging
before, handlers = dict(os.environ), list(logging.getLogger().handlers)
import a3s_lsp
a3s_lsp.Agent, a3s_lsp.AsyncAgent
assert dict(os.environ) == before, "the environment changed"
assert threading.active_count() == 1, "a thread was started"
assert logging.getLogger().handlers == handlers, "logging was configured"
loaded = [name for name in {HEAVY!r} if name in sys.modules]
assert not loaded, loaded
"""
    done = _python(code, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == [".env"]
