"""Long outputs: the model gets their start, and the whole of them stays where it can be fetched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import Reply, ScriptedModel, call

FLOOD = "seq 1 60000"
WHOLE = "".join(f"{number}\n" for number in range(1, 60_001))

Stores = Callable[[], "a3s.FileSessionStore | a3s.MemorySessionStore"]


def agent(*replies: Reply | str) -> a3s.Agent:
    return a3s.Agent.with_model(ScriptedModel(replies))


def options(store: a3s.FileSessionStore | a3s.MemorySessionStore | None = None, **named: object) -> a3s.SessionOptions:
    made = a3s.SessionOptions()
    made.permission_policy = a3s.PermissionPolicy(default_decision="allow")
    made.session_store = store
    for name, value in named.items():
        setattr(made, name, value)
    return made


def uri_of(text: a3s.ToolText) -> str:
    assert text.artifact_uri is not None
    return text.artifact_uri


def files(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "artifacts").rglob("*") if path.is_file())


@pytest.fixture(params=["file", "memory"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Gives the same store again, as a program does that is started again where that can be."""
    memory = a3s.MemorySessionStore()
    return lambda: memory if request.param == "memory" else a3s.FileSessionStore(str(tmp_path / "store"))


def test_the_whole_of_a_long_output_can_be_fetched(tmp_path: Path) -> None:
    session = agent().session(str(tmp_path))
    shown = session.bash(FLOOD)
    kept = session.get_artifact(uri_of(shown))
    assert kept == {
        "artifact_id": uri_of(shown).replace("a3s://tool-output/bash/", "tool-output:bash:"),
        "artifact_uri": shown.artifact_uri,
        "tool_name": "bash",
        "content": WHOLE,
        "original_bytes": len(WHOLE),
        "shown_bytes": 102_400,
    }
    assert shown.startswith(WHOLE[:102_400]) and uri_of(shown) in shown and len(shown) < 103_000
    assert session.bash(FLOOD).artifact_uri == shown.artifact_uri, "the same content has the same address"
    assert session.get_artifact("a3s://tool-output/bash/none") is None
    with pytest.raises(TypeError):
        session.get_artifact(3)  # type: ignore[arg-type]  # that is what is tested


def test_artifacts_outlive_the_session(tmp_path: Path, stores: Stores) -> None:
    workspace = tmp_path / "ws"
    workspace.mkdir()
    first = agent().session(str(workspace), options(stores(), session_id="s"))
    uri = uri_of(first.bash(FLOOD))
    first.close()
    again = agent().resume_session("s", options(stores()))
    kept = again.get_artifact(uri)
    assert kept is not None and kept["content"] == WHOLE
    fork = again.fork(new_id="f")
    again.close()
    assert stores().delete("s")
    kept = fork.get_artifact(uri)
    assert kept is not None and kept["content"] == WHOLE
    fork.close()


def test_artifacts_go_when_the_session_is_deleted(tmp_path: Path) -> None:
    store = a3s.FileSessionStore(str(tmp_path / "store"))
    session = agent().session(str(tmp_path), options(store, session_id="../s"))
    session.bash(FLOOD)
    session.close()
    [path] = files(tmp_path / "store")
    assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0
    assert store.delete("../s") and files(tmp_path / "store") == []
    assert not path.parent.exists()


def test_the_oldest_goes_first_and_one_that_is_too_large_leaves_the_others(tmp_path: Path, stores: Stores) -> None:
    limits = a3s.ArtifactStoreLimits(max_artifacts=2, max_bytes=400_000)
    session = agent().session(str(tmp_path), options(stores(), session_id="s", artifact_store_limits=limits))

    def printed(letter: str, size: int) -> a3s.ToolText:
        return session.bash(f"head -c {size} /dev/zero | tr '\\0' {letter}")

    uris = [uri_of(printed(letter, 120_000)) for letter in "abc"]
    assert [session.get_artifact(uri) is not None for uri in uris] == [False, True, True]
    large = printed("d", 500_000)
    assert large.artifact_uri is None
    assert "showing the first 102400 of 500000 bytes" in large
    assert "larger than the limit of 400000 bytes" in large
    assert large.metadata is not None
    assert large.metadata["artifact"] == {"original_bytes": 500_000, "shown_bytes": 102_400}
    assert [session.get_artifact(uri) is not None for uri in uris] == [False, True, True]
    newest = uri_of(printed("e", 350_000))
    assert [session.get_artifact(uri) is not None for uri in (*uris, newest)] == [False, False, False, True]
    session.close()
    again = agent().resume_session("s", options(stores(), artifact_store_limits=limits))
    assert again.get_artifact(newest) is not None


