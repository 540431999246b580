"""Sessions: what a prompt does to history, files and events, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import A3SError, ModelError, ModelRefused, StoreError
from a3s_lsp.engine.kit import Limits
from a3s_lsp.engine.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from a3s_lsp.engine.policy.permissions import PermissionPolicy
from a3s_lsp.engine.policy.postures import posture_policy
from a3s_lsp.engine.ports import Answer, Chunk, ModelRequest
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.testing import Pause, Reply, ScriptedApprover, ScriptedModel, call
from tests.engine.living import running, unique_seconds
from tests.engine.stage import Stage, answer, assert_well_formed, slash

ASK = PermissionPolicy()
STOP_SECONDS = 0.5


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    folder = tmp_path / "work"
    folder.mkdir()
    return Stage(folder)


def results(request: ModelRequest) -> list[str]:
    return [message.content for message in request.messages if isinstance(message, ToolMessage)]


async def test_an_answer_is_streamed_kept_and_counted(stage: Stage) -> None:
    session = await stage.open(stage.setup(ScriptedModel([Reply("hello world", chunks=("hello ", "world"))])))
    result = await answer(session, "hi")
    assert (result.status, result.text, result.usage.total_tokens) == ("completed", "hello world", 15)
    assert session.state.messages == [UserMessage("hi"), AssistantMessage("hello world")]
    assert stage.types()[:5] == ["agent_mode_changed", "start", "context_resolving", "context_resolved", "turn_start"]
    assert "".join(str(e.fields["text"]) for e in stage.events if e.type == "text_delta") == "hello world"
    assert_well_formed(stage.events)


async def test_a_tool_call_is_run_and_its_result_goes_back_to_the_model(stage: Stage) -> None:
    model = ScriptedModel([Reply("look", (call("bash", command="echo hey"),)), "done"])
    session = await stage.open(stage.setup(model))
    assert (await answer(session, "go")).text == "done"
    assert results(model.requests[1]) == ["hey\n"]
    order = [t for t in stage.types() if t in ("tool_start", "turn_end", "tool_output_delta", "tool_end", "end")]
    assert order == ["tool_start", "turn_end", "tool_output_delta", "tool_end", "turn_end", "end"]


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ((call("no_such_tool"),), "Unknown tool: no_such_tool"),
        ((ToolCall("", "bash", '{"command": "ec'),), "not valid JSON"),
        ((call("bash"),), "command parameter is required"),
        ((call("read", file_path="nope.txt"),), "nope.txt"),
        ((call("read", file_path="../../etc/hostname"),), "escapes workspace"),
        ((call("bash", command="exit 3"),), ""),
    ],
    ids=["unknown", "malformed", "missing", "absent", "outside", "failing"],
)
async def test_every_call_that_cannot_work_has_one_failed_result(
    stage: Stage, calls: tuple[ToolCall, ...], words: str
) -> None:
    model = ScriptedModel([Reply("", calls), "I see"])
    session = await stage.open(stage.setup(model))
    assert (await answer(session, "go")).text == "I see"
    end = stage.one("tool_end")
    assert end.fields["exit_code"] == 1 and words in str(end.fields["tool_output"])
    assert results(model.requests[1]) == [end.fields["tool_output"]]


async def test_a_model_that_never_writes_valid_arguments_is_given_up(stage: Stage) -> None:
    bad = Reply("", (ToolCall("", "bash", "{"),))
    session = await stage.open(stage.setup(ScriptedModel([bad] * 9), limits=Limits(max_parse_retries=1)))
    result = await answer(session, "go")
    assert result.status == "failed" and "malformed tool arguments 2 time(s)" in (result.error or "")
    assert_well_formed(stage.events)


async def test_a_run_that_never_ends_its_rounds_is_given_up(stage: Stage) -> None:
    replies = [Reply("", (call("bash", command=f"echo {n}"),)) for n in range(9)]
    session = await stage.open(stage.setup(ScriptedModel(replies), limits=Limits(max_tool_rounds=2)))
    assert (await answer(session, "go")).error == "Max tool rounds (2) exceeded"


async def test_two_calls_with_one_id_have_a_result_each(stage: Stage) -> None:
    twice = (ToolCall("same", "bash", '{"command": "echo 1"}'), ToolCall("same", "bash", '{"command": "echo 2"}'))
    model = ScriptedModel([Reply("", twice), "done"])
    session = await stage.open(stage.setup(model))
    await answer(session, "go")
    assert results(model.requests[1]) == ["1\n", "2\n"]


# ---------------------------------------------------------------- leave


async def test_a_denied_call_tells_the_model_why_and_does_nothing(stage: Stage) -> None:
    model = ScriptedModel([Reply("", (call("bash", command="touch made"),)), "ok"])
    policy = PermissionPolicy(deny=("bash*",), default_decision="allow")
    session = await stage.open(stage.setup(model, permission=policy))
    await answer(session, "go")
    assert not (stage.folder / "made").exists()
    assert "blocked by permission policy" in results(model.requests[1])[0]
    assert stage.one("permission_denied").fields["tool_name"] == "bash"


async def test_with_nobody_to_ask_a_question_is_a_denial(stage: Stage) -> None:
    model = ScriptedModel([Reply("", (call("write", file_path="a", content="x"),)), "ok"])
    session = await stage.open(stage.setup(model, permission=ASK))
    await answer(session, "go")
    assert not (stage.folder / "a").exists()
    assert stage.one("permission_denied")


async def test_a_question_shows_the_diff_and_yes_lets_it_happen(stage: Stage) -> None:
    (stage.folder / "a.txt").write_text("one\ntwo\n")
    edit = call("edit", file_path="a.txt", old_string="two", new_string="zwei")
    approver = ScriptedApprover(["approved"])
    model = ScriptedModel([Reply("", (edit,)), "ok"])
    session = await stage.open(stage.setup(model, permission=ASK, approver=approver))
    await answer(session, "go")
    assert "-two\n+zwei\n" in approver.questions[0].diff and approver.questions[0].title == "Edit a file"
    assert (stage.folder / "a.txt").read_text() == "one\nzwei\n"
    order = [
        t for t in stage.types() if t.startswith("confirmation") or t in ("tool_start", "files_changed", "tool_end")
    ]
    assert order == ["tool_start", "confirmation_required", "confirmation_received", "files_changed", "tool_end"]


async def test_no_with_a_reason_reaches_the_model(stage: Stage) -> None:
    approver = ScriptedApprover([Answer("rejected", "use the other file")])
    model = ScriptedModel([Reply("", (call("write", file_path="a", content="x"),)), "ok"])
    session = await stage.open(stage.setup(model, permission=ASK, approver=approver))
    await answer(session, "go")
    assert not (stage.folder / "a").exists()
    assert "use the other file" in results(model.requests[1])[0]


async def test_always_is_not_asked_again_also_after_a_restart(stage: Stage) -> None:
    approver = ScriptedApprover([])
    approver.answers = [Answer("approved", remember="bash(echo:*)")]
    turns = [Reply("", (call("bash", command=f"echo {n}"),)) for n in (1, 2)]
    model = ScriptedModel([*turns, "ok", Reply("", (call("bash", command="echo 3"),)), "ok"])
    setup = stage.setup(model, permission=ASK, approver=approver)
    session = await stage.open(setup)
    await answer(session, "go")
    await session.close()
    again = await stage.load(setup)
    await answer(again, "more")
    assert results(model.requests[-1]) == ["1\n", "2\n", "3\n"]
    assert len(approver.questions) == 1


async def test_always_does_not_lift_what_a_stricter_posture_denies(stage: Stage) -> None:
    approver = ScriptedApprover([Answer("approved", remember="bash(touch:*)")])
    turns = [Reply("", (call("bash", command=f"touch {name}"),)) for name in ("one", "two")]
    model = ScriptedModel([turns[0], "ok", turns[1], "ok"])
    session = await stage.open(stage.setup(model, permission=posture_policy("ask"), approver=approver))
    await answer(session, "go")
    session.leave.policy = posture_policy("plan")
    await answer(session, "go on")
    assert [path.name for path in stage.folder.iterdir()] == ["one"]
    assert "plan posture" in results(model.requests[-1])[-1]


async def test_a_file_that_may_not_be_read_is_not_told_by_a_failing_edit(stage: Stage) -> None:
    (stage.folder / "secret").write_text("password = hunter2\n")
    edit = call("edit", file_path="secret", old_string="password = hunter", new_string="x")
    near = call("edit", file_path="secret", old_string="passwort = hunter2\n", new_string="x")
    model = ScriptedModel([Reply("", (edit, near)), "ok"])
    policy = PermissionPolicy(deny=("read(secret)",))
    session = await stage.open(stage.setup(model, permission=policy, approver=ScriptedApprover([])))
    await answer(session, "go")
    assert not any("hunter2" in text for text in results(model.requests[1]))


async def test_a_direct_call_of_the_program_is_not_asked_about(stage: Stage) -> None:
    policy = PermissionPolicy(deny=("*",), default_decision="deny")
    session = await stage.open(stage.setup(ScriptedModel(), permission=policy))
    assert (await session.call_tool("bash", {"command": "echo direct"})).output == "direct\n"
    assert session.state.messages == []


# ---------------------------------------------------------------- models that fail


async def test_a_refused_request_fails_the_run_and_the_session_goes_on(stage: Stage) -> None:
    session = await stage.open(stage.setup(ScriptedModel([ModelRefused("HTTP 401: bad key"), "fine"])))
    failed = await answer(session, "go")
    assert (failed.status, failed.error) == ("failed", "HTTP 401: bad key")
    assert (await answer(session, "again")).text == "fine"
    assert [m.text for m in session.state.messages if isinstance(m, UserMessage)] == ["go", "again"]
    assert_well_formed(stage.events)


class CutModel(ScriptedModel):
    """Drops the connection in the middle of its first answer."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        cut = not self.requests
        async for chunk in super().stream(request):
            yield chunk
            if cut:
                raise ModelError("the connection was lost")


