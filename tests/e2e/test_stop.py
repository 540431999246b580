"""Stop stops: under half a second, with a terminal event, and nothing of it goes on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psutil
import pytest

from a3s_lsp.engine.messages import Json
from tests.e2e.process import server_on
from tests.engine.models.openai_server import Server, text

STOP_SECONDS = 0.5
pytestmark = pytest.mark.e2e


async def test_stop_in_a_streaming_answer_hangs_up(tmp_path: Path) -> None:
    with Server(text("one ", "two ", "three", hold_at=3)) as provider:
        (tmp_path / "agent.acl").write_text(
            'default_model = "fake/m"\n'
            f'providers "fake" {{\n  api_key = "k"\n  base_url = "{provider.url}"\n  models "m" {{ }}\n}}\n'
        )
        async with server_on(tmp_path, tmp_path / "state", model=None) as server:
            started = await server.editor.command("a3s.prompt", {"text": "go"})
            await server.editor.event(lambda event: event["type"] == "text_delta")
            begun = time.monotonic()
            await server.editor.command("a3s.cancel", {"runId": started["runId"]})
            assert time.monotonic() - begun < STOP_SECONDS
            assert server.editor.events[-1]["type"] == "cancelled"
            assert await asyncio.to_thread(provider.hung_up.wait, 5), "the provider is not left streaming"
            assert await server.stop() == 0


async def test_stop_kills_a_command_with_its_grandchildren(tmp_path: Path) -> None:
    async with server_on(tmp_path, tmp_path / "state", posture="auto") as server:
        command = "sleep 61 & (setsid sleep 61 & sleep 61 & echo ready; wait) ; wait"
        started = await server.editor.command("a3s.prompt", {"text": f"run {command}"})
        await server.editor.event(lambda event: event["type"] == "tool_output_delta")
        token = next(str(p["token"]) for name, p in server.editor.notifications if name == "$/progress")
        begun = time.monotonic()
        server.editor.notify("window/workDoneProgress/cancel", {"token": token})
        assert (await server.editor.ending(str(started["runId"])))["type"] == "cancelled"
        assert time.monotonic() - begun < STOP_SECONDS
        assert [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "61"]] == []
        assert await server.stop() == 0


async def test_stop_withdraws_a_pending_question(tmp_path: Path) -> None:
    async with server_on(tmp_path, tmp_path / "state") as server:
        never: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        server.editor.respond["a3s/confirm"] = lambda params: never
        started = await server.editor.command("a3s.prompt", {"text": "run touch made"})
        await server.editor.event(lambda event: event["type"] == "confirmation_required")
        begun = time.monotonic()
        await server.editor.command("a3s.cancel", {"runId": started["runId"]})
        assert time.monotonic() - begun < STOP_SECONDS
        assert server.editor.events[-1]["type"] == "cancelled"
        assert not (tmp_path / "made").exists()
        assert await server.stop() == 0
