"""A project that was only opened cannot have its sessions watched, or steered, by a harness of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from a3s_lsp.engine.store.trust import Trust
from a3s_lsp.testing import ScriptedApprover
from tests.engine.test_command_hooks import Desk, bash
from tests.sdk.harnesses import Harness, over_http

BLOCK = {"decision": "block", "reason": "no"}


@pytest.fixture
def harness() -> Harness:
    return Harness({"pre_action": BLOCK})


@pytest.fixture
def config(harness: Harness) -> Iterator[str]:
    with over_http(harness) as url:
        yield f"ahp {{ url = {json.dumps(url)} }}"


async def test_the_harness_of_the_person_supervises_from_the_start(
    tmp_path: Path, harness: Harness, config: str
) -> None:
    desk = Desk(tmp_path)
    desk.config.write_text(config)
    await desk.run([bash("echo hi"), "done"])
    assert desk.tool_ends() == ["Tool 'bash' blocked by hook: no"]


async def test_the_harness_of_a_project_hears_nothing_before_the_person_allows_it(
    tmp_path: Path, harness: Harness, config: str
) -> None:
    desk = Desk(tmp_path, own=False)
    desk.config.write_text(config)
    await desk.run([bash("echo hi"), "done"])
    assert desk.tool_ends() == ["hi\n"] and harness.messages("ahp/handshake") == []


async def test_once_it_is_allowed_the_harness_of_a_project_supervises(
    tmp_path: Path, harness: Harness, config: str
) -> None:
    desk = Desk(tmp_path, own=False, trust=Trust(tmp_path / "trusted"))
    desk.config.write_text(config)
    approver = ScriptedApprover(["approved"])
    await desk.run([bash("echo hi"), "done"], approver)
    assert desk.tool_ends() == ["Tool 'bash' blocked by hook: no"]
    assert "127.0.0.1" in approver.questions[0].detail and len(harness.messages("ahp/handshake")) == 1