async def test_a_cut_answer_is_asked_for_again_and_not_mixed_up(stage: Stage) -> None:
    model = CutModel([Reply("half of", chunks=("half ", "of")), "the whole"])
    session = await stage.open(stage.setup(model))
    assert (await answer(session, "go")).text == "the whole"
    assert session.state.messages[-1] == AssistantMessage("the whole")
    assert stage.types().count("turn_start") == 2 and stage.types().count("turn_end") == 1


async def test_a_defect_of_a_model_ends_one_run_and_nothing_else(stage: Stage) -> None:
    session = await stage.open(stage.setup(ScriptedModel([ZeroDivisionError("oops"), "fine"])))
    assert "ZeroDivisionError" in ((await answer(session, "go")).error or "")
    assert (await answer(session, "again")).text == "fine"


# ---------------------------------------------------------------- stop, queue, steer


async def test_stop_in_a_streaming_answer_keeps_what_was_said(stage: Stage) -> None:
    pause = Pause()
    session = await stage.open(stage.setup(ScriptedModel([Reply("", chunks=("one ", "two"), pause=pause)])))
    run = session.start(f.RunQueued("go"))
    await pause.reached()
    begun = time.monotonic()
    assert await run.cancel() is True
    assert time.monotonic() - begun < STOP_SECONDS
    assert session.state.messages == [UserMessage("go"), AssistantMessage("one ")]
    assert stage.types()[-1] == "cancelled"
    assert await run.cancel() is False
    assert_well_formed(stage.events)


