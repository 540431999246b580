"""Sessions of an editor remember where the configuration says, and a project cannot reach what is outside of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3s_lsp.engine.assembly import Surroundings, Wishes, assemble


async def warnings_and_memory(work: Path, user_config: Path) -> tuple[tuple[str, ...], bool]:
    setup = await assemble(work, Wishes(), Surroundings({}, user_config), None)
    return setup.warnings, setup.memory.memories is not None


@pytest.mark.parametrize(
    ("folder", "kept"),
    [(".a3s/memory", True), ("{work}/memory", True), ("{outside}", False), ("../outside", False), ("~/x", False)],
)
async def test_the_memory_of_a_project_is_in_the_project(tmp_path: Path, folder: str, kept: bool) -> None:
    work, outside = tmp_path / "work", tmp_path / "outside"
    work.mkdir()
    named = folder.format(work=work, outside=outside)
    (work / "agent.acl").write_text(f'memory_dir = "{named}"')
    warnings, remembers = await warnings_and_memory(work, tmp_path / "none.acl")
    assert remembers is kept and not outside.exists()
    assert warnings == () if kept else "name that folder in your own agent.acl" in warnings[0]


async def test_a_link_does_not_lead_out_of_the_project(tmp_path: Path) -> None:
    work, outside = tmp_path / "work", tmp_path / "outside"
    work.mkdir()
    outside.mkdir()
    (work / "link").symlink_to(outside)
    (work / "agent.acl").write_text('memory { dir = "link" }')
    _, remembers = await warnings_and_memory(work, tmp_path / "none.acl")
    assert not remembers and list(outside.iterdir()) == []


async def test_the_person_may_keep_memories_anywhere_and_none_are_kept_unasked(tmp_path: Path) -> None:
    own = tmp_path / "own.acl"
    assert await warnings_and_memory(tmp_path, own) == ((), False)
    own.write_text(f'memory_dir = "{tmp_path / "elsewhere"}"')
    assert await warnings_and_memory(tmp_path, own) == ((), True)
    assert (tmp_path / "elsewhere" / "memory.db").is_file()
