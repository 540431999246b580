"""The extension's own checks: format, types, lint, and what is tested without an editor."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.vscode.conftest import Tools

pytestmark = [pytest.mark.e2e, pytest.mark.editor]


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_extension_passes_its_own_checks(tools: Tools, sources: Path, script: str) -> None:
    tools.run("npm", "run", script, cwd=sources, timeout=110)