async def test_stop_in_a_command_kills_its_grandchildren(stage: Stage) -> None:
    seconds = unique_seconds()
    command = f"sleep {seconds} & (sleep {seconds} & setsid sleep {seconds} & echo up ; wait) ; wait"
    session = await stage.open(stage.setup(ScriptedModel([Reply("", (call("bash", command=command),))])))
    run = session.start(f.RunQueued("go"))
    await stage.seen("tool_output_delta")
    assert running(seconds)
    begun = time.monotonic()
    await run.cancel()
    assert time.monotonic() - begun < STOP_SECONDS
    assert running(seconds) == []
    assert isinstance(session.state.messages[-1], ToolMessage), "the call has a result"
    assert_well_formed(stage.events)


class NeverAnswers(ScriptedApprover):
    async def ask(self, question: f.QuestionAsked) -> Answer:
        self.questions.append(question)
        await asyncio.Event().wait()
        raise AssertionError


async def test_stop_withdraws_the_question(stage: Stage) -> None:
    approver = NeverAnswers()
    setup = stage.setup(ScriptedModel([Reply("", (call("bash", command="ls"),))]), permission=ASK, approver=approver)
    session = await stage.open(setup)
    run = session.start(f.RunQueued("go"))
    await stage.seen("confirmation_required")
    await run.cancel()
    assert stage.types()[-2:] == ["tool_end", "cancelled"]
    assert session.state.questions == {}


