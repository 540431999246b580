"""Unsaved text and commands: what they see of it, what becomes of what they write, and what their results say."""

from __future__ import annotations

import asyncio
import codecs
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.ports import Document, ToolContext, ToolResult, Unsaved
from a3s_lsp.engine.tools.bash import Bash
from a3s_lsp.engine.workspace.local import LocalWorkspace
from a3s_lsp.engine.workspace.memory_editor import MemoryEditor
from tests.engine import living
from tests.engine.tools.desk import Desk

REPOSITORY = Path(__file__).parents[3]
UNSEEN = "[The command did not see the unsaved text of {}: it is in the editor only.]"
SEEN = "[The command saw the unsaved text of {}.]"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = tmp_path / "ws"
    root.mkdir()
    return Desk(root)


@pytest.fixture(scope="session")
def bubblewrap() -> Path:
    """The folder in which bwrap is."""
    if sys.platform != "linux":
        pytest.skip("bubblewrap is for Linux")
    if shutil.which("bwrap") is None and shutil.which("dpkg-deb") is None:
        pytest.skip("no bwrap on PATH, and scripts/get-bubblewrap can get it on Debian only")
    script = REPOSITORY / "scripts" / "get-bubblewrap"
    found = subprocess.run([script], check=True, stdout=subprocess.PIPE, text=True, timeout=110)
    return Path(found.stdout.strip()).parent


