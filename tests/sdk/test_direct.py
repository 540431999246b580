"""Direct tools: the shapes that programs written for a3s-code rely on, and what they are told when they are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import Reply, ScriptedModel, call
from tests.engine.tools.pictures import png


@pytest.fixture
def session(tmp_path: Path) -> a3s.Session:
    """A session with no leave for anybody, on a folder with a few files."""
    (tmp_path / "a.txt").write_text("alpha\nbeta\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.py").write_text("alpha = 1\n")
    return a3s.Agent.with_model(ScriptedModel()).session(
        str(tmp_path), permission_policy=a3s.PermissionPolicy(deny=["*"], default_decision="deny")
    )


def test_text_comes_back_as_text_that_knows_how_it_came_about(session: a3s.Session) -> None:
    shown = session.read_file("a.txt")
    assert isinstance(shown, str) and shown == "     1\talpha\n     2\tbeta\n"
    assert (shown.ok, shown.exit_code, shown.metadata, shown.artifact_uri, shown.attachments) == (
        True,
        0,
        None,
        None,
        [],
    )
    assert session.read_file(path="a.txt", offset=1, limit=1) == "     2\tbeta\n"
    assert not session.read_file("nope").ok
    assert session.grep("alpha", glob="*.py") == ">sub/x.py:1: alpha = 1\n\n1 match(es) in 1 file(s)"
    assert session.grep("(").exit_code == 1
    failed = session.bash("echo out; exit 3")
    assert (failed, failed.exit_code, failed.metadata) == ("out\n", 1, {"exit_code": 3})
    assert "timed out after 200ms" in session.bash("sleep 9", timeout=200)


def test_paths_come_back_as_a_list(session: a3s.Session) -> None:
    assert session.glob("**/*") == ["a.txt", "sub", "sub/x.py"]
    assert session.glob("*.py", path="sub") == ["sub/x.py"]
    assert session.glob("*.none") == []
    for bad in ("", "/etc/*", "../*"):
        with pytest.raises(RuntimeError, match="glob pattern"):
            session.glob(bad)


def test_changes_come_back_as_results(session: a3s.Session, tmp_path: Path) -> None:
    written = session.write_file("new/n.txt", "x\ny")
    assert (written.name, written.exit_code, written.ok) == ("write", 0, True)
    assert written.output == f"Wrote 3 bytes (2 lines) to {tmp_path}/new/n.txt"
    assert written.metadata == {"file_path": "new/n.txt", "after": "x\ny"}
    edited = session.edit_file("a.txt", "alpha", "omega", replace_all=True)
    assert edited.output == f"Replaced 1 occurrence(s) in {tmp_path}/a.txt"
    patched = session.patch_file("a.txt", "@@ -1,2 +1,2 @@\n omega\n-beta\n+BETA\n")
    assert patched.output.startswith(f"Applied 1 hunk(s) to {tmp_path}/a.txt")
    assert (tmp_path / "a.txt").read_text() == "omega\nBETA\n"
    assert session.ls("sub").output == f"Directory: {tmp_path}/sub\n\nfile        10B  x.py\n\n1 entries\n"


@pytest.mark.parametrize(
    "fail",
    [
        lambda s: s.write_file("a.txt/x", ""),
        lambda s: s.edit_file("a.txt/x", "a", "b"),
        lambda s: s.patch_file("a.txt/x", "@@ -1 +1 @@\n-a\n+b\n"),
    ],
)
def test_a_change_that_fails_names_its_file(
    session: a3s.Session, fail: Callable[[a3s.Session], a3s.ToolResult]
) -> None:
    failed = fail(session)
    assert failed.exit_code == 1 and failed.metadata == {"file_path": "a.txt/x"}


def test_an_image_comes_back_beside_the_text(session: a3s.Session, tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(png(3, 2))
    shown = session.read_file("p.png")
    assert shown.startswith("PNG image, 3x2 pixels") and shown.metadata is not None
    assert shown.attachments == [{"data": png(3, 2), "media_type": "image/png"}]
    assert session.tool("read", {"file_path": "p.png"}).attachments == shown.attachments


WRONG: list[Callable[[Any], object]] = [
    lambda s: s.read_file(3),
    lambda s: s.read_file("a.txt", "1"),
    lambda s: s.read_file("a.txt", True),
    lambda s: s.write_file("w", 3),
    lambda s: s.write_file("w", b"x"),
    lambda s: s.edit_file("a.txt", "alpha", None),
    lambda s: s.edit_file("a.txt", "alpha", "b", replace_all="yes"),
    lambda s: s.patch_file("a.txt", None),
    lambda s: s.ls(3),
    lambda s: s.glob(None),
    lambda s: s.grep("x", path=3),
    lambda s: s.bash(["ls"]),
    lambda s: s.bash("true", timeout="1"),
    lambda s: s.git("log", max_count="1"),
    lambda s: s.git("add", paths="a.txt"),
    lambda s: s.git("branch", force=1),
    lambda s: s.tool(3, {}),
    lambda s: s.tool("read", []),
    lambda s: s.tool("read", None),
    lambda s: s.get_artifact(None),
]


@pytest.mark.parametrize("use", WRONG)
def test_wrong_types_are_refused_at_once_and_change_nothing(
    session: a3s.Session, tmp_path: Path, use: Callable[[a3s.Session], object]
) -> None:
    with pytest.raises(TypeError):
        use(session)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "sub"]
    assert (tmp_path / "a.txt").read_text() == "alpha\nbeta\n"


def test_a_tool_that_does_not_exist_or_lacks_an_argument_says_so_in_its_result(session: a3s.Session) -> None:
    unknown = session.tool("nosuch", {})
    assert (unknown.exit_code, unknown.name) == (1, "nosuch") and "Unknown tool: nosuch" in unknown.output
    missing = session.tool("read", {"path": "a.txt"})
    assert missing.exit_code == 1 and "file_path parameter is required" in missing.output
    assert session.tool("read", {"file_path": "a.txt", "limit": -1}).output == session.read_file("a.txt")


REFERENCE: dict[str, tuple[set[str], set[str]]] = {
    "bash": ({"command", "timeout"}, {"command"}),
    "batch": ({"invocations"}, {"invocations"}),
    "edit": ({"file_path", "old_string", "new_string", "replace_all"}, {"file_path", "old_string", "new_string"}),
    "git": (
        {
            *("base", "command", "force", "include_untracked", "max_count", "message", "name", "new_branch"),
            *("path", "ref", "remote_name", "subcommand", "target"),
        },
        {"command"},
    ),
    "glob": ({"path", "pattern"}, {"pattern"}),
    "grep": ({"-i", "context", "glob", "path", "pattern"}, {"pattern"}),
    "ls": ({"path"}, set()),
    "patch": ({"diff", "file_path"}, {"diff", "file_path"}),
    "read": ({"file_path", "limit", "offset"}, {"file_path"}),
    "write": ({"content", "file_path"}, {"content", "file_path"}),
}
"""The arguments that the tools of a3s-code 3.1.0 take, and those that they need."""


def test_tools_take_every_argument_that_those_of_the_reference_take_and_need_no_other(session: a3s.Session) -> None:
    definitions = {str(each["name"]): each["parameters"] for each in session.tool_definitions()}
    assert set(session.tool_names()) == set(definitions) >= set(REFERENCE)
    for name, (taken, needed) in REFERENCE.items():
        schema = definitions[name]
        assert isinstance(schema, dict)
        assert taken <= set(schema["properties"]) and set(schema["required"]) == needed, name
        assert schema["additionalProperties"] is False


async def test_both_faces_give_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("alpha\n")
    session = await a3s.AsyncAgent.with_model(ScriptedModel()).session(str(tmp_path))
    assert await session.read_file("a.txt") == "     1\talpha\n"
    assert await session.glob("*") == ["a.txt"]
    assert (await session.git("status")).exit_code == 1
    assert session.get_artifact("a3s://tool-output/read/none") is None
    await session.close()


def test_the_model_gets_an_image_that_it_reads_and_the_history_shows_it(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(png(3, 2))
    store = a3s.MemorySessionStore()
    model = ScriptedModel([Reply("", (call("read", file_path="p.png"),)), "a black image", "still black"])
    options = a3s.SessionOptions()
    options.permission_policy = a3s.PermissionPolicy(allow=["read"])
    options.session_store, options.session_id = store, "s"
    agent = a3s.Agent.with_model(model)
    session = agent.session(str(tmp_path), options)
    session.send("what is it?")
    shown: list[Any] = session.history()
    [text, image] = shown[2]["content"][0]["content"]
    assert text["type"] == "text" and image["source"]["media_type"] == "image/png"
    session.close()
    options.session_id = None
    resumed = agent.resume_session("s", options)
    assert resumed.history() == shown
    resumed.send({"prompt": "and now?", "history": shown})
    images = [image for message in model.requests[-1].messages for image in getattr(message, "attachments", ())]
    assert [image.media_type for image in images] == ["image/png"]