async def test_a_second_prompt_waits_its_turn_and_sees_the_first(stage: Stage) -> None:
    pause = Pause()
    model = ScriptedModel([Reply("first", pause=pause), "second"])
    session = await stage.open(stage.setup(model))
    one, two = session.start(f.RunQueued("1")), session.start(f.RunQueued("2"))
    await pause.reached()
    assert session.state.runs[two.id].status == "queued"
    pause.release()
    assert [(await run.wait()).text for run in (one, two)] == ["first", "second"]
    assert [m.text for m in model.requests[1].messages] == ["1", "first", "2"]  # type: ignore[union-attr]
    assert_well_formed(stage.events)


async def test_a_prompt_that_waits_can_be_stopped_without_a_trace_in_the_conversation(stage: Stage) -> None:
    pause = Pause()
    session = await stage.open(stage.setup(ScriptedModel([Reply("first", pause=pause), "third"])))
    one, two, three = (session.start(f.RunQueued(text)) for text in "123")
    await pause.reached()
    await two.cancel()
    assert (await two.wait()).status == "cancelled"
    pause.release()
    assert ((await one.wait()).text, (await three.wait()).text) == ("first", "third")
    assert [m.text for m in session.state.messages if isinstance(m, UserMessage)] == ["1", "3"]


async def test_a_run_stopped_before_its_first_step_still_ends(stage: Stage) -> None:
    session = await stage.open(stage.setup(ScriptedModel(["never"])))
    run = session.start(f.RunQueued("go"))
    await run.cancel()
    assert (await run.wait()).status == "cancelled"
    assert_well_formed(stage.events)


async def test_steering_reaches_the_model_between_two_turns(stage: Stage) -> None:
    pause = Pause()
    model = ScriptedModel([Reply("", (call("bash", command="echo 1"),), pause=pause), "done"])
    session = await stage.open(stage.setup(model))
    run = session.start(f.RunQueued("go"))
    await pause.reached()
    assert run.steer("the other file, please") is True
    pause.release()
    await run.wait()
    assert model.requests[1].messages[-1] == UserMessage("the other file, please")
    assert run.steer("too late") is False


async def test_a_run_with_a_history_of_its_own_leaves_the_session_alone(stage: Stage) -> None:
    model = ScriptedModel(["one", "isolated", "two"])
    session = await stage.open(stage.setup(model))
    await answer(session, "first")
    history = (UserMessage("HU"), AssistantMessage("HA"))
    assert (await session.start(f.RunQueued("q", history=history)).wait()).text == "isolated"
    assert model.requests[1].messages == (*history, UserMessage("q"))
    assert len(session.state.messages) == 2


# ---------------------------------------------------------------- logs that fail


