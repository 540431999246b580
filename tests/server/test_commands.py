"""The commands and events of docs/protocol.md, from the client's side of the wire."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3s_lsp.engine.messages import Attachment, UserMessage
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.server.fake_editor import ServerError
from a3s_lsp.testing import Pause, Reply, ScriptedModel, call
from tests.server.desk import desk


async def test_a_prompt_answers_at_once_and_its_events_follow(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel([Reply("hello", chunks=("hel", "lo"))])) as d:
        started = await d.editor.command("a3s.prompt", {"text": "hi"})
        assert set(started) == {"sessionId", "runId"}
        ending = await d.editor.ending(str(started["runId"]))
        assert (ending["type"], ending["text"]) == ("end", "hello")
        assert [event["seq"] for event in d.editor.events] == list(range(len(d.editor.events)))
        assert {event["sessionId"] for event in d.editor.events} == {started["sessionId"]}
        assert [event["type"] for event in d.editor.events[:2]] == ["agent_mode_changed", "start"]
        assert d.editor.events[1]["prompt"] == "hi"


async def test_a_client_that_announced_nothing_gets_standard_messages_only(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("bash", command="echo 1"),)), "done"])
    async with desk(tmp_path / "w", model, flags=()) as d:
        d.editor.respond["window/showMessageRequest"] = lambda params: {"title": "Allow once"}
        await d.editor.command("a3s.prompt", {"text": "hi"})
        await d.editor.until(lambda: any(_kind(params) == "end" for name, params in d.editor.notifications))
        sent = {name for name, _ in d.editor.notifications} | {name for name, _ in d.editor.requests}
        assert not any(name.startswith("a3s/") for name in sent), sent
        assert "1\n" in [message.content for message in model.requests[1].messages if message.role == "tool"]


def _kind(params: dict[str, object]) -> object:
    value = params.get("value")
    return value.get("kind") if isinstance(value, dict) else None


async def test_progress_begins_reports_and_ends_and_its_button_stops_the_run(tmp_path: Path) -> None:
    pause = Pause()
    async with desk(tmp_path / "w", ScriptedModel([Reply("never", pause=pause)])) as d:
        started = await d.editor.command("a3s.prompt", {"text": "hi"})
        await pause.reached()
        await d.editor.until(lambda: any(name == "$/progress" for name, _ in d.editor.notifications))
        token = next(params["token"] for name, params in d.editor.notifications if name == "$/progress")
        d.editor.notify("window/workDoneProgress/cancel", {"token": token})
        assert (await d.editor.ending(str(started["runId"])))["type"] == "cancelled"
        await d.editor.until(lambda: any(_kind(params) == "end" for _, params in d.editor.notifications))
        kinds = [_kind(params) for name, params in d.editor.notifications if name == "$/progress"]
        assert kinds[0] == "begin" and kinds[-1] == "end"


async def test_cancel_answers_after_the_terminal_event(tmp_path: Path) -> None:
    pause = Pause()
    async with desk(tmp_path / "w", ScriptedModel([Reply("never", pause=pause)])) as d:
        started = await d.editor.command("a3s.prompt", {"text": "hi"})
        await pause.reached()
        assert await d.editor.command("a3s.cancel", {"runId": started["runId"]}) == {"cancelled": True}
        assert d.editor.events[-1]["type"] == "cancelled"
        assert await d.editor.command("a3s.cancel", {"runId": started["runId"]}) == {"cancelled": False}
        assert await d.editor.command("a3s.cancel", {}) == {"cancelled": False}


async def test_steer_reaches_the_run_that_is_going(tmp_path: Path) -> None:
    pause = Pause()
    model = ScriptedModel([Reply("", (call("read", file_path="x"),), pause=pause), "done"])
    async with desk(tmp_path / "w", model) as d:
        assert await d.editor.command("a3s.steer", {"text": "x"}) == {"queued": False}
        started = await d.editor.command("a3s.prompt", {"text": "hi"})
        await pause.reached()
        assert await d.editor.command("a3s.steer", {"text": "look there"}) == {"queued": True}
        pause.release()
        await d.editor.ending(str(started["runId"]))
        assert model.requests[1].messages[-1] == UserMessage("look there")


async def test_the_context_of_a_prompt_is_the_text_on_the_screen(tmp_path: Path) -> None:
    model = ScriptedModel(["ok"])
    async with desk(tmp_path / "w", model) as d:
        path = d.root / "a.py"
        d.editor.open(path, "one\ntwo 😀 unsaved\nthree\n")
        span = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 14}}
        await d.editor.prompt("explain", context=[{"uri": path.as_uri(), "range": span}])
        prompt = model.requests[0].messages[-1]
        assert isinstance(prompt, UserMessage)
        assert prompt.text.startswith("explain\n") and "two 😀 unsaved\n</context>" in prompt.text


async def test_an_attachment_reaches_the_model(tmp_path: Path) -> None:
    model = ScriptedModel(["a cat"])
    async with desk(tmp_path / "w", model) as d:
        await d.editor.prompt("what is it?", attachments=[{"data": "iVBORw0KGgo=", "mediaType": "image/png"}])
    assert model.requests[0].messages == (UserMessage("what is it?", (Attachment("iVBORw0KGgo=", "image/png"),)),)


@pytest.mark.parametrize(
    ("data", "media_type", "said"),
    [("not Base64!", "image/png", "not Base64"), ("JVBERi0xLjc=", "image/png", "a PDF"), ("AA==", "a/b", "a/b")],
)
async def test_an_attachment_that_no_model_would_take_is_refused(
    tmp_path: Path, data: str, media_type: str, said: str
) -> None:
    model = ScriptedModel(["never"])
    async with desk(tmp_path / "w", model) as d:
        with pytest.raises(ServerError, match=said):
            await d.editor.prompt("what is it?", attachments=[{"data": data, "mediaType": media_type}])
    assert model.requests == []


async def test_sessions_are_made_listed_resumed_and_deleted(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel(["one", "two"])) as d:
        first = await d.editor.prompt("the first")
        other = await d.editor.command("a3s.session.new")
        await d.editor.prompt("the second")
        rows = (await d.editor.command("a3s.session.list"))["result"]
        assert isinstance(rows, list)
        assert [row["title"] for row in rows] == ["the second", "the first"]
        assert set(rows[0]) == {"sessionId", "title", "workspace", "updatedAt", "status", "messages"}
        d.editor.events.clear()
        answer = await d.editor.command("a3s.session.resume", {"sessionId": first["sessionId"]})
        assert answer == {"sessionId": first["sessionId"], "status": "completed"}
        assert all(event["replay"] is True for event in d.editor.events)
        assert d.editor.events[1]["prompt"] == "the first" and d.editor.events[-1]["type"] == "end"
        assert await d.editor.command("a3s.session.delete", {"sessionId": other["sessionId"]}) == {"deleted": True}
        assert await d.editor.command("a3s.session.delete", {"sessionId": other["sessionId"]}) == {"deleted": False}


async def test_a_run_that_was_cut_by_closing_the_editor_goes_on_when_resumed(tmp_path: Path) -> None:
    pause = Pause()
    store = SQLiteStore(tmp_path / "s.db")
    async with desk(tmp_path / "w", ScriptedModel([Reply("never", pause=pause)]), store=store) as d:
        started = await d.editor.command("a3s.prompt", {"text": "hi"})
        await pause.reached()
    again = SQLiteStore(tmp_path / "s.db")
    async with desk(tmp_path / "w", ScriptedModel(["the whole"]), store=again) as d:
        answer = await d.editor.command("a3s.session.resume", {"sessionId": started["sessionId"]})
        assert answer == {"sessionId": started["sessionId"], "status": "running", "runId": started["runId"]}
        told = [str(params["message"]) for name, params in d.editor.notifications if name == "window/showMessage"]
        assert "scripted/model" in told[0], "the model that the session had is not there any more"
        assert (await d.editor.ending(str(started["runId"])))["text"] == "the whole"


async def test_every_slash_command_is_an_lsp_command_with_the_same_text(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel(["hi"])) as d:
        await d.editor.prompt("go")
        assert "/clear" in str((await d.editor.command("a3s.help"))["text"])
        assert "Messages: 2" in str((await d.editor.command("a3s.history"))["text"])
        assert (await d.editor.command("a3s.clear"))["text"] == "Cleared 2 messages. /clear undo brings them back."
        said = await d.editor.command("a3s.prompt", {"text": "/history"})
        assert said["runId"] is None and "Messages: 0" in str(said["text"])


@pytest.mark.parametrize(
    ("command", "argument", "words"),
    [
        ("a3s.prompt", {}, "'text' is missing"),
        ("a3s.prompt", {"text": 5}, "'text'"),
        ("a3s.prompt", {"text": "  "}, "say what is to be done"),
        ("a3s.prompt", {"text": "x", "sessionId": "nope"}, "a3s.session.resume"),
        ("a3s.session.resume", {"sessionId": "nope"}, "Session not found: nope"),
        ("a3s.session.resume", {}, "'sessionId' is missing"),
        ("a3s.session.new", {"workspace": "/no/such/folder"}, "/no/such/folder does not exist"),
        ("a3s.session.new", {"workspace": "https://example.org/"}, "a folder on this machine"),
        ("a3s.approve", {}, "'toolId' is missing"),
        ("a3s.nosuch", {}, "a3s.nosuch"),
    ],
)
async def test_bad_arguments_are_errors_that_say_what_to_do(
    tmp_path: Path, command: str, argument: dict[str, object], words: str
) -> None:
    async with desk(tmp_path / "w", ScriptedModel(["ok"])) as d:
        with pytest.raises(ServerError, match=words):
            await d.editor.command(command, argument)
        assert (await d.editor.prompt("still there?"))["type"] == "end"


async def test_a_config_that_cannot_be_used_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "agent.acl").write_text('default_model = "openai/absent"\nproviders "openai" {\n')
    async with desk(tmp_path / "w", ScriptedModel(["ok"])) as d:
        with pytest.raises(ServerError, match=r"agent\.acl:\d+:\d+"):
            await d.editor.command("a3s.prompt", {"text": "hi"})
        (d.root / "agent.acl").unlink()
        assert (await d.editor.prompt("and now?"))["type"] == "end"


async def test_settings_from_the_client_win_and_bad_ones_are_told(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("write", file_path="a", content="x"),)), "done"])
    async with desk(tmp_path / "w", model) as d:
        d.editor.notify("workspace/didChangeConfiguration", {"settings": {"a3s": {"posture": "auto", "model": ""}}})
        await d.editor.prompt("go")
        assert (d.root / "a").read_text() == "x"
        assert not any(name == "a3s/confirm" for name, _ in d.editor.requests)
        d.editor.notify("workspace/didChangeConfiguration", {"settings": {"a3s": {"posture": "reckless"}}})
        await d.editor.until(lambda: any(name == "window/showMessage" for name, _ in d.editor.notifications))
