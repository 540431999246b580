"""Slash commands that come and go while an editor is connected: commands of LSP, and news of the list."""

from __future__ import annotations

import copy
import gc
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.commands.command import Command
from a3s_lsp.engine.messages import Json, UserMessage
from a3s_lsp.engine.session import Session
from a3s_lsp.server.fake_editor import CAPABILITIES, FakeEditor, ServerError
from a3s_lsp.testing import ScriptedModel
from tests.server.desk import desk

SKILLS = {f"a3s.{skill.name}" for skill in a3s.builtin_skills()}
FLAGS = ("events", "confirm", "commands")


def capable() -> Json:
    """A client that takes commands that come later."""
    given = copy.deepcopy(CAPABILITIES)
    workspace = given["workspace"]
    assert isinstance(workspace, dict)
    workspace["executeCommand"] = {"dynamicRegistration": True}
    return given


def command_file(root: Path, name: str, text: str) -> Path:
    path = root / ".a3s" / "commands" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def told(editor: FakeEditor) -> list[str]:
    """The names of the newest list that the client was told."""
    lists = [params["commands"] for name, params in editor.notifications if name == "a3s/commands"]
    rows = lists[-1] if lists else []
    assert isinstance(rows, list)
    return [str(row["name"]) for row in rows]


def asked(editor: FakeEditor, method: str, field: str) -> list[str]:
    """The commands that the client was asked to take, or to drop, so far."""
    found: list[str] = []
    for name, params in editor.requests:
        items = params.get(field) if name == method else None
        for item in items if isinstance(items, list) else []:
            if item["method"] == "workspace/executeCommand":
                found.append(str(item["id"]).removeprefix("command "))
    return found


def registered(editor: FakeEditor) -> list[str]:
    """Without the skills that are always there."""
    names = asked(editor, "client/registerCapability", "registrations")
    return [name for name in names if name not in SKILLS]


def unregistered(editor: FakeEditor) -> list[str]:
    return asked(editor, "client/unregisterCapability", "unregisterations")


async def test_the_commands_of_a_project_are_there_before_there_is_a_session(tmp_path: Path) -> None:
    command_file(tmp_path / "w", "review.md", "---\ndescription: Look at it\nargument-hint: <file>\n---\nReview $1.")
    model = ScriptedModel(["reviewed"])
    async with desk(tmp_path / "w", model, capabilities=capable(), flags=FLAGS) as d:
        await d.editor.until(lambda: "review" in told(d.editor))
        await d.editor.until(lambda: "a3s.review" in registered(d.editor))
        rows = next(params["commands"] for name, params in d.editor.notifications if name == "a3s/commands")
        row = {"name": "review", "description": "Look at it (project)", "usage": "/review <file>"}
        assert isinstance(rows, list) and row in rows and any(r["name"] == "help" for r in rows)
        answer = await d.editor.command("a3s.review", {"args": "a.py"})
        assert (await d.editor.ending(str(answer["runId"])))["text"] == "reviewed"
        assert model.requests[0].messages[-1] == UserMessage("Review a.py.")


async def test_files_that_come_change_and_go_are_told_and_registered_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel(["ok"]), capabilities=capable(), flags=FLAGS) as d:
        path = command_file(d.root, "late.md", "first")  # the folder itself comes into being
        await d.editor.until(lambda: "late" in told(d.editor))
        await d.editor.until(lambda: "a3s.late" in registered(d.editor))
        await d.editor.command("a3s.late", {})
        seen = len(d.editor.notifications)
        path.write_text("---\ndescription: Another one\n---\nsecond")
        await d.editor.until(lambda: "a3s/commands" in [name for name, _ in d.editor.notifications[seen:]])
        path.unlink()
        await d.editor.until(lambda: "late" not in told(d.editor))
        await d.editor.until(lambda: "a3s.late" in unregistered(d.editor))
        with pytest.raises(ServerError, match=r"a3s\.late"):
            await d.editor.command("a3s.late", {})
        path.parent.rmdir()
        command_file(d.root, "again.md", "third")  # and once more, after it was gone
        await d.editor.until(lambda: "again" in told(d.editor))
        await d.editor.until(lambda: registered(d.editor) == ["a3s.late", "a3s.again"])
        command_file(d.root, "more.md", "fourth")
        await d.editor.until(lambda: "more" in told(d.editor))


async def test_a_command_that_a_session_registers_is_offered_until_it_is_taken_away(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel(["ok"]), capabilities=capable(), flags=FLAGS) as d:
        session = living(str((await d.editor.prompt("hello"))["sessionId"]))
        session.slash.register(Command("deploy", "Ship it", None, shipped))
        await d.editor.until(lambda: "a3s.deploy" in registered(d.editor))
        assert "deploy" in told(d.editor)
        assert (await d.editor.command("a3s.deploy", {"args": "now"}))["text"] == "shipped now"
        assert (await d.editor.command("a3s.prompt", {"text": "/deploy x"}))["text"] == "shipped x"
        session.slash.unregister("deploy")
        await d.editor.until(lambda: "a3s.deploy" in unregistered(d.editor))
        session.slash.register(Command("gone", "With its session", None, shipped))
        await d.editor.until(lambda: "gone" in told(d.editor))
        await d.editor.command("a3s.session.delete", {"sessionId": session.id})
        await d.editor.until(lambda: "gone" not in told(d.editor))


