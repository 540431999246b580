"""Processes: their output, their end, and that nothing of them is left when they are stopped."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.workspace import processes
from a3s_lsp.engine.workspace.processes import run_process, safe_environment
from a3s_lsp.engine.workspace.spool import Spool
from tests.engine.living import running, unique_seconds

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="orphans can be adopted on Linux only")


async def until_gone(pid: int) -> None:
    """Wait until not even a zombie is left of a process."""
    async with asyncio.timeout(5):
        while psutil.pid_exists(pid):  # noqa: ASYNC110  # nothing tells when a process was waited for
            await asyncio.sleep(0.01)


async def test_output_comes_in_pieces_and_whole(tmp_path: Path) -> None:
    pieces: list[bytes] = []
    finished = await run_process(
        ["bash", "-c", "seq 1 100000; exit 7"], cwd=tmp_path, env=os.environ, on_output=pieces.append
    )
    assert finished.exit_code == 7
    assert finished.output == b"".join(pieces) == "".join(f"{n}\n" for n in range(1, 100_001)).encode()


async def test_input_is_what_was_given(tmp_path: Path) -> None:
    text = b"x" * 1_000_000
    assert (await run_process(["cat"], cwd=tmp_path, env=os.environ, stdin=text)).output == text


async def test_head_of_a_flood_is_kept_and_the_rest_counted(tmp_path: Path) -> None:
    size = processes.OUTPUT_LIMIT + 1_000_000
    command = ["bash", "-c", f"echo start; head -c {size} /dev/zero"]
    finished = await run_process(command, cwd=tmp_path, env=os.environ)
    assert finished.output.startswith(b"start\n")
    assert (len(finished.output), finished.dropped) == (processes.OUTPUT_LIMIT, 1_000_006)


async def test_closed_output_is_not_the_end(tmp_path: Path) -> None:
    finished = await run_process(["bash", "-c", "exec >&- 2>&-; sleep 0.2; exit 5"], cwd=tmp_path, env=os.environ)
    assert finished.exit_code == 5


ESCAPES = {
    "plain": "sleep {word} & wait",
    "ignoring": "trap '' TERM; sleep {word} & wait",
    "own session": "setsid sleep {word} & wait",
    "forked twice": "(setsid sleep {word} & ) ; sleep {word}",
    "stopped": "sleep {word} & kill -STOP $!; wait",
    "without environment": "setsid env -i sleep {word} & wait",
}


@linux_only
@pytest.mark.parametrize("how", ESCAPES)
async def test_timeout_leaves_no_descendant(tmp_path: Path, how: str) -> None:
    word = unique_seconds()
    command = ["bash", "-c", ESCAPES[how].format(word=word)]
    started = time.monotonic()
    finished = await run_process(command, cwd=tmp_path, env=os.environ, timeout_ms=300)
    assert finished.timed_out
    assert time.monotonic() - started < 1.0
    assert running(word) == []


@linux_only
@pytest.mark.parametrize("how", ESCAPES)
async def test_cancellation_waits_until_all_are_dead(tmp_path: Path, how: str) -> None:
    word = unique_seconds()
    begun = asyncio.Event()
    command = ["bash", "-c", "echo go; " + ESCAPES[how].format(word=word)]
    call = asyncio.ensure_future(run_process(command, cwd=tmp_path, env=os.environ, on_output=lambda _: begun.set()))
    async with asyncio.timeout(5):
        await begun.wait()
        started = time.monotonic()
        call.cancel()
        await asyncio.sleep(0)
        call.cancel()  # a second time, in the midst of it
        with pytest.raises(asyncio.CancelledError):
            await call
    assert time.monotonic() - started < 0.5
    assert running(word) == []


async def test_error_in_the_listener_ends_the_process(tmp_path: Path) -> None:
    def fail(_: bytes) -> None:
        raise ZeroDivisionError

    word = unique_seconds()
    with pytest.raises(ZeroDivisionError):
        await run_process(["bash", "-c", f"echo a; sleep {word}"], cwd=tmp_path, env=os.environ, on_output=fail)
    assert running(word) == []


async def test_calls_at_the_same_time_do_not_touch_each_other(tmp_path: Path) -> None:
    surviving = asyncio.ensure_future(
        run_process(["bash", "-c", "setsid sleep 0.8; echo alive"], cwd=tmp_path, env=os.environ)
    )
    stopped = await run_process(["bash", "-c", "sleep 300"], cwd=tmp_path, env=os.environ, timeout_ms=100)
    assert stopped.timed_out
    assert (await surviving).output == b"alive\n"


@linux_only
async def test_what_a_command_leaves_behind_may_write_on_and_is_reaped_when_it_ends(tmp_path: Path) -> None:
    script = """(while [ ! -e stop ]; do sleep 0.02; done
        for n in 1 2 3; do echo noise; sleep 0.05; done; echo done > ended) & echo $!"""
    finished = await run_process(["bash", "-c", script], cwd=tmp_path, env=os.environ)
    pid = int(finished.output.split()[0])
    assert psutil.pid_exists(pid)
    (tmp_path / "stop").touch()
    await until_gone(pid)
    assert (tmp_path / "ended").read_text() == "done\n"  # it was not killed by a closed pipe


@pytest.mark.parametrize(
    ("command", "folder", "problem"),
    [(["no-such-program"], ".", "No such file"), (["true"], "gone", "No such file"), (["true"], "file", "Not a dir")],
)
async def test_command_that_cannot_start_is_a_tool_error(
    tmp_path: Path, command: list[str], folder: str, problem: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ToolError, match=problem):
        await run_process(command, cwd=tmp_path / folder, env=os.environ)


def test_environment_loses_secrets_and_nothing_else() -> None:
    secret = [
        *("OPENAI_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GITHUB_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        *("AWS_SESSION_TOKEN", "DB_PASSWORD", "PGPASSWORD", "my_secret", "SECRETS", "STRIPE_KEY", "GH_PAT", "TOKEN"),
        *("GOOGLE_APPLICATION_CREDENTIALS", "NPM_TOKEN_RO"),
    ]
    plain = ["PATH", "HOME", "SSH_AUTH_SOCK", "TOKENIZERS_PARALLELISM", "KEYBOARD", "MONKEY", "PATTERN", "LANG"]
    environ = {name: name for name in [*secret, *plain]}
    assert list(safe_environment(environ)) == plain


async def test_output_beyond_what_is_to_be_kept_is_counted_and_errors_go_where_they_are_wanted(tmp_path: Path) -> None:
    keep = 3 * 1024 * 1024
    command = ["bash", "-c", f"echo oops >&2; head -c {keep + 7} /dev/zero | tr '\\0' x"]
    with tempfile.TemporaryFile() as errors:
        finished = await run_process(command, cwd=tmp_path, env=os.environ, errors=errors, keep=keep)
        errors.seek(0)
        assert errors.read() == b"oops\n"
    assert (finished.output, finished.dropped) == (b"x" * keep, 7)


def test_what_the_disk_has_no_room_for_is_counted_and_what_it_had_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no full device here")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda buffering: full.open("r+b", buffering=buffering))
    with Spool(10_000_000) as spool:
        spool.add(b"a" * 2_000_000)
        spool.add(b"b")
        assert spool.dropped == 2_000_001 - 1024 * 1024
