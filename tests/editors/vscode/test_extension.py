"""The VS Code extension in a real editor, with a server that follows a script and with the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.vscode.conftest import Play

# The first test also installs and packages what is missing.
pytestmark = [pytest.mark.editor, pytest.mark.e2e, pytest.mark.timeout(900)]


def test_a_conversation_streams_asks_edits_stops_and_comes_back(play: Play, fake_server: Path) -> None:
    play("conversation", {"a3s.serverPath": fake_server})


def test_a_server_that_is_missing_or_crashes_is_explained_and_mended(play: Play) -> None:
    play("trouble", {"a3s.serverPath": "/nowhere/a3s-lsp"})


def test_changes_are_reviewed_one_by_one_and_nobody_is_in_the_way_of_the_person(
    play: Play, workspace: Path, review_server: Path
) -> None:
    (workspace / "data.json").write_text("{}\n")
    play("review", {"a3s.serverPath": review_server})


def test_the_real_server_renames_in_the_unsaved_buffer_and_the_editor_takes_it_back(
    play: Play, real_server: Path
) -> None:
    play("rename", {"a3s.serverPath": real_server, "a3s.model": "offline/assistant", "a3s.posture": "ask"})


def test_three_files_change_in_one_call_while_the_person_types_and_each_gives_its_part_back(
    play: Play, workspace: Path, scripted_server: Path
) -> None:
    (workspace / "clean.py").write_text("old_name = 1\n")
    (workspace / "closed.py").write_text("print(old_name)\n")
    play("truth", {"a3s.serverPath": scripted_server, "a3s.posture": "accept-edits"})