def living(session_id: str) -> Session:
    """The session itself, as what runs beside the server has it."""
    return next(each for each in gc.get_objects() if isinstance(each, Session) and each.id == session_id)


async def shipped(args: str, session: Session) -> str:
    return f"shipped {args}"


async def test_a_client_that_announced_nothing_hears_nothing_and_can_run_them_all_the_same(tmp_path: Path) -> None:
    command_file(tmp_path / "w", "review.md", "Review it.")
    model = ScriptedModel(["reviewed"])
    async with desk(tmp_path / "w", model, flags=()) as d:
        answer = await d.editor.command("a3s.prompt", {"text": "/review"})
        assert answer["runId"] is not None
        assert "The agent works on" in str((await d.editor.command("a3s.review", {}))["text"])
        assert registered(d.editor) == []
        assert not any(name.startswith("a3s/") for name, _ in d.editor.notifications)


@pytest.mark.parametrize("name", ["prompt", "cancel", "steer", "session.list", "hunk.undo"])
async def test_a_command_cannot_take_the_place_of_the_protocols_own(tmp_path: Path, name: str) -> None:
    command_file(tmp_path / "w", f"{name}.md", "Do something else.")
    command_file(tmp_path / "w", "other.md", "Other.")
    async with desk(tmp_path / "w", ScriptedModel(["ok"]), capabilities=capable(), flags=FLAGS) as d:
        await d.editor.until(lambda: "a3s.other" in registered(d.editor))
        assert registered(d.editor) == ["a3s.other"]
        answer = await d.editor.command("a3s.session.list")
        assert answer == {"result": []}


async def test_a_client_that_refuses_the_registration_is_served_all_the_same(tmp_path: Path) -> None:
    def refuse(params: Json) -> object:
        raise ServerError(-32603, "no")

    async with desk(tmp_path / "w", ScriptedModel(["ok"]), capabilities=capable(), flags=FLAGS) as d:
        d.editor.respond["client/registerCapability"] = refuse
        command_file(d.root, "late.md", "Go.")
        await d.editor.until(lambda: "late" in told(d.editor))
        answer = await d.editor.command("a3s.late", {})
        assert (await d.editor.ending(str(answer["runId"])))["type"] == "end"


async def test_resume_and_fork_make_another_session_the_current_one(tmp_path: Path) -> None:
    async with desk(tmp_path / "w", ScriptedModel(["one", "two", "three"])) as d:
        first = str((await d.editor.prompt("the first"))["sessionId"])
        second = str((await d.editor.command("a3s.session.new"))["sessionId"])
        answer = await d.editor.command("a3s.resume", {"args": first})
        assert answer["sessionId"] == first and "2 messages" in str(answer["text"])
        assert "Messages: 2" in str((await d.editor.command("a3s.history"))["text"])
        forked = await d.editor.command("a3s.prompt", {"text": "/fork"})
        assert forked["sessionId"] not in (first, second) and forked["runId"] is None
        await d.editor.prompt("only in the fork")
        assert "Messages: 4" in str((await d.editor.command("a3s.history"))["text"])
        assert "Messages: 2" in str((await d.editor.command("a3s.history", {"sessionId": first}))["text"])
        wrong = await d.editor.command("a3s.resume", {"args": "nope"})
        assert "Session not found: nope" in str(wrong["text"]) and "sessionId" not in wrong
        assert "Usage" in str((await d.editor.command("a3s.resume"))["text"])


async def test_skills_come_and_go_as_commands_too(tmp_path: Path) -> None:
    model = ScriptedModel(["written"])
    async with desk(tmp_path / "w", model, capabilities=capable(), flags=FLAGS) as d:
        await d.editor.until(lambda: "code-review" in told(d.editor))
        file = d.root / ".a3s" / "skills" / "notes" / "SKILL.md"
        file.parent.mkdir(parents=True)
        file.write_text("---\ndescription: Write notes\nargument-hint: <tag>\n---\nNotes since $1.")
        await d.editor.until(lambda: "a3s.notes" in registered(d.editor))
        answer = await d.editor.command("a3s.notes", {"args": "v1"})
        await d.editor.ending(str(answer["runId"]))
        told_model = model.requests[0].messages[-1]
        assert isinstance(told_model, UserMessage) and told_model.text.startswith("Notes since v1.")
        assert "- notes: Write notes" in model.requests[0].system
        file.unlink()
        await d.editor.until(lambda: "a3s.notes" in unregistered(d.editor))
