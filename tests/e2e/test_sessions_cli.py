"""The command `a3s-lsp sessions`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import a3s_lsp as a3s
from a3s_lsp.cli import cli
from a3s_lsp.places import STATE_VARIABLE
from tests.sdk.stored import agent, make, options, write_reference


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The folder of the editors' sessions, with one in it."""
    (tmp_path / "work").mkdir()
    store = a3s.FileSessionStore(str(tmp_path / "state"))
    with agent(make("a.txt"), "made \x1b[31mit").session(
        str(tmp_path / "work"), options(store, session_id="mine")
    ) as session:
        session.send("make it")
    return tmp_path / "state"


def run(state: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["sessions", *arguments], env={STATE_VARIABLE: str(state)})


def test_sessions_are_listed_shown_forked_and_deleted(state: Path) -> None:
    listed = run(state, "list")
    assert listed.exit_code == 0 and "mine" in listed.output and "completed" in listed.output
    assert [row["id"] for row in json.loads(run(state, "list", "--json").output)] == ["mine"]
    shown = run(state, "show", "mine")
    assert "make it" in shown.output and "made \ufffd[31mit" in shown.output and "\x1b" not in shown.output
    assert run(state, "fork", "mine", "--id", "other").output == "Forked: other.\n"
    forked = run(state, "fork", "mine", "--at", "nonsense")
    assert forked.exit_code == 1 and "There is no prompt, call or rewind nonsense" in forked.output
    assert "1 older" in run(state, "list", "--limit", "1").output
    assert run(state, "delete", "mine", "other").output == "Deleted mine.\nDeleted other.\n"
    assert run(state, "list").output == "There are no sessions.\n"


def test_a_session_is_exported_and_imported(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    assert run(state, "export", "mine", str(file)).exit_code == 0
    printed = run(state, "export", "mine")
    assert json.loads(printed.output)["records"] == json.loads(file.read_text())["records"]
    markdown = tmp_path / "out.md"
    assert run(state, "export", "mine", str(markdown), "--markdown").exit_code == 0
    assert markdown.read_text().startswith("# Session mine")
    other = tmp_path / "other"
    other.mkdir()
    assert run(state, "--store", str(other), "import", str(file)).output == "Imported mine.\n"
    again = run(state, "--store", str(other), "import", str(file))
    assert again.exit_code == 1 and "mine exists already" in again.output
    assert run(state, "--store", str(other), "import", str(file), "--id", "second").output == "Imported second.\n"
    theirs = write_reference(tmp_path / "theirs", "ref/one", tmp_path)
    assert run(state, "import", str(theirs)).output == "Imported ref/one.\n"
    assert "I will look" in run(state, "show", "ref/one").output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "nobody"), "Session not found: nobody"),
        (("delete", "nobody"), "There is no session nobody: a3s-lsp sessions list"),
        (("--store", "/no/where", "list"), "There is no folder /no/where"),
        (("--store", "postgresql://[", "list"), "The DSN cannot be read"),
        (("--store", "postgresql://a3s:geheim@127.0.0.1:1/x", "list"), "host=127.0.0.1 port=1 dbname=x user=a3s"),
        (("export", "mine", "/no/where/out.json"), "cannot be written to"),
        (("import", "/dev/null"), "There is no file /dev/null"),
        (("import", "a", "b", "--id", "c"), ""),
        (("show", "a\x1bb"), ""),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(state: Path, arguments: tuple[str, ...], told: str) -> None:
    done = run(state, *arguments)
    assert done.exit_code in (1, 2) and done.exception.__class__ is SystemExit
    assert told in done.output and "geheim" not in done.output and "Traceback" not in done.output
