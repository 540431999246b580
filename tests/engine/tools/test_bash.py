"""The shell tool: what it runs, what it shows, and that it stops."""

from __future__ import annotations

import asyncio
import os
import time

import psutil
import pytest

from tests.engine import living
from tests.engine.tools.desk import Desk


async def test_output_is_merged_and_the_exit_code_is_told(desk: Desk) -> None:
    result = await desk.call("bash", command="echo out; echo err >&2; exit 3")
    assert result.output == "out\nerr\n"
    assert (result.exit_code, result.metadata) == (1, {"exit_code": 3})


async def test_command_runs_in_the_workspace_with_no_input(desk: Desk) -> None:
    assert (await desk.call("bash", command='pwd; read x; echo "[$x]"')).output == f"{desk.root}\n[]\n"


async def test_timeout_ends_the_command_after_milliseconds(desk: Desk) -> None:
    started = time.monotonic()
    result = await desk.call("bash", command="echo a; sleep 20; echo b", timeout=700)
    assert 0.6 < time.monotonic() - started < 3
    assert result.output == "a\n\n\n[Command timed out after 700ms]"
    assert (result.exit_code, result.metadata) == (1, None)


async def test_output_is_shown_while_the_command_runs_and_split_characters_stay_whole(desk: Desk) -> None:
    gate = desk.root / "gate"
    os.mkfifo(gate)
    command = "printf 'a\\303'; read x < gate; printf '\\251b'"
    running = asyncio.ensure_future(desk.call("bash", command=command))
    async with asyncio.timeout(5):
        await desk.heard.wait()
        assert (desk.emitted, running.done()) == (["a"], False)
        await asyncio.to_thread(gate.write_text, "go\n")
        assert (await running).output == "aéb"
    assert desk.emitted == ["a", "éb"]


async def test_bytes_that_are_not_utf8_are_replaced_and_the_rest_is_kept(desk: Desk) -> None:
    assert (await desk.call("bash", command="printf '\\xff\\xfeabc'")).output == "\ufffd\ufffdabc"


async def test_background_process_does_not_hold_the_call_up_and_lives_on(desk: Desk) -> None:
    started = time.monotonic()
    result = await desk.call("bash", command="sleep 30 & echo $!")
    process = psutil.Process(int(result.output))
    try:
        assert time.monotonic() - started < 3
        assert process.status() != psutil.STATUS_ZOMBIE
    finally:
        process.kill()


async def test_notice_at_the_end_outlives_the_cut_of_a_long_output(desk: Desk) -> None:
    result = await desk.call("bash", command="seq 1 60000; sleep 9", timeout=1500)
    assert "[tool output truncated" in result.output
    assert result.output.endswith("[Command timed out after 1500ms]")


async def test_cancelled_call_leaves_nothing_running(desk: Desk) -> None:
    word = living.unique_seconds()
    command = f"sleep {word} & setsid sleep {word} & echo go; wait"
    running = asyncio.ensure_future(desk.call("bash", command=command))
    async with asyncio.timeout(5):
        await desk.heard.wait()
        started = time.monotonic()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert time.monotonic() - started < 0.5
    assert living.running(word) == []


async def test_environment_of_the_command_is_the_one_of_the_call(desk: Desk) -> None:
    tool = desk.tool("bash")
    context = desk.context(environment={"PATH": os.environ["PATH"], "GREETING": "hi"})
    assert (await tool.run({"command": "echo $GREETING$HOME"}, context)).output == "hi\n"


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        ({}, "command parameter is required"),
        ({"command": ["ls"]}, "command parameter must be a string, not ['ls']"),
        ({"command": "ls", "timeout": "soon"}, "timeout parameter must be an integer, not 'soon'"),
        ({"command": "ls", "timeout": 0}, "timeout must be a positive number"),
        ({"command": "echo \0"}, "null byte"),
        ({"command": "true " + "x" * 200_000}, "Argument list too long"),
    ],
)
async def test_command_that_cannot_run_says_why(desk: Desk, args: dict[str, object], problem: str) -> None:
    result = await desk.call("bash", **args)
    assert result.exit_code == 1
    assert problem in result.output


async def test_missing_workspace_folder_is_said(desk: Desk) -> None:
    desk.root.rmdir()
    assert "does not exist" in (await desk.call("bash", command="true")).output