class FullDisk(MemoryStore):
    """Takes so many batches, then says that the disk is full until it is told otherwise."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.left = batches

    def append(self, session_id: str, records: object, *, sync: bool) -> None:
        if self.left <= 0:
            raise StoreError("The session log could not be written, the disk may be full.")
        self.left -= 1
        super().append(session_id, records, sync=sync)  # type: ignore[arg-type]


@pytest.mark.parametrize("batches", range(1, 6))
async def test_a_full_disk_fails_the_run_and_loses_nothing(tmp_path: Path, batches: int) -> None:
    store = FullDisk(batches)
    stage = Stage(tmp_path, store)
    model = ScriptedModel([Reply("", (call("bash", command="echo hey"),)), "done", "fine"])
    session = await stage.open(stage.setup(model))
    result = await answer(session, "go")
    if result.status == "failed":
        assert "disk may be full" in (result.error or "") and stage.types()[-1] == "error"
    store.left = 99
    assert (await answer(session, "again")).status == "completed"
    assert_well_formed(stage.events)
    assert [r.position for r in store.read("s")] == list(range(session.state.position))


async def test_events_come_after_their_facts_are_in_the_log(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "s.db")
    stage = Stage(tmp_path, store)
    session = await stage.open(stage.setup(ScriptedModel([Reply("", (call("bash", command="echo 1"),)), "done"])))
    unseen: list[str] = []
    other = SQLiteStore(tmp_path / "s.db")

    def look(event: object) -> None:
        logged = {(r.run_id, r.seq) for r in other.read("s")}
        shown = stage.events[-1]
        if (shown.run_id, shown.seq) not in logged:
            unseen.append(shown.type)

    session.subscribe(look)
    await answer(session, "go")
    assert unseen == []
    await session.close()


# ---------------------------------------------------------------- undo and commands


async def test_undo_takes_back_the_last_change_set_and_only_once(stage: Stage) -> None:
    (stage.folder / "a.txt").write_bytes(b"old\r\n")
    writes = (call("write", file_path="a.txt", content="new"), call("write", file_path="b/c.txt", content="x"))
    session = await stage.open(stage.setup(ScriptedModel([Reply("", writes), "ok"])))
    await answer(session, "go")
    assert "b/c.txt" in await slash(session, "undo")
    assert not (stage.folder / "b/c.txt").exists()
    await slash(session, "undo")
    assert (stage.folder / "a.txt").read_bytes() == b"old\r\n"
    assert await slash(session, "undo") == "There is no change of files to take back."


async def test_undo_refuses_a_file_that_was_changed_since(stage: Stage) -> None:
    session = await stage.open(
        stage.setup(ScriptedModel([Reply("", (call("write", file_path="a", content="x"),)), "k"]))
    )
    await answer(session, "go")
    (stage.folder / "a").write_text("mine")
    assert "Command error" in await slash(session, "undo")
    assert (stage.folder / "a").read_text() == "mine"


async def test_the_slash_commands_tell_and_do_what_they_say(stage: Stage) -> None:
    session = await stage.open(stage.setup(ScriptedModel(["hi", "hi"])))
    await answer(session, "go")
    assert "/clear" in await slash(session, "help")
    assert "Tokens:  15" in await slash(session, "cost")
    assert "Messages: 2" in await slash(session, "history")
    assert "bash" in await slash(session, "tools")
    assert "scripted/model" in await slash(session, "model")
    assert "stays" in await slash(session, "model", "nope/nope")
    assert await slash(session, "model", "scripted/other") == "Switching model to: scripted/other"
    assert (await answer(session, "again")).text == "from the other"
    assert await slash(session, "clear") == "Cleared 4 messages. /clear undo brings them back."
    assert session.state.messages == []
    assert "Unknown command: /nosuch" in await slash(session, "nosuch")


async def test_clear_waits_for_the_run(stage: Stage) -> None:
    pause = Pause()
    session = await stage.open(stage.setup(ScriptedModel([Reply("hi", pause=pause)])))
    run = session.start(f.RunQueued("go"))
    await pause.reached()
    assert "A run is going" in await slash(session, "clear")
    pause.release()
    await run.wait()


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/help", ("help", "")),
        ("  /model a/b ", ("model", "a/b")),
        ("/nosuch thing", ("nosuch", "thing")),
        ("/", ("", "")),
        ("/srv/foo is broken", None),
        ("/etc/hosts", None),
        ("hello /help", None),
        ("", None),
    ],
)
async def test_only_one_word_after_a_slash_is_a_command(
    stage: Stage, text: str, command: tuple[str, str] | None
) -> None:
    session = await stage.open(stage.setup(ScriptedModel()))
    assert session.slash.find(text) == command


async def test_a_closed_session_says_so(stage: Stage) -> None:
    session = await stage.open(stage.setup(ScriptedModel()))
    await session.close()
    await session.close()
    with pytest.raises(A3SError, match="closed"):
        session.start(f.RunQueued("go"))


async def test_project_instructions_reach_the_model_as_they_are_on_the_disk(stage: Stage) -> None:
    (stage.folder / "AGENTS.md").write_text("Always say please.")
    model = ScriptedModel(["ok"])
    session = await stage.open(stage.setup(model))
    await answer(session, "go")
    assert "Always say please." in model.requests[0].system
    assert os.fspath(stage.folder) in model.requests[0].system
