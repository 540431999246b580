"""Changes of files that are not open: told by the client where it offers that, else by the system."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.workspace.disk import current_text
from a3s_lsp.server import watching
from a3s_lsp.server.fake_editor import ServerError
from a3s_lsp.testing import ScriptedModel
from tests.server.desk import desk
from tests.server.seen import Seen, seen

WATCHES: Json = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}


async def told(s: Seen, text: str | None) -> None:
    """Wait until the engine is told of this text on the disk."""
    async with asyncio.timeout(5):
        while ("disk", text) not in s.changes:
            await s.news.wait()
            s.news.clear()


async def is_watched(s: Seen, path: Path) -> None:
    """Wait until the file is watched; what it has then is told."""
    s.engine.watch([path])
    await told(s, current_text(path))
    s.changes.clear()


async def test_a_file_that_somebody_writes_replaces_and_deletes_is_told(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        path = tmp_path / "a.py"
        await is_watched(s, path)
        path.write_text("one\n")
        await told(s, "one\n")
        (tmp_path / "draft").write_text("two\n")
        (tmp_path / "draft").replace(path)
        await told(s, "two\n")
        path.unlink()
        await told(s, None)
        assert s.changes == [("disk", "one\n"), ("disk", "two\n"), ("disk", None)]


async def test_files_beside_the_watched_ones_are_of_no_interest(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        first, last = tmp_path / "a.py", tmp_path / "b.py"
        await is_watched(s, first)
        await is_watched(s, last)
        (tmp_path / "other.py").write_text("other\n")
        last.write_text("end\n")
        await told(s, "end\n")
        assert s.changes == [("disk", "end\n")]


async def test_a_file_that_is_open_is_what_is_on_the_screen(tmp_path: Path) -> None:
    async with seen(tmp_path) as s:
        opened, closed = s.open("a.py", "a\n"), tmp_path / "b.py"
        s.engine.watch([opened])
        await is_watched(s, closed)
        opened.write_text("from elsewhere\n")
        closed.write_text("end\n")
        await told(s, "end\n")
        assert s.changes == [("disk", "end\n")]


async def test_a_client_that_watches_files_is_asked_to_and_the_system_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "QUIET_SECONDS", 0.0)
    async with seen(tmp_path, capabilities=WATCHES) as s:
        path, other, last = tmp_path / "a.py", tmp_path / "b.py", tmp_path / "c.py"
        for each in (path, other, last):
            await is_watched(s, each)
        (registration,) = [params["registrations"] for name, params in s.person.requests]
        assert registration == [
            {
                "id": "a3s-files",
                "method": "workspace/didChangeWatchedFiles",
                "registerOptions": {"watchers": [{"globPattern": "**/*"}]},
            }
        ]
        path.write_text("quiet\n")
        other.write_text("told\n")
        s.engine.files_changed([other.as_uri(), "untitled:1"])
        s.engine.files_changed([other.as_uri(), last.as_uri()])
        await told(s, None)
        assert s.changes == [("disk", "told\n"), ("disk", None)], "each is told once"


async def test_the_system_watches_for_a_client_that_will_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(params: Json) -> object:
        raise ServerError(-32603, "too many files")

    async with seen(tmp_path, capabilities=WATCHES) as s:
        s.person.respond["client/registerCapability"] = refuse
        path = tmp_path / "a.py"
        await is_watched(s, path)
        path.write_text("one\n")
        await told(s, "one\n")
        assert "too many files" in caplog.text


async def test_a_file_outside_of_the_workspace_folders_is_watched_by_the_system(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside.py"
    root.mkdir()
    async with seen(root, capabilities=WATCHES) as s:
        await is_watched(s, outside)
        outside.write_text("one\n")
        await told(s, "one\n")


async def test_where_the_system_cannot_watch_the_log_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with seen(tmp_path) as s:
        path = tmp_path / "no such folder" / "a.py"
        await is_watched(s, path)
        assert "are not noticed at once" in caplog.text


async def test_a_file_that_is_not_text_is_a_line_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with seen(tmp_path) as s:
        binary, text = tmp_path / "a.bin", tmp_path / "b.py"
        await is_watched(s, binary)
        await is_watched(s, text)
        binary.write_bytes(b"\0\xff")
        text.write_text("end\n")
        await told(s, "end\n")
        assert s.changes == [("disk", "end\n")]
        assert "cannot be read" in caplog.text


async def test_news_about_files_are_asked_for_where_the_client_has_them(tmp_path: Path) -> None:
    operations = {"didCreate": True, "didRename": True, "didDelete": True}
    capabilities: Json = {
        "workspace": {"fileOperations": operations},
        "textDocument": {"synchronization": {"willSave": True}},
    }
    async with desk(tmp_path / "w", ScriptedModel([]), capabilities=capabilities) as d:
        offered = d.editor.server_capabilities
        filters = {"filters": [{"pattern": {"glob": "**/*"}, "scheme": "file"}]}
        assert isinstance(offered["workspace"], dict) and isinstance(offered["textDocumentSync"], dict)
        assert offered["workspace"]["fileOperations"] == dict.fromkeys(operations, filters)
        assert offered["textDocumentSync"]["willSave"] is True
