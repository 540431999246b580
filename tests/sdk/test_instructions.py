"""Instructions in AGENTS.md: the person's, the project's, and those of the folders that a run works in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import a3s_lsp as a3s
from a3s_lsp.engine.context.instructions import Instructions
from a3s_lsp.engine.facts import RunQueued
from a3s_lsp.engine.messages import UserMessage
from a3s_lsp.engine.ports import ModelRequest
from a3s_lsp.engine.workspace.local import LocalWorkspace
from a3s_lsp.testing import MemoryEditor, Reply, ScriptedModel, call
from tests.engine.stage import Stage

FREE = a3s.PermissionPolicy(default_decision="allow")


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the person's own settings."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home/.config"))
    own = tmp_path / "home/.config/a3s"
    own.mkdir(parents=True)
    yield own


@pytest.fixture
def work(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    return work


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def read(path: str) -> Reply:
    return Reply("", (call("read", file_path=path),))


def opened(work: Path, *replies: object, **options: object) -> tuple[a3s.Session, ScriptedModel]:
    model = ScriptedModel(list(replies))  # type: ignore[arg-type]
    options.setdefault("permission_policy", FREE)
    return a3s.Agent.with_model(model).session(str(work), **options), model  # type: ignore[arg-type]  # options by name


def system_on(work: Path, **options: object) -> str:
    session, model = opened(work, "ok", **options)
    session.send("hi")
    return model.requests[0].system


def notes(request: ModelRequest) -> list[str]:
    """What the model was told beside the prompt."""
    told = [message.text for message in request.messages if isinstance(message, UserMessage)]
    return [text for text in told if "come into play" in text]


# ---------------------------------------------------------------- what always holds


def test_the_persons_own_come_before_those_of_the_project(work: Path, own: Path) -> None:
    put(own / "AGENTS.md", "MINE")
    put(work / "AGENTS.md", "THE-PROJECT")
    system = system_on(work)
    places = [system.index(text) for text in ("# Personal Instructions", "MINE", "# Project Instructions", "THE-PROJ")]
    assert places == sorted(places)
    assert f'<context source="{(own / "AGENTS.md").as_uri()}" type="Resource">' in system


def test_files_are_read_anew_for_each_run(work: Path) -> None:
    session, model = opened(work, "a", "b", "c")
    for text in ("one", "two", None):
        if text is None:
            (work / "AGENTS.md").unlink()
        else:
            put(work / "AGENTS.md", f"WORD-{text}")
        session.send("hi")
    assert [[f"WORD-{t}" in r.system for t in ("one", "two")] for r in model.requests] == [
        [True, False],
        [False, True],
        [False, False],
    ]


def test_an_empty_file_says_nothing(work: Path) -> None:
    put(work / "AGENTS.md", " \n")
    assert "Project Instructions" not in system_on(work)


def test_nothing_that_is_no_text_is_read(work: Path, own: Path) -> None:
    os.mkfifo(own / "AGENTS.md")
    (work / "AGENTS.md").mkdir()
    assert "Instructions (AGENTS.md)" not in system_on(work)


def test_a_file_that_leads_out_of_the_workspace_is_not_read(work: Path, tmp_path: Path) -> None:
    (work / "AGENTS.md").symlink_to(put(tmp_path / "secret.md", "SECRET"))
    assert "SECRET" not in system_on(work)


def test_ones_own_file_may_be_a_link(work: Path, own: Path, tmp_path: Path) -> None:
    put(tmp_path / "dotfiles/style.md", "STYLE")
    (own / "AGENTS.md").symlink_to(put(tmp_path / "dotfiles/agents.md", "MINE @style.md"))
    assert "STYLE" in system_on(work)


# ---------------------------------------------------------------- imports


def test_imports_come_behind_the_file_that_names_them(work: Path) -> None:
    put(work / "AGENTS.md", "See @docs/style.md, and @README for more.")
    put(work / "docs/style.md", "STYLE, then @deeper/more.md.")
    put(work / "docs/deeper/more.md", "MORE")
    put(work / "README", "README-TEXT")
    system = system_on(work)
    words = ("See @docs", "# Imported by AGENTS.md: docs/style.md", "STYLE", "MORE", "README-TEXT")
    places = [system.index(word) for word in words]
    assert places == sorted(places) and "is not shown" not in system


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("@missing.md", "there is no such file"),
        ("@../secret.md", "it lies outside of the workspace"),
        ("@~/secret.md", "it lies outside of the workspace"),
        ("@/etc/passwd", "it lies outside of the workspace"),
        ("@link.md", "it lies outside of the workspace"),
        ("@private/key.txt", "the permission policy denies to read it"),
        ("@picture.bin", "it is no text"),
    ],
)
def test_what_cannot_be_imported_is_said(work: Path, tmp_path: Path, text: str, remark: str) -> None:
    put(tmp_path / "secret.md", "SECRET")
    put(tmp_path / "home/secret.md", "SECRET")
    put(work / "private/key.txt", "SECRET")
    (work / "link.md").symlink_to(tmp_path / "secret.md")
    (work / "picture.bin").write_bytes(b"\x00\x01\x02")
    put(work / "AGENTS.md", f"Look at {text} please.")
    policy = a3s.PermissionPolicy(deny=["read(private/**)"], default_decision="allow")
    system = system_on(work, permission_policy=policy)
    assert f"[{text} is not shown: {remark}" in system and "SECRET" not in system and "root:" not in system


def test_what_only_looks_like_an_import_is_left_alone(work: Path) -> None:
    put(work / "docs/style.md", "STYLE")
    text = (
        "Mail me@docs/style.md, ask @nobody, run `@docs/style.md`\n```\n@docs/style.md\n```\nThe folder @docs is big."
    )
    put(work / "AGENTS.md", text)
    system = system_on(work)
    assert "STYLE" not in system and "is not shown" not in system


def test_imports_end(work: Path) -> None:
    put(work / "AGENTS.md", "@a.md @deep0.md")
    put(work / "a.md", "A-TEXT @b.md @a.md @AGENTS.md")
    put(work / "b.md", "B-TEXT @a.md")
    for number in range(9):
        put(work / f"deep{number}.md", f"DEEP{number} @deep{number + 1}.md")
    system = system_on(work)
    assert [system.count(word) for word in ("A-TEXT", "B-TEXT", "DEEP4", "DEEP5")] == [1, 1, 1, 0]
    assert "[@deep5.md is not shown: it is imported over more than 5 files]" in system


def test_they_are_bounded_one_by_one_and_together(work: Path) -> None:
    put(work / "AGENTS.md", " ".join(f"@big{number}.md" for number in range(9)) + " " + "@x/y " * 9)
    for number in range(9):
        put(work / f"big{number}.md", "x" * 40_000)
    system = system_on(work)
    assert len(system) < 140_000
    assert "[cut: big0.md is longer than 32768 characters]" in system
    assert "[@big8.md is not shown: the instructions together are too long]" in system


def test_ones_own_import_from_ones_own_folder_only(work: Path, own: Path) -> None:
    put(own / "AGENTS.md", "@style.md @../other.md")
    put(own / "style.md", "MY-STYLE")
    put(own.parent / "other.md", "SECRET")
    put(work / "style.md", "NOT-THIS")
    system = system_on(work)
    assert "MY-STYLE" in system and "SECRET" not in system and "NOT-THIS" not in system
    assert "[@../other.md is not shown: it lies outside of" in system


@given(st.text(alphabet=st.sampled_from("@./~`ab \n-#<>é"), max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_ends_and_reads_nothing_outside(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    put(folder / "a", "SECRET")
    put(folder / "work/a", "inside @b")
    put(folder / "work/b/a", "@a @../a")
    put(folder / "work/AGENTS.md", text)
    pieces = asyncio.run(Instructions(LocalWorkspace(folder / "work"), None, lambda path: False).standing())
    assert not any("SECRET" in piece.text for piece in pieces)


# ---------------------------------------------------------------- folders


def test_folders_have_their_say_once_their_files_come_into_play(work: Path) -> None:
    put(work / "AGENTS.md", "ROOT")
    put(work / "src/AGENTS.md", "SRC @rules.md")
    put(work / "src/rules.md", "RULES")
    put(work / "src/core/AGENTS.md", "CORE")
    put(work / "other/AGENTS.md", "OTHER")
    put(work / "src/core/a.py", "a = 1\n")
    session, model = opened(work, read("src/core/a.py"), read("src/core/a.py"), "done", read("src/core/a.py"), "again")
    events = list(session.stream("look"))
    assert notes(model.requests[0]) == []
    [note] = notes(model.requests[1])
    places = [note.index(word) for word in ("# Project Instructions (src/AGENTS.md)", "SRC", "RULES", "CORE")]
    assert places == sorted(places) and "OTHER" not in note and "ROOT" not in note
    assert notes(model.requests[2]) == [note]
    [told] = [event for event in events if event.event_type == "instructions_told"]
    assert (work / "src/core/AGENTS.md").as_uri() in str(told.data)
    session.send("once more")
    assert notes(model.requests[-1]) == [note]  # what it knows it is not told again


def test_edits_count_too_and_so_do_calls_within_calls(work: Path) -> None:
    put(work / "one/AGENTS.md", "ONE")
    put(work / "two/AGENTS.md", "TWO")
    put(work / "two/b.txt", "b")
    batch = {"invocations": [{"tool": "read", "args": {"file_path": "two/b.txt"}}]}
    write = Reply("", (call("write", file_path="one/new.txt", content="x"),))
    session, model = opened(work, write, Reply("", (call("batch", **batch),)), "done")
    session.send("go")
    assert ["ONE" in note for note in notes(model.requests[1])] == [True]
    assert ["TWO" in note for note in notes(model.requests[2])] == [False, True]


def test_what_changed_meanwhile_is_told_again_and_so_is_what_was_forgotten(work: Path) -> None:
    put(work / "src/AGENTS.md", "FIRST")
    put(work / "src/a.py", "a")
    look = read("src/a.py"), "done"
    session, model = opened(work, *look, *look, *look)
    session.send("one")
    put(work / "src/AGENTS.md", "SECOND")
    session.send("two")
    assert ["SECOND" in note for note in notes(model.requests[-1])] == [False, True]
    session.send("/clear")
    session.send("three")
    assert ["SECOND" in note for note in notes(model.requests[-1])] == [True]


def test_a_run_whose_conversation_is_made_shorter_is_told_again(work: Path) -> None:
    for folder in ("one", "two"):
        put(work / folder / "AGENTS.md", f"RULE-{folder}")
        put(work / folder / "a.py", "a")
    much = call("bash", command="head -c 9000 /dev/zero | tr '\\0' x")

    def work_on(request: ModelRequest) -> str | Reply:
        return Reply("word " * 400, (much,)) if request.tools else "a summary"

    model = ScriptedModel([read("one/a.py"), read("two/a.py"), *[work_on] * 6, *["done."] * 3])
    options = {"auto_compact": True, "max_context_tokens": 6000, "permission_policy": FREE}
    session = a3s.Agent.with_model(model).session(str(work), **options)  # type: ignore[arg-type]  # options by name
    assert "context_compacted" in [event.event_type for event in session.stream("go")]
    last = str([request for request in model.requests if request.tools][-1].messages)
    assert "RULE-one" in last and "RULE-two" in last


def test_a_file_outside_or_at_the_root_brings_nothing(work: Path, tmp_path: Path) -> None:
    put(tmp_path / "AGENTS.md", "OUTSIDE")
    put(work / "AGENTS.md", "ROOT")
    put(work / "a.py", "a")
    session, model = opened(work, read("../AGENTS.md"), read("a.py"), "done")
    session.send("go")
    assert notes(model.requests[-1]) == [] and "OUTSIDE" not in str(model.requests[-1].messages)


def test_a_folder_that_may_not_be_read_says_nothing(work: Path) -> None:
    put(work / "src/AGENTS.md", "SECRET")
    put(work / "src/a.py", "a")
    policy = a3s.PermissionPolicy(deny=["read(**/AGENTS.md)"], default_decision="allow")
    session, model = opened(work, read("src/a.py"), "done", permission_policy=policy)
    session.send("go")
    assert notes(model.requests[-1]) == []


def test_hooks_may_keep_it_from_the_model(work: Path) -> None:
    put(work / "src/AGENTS.md", "SRC")
    put(work / "src/a.py", "a")
    session, model = opened(work, read("src/a.py"), "done")
    session.register_hook("no", "pre_context_perception", handler=lambda event: {"action": "block"})
    session.send("go")
    assert notes(model.requests[-1]) == []


def test_children_are_told_of_their_own_folders(work: Path) -> None:
    put(work / "src/AGENTS.md", "SRC")
    put(work / "src/a.py", "a")
    session, model = opened(work, read("src/a.py"), "found", "done")
    session.task({"agent": "explore", "description": "d", "prompt": "look"})
    assert ["SRC" in note for note in notes(model.requests[1])] == [True]
    session.send("and you?")
    assert notes(model.requests[-1]) == []


def test_secrets_do_not_go_with_them(work: Path) -> None:
    put(work / "src/AGENTS.md", "The key is AKIAIOSFODNN7EXAMPLE, do not use it.")
    put(work / "src/a.py", "a")
    options = {"security_provider": a3s.DefaultSecurityProvider()}
    session, model = opened(work, read("src/a.py"), "done", read("src/a.py"), read("src/a.py"), "done", **options)
    session.send("go")
    [note] = notes(model.requests[-1])
    assert "AKIA" not in note and "do not use it" in note
    session.send("more")
    assert notes(model.requests[-1]) == [note]


def test_they_are_in_the_log_and_not_told_again_after_a_restart(work: Path, tmp_path: Path) -> None:
    put(work / "src/AGENTS.md", "SRC")
    put(work / "src/a.py", "a")
    options = a3s.SessionOptions()
    options.permission_policy, options.session_id = FREE, "s"
    options.session_store = a3s.FileSessionStore(str(tmp_path / "store"))
    with a3s.Agent.with_model(ScriptedModel([read("src/a.py"), "done"])).session(str(work), options) as session:
        session.send("go")
    model = ScriptedModel([read("src/a.py"), "done"])
    with a3s.Agent.with_model(model).resume_session("s", options) as session:
        session.send("again")
    assert len(notes(model.requests[-1])) == 1


async def test_what_is_on_the_screen_counts(work: Path) -> None:
    stage = Stage(work)
    put(work / "src/AGENTS.md", "ON-DISK")
    put(work / "src/a.py", "a")
    editor = MemoryEditor()
    editor.open(work / "src/AGENTS.md", "ON-SCREEN")
    model = ScriptedModel([read("src/a.py"), "done"])
    session = await stage.open(stage.setup(model, editor=editor))
    await session.start(RunQueued("go")).wait()
    await session.close()
    [note] = notes(model.requests[-1])
    assert "ON-SCREEN" in note and "ON-DISK" not in note
