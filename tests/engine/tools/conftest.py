"""Fixtures of the tool tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.tools.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = tmp_path / "ws"
    root.mkdir()
    return Desk(root)
