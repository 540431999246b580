"""Killed at any moment: what the client had seen is there again, and the run goes on or is reported as interrupted."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from a3s_lsp.engine.events import TERMINAL
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.state import State
from a3s_lsp.engine.store.sqlite import SQLiteStore
from tests.e2e.process import server_on

KILLS = int(os.environ.get("A3S_KILLS", "20"))
TYPED = "# typed, and not saved\n"
PROMPTS = (
    "run echo step >> ledger; sleep 0.1; echo done",
    "where is wanted?",
    "rename wanted to found",
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60 + 5 * KILLS)]


def replayed_texts(state: Path, session: str) -> dict[str, str | None]:
    """The texts of the files that the session changed, by its log alone."""
    store = SQLiteStore(state / "sessions.db")
    fold = State()
    for record in store.read(session):
        fold.apply(record)
    store.close()
    return {path: fold.ledger.text(path) for path in fold.ledger.paths()}


def key(event: Json) -> tuple[object, object]:
    return event["runId"], event["seq"]


def shown(event: Json) -> Json:
    return {name: value for name, value in event.items() if name != "replay"}


@pytest.mark.parametrize("seed", range(KILLS))
async def test_a_kill_loses_nothing_that_was_seen(tmp_path: Path, seed: int) -> None:
    choose = random.Random(seed)
    folder, state = tmp_path / "work", tmp_path / "state"
    folder.mkdir()
    for name in ("a.py", "b.py"):
        (folder / name).write_text("wanted = 1\nprint(wanted)\n" * 50)
    opened, closed = folder / "a.py", folder / "b.py"
    prompt = choose.choice(PROMPTS)

    async with server_on(folder, state, posture="auto") as server:
        session = (await server.editor.command("a3s.session.new"))["sessionId"]
        server.editor.open(opened, TYPED + opened.read_text())
        started = await server.editor.command("a3s.prompt", {"text": prompt})
        await asyncio.sleep(choose.uniform(0, 0.25))  # the moment of the kill is what varies
        server.kill()
        await server.gone()
        seen = list(server.editor.events)
        on_screen = server.editor.text(opened)

    async with server_on(folder, state, posture="auto") as server:
        server.editor.open(opened, on_screen)  # the editor outlived the server
        answer = await server.editor.command("a3s.session.resume", {"sessionId": session})
        replayed = {key(event): shown(event) for event in server.editor.events if event.get("replay")}
        assert [replayed.get(key(event)) for event in seen] == [shown(event) for event in seen]
        cut = not any(event["type"] in TERMINAL for event in replayed.values())
        if cut:
            assert (answer["status"], answer["runId"]) == ("running", started["runId"])
            ending = await server.editor.ending(str(started["runId"]))
            assert ending["type"] == "end", ending
        together = {**replayed, **{key(event): event for event in server.editor.events if not event.get("replay")}}
        for run in {run for run, _ in together}:
            sequence = sorted(int(str(seq)) for of, seq in together if of == run)
            assert sequence == list(range(len(sequence))), "no gap and no event twice"
        assert sum(event["type"] in TERMINAL for event in together.values()) == 1
        on_screen = server.editor.text(opened)
        assert await server.stop() == 0
    assert on_screen.startswith(TYPED)
    texts = {str(opened): on_screen, str(closed): closed.read_text()}
    assert replayed_texts(state, str(session)).items() <= texts.items(), "the log has every text that it changed"
    ledger = folder / "ledger"
    assert not ledger.exists() or ledger.read_text() == "step\n", "a command that was cut is not silently run again"


async def test_the_editor_that_dies_ends_the_server_and_its_commands(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    async with server_on(tmp_path / "work", tmp_path / "state", posture="auto") as server:
        await server.editor.command("a3s.prompt", {"text": "run sleep 60; touch never"})
        await server.editor.event(lambda event: event["type"] == "tool_start")
        server.hang_up()
        assert await server.gone() == 1, "it was not told to exit"


async def test_a_pending_question_survives_a_restart_of_the_editor(tmp_path: Path) -> None:
    folder, state = tmp_path / "work", tmp_path / "state"
    folder.mkdir()
    async with server_on(folder, state) as server:
        never: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        server.editor.respond["a3s/confirm"] = lambda params: never
        started = await server.editor.command("a3s.prompt", {"text": "run touch made"})
        await server.editor.event(lambda event: event["type"] == "confirmation_required")
        assert await server.stop() == 0
    assert not (folder / "made").exists()
    async with server_on(folder, state) as server:
        await server.editor.command("a3s.session.resume", {"sessionId": started["sessionId"]})
        assert (await server.editor.ending(str(started["runId"])))["type"] == "end"
        assert await server.stop() == 0
    assert (folder / "made").exists()


async def test_two_windows_do_not_write_one_session(tmp_path: Path) -> None:
    folder, state = tmp_path / "work", tmp_path / "state"
    folder.mkdir()
    async with server_on(folder, state) as one, server_on(folder, state) as two:
        session = (await one.editor.command("a3s.session.new"))["sessionId"]
        with pytest.raises(Exception, match="open in another window"):
            await two.editor.command("a3s.session.resume", {"sessionId": session})
        assert (await two.editor.prompt("help"))["type"] == "end"
        assert await one.stop() == 0
        answer = await two.editor.command("a3s.session.resume", {"sessionId": session})
        assert answer["status"] == "idle"
        assert await two.stop() == 0
