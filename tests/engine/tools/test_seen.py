"""A whole file is written over the text that the model knows, not over what it has never seen."""

from __future__ import annotations

from pathlib import Path

from a3s_lsp.engine.messages import ToolMessage
from a3s_lsp.testing import MemoryEditor, Reply, ScriptedModel, call
from tests.engine.stage import Stage, answer

TEXT = "one\ntwo\nthree\n"
READ = Reply("", (call("read", file_path="a.py"),))


async def after_reading(folder: Path, typed: str, written: str) -> tuple[str, str]:
    """The model reads, the person types, the model writes: the text then, and what the model is told."""
    path = folder / "a.py"
    path.write_text(TEXT)
    editor = MemoryEditor()
    editor.open(path)

    def write(request: object) -> Reply:
        editor.type(path, typed)
        return Reply("", (call("write", file_path="a.py", content=written),))

    stage = Stage(folder)
    session = await stage.open(stage.setup(ScriptedModel([READ, write, "done"]), editor=editor))
    await answer(session, "go")
    results = [message for message in session.state.messages if isinstance(message, ToolMessage)]
    return editor.text(path), results[-1].content


async def test_what_was_typed_since_the_model_read_stays(tmp_path: Path) -> None:
    text, told = await after_reading(tmp_path, typed="zero\n" + TEXT, written="one\ntwo\n3\n")
    assert text == "zero\none\ntwo\n3\n"
    assert told.startswith("Wrote 15 bytes")


async def test_what_was_typed_on_a_line_that_is_rewritten_refuses_the_write_and_is_shown(tmp_path: Path) -> None:
    text, told = await after_reading(tmp_path, typed=TEXT.replace("three", "three, typed"), written="one\ntwo\n3\n")
    assert text == TEXT.replace("three", "three, typed")
    assert "+three, typed" in told
    assert told.endswith("Read a.py before you write it.")


async def test_a_file_that_the_model_has_not_read_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("old\n")
    stage = Stage(tmp_path)
    write = Reply("", (call("write", file_path="b.py", content="new\n"),))
    read = Reply("", (call("read", file_path="b.py"),))
    session = await stage.open(stage.setup(ScriptedModel([write, read, write, write, "done"])))
    await answer(session, "go")
    results = [message.content for message in session.state.messages if isinstance(message, ToolMessage)]
    assert results[0] == "b.py is there already, and you have not seen its text. Read b.py before you write it."
    assert (tmp_path / "b.py").read_text() == "new\n", "once it has, and has written it, it knows it"


async def test_what_others_wrote_beside_an_edit_of_the_model_is_not_written_over_unseen(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)

    def edit(request: object) -> Reply:
        path.write_text(TEXT + "of somebody else\n")
        return Reply("", (call("edit", file_path="a.py", old_string="one", new_string="1"),))

    write = Reply("", (call("write", file_path="a.py", content="1\ntwo\n3\n"),))
    stage = Stage(tmp_path)
    session = await stage.open(stage.setup(ScriptedModel([READ, edit, write, "done"])))
    await answer(session, "go")
    assert path.read_text() == "1\ntwo\n3\nof somebody else\n"


async def test_the_embedding_program_writes_what_it_wants(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("old\n")
    stage = Stage(tmp_path)
    session = await stage.open(stage.setup(ScriptedModel([])))
    await session.call_tool("write", {"file_path": "b.py", "content": "new\n"})
    assert (tmp_path / "b.py").read_text() == "new\n"


async def test_what_is_read_beside_a_write_was_not_known_to_it(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(TEXT)
    both = Reply("", (call("read", file_path="a.py"), call("write", file_path="a.py", content="mine\n")))
    stage = Stage(tmp_path)
    session = await stage.open(stage.setup(ScriptedModel([both, "done"])))
    await answer(session, "go")
    assert (tmp_path / "a.py").read_text() == TEXT
