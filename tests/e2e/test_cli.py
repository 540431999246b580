"""The command in a terminal: a real one, with keys pressed in it."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from a3s_lsp.places import STATE_VARIABLE
from tests.engine.living import alive

pytestmark = pytest.mark.e2e
WITHIN_S = 20
COMMAND = [sys.executable, "-m", "a3s_lsp"]


def environ(folder: Path) -> dict[str, str]:
    """Nothing of this machine's configuration."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), STATE_VARIABLE: str(folder / "state"), "TERM": "dumb"}


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    work = folder / "work"
    work.mkdir(exist_ok=True)
    env = {**environ(folder), **more}
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=work,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


class Terminal:
    """A program in a pseudo terminal."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        work = folder / "work"
        work.mkdir(exist_ok=True)
        self._screen, inner = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=work,
            env=environ(folder),
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        self.text = ""

    def until(self, pattern: str) -> str:
        """Read until this stands on the screen."""
        deadline = time.monotonic() + WITHIN_S
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline, f"{pattern!r} is not in {self.text!r}"
            if select.select([self._screen], [], [], 0.5)[0]:
                try:
                    self.text += os.read(self._screen, 4096).decode()
                except OSError:  # the program has ended
                    assert re.search(pattern, self.text), self.text
        return self.text

    def press(self, keys: str) -> None:
        os.write(self._screen, keys.encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait(WITHIN_S)
        os.close(self._screen)


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def test_the_question_shows_the_diff_and_y_lets_it_happen(tmp_path: Path, terminals: list[Terminal]) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a.py").write_text("wanted = 1\n")
    terminal = Terminal(tmp_path, "run", "rename wanted to found")
    terminals.append(terminal)
    assert "+found = 1" in terminal.until(r"\[y\]es.*:")
    terminal.press("y\n")
    terminal.until("1 occurrence")
    assert terminal.process.wait(WITHIN_S) == 0
    assert (tmp_path / "work" / "a.py").read_text() == "found = 1\n"


def test_a_reason_instead_of_a_yes_is_a_no(tmp_path: Path, terminals: list[Terminal]) -> None:
    terminal = Terminal(tmp_path, "run", "run touch made")
    terminals.append(terminal)
    terminal.until(r"\[y\]es.*:")
    terminal.press("not here\n")
    terminal.until("Reason: not here")
    assert terminal.process.wait(WITHIN_S) == 0
    assert not (tmp_path / "work" / "made").exists()


def test_ctrl_c_stops_the_command_and_says_so(tmp_path: Path, terminals: list[Terminal]) -> None:
    terminal = Terminal(tmp_path, "run", "--posture", "auto", "run echo pid $$; sleep 60 & wait")
    terminals.append(terminal)
    terminal.until("bash")
    shell = None
    deadline = time.monotonic() + WITHIN_S
    while shell is None and time.monotonic() < deadline:
        children = psutil.Process(terminal.process.pid).children(recursive=True)
        shell = next((child for child in children if child.name() == "sleep"), None)
    assert shell is not None
    begun = time.monotonic()
    terminal.process.send_signal(signal.SIGINT)
    terminal.until("Stopped")
    assert time.monotonic() - begun < 0.7
    assert terminal.process.wait(WITHIN_S) == 130
    assert not alive(shell.pid)


def test_ctrl_c_at_a_question_is_a_stop(tmp_path: Path, terminals: list[Terminal]) -> None:
    terminal = Terminal(tmp_path, "run", "run touch made")
    terminals.append(terminal)
    terminal.until(r"\[y\]es.*:")
    terminal.process.send_signal(signal.SIGINT)
    terminal.until("Stopped")
    assert terminal.process.wait(WITHIN_S) == 130
    assert not (tmp_path / "work" / "made").exists()


def test_without_a_terminal_a_question_is_a_no(tmp_path: Path) -> None:
    done = run(tmp_path, "run", "run touch made")
    assert "nobody who could be asked" in done.stdout + done.stderr
    assert not (tmp_path / "work" / "made").exists()


def test_the_answer_alone_is_on_standard_output(tmp_path: Path) -> None:
    done = run(tmp_path, "run", "list files")
    assert done.returncode == 0 and "·" not in done.stdout and "·" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "--model", "nope/x", "hi"), 1, "nope"),
        (("run", "--model", "nonsense", "hi"), 1, "provider/model"),
        (("run", "--config", "absent.acl", "hi"), 1, "absent.acl"),
        (("run", "--posture", "reckless", "hi"), 2, "reckless"),
        (("run", "--workspace", "absent", "hi"), 2, "absent"),
        (("--tcp", "nonsense"), 2, "HOST:PORT"),
        (("--tcp", "127.0.0.1:0", "--ws", "127.0.0.1:0"), 2, "Choose one"),
        (("nosuch",), 2, "nosuch"),
    ],
)
def test_bad_arguments_are_named(tmp_path: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == code and words in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_state_folder_that_cannot_be_used_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path, "run", "help", **{STATE_VARIABLE: str(tmp_path / "file" / "below")})
    assert done.returncode == 1 and "A3S_STATE_DIR" in done.stderr and "Traceback" not in done.stderr


def test_doctor_tells_what_is_configured_and_what_is_missing(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor")
    assert done.returncode == 0 and "offline/assistant" in done.stdout and "ANTHROPIC_API_KEY" in done.stdout
    keyed = run(tmp_path, "doctor", ANTHROPIC_API_KEY="sk-secret-value")
    assert "ANTHROPIC_API_KEY is set" in keyed.stdout and "sk-secret" not in keyed.stdout
    (tmp_path / "work" / "agent.acl").write_text('default_model = "openai/absent"\nproviders "openai" {\n')
    broken = run(tmp_path, "doctor")
    assert broken.returncode == 1 and re.search(r"agent\.acl:\d+:\d+", broken.stdout)


def test_the_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, timeout=WITHIN_S, check=True)
    assert done.stdout == f"a3s-lsp {version('a3s-lsp')}\n"
