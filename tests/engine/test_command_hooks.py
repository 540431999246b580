"""Hooks that are commands of the configuration: what they are given, what they may say, and who lets them run."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from a3s_lsp.engine.assembly import Surroundings, Wishes, assemble
from a3s_lsp.engine.errors import ConfigError
from a3s_lsp.engine.events import Event
from a3s_lsp.engine.facts import RunQueued
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Answer, Approver
from a3s_lsp.engine.run import RunResult
from a3s_lsp.engine.session import Session
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.store.trust import Trust
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.testing import Reply, ScriptedApprover, ScriptedModel, call

ENVIRON = {"PATH": "/usr/local/bin:/usr/bin:/bin", "MY_API_KEY": "sk-1234567890"}


def hook(event: str, command: str, more: str = "") -> str:
    return f'hooks "audit" {{ event = "{event}" command = {json.dumps(command)} timeout_ms = 20000 {more} }}\n'


def bash(command: str) -> Reply:
    return Reply(calls=(call("bash", command=command),))


class Desk:
    """A project with a configuration, and the person who works on it."""

    def __init__(self, root: Path, *, own: bool = True, trust: Trust | None = None) -> None:
        self.root = root / "project"
        self.root.mkdir()
        self.config = (root / "own.acl") if own else self.root / "agent.acl"
        self.user_config = root / "own.acl"
        self.trust = trust
        self.events: list[Event] = []

    async def session(self, model: ScriptedModel, approver: Approver | None = None) -> Session:
        surroundings = Surroundings(ENVIRON, self.user_config, offline=lambda: model, trust=self.trust)
        setup = await assemble(self.root, Wishes("offline/assistant", "auto"), surroundings, approver)
        session = await Session.create(f"s{len(self.events)}", setup, LogWriter(MemoryStore()))
        session.subscribe(self.events.append)
        return session

    async def run(self, replies: Sequence[str | Reply], approver: Approver | None = None) -> RunResult:
        session = await self.session(ScriptedModel(replies), approver)
        result = await session.start(RunQueued("go")).wait()
        await session.close()
        return result

    def tool_ends(self, name: str = "bash") -> list[str]:
        ends = [event.fields for event in self.events if event.type == "tool_end"]
        return [str(fields["tool_output"]) for fields in ends if fields["tool_name"] == name]

    def failures(self) -> list[str]:
        return [str(event.fields["error"]) for event in self.events if event.type == "hook_failed"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# ---------------------------------------------------------------- what they see and say


async def test_a_command_reads_the_event_and_runs_in_the_workspace_without_secrets(desk: Desk) -> None:
    desk.config.write_text(hook("pre_tool_use", "cat > seen.json; env > env.txt"))
    await desk.run([bash("echo hi"), "done"])
    seen: Json = json.loads((desk.root / "seen.json").read_text())
    assert seen["event_type"] == "pre_tool_use"
    payload = seen["payload"]
    assert isinstance(payload, dict) and payload["tool"] == "bash" and payload["args"] == {"command": "echo hi"}
    assert "sk-1234567890" not in (desk.root / "env.txt").read_text()
    assert desk.tool_ends() == ["hi\n"] and desk.failures() == []


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ('echo \'{"action": "block", "reason": "not on Sundays"}\'', "blocked by hook: not on Sundays"),
        ("echo not on Sundays >&2; exit 2", "blocked by hook: not on Sundays"),
        ("exit 2", "blocked by hook: Blocked by hook"),
        ("echo no disk >&2; exit 1", "the hook 'audit' failed: it ended with exit code 1: no disk"),
        ("no-such-program-anywhere", "the hook 'audit' failed: it ended with exit code 127"),
        ("echo maybe", "the hook 'audit' failed: its answer is not JSON: 'maybe'"),
        ("echo true", "the hook 'audit' failed: it answered True"),
        ("head -c 2000000 /dev/zero", "the hook 'audit' failed: its answer is longer than"),
        ("kill -9 $$", "the hook 'audit' failed: it ended with exit code"),
        ("printf '%*s' 100000 '' | tr ' ' '['", "the hook 'audit' failed: its answer is not JSON"),
    ],
)
async def test_a_gate_that_says_no_or_nothing_sensible_is_closed(desk: Desk, command: str, told: str) -> None:
    desk.config.write_text(hook("pre_tool_use", command))
    await desk.run([bash("touch made"), "done"])
    assert not (desk.root / "made").exists()
    assert told in desk.tool_ends()[0]


@pytest.mark.parametrize("command", ["true", "echo null", "echo '{}'", "echo oh >&2", "exec <&-; true"])
async def test_a_command_that_has_nothing_to_say_changes_nothing(desk: Desk, command: str) -> None:
    desk.config.write_text(hook("pre_tool_use", command))
    await desk.run([bash("echo hi"), "done"])
    assert desk.tool_ends() == ["hi\n"]


async def test_a_command_changes_arguments_and_output(desk: Desk) -> None:
    change = json.dumps({"modified": {"command": "echo two"}})
    desk.config.write_text(hook("pre_tool_use", f"echo '{change}'"))
    await desk.run([bash("echo one"), "done"])
    assert desk.tool_ends()[0].startswith("two\n")


async def test_a_matcher_of_the_configuration_is_kept(desk: Desk) -> None:
    desk.config.write_text(hook("pre_tool_use", "exit 2", 'matcher { command_pattern = "^rm" }'))
    await desk.run([bash("echo hi"), bash("true && rm -rf x"), "done"])
    assert [output.startswith("hi") for output in desk.tool_ends()] == [True, False]


async def test_a_command_that_takes_too_long_is_killed_with_all_that_it_started(desk: Desk) -> None:
    desk.config.write_text(
        'hooks "slow" { event = "pre_tool_use" command = "echo $$ > pid; sleep 60 & sleep 60" timeout_ms = 300 }'
    )
    await desk.run([bash("touch made"), "done"])
    assert "no answer within 300 ms" in desk.tool_ends()[0] and not (desk.root / "made").exists()
    await gone(int((desk.root / "pid").read_text()))


async def test_stopping_a_run_kills_the_command_that_it_waits_for(desk: Desk) -> None:
    desk.config.write_text(hook("pre_tool_use", "echo $$ > pid.new; mv pid.new pid; sleep 60"))
    session = await desk.session(ScriptedModel([bash("touch made"), "done"]))
    run = session.start(RunQueued("go"))
    async with asyncio.timeout(20):
        while not (desk.root / "pid").exists():  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)
        assert await run.cancel() is True
    assert not (desk.root / "made").exists()
    await gone(int((desk.root / "pid").read_text()))
    await session.close()


async def gone(pid: int) -> None:
    async with asyncio.timeout(5):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_program_in_the_project_is_a_hook(desk: Desk) -> None:
    (desk.root / "audit.py").write_text(
        textwrap.dedent("""\
            import json, sys
            event = json.load(sys.stdin)
            if "rm" in event["payload"]["args"]["command"]:
                json.dump({"action": "block", "reason": "no deleting"}, sys.stdout)
            """)
    )
    desk.config.write_text(hook("pre_tool_use", f"{sys.executable} audit.py", 'matcher { tool = "bash" }'))
    await desk.run([bash("rm x"), bash("echo hi"), "done"])
    assert desk.tool_ends() == ["Tool 'bash' blocked by hook: no deleting", "hi\n"]


# ---------------------------------------------------------------- who lets them run


async def test_the_commands_of_a_project_do_not_run_unasked(tmp_path: Path) -> None:
    desk = Desk(tmp_path, own=False)
    desk.config.write_text(hook("session_start", "touch ran") + hook("pre_tool_use", "touch ran"))
    await desk.run([bash("echo hi"), "done"])
    assert not (desk.root / "ran").exists()
    assert desk.tool_ends() == ["hi\n"]
    assert "do not run: they were not allowed (there is nobody who could be asked)" in desk.tool_ends("hooks")[0]


@pytest.mark.parametrize("answer", [Answer("rejected"), Answer("expired_approved"), Answer("cancelled")])
async def test_whoever_does_not_say_yes_has_said_no(tmp_path: Path, answer: Answer) -> None:
    desk = Desk(tmp_path, own=False, trust=Trust(tmp_path / "trusted"))
    desk.config.write_text(hook("pre_tool_use", "touch ran"))
    await desk.run([bash("echo hi"), "done"], ScriptedApprover([answer]))
    assert not (desk.root / "ran").exists() and not (tmp_path / "trusted").exists()


async def test_the_person_is_shown_every_command_and_allows_them_for_the_session(tmp_path: Path) -> None:
    desk = Desk(tmp_path, own=False, trust=Trust(tmp_path / "trusted"))
    desk.config.write_text(hook("pre_tool_use", "touch ran"))
    approver = ScriptedApprover(["approved"])
    await desk.run([bash("echo hi"), "done"], approver)
    assert (desk.root / "ran").exists()
    (question,) = approver.questions
    assert "agent.acl" in question.title and "at pre_tool_use: touch ran" in question.detail
    await desk.run([bash("echo hi"), "done"], again := ScriptedApprover(["approved"]))
    assert len(again.questions) == 1


async def test_what_is_always_allowed_is_asked_again_when_it_has_changed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, own=False, trust=Trust(tmp_path / "trusted"))
    script = desk.root / "audit.sh"
    script.write_text("touch ran\n")
    desk.config.write_text(hook("pre_tool_use", "sh audit.sh"))

    async def asked() -> int:
        approver = ScriptedApprover([Answer("approved", remember="hooks of this project as they are now")])
        await desk.run([bash("echo hi"), "done"], approver)
        return len(approver.questions)

    assert [await asked(), await asked()] == [1, 0]
    script.write_text("touch ran; touch more\n")
    assert [await asked(), await asked()] == [1, 0]
    desk.config.write_text(hook("pre_tool_use", "sh audit.sh --fast"))
    assert [await asked(), await asked()] == [1, 0]


async def test_what_was_allowed_in_one_project_is_not_in_another(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        desk = Desk(tmp_path / name, own=False, trust=Trust(tmp_path / "trusted"))
        desk.config.write_text(hook("pre_tool_use", "touch ran"))
        approver = ScriptedApprover([Answer("approved", remember="hooks of this project as they are now")])
        await desk.run(["done"], approver)
        assert len(approver.questions) == 1


async def test_stopping_while_the_question_waits_ends_it_and_asks_again_the_next_time(tmp_path: Path) -> None:
    class Waiting(ScriptedApprover):
        def __init__(self) -> None:
            super().__init__(["approved"])
            self.asked = asyncio.Event()

        async def ask(self, question: object) -> Answer:
            self.asked.set()
            return await asyncio.Future[Answer]()

    desk = Desk(tmp_path, own=False)
    desk.config.write_text(hook("pre_tool_use", "touch ran"))
    approver = Waiting()
    session = await desk.session(ScriptedModel(["done"]), approver)
    run = session.start(RunQueued("go"))
    await asyncio.wait_for(approver.asked.wait(), 5)
    assert await run.cancel() is True
    assert desk.tool_ends("hooks") == ["Stopped before it was answered."]
    approver.asked.clear()
    session.start(RunQueued("again"))
    await asyncio.wait_for(approver.asked.wait(), 5)
    await session.close()
    assert not (desk.root / "ran").exists()


# ---------------------------------------------------------------- the configuration


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('hooks "x" { command = "true" }', 'The hook "x" needs "event"'),
        ('hooks "x" { event = "pre_tool_use" }', 'The hook "x" needs "command"'),
        ('hooks "x" { event = "pre_tool" command = "true" }', '"event" must be one of pre_tool_use'),
        (hook("pre_tool_use", "true", 'matcher { command_pattern = "(" }'), "Invalid command_pattern"),
        (hook("pre_tool_use", "true", 'matcher { path_pattern = "[z-a]" }'), "Invalid path_pattern"),
    ],
)
async def test_a_hook_that_could_never_work_is_a_fault_of_the_configuration(desk: Desk, text: str, told: str) -> None:
    desk.config.write_text(text)
    with pytest.raises(ConfigError, match=r"own\.acl:1:\d+") as caught:
        await desk.run([])
    assert told in str(caught.value)


def test_trust_that_cannot_be_written_is_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    trust = Trust(tmp_path / "file" / "trusted")
    trust.add("0" * 64)
    assert trust.has("0" * 64) is False