@pytest.fixture
def overlay(bubblewrap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """bubblewrap is there; the folder in which copies of unsaved texts are made."""
    monkeypatch.setenv("PATH", f"{bubblewrap}:{os.environ['PATH']}")
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))
    return copies


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """bubblewrap is not there."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "cat", "touch"):
        (programs / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", str(programs))


@dataclass
class Person:
    """Says yes or no, and remembers what was asked."""

    answer: bool
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def ask(self, title: str, detail: str) -> bool:
        self.asked.append((title, detail))
        return self.answer


async def run(
    desk: Desk, command: str, unsaved: Unsaved = "overlay", person: Person | None = None, limit_ms: int = 20_000
) -> ToolResult:
    """One command; nobody is there to be asked unless there is a person."""
    context = replace(desk.context(), unsaved=unsaved)
    if person is not None:
        context = replace(context, ask=person.ask)
    return await run_in(desk, context, command, limit_ms)


async def run_in(desk: Desk, context: ToolContext, command: str, limit_ms: int = 20_000) -> ToolResult:
    async with asyncio.timeout(30):
        return await desk.tool("bash").run({"command": command, "timeout": limit_ms}, context)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def gated(desk: Desk, before: str, after: str) -> tuple[str, Path]:
    """A command that waits in its middle, and the pipe on which it waits for a line."""
    gate = desk.root / "gate"
    os.mkfifo(gate)
    return f"{before}; echo waiting; read line < gate; {after}", gate


# ---------------------------------------------------------------- laid over


@pytest.mark.usefixtures("overlay")
async def test_command_sees_unsaved_text_and_the_disk_keeps_its_own(desk: Desk) -> None:
    path, clean = desk.put("a.py", "saved\n"), desk.put("b.py", "clean\n")
    desk.editor.open(path, "typed\n")
    desk.editor.open(clean)
    result = await run(desk, "cat a.py b.py; exit 7")
    assert result.output == f"typed\nclean\n\n\n{SEEN.format('a.py')}"
    assert (result.exit_code, result.metadata) == (1, {"exit_code": 7})
    assert (desk.get("a.py"), desk.editor.text(path), desk.applied) == ("saved\n", "typed\n", [])


@pytest.mark.usefixtures("overlay")
async def test_files_of_every_name_are_seen_also_under_the_name_of_a_link(desk: Desk) -> None:
    odd = ("a b.txt", "new\nline.txt", "quo'te\".txt", "-dash", "deep/er/é.txt")
    for name in odd:
        desk.editor.open(desk.put(name, "saved"), f"typed {name}")
    real, link = desk.put("real.txt", "saved"), desk.root / "link.txt"
    link.symlink_to(real)
    desk.editor.open(link, "typed through the link")
    result = await run(
        desk, "cat 'a b.txt' $'new\\nline.txt' 'quo'\\''te\".txt' ./-dash deep/er/é.txt real.txt link.txt"
    )
    assert result.output.startswith("".join(f"typed {name}" for name in odd) + "typed through the link" * 2)
    assert link.is_symlink()


@pytest.mark.usefixtures("overlay")
async def test_three_hundred_unsaved_files_are_seen(desk: Desk) -> None:
    for number in range(300):
        desk.editor.open(desk.put(f"{number}.txt", "saved\n"), f"typed {number}\n")
    result = await run(desk, "cat *.txt | grep -c typed")
    assert result.output.startswith("300\n")


@pytest.mark.usefixtures("overlay")
async def test_what_a_command_writes_in_place_becomes_an_edit_of_the_buffer(desk: Desk) -> None:
    path, other = desk.put("a.py", "saved\n"), desk.put("b.py", "saved\n")
    desk.editor.open(path, "x=1\ny=2\n")
    desk.editor.open(other, "typed\n")
    result = await run(desk, "printf 'x = 1\\ny = 2\\n' > a.py")
    assert desk.editor.text(path) == "x = 1\ny = 2\n"
    assert (desk.get("a.py"), desk.get("b.py")) == ("saved\n", "saved\n")
    assert "[What the command wrote into a.py is part of the unsaved text now.]" in result.output
    ((label, edits),) = desk.editor.applied
    assert (label, [edit.path for edit in edits]) == ("bash: printf 'x = 1\\ny = 2\\n' > a.py", [path])
    assert [change.after for changes in desk.applied for change in changes.changes] == ["x = 1\ny = 2\n"]
    desk.editor.undo(path)
    assert desk.editor.text(path) == "x=1\ny=2\n"


@pytest.mark.usefixtures("overlay")
async def test_what_a_command_writes_is_carried_over_what_was_typed_meanwhile(desk: Desk) -> None:
    path = desk.put("a.py", "saved\n")
    desk.editor.open(path, "one\ntwo\nthree\n")
    command, gate = gated(desk, "true", "printf 'one\\ntwo\\n3\\n' > a.py")
    running = asyncio.ensure_future(run(desk, command))
    async with asyncio.timeout(10):
        await desk.heard.wait()
        desk.editor.type(path, "typed\none\ntwo\nthree\n")
        await asyncio.to_thread(gate.write_text, "go\n")
        await running
    assert desk.editor.text(path) == "typed\none\ntwo\n3\n"


@pytest.mark.usefixtures("overlay")
async def test_command_sees_what_an_editor_puts_in_the_place_of_the_file_meanwhile(desk: Desk) -> None:
    path = desk.put("a.py", "saved\n")
    desk.editor.open(path, "typed\n")
    command, gate = gated(desk, "cat a.py", "cat a.py; echo more >> a.py")
    running = asyncio.ensure_future(run(desk, command))
    async with asyncio.timeout(10):
        await desk.heard.wait()
        desk.put("draft", "saved again\n").replace(path)
        await asyncio.to_thread(gate.write_text, "go\n")
        result = await running
    assert result.output.startswith("typed\nwaiting\nsaved again\n")
    assert (desk.get("a.py"), desk.applied) == ("saved again\nmore\n", [])


@pytest.mark.usefixtures("overlay")
async def test_what_is_in_the_way_of_the_person_is_told_and_not_done(desk: Desk) -> None:
    path = desk.put("a.py", "saved\n")
    desk.editor.open(path, "one\ntwo\n")
    command, gate = gated(desk, "true", "printf 'one\\ncommanded\\n' > a.py")
    running = asyncio.ensure_future(run(desk, command))
    async with asyncio.timeout(10):
        await desk.heard.wait()
        desk.editor.type(path, "one\ntyped\n")
        await asyncio.to_thread(gate.write_text, "go\n")
        result = await running
    assert (desk.editor.text(path), desk.applied) == ("one\ntyped\n", [])
    assert "What the command wrote into a.py is not in the editor" in result.output
    assert "-two\n+commanded\n" in result.output


@pytest.mark.usefixtures("overlay")
@pytest.mark.parametrize("command", ["rm -f a.py", "mv a.py c.py", "sed -i s/typed/changed/ a.py", "mv b.py a.py"])
async def test_command_that_would_replace_a_file_is_told_why_it_cannot(desk: Desk, command: str) -> None:
    path = desk.put("a.py", "saved\n")
    desk.put("b.py", "other\n")
    desk.editor.open(path, "typed\n")
    result = await run(desk, command)
    assert result.exit_code == 1
    assert "A command can write into files with unsaved text (a.py), but not replace, rename or delete" in result.output
    assert "edit or patch" in result.output
    assert (desk.get("a.py"), desk.editor.text(path)) == ("saved\n", "typed\n")


@pytest.mark.usefixtures("overlay")
async def test_why_sudo_does_not_work_is_told(desk: Desk) -> None:
    desk.editor.open(desk.put("a.py", "saved\n"), "typed\n")
    refusal = 'sudo: The "no new privileges" flag is set, which prevents sudo from running as root.'
    result = await run(desk, f"grep NoNewPrivs /proc/self/status; echo '{refusal}'")
    assert result.output.startswith("NoNewPrivs:\t1\n")
    assert "[sudo does not work in a command that sees unsaved text; ask the person to save first.]" in result.output


@pytest.mark.usefixtures("overlay")
async def test_mode_of_a_file_is_kept_and_a_new_one_comes_to_the_disk(desk: Desk) -> None:
    path = desk.put("run.sh", "#!/bin/sh\necho saved\n")
    path.chmod(0o750)
    desk.editor.open(path, "#!/bin/sh\necho typed\n")
    result = await run(desk, "stat -c %a run.sh; ./run.sh; chmod 700 run.sh")
    assert result.output.startswith("750\ntyped\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert desk.applied == []


@pytest.mark.usefixtures("overlay")
async def test_what_cannot_be_laid_over_a_file_is_left_out_and_named(desk: Desk) -> None:
    latin, wide = desk.put("latin.txt", "é".encode("latin-1")), desk.put("wide.txt", "ab".encode("utf-16-le"))
    binary = desk.put("binary.txt", b"\xff\x00")
    gone = desk.put("gone/away.txt", "saved\n")
    for path in (latin, wide, binary, gone, desk.root / "new.txt"):
        desk.editor.open(path, "typed →\n")
    shutil.rmtree(gone.parent)
    before = sorted(desk.root.rglob("*"))
    result = await run(desk, "find . -name '*.txt' | sort")
    assert result.output == (
        "./binary.txt\n./latin.txt\n./wide.txt\n\n\n"
        + UNSEEN.format("binary.txt, gone/away.txt, latin.txt, new.txt, wide.txt")
    )
    assert sorted(desk.root.rglob("*")) == before


@pytest.mark.usefixtures("overlay")
async def test_bytes_that_are_no_text_do_not_get_into_the_editor(desk: Desk) -> None:
    path = desk.put("a.txt", "saved\n")
    desk.editor.open(path, "typed\n")
    result = await run(desk, "printf '\\xff\\xfe\\xff' > a.txt")
    assert "[What the command wrote into a.txt is not text and was dropped" in result.output
    assert (desk.editor.text(path), desk.applied) == ("typed\n", [])


MARKS = [
    (b"", "utf-8"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]
TEXTS = st.text(st.one_of(st.sampled_from("a\r\n\u2028\ufeff😀"), st.characters(codec="utf-8")))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS, written=TEXTS, mark=st.sampled_from(MARKS))
@example("\ufeffmarked", "marked too", MARKS[1])
@example("not marked", "\ufeffmarked", MARKS[2])
@pytest.mark.usefixtures("overlay")
async def test_every_text_goes_to_the_command_and_back_in_the_encoding_of_the_file(
    tmp_path: Path, text: str, written: str, mark: tuple[bytes, str]
) -> None:
    root = tmp_path / "ws"
    root.mkdir(exist_ok=True)
    desk, (first, encoding) = Desk(root), mark
    shown = text.startswith("\ufeff")  # the editor shows the mark
    path = desk.put("a.txt", first + "saved".encode(encoding))
    desk.put("other.txt", first + written.encode(encoding))
    desk.editor.open(path, text)
    await run(desk, "cp a.txt seen.txt; cat other.txt > a.txt")
    assert (root / "seen.txt").read_bytes() == (b"" if shown else first) + text.encode(encoding)
    assert desk.editor.text(path) == ("\ufeff" if shown and first else "") + written


@pytest.mark.usefixtures("overlay")
async def test_latin_1_stays_latin_1(desk: Desk) -> None:
    path = desk.put("a.txt", "é\n".encode("latin-1"))
    desk.editor.open(path, "éü\n")
    result = await run(desk, "cp a.txt seen.txt; printf '\\374\\n' > a.txt")
    assert (desk.root / "seen.txt").read_bytes() == "éü\n".encode("latin-1")
    assert (SEEN.format("a.txt") in result.output, desk.editor.text(path)) == (True, "ü\n")


# ---------------------------------------------------------------- the end of a command


async def test_process_in_the_background_keeps_what_it_saw_and_leaves_nothing_else(desk: Desk, overlay: Path) -> None:
    path = desk.put("a.py", "saved\n")
    desk.editor.open(path, "typed\n")
    os.mkfifo(desk.root / "gate")
    os.mkfifo(desk.root / "answer")
    result = await run(desk, "(read line < gate; cat a.py > answer) > /dev/null 2>&1 & echo $!")
    process = psutil.Process(int(result.output.split()[0]))
    try:
        assert "Processes that the command left in the background go on with the unsaved text" in result.output
        assert names(overlay) == []
        async with asyncio.timeout(10):
            await asyncio.to_thread((desk.root / "gate").write_text, "go\n")
            assert await asyncio.to_thread((desk.root / "answer").read_text) == "typed\n"
    finally:
        if process.is_running():
            process.kill()


async def test_command_without_a_background_says_nothing_of_it_and_leaves_no_copies(desk: Desk, overlay: Path) -> None:
    desk.editor.open(desk.put("a.py", "saved\n"), "typed\n")
    assert (await run(desk, "true")).output == f"\n\n{SEEN.format('a.py')}"
    assert names(overlay) == []


async def test_command_that_is_stopped_ends_whole_and_what_it_wrote_is_kept(desk: Desk, overlay: Path) -> None:
    path = desk.put("a.py", "saved\n")
    desk.editor.open(path, "typed\n")
    word = living.unique_seconds()
    command = f"echo written > a.py; setsid sleep {word} & sleep {word} & echo go; wait"
    running = asyncio.ensure_future(run(desk, command))
    async with asyncio.timeout(10):
        await desk.heard.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert living.running(word) == []
    assert (desk.editor.text(path), desk.get("a.py")) == ("written\n", "saved\n")
    assert [changes.label[:24] for changes in desk.applied] == ["bash: echo written > a.p"]
    assert names(overlay) == []


async def test_command_whose_time_is_over_has_written_what_it_wrote(desk: Desk, overlay: Path) -> None:
    path = desk.put("a.py", "saved\n")
    desk.editor.open(path, "typed\n")
    word = living.unique_seconds()
    result = await run(desk, f"echo written > a.py; setsid sleep {word}", limit_ms=900)
    assert "[Command timed out after 900ms]" in result.output
    assert SEEN.format("a.py") in result.output
    assert desk.editor.text(path) == "written\n"
    assert (living.running(word), names(overlay)) == ([], [])


@pytest.mark.usefixtures("overlay")
async def test_checkpoints_are_around_the_command_alone(desk: Desk) -> None:
    path = desk.put("a.py", "saved\n")
    desk.editor.open(path, "typed\n")
    seen: list[tuple[str, str]] = []

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        seen.append((desk.get("out"), desk.editor.text(path)))
        yield
        seen.append((desk.get("out"), desk.editor.text(path)))

    desk.put("out", "")
    await run_in(desk, replace(desk.context(), unsaved="overlay", around_command=around), "echo x | tee a.py out")
    assert seen == [("", "typed\n"), ("x\n", "typed\n")]
    assert desk.editor.text(path) == "x\n"


# ---------------------------------------------------------------- saved, asked


async def test_save_has_the_editor_save_what_the_command_reads(desk: Desk) -> None:
    desk.editor.open(desk.put("a.py", "saved\n"), "typed\n")
    result = await run(desk, "cat a.py", "save")
    assert (result.output, desk.get("a.py")) == ("typed\n", "typed\n")


@pytest.mark.parametrize(
    ("unsaved", "why"), [("save", "did not save"), ("ask", "Save first"), ("overlay", "bubblewrap")]
)
@pytest.mark.usefixtures("bare")
async def test_one_question_stands_before_a_command_that_would_not_see_unsaved_text(
    desk: Desk, unsaved: Unsaved, why: str
) -> None:
    desk.editor.saves = False
    for name in ("a.py", "b.py"):
        desk.editor.open(desk.put(name, "saved\n"), "typed\n")
    person = Person(answer=True)
    result = await run(desk, "cat a.py", unsaved, person)
    assert result.output == f"saved\n\n\n{UNSEEN.format('a.py, b.py')}"
    ((title, detail),) = person.asked
    assert title == "Run the command without the unsaved text of a.py, b.py?"
    assert "cat a.py" in detail and why in detail


@pytest.mark.parametrize("person", [Person(answer=False), None])
async def test_command_that_nobody_allows_does_not_run_and_says_what_to_do(desk: Desk, person: Person | None) -> None:
    desk.editor.open(desk.put("a.py", "saved\n"), "typed\n")
    with pytest.raises(ToolError, match=r"unsaved text of a\.py\. Ask the person to save, and run it again"):
        await run(desk, "touch ran", "ask", person)
    assert not (desk.root / "ran").exists()


async def test_nobody_is_asked_and_bubblewrap_is_not_tried_where_all_is_saved(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = _program(tmp_path / "bin", "bwrap", f"touch {tmp_path}/tried; exit 1")
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    desk.editor.open(desk.put("a.py", "saved\n"))
    person = Person(answer=False)
    assert (await run(desk, "cat a.py", "overlay", person)).output == "saved\n"
    assert (person.asked, (tmp_path / "tried").exists()) == ([], False)


async def test_bubblewrap_that_the_kernel_refuses_counts_as_absent_and_is_tried_once(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = f"echo x >> {tmp_path}/tried; echo 'bwrap: No permissions to create new namespace' >&2; exit 1"
    program = _program(tmp_path / "bin", "bwrap", refused)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    desk.editor.open(desk.put("a.py", "saved\n"), "typed\n")
    person = Person(answer=True)
    for _ in range(2):
        assert (await run(desk, "cat a.py", "overlay", person)).output == f"saved\n\n\n{UNSEEN.format('a.py')}"
    assert (len(person.asked), (tmp_path / "tried").read_text()) == (2, "x\n")


async def test_command_that_bubblewrap_could_not_start_says_that_it_did_not_run(
    desk: Desk, bubblewrap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f'[ -e {tmp_path}/broken ] && echo "bwrap: no more mounts" >&2 && exit 1; exec {bubblewrap}/bwrap "$@"'
    program = _program(tmp_path / "bin", "bwrap", script)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    desk.editor.open(desk.put("a.py", "saved\n"), "typed\n")
    assert (await run(desk, "echo bwrap: this is the command; exit 1")).metadata == {"exit_code": 1}
    (tmp_path / "broken").touch()
    with pytest.raises(ToolError, match=r"was not run.*bwrap: no more mounts\. Ask the person to save"):
        await run(desk, "touch ran")
    assert not (desk.root / "ran").exists()


async def test_command_does_not_run_where_no_copies_can_be_made_and_nothing_is_removed(
    desk: Desk, overlay: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.editor.open(desk.put("a.py", "saved\n"), "typed\n")
    assert SEEN.format("a.py") in (await run(desk, "true")).output  # bubblewrap was found to work
    monkeypatch.chdir(desk.root)
    monkeypatch.setattr(tempfile, "tempdir", str(overlay / "gone"))
    with pytest.raises(ToolError, match=r"could not be copied to .*gone: No such file or directory\. Make room there"):
        await run(desk, "touch ran")
    assert names(desk.root) == ["a.py"]


def _program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir()
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


# ---------------------------------------------------------------- what the command wrote beside it


class WatchingEditor(MemoryEditor):
    """Looks at the disk whenever it is asked, and reads only some files again."""

    def __init__(self, stubborn: Path) -> None:
        super().__init__()
        self.stubborn = stubborn

    def documents(self) -> Sequence[Document]:
        return [replace(d, behind=not d.dirty and d.path.read_bytes() != d.text.encode()) for d in super().documents()]

    async def reload(self, paths: Sequence[Path]) -> Sequence[Path]:
        return await super().reload([path for path in paths if path != self.stubborn])


async def test_clean_documents_are_read_again_and_those_that_are_not_are_named(desk: Desk) -> None:
    fresh, old = desk.put("fresh.py", "saved\n"), desk.put("old.py", "saved\n")
    editor = WatchingEditor(stubborn=old)
    for path in (fresh, old):
        editor.open(path)
    context = replace(desk.context(), workspace=LocalWorkspace(desk.root, editor))
    result = await Bash().run({"command": "echo new | tee fresh.py old.py"}, context)
    assert result.output.startswith("new\n\n\n[The disk has a newer text of old.py than the editor")
    assert (editor.text(fresh), editor.text(old)) == ("new\n", "saved\n")