def test_the_order_of_age_outlives_the_session(tmp_path: Path) -> None:
    store = a3s.FileSessionStore(str(tmp_path / "store"))
    limits = a3s.ArtifactStoreLimits(max_artifacts=3)
    uris: list[str] = []
    for letter in "abcd":
        resumed = letter != "a"
        chosen = options(store, artifact_store_limits=limits, **({} if resumed else {"session_id": "s"}))
        session = agent().resume_session("s", chosen) if resumed else agent().session(str(tmp_path), chosen)
        uris.append(uri_of(session.bash(f"head -c 120000 /dev/zero | tr '\\0' {letter}")))
        found = [session.get_artifact(uri) is not None for uri in uris]
        session.close()
    assert found == [False, True, True, True]


def test_a_damaged_or_half_written_file_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    store = a3s.FileSessionStore(str(tmp_path / "store"))
    session = agent().session(str(tmp_path), options(store, session_id="s"))
    first, second = uri_of(session.bash(FLOOD)), uri_of(session.bash("seq 1 70000"))
    session.close()
    damaged, whole = files(tmp_path / "store")
    damaged.write_bytes(b"{")
    (whole.parent / ".draft-x").write_bytes(b"half")
    again = agent().resume_session("s", options(store))
    assert again.get_artifact(first) is None and again.get_artifact(second) is not None
    again.bash("seq 1 80000")
    assert not (whole.parent / ".draft-x").exists()


def test_where_a_folder_cannot_be_made_the_output_is_shown_all_the_same(tmp_path: Path) -> None:
    store = a3s.FileSessionStore(str(tmp_path / "store"))
    session = agent().session(str(tmp_path), options(store))
    (tmp_path / "store" / "artifacts").write_text("in the way")
    shown = session.bash(FLOOD)
    assert shown.ok and shown.artifact_uri is None and "was not kept" in shown


def test_a_flood_is_bounded_in_what_is_kept_shown_and_logged(tmp_path: Path) -> None:
    limits = a3s.ArtifactStoreLimits(max_bytes=300_000)
    flood = Reply("", (call("bash", command="head -c 30000000 /dev/zero | tr '\\0' x; echo end >&2; exit 3"),))
    session = agent(flood, "done").session(str(tmp_path), options(artifact_store_limits=limits))
    events = list(session.stream("go"))
    ended = next(event for event in events if event.event_type == "tool_end")
    assert ended.tool_output is not None and len(ended.tool_output) < 104_000
    assert "of 30000004 bytes" in ended.tool_output and "more bytes of output were not kept" in ended.tool_output
    streamed = "".join(event.text or "" for event in events if event.event_type == "tool_output_delta")
    assert len(streamed) < 1_300_000 and streamed.endswith(
        "[From here on the output is not shown while the command runs.]\n"
    )


def test_the_model_reads_on_in_an_artifact(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("bash", command=FLOOD),)), "done"])
    session = a3s.Agent.with_model(model).session(str(tmp_path), options())
    session.send("go")
    uri = next(
        word.removesuffix(".")
        for message in model.requests[-1].messages
        for word in getattr(message, "content", "").split()
        if word.startswith("a3s://")
    )
    assert session.read_file(uri, offset=59_998) == " 59999\t59999\n 60000\t60000\n"
    assert not session.read_file("a3s://tool-output/bash/none").ok
