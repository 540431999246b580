"""Sessions as documents, those of a3s-code too: sent away and taken in. What somebody hands in is not believed."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import a3s_lsp as a3s
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.workspace.addresses import rooted
from tests.sdk.stored import LONG, agent, make, options, write_reference
from tests.sdk.stored import place as place
from tests.sdk.stored import work as work


def test_an_exported_session_is_the_same_elsewhere(work: Path, place: str, tmp_path: Path) -> None:
    store, file = a3s.FileSessionStore(place), tmp_path / "out.json"
    with agent(LONG, make("a.txt"), "done").session(str(work), options(store, session_id="mine")) as session:
        session.send("go \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"))
        exported = session.export(str(file))
        seen = session.history(), session.runs(), session.trace_events()
        uri = str(session.trace_events()[0]["artifact_uris"][0])  # type: ignore[index]  # JSON
        output = session.get_artifact(uri)
    assert json.loads(file.read_text()) == exported
    assert file.stat().st_mode & 0o077 == 0
    other = a3s.FileSessionStore(str(tmp_path / "other"))
    assert other.import_session(str(file)) == "mine"
    with agent("on").resume_session("mine", options(other)) as session:
        assert (session.history(), session.runs(), session.trace_events()) == seen
        assert output is not None and session.get_artifact(uri) == output
        assert session.send("more").text == "on"
    with pytest.raises(a3s.A3SError, match="mine exists already"):
        other.import_session(exported)
    assert other.import_session(exported, "second") == "second"


def test_leave_that_was_given_elsewhere_is_not_taken_in(work: Path) -> None:
    store = a3s.MemorySessionStore()
    confirm = a3s.ConfirmationPolicy(enabled=True)
    asks = options(store, session_id="mine", permission_policy=a3s.PermissionPolicy(), confirmation_policy=confirm)
    session = agent(make("a.txt"), "done").session(str(work), asks)
    for event in session.stream("write"):
        if event.event_type == "confirmation_required":
            session.confirm_tool_use(str(event.tool_id), True, remember="session")
    exported = session.export()
    assert "rule_learned" in json.dumps(exported)
    store.import_session(exported, "copy")
    assert "rule_learned" not in json.dumps(store.export("copy"))


def test_a_file_that_cannot_be_written_leaves_nothing(work: Path, tmp_path: Path) -> None:
    session = agent("a").session(str(work))
    session.send("q")
    with pytest.raises(a3s.StoreError, match="cannot be written to"):
        session.export(str(tmp_path / "no" / "such" / "folder.json"))
    (tmp_path / "taken").mkdir()
    with pytest.raises(a3s.StoreError, match="cannot be written to"):
        session.export(str(tmp_path / "taken"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken", "work"]


# ------------------------------------------------------------ what is no session


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """An exported session with calls, a change of a file, a long output, and two runs."""
    session = agent(make("a.txt"), LONG, "done", "and more").session(
        str(tmp_path_factory.mktemp("sample")), options(a3s.MemorySessionStore(), session_id="mine")
    )
    session.send("go")
    session.send("on")
    return session.export()


def changed(session: Json, change: Callable[[list[Json]], object]) -> Json:
    made = copy.deepcopy(session)
    records = made["records"]
    assert isinstance(records, list)
    change(records)
    return made


BROKEN: dict[str, Callable[[Json], Json]] = {
    "no id": lambda s: {**s, "id": None},
    "an id that cannot be": lambda s: {**s, "id": "a\0b"},
    "another format": lambda s: {**s, "format": "a3s.session.v9"},
    "no format": lambda s: {"id": "mine"},
    "no records": lambda s: {**s, "records": []},
    "records that are none": lambda s: {**s, "records": {"a": 1}},
    "no beginning": lambda s: changed(s, lambda records: records.pop(0)),
    "an event that is missing": lambda s: changed(s, lambda records: records.pop(4)),
    "an event twice": lambda s: changed(s, lambda records: records.insert(4, records[4])),
    "a fact of a kind that there is not": lambda s: changed(s, lambda r: r[1].update(fact={"type": "nonsense"})),
    "a fact of wrong types": lambda s: changed(
        s, lambda r: r[0].update(fact={"type": "session_opened", "workspace": 1})
    ),
    "a time beyond all times": lambda s: changed(s, lambda records: records[1].update(time_ms=10**30)),
    "a run with a strange id": lambda s: changed(s, lambda records: records[1].update(run_id="a\0b")),
    "artifacts that are none": lambda s: {**s, "artifacts": "x"},
    "a damaged artifact": lambda s: {**s, "artifacts": [{"artifact_id": "x"}]},
    "an artifact with a path": lambda s: {
        **s,
        "artifacts": [{"artifact_id": "a:b:..\n", "tool_name": "x", "content": "", "shown_bytes": 1}],
    },
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_damaged_session_is_refused_whole(sample: Json, place: str, broken: str) -> None:
    store = a3s.FileSessionStore(place)
    with pytest.raises(a3s.A3SError):
        store.import_session(BROKEN[broken](sample))
    assert store.sessions() == []


def test_a_session_that_would_change_files_outside_of_its_folder_is_refused(sample: Json, place: str) -> None:
    for path in ("/etc/passwd", "relative.txt"):
        text = json.dumps(sample)
        workspace = json.loads(text)["records"][0]["fact"]["workspace"]
        moved = json.loads(text.replace(json.dumps(f"{workspace}/a.txt")[1:-1], path))
        with pytest.raises(a3s.StoreError, match=f"it changes {path}, outside of {workspace}"):
            a3s.FileSessionStore(place).import_session(moved)


def test_a_session_that_worked_in_a_bucket_is_taken_in(sample: Json) -> None:
    workspace = json.loads(json.dumps(sample))["records"][0]["fact"]["workspace"]
    inside = json.dumps(sample).replace(workspace, str(rooted("s3://bucket/p")))
    session = json.loads(inside)
    session["records"][0]["fact"]["workspace"] = "s3://bucket/p"
    assert a3s.MemorySessionStore().import_session(session) == "mine"
    session["records"][0]["fact"]["workspace"] = "s3://bucket/other"
    with pytest.raises(a3s.StoreError, match="outside of s3://bucket/other"):
        a3s.MemorySessionStore().import_session(session)


@pytest.mark.parametrize("value", [None, 1, b"x", ["x"], object()])
def test_what_is_neither_a_path_nor_a_session_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="source must be"):
        a3s.MemorySessionStore().import_session(value)  # type: ignore[arg-type]  # that is what is tried


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe{", "not JSON"),
        (b"[1, 2]", "no object in it"),
        (b"[" * 200_000, "not JSON"),
        (b'{"id": "x"}', "no format"),
        (b'{"id": "x", "config": {}, "messages": []}', "names no workspace"),
        (b'{"id": "x", "config": {"workspace": "/w"}, "messages": [1]}', "cannot be taken in"),
        (b'{"id": "x", "config": {"workspace": "/w"}, "messages": {}}', "cannot be taken in"),
        (None, "There is no file"),
    ],
)
def test_a_file_that_is_no_session_is_told(tmp_path: Path, content: bytes | None, told: str) -> None:
    file = tmp_path / "session.json"
    if content is not None:
        file.write_bytes(content)
    store = a3s.MemorySessionStore()
    with pytest.raises(a3s.StoreError, match=told):
        store.import_session(str(file))
    with pytest.raises(a3s.StoreError, match="There is no file"):
        store.import_session(str(tmp_path))
    assert store.sessions() == []


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(a3s.StoreError, match="There is no file"):
        a3s.MemorySessionStore().import_session(str(tmp_path / "pipe"))


_ODD: list[object] = [None, True, -1, 10**30, 0.5, "", "\0", "\ud800", "x", [], {}, [1], {"type": "x"}]


@given(data=st.data())
@settings(max_examples=150)
def test_a_session_with_anything_changed_is_taken_in_whole_or_refused(sample: Json, data: st.DataObject) -> None:
    broken = copy.deepcopy(sample)
    place: object = broken
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if isinstance(inner, dict | list) and inner and data.draw(st.integers(0, 4)):
            place = inner
            continue
        if data.draw(st.booleans()):
            place[key] = data.draw(st.sampled_from(_ODD))
        else:
            del place[key]
        break
    store = a3s.MemorySessionStore()
    try:
        taken = store.import_session(broken)
    except a3s.A3SError:
        assert store.sessions() == []
        return
    try:
        with agent("and on").resume_session(taken, options(store)) as session:
            assert session.send("more").text == "and on"
    except a3s.A3SError as error:
        assert "Failed to resume session" in str(error), error
    again = a3s.MemorySessionStore()
    assert again.import_session(store.export(taken)) == taken
    assert again.sessions()[0]["messages"] == store.sessions()[0]["messages"]


# ------------------------------------------------------------ sessions of a3s-code


def test_a_session_file_of_the_reference_is_taken_in(tmp_path: Path, work: Path) -> None:
    file = write_reference(tmp_path / "theirs", "ref/one", work)
    store = a3s.MemorySessionStore()
    assert store.import_session(str(file)) == "ref/one"
    row = store.sessions()[0]
    assert (row["title"], row["status"], row["messages"]) == ("first", "completed", 4)
    session = agent("and on").resume_session("ref/one", options(store))
    assert session.history() == json.loads(file.read_text())["messages"]
    assert [(run["id"], run["status"], run.get("result_text"), run.get("error")) for run in session.runs()] == [
        ("run-1", "completed", "done", None),
        ("run-2", "failed", None, "broken"),
    ]
    assert session.runs()[0]["created_at_ms"] == 1_700_000_000_000
    shown = [json.loads(json.dumps(event["event"])) for event in session.run_events("run-1")]
    assert [event["type"] for event in shown][-1] == "agent_end"
    assert "".join(event["text"] for event in shown if event["type"] == "text_delta") == "I will lookdone"
    assert [(trace["name"], trace["success"]) for trace in session.trace_events()] == [("bash", True)]
    assert session.verification_summary()["status"] == "passed"
    output = session.get_artifact("a3s://tool-output/bash/d7ca8c07fee111cf")
    assert output is not None and output["original_bytes"] == 150_000
    assert session.send("more").text == "and on"


def test_a_session_of_the_reference_in_the_folder_of_the_store_is_found_by_its_id(work: Path, place: str) -> None:
    file = write_reference(Path(place), "a/b", work)
    store = a3s.FileSessionStore(place)
    with pytest.raises(a3s.SessionNotFound):
        agent().resume_session("a_b", options(store))  # another session, whose file would have the same name
    with agent("mine").resume_session("a/b", options(store)) as session:
        session.send("more")
    assert json.loads(file.read_text())["messages"][-1]["content"] == [{"type": "text", "text": "done"}]
    with agent().resume_session("a/b", options(a3s.FileSessionStore(place))) as session:
        assert len(session.history()) == 6, "it is taken over once"
    assert store.delete("a/b") is True
    with pytest.raises(a3s.SessionNotFound):
        agent().resume_session("a/b", options(store))
    assert [path for path in Path(place).rglob("*.json") if path.is_file()] == []


def test_a_damaged_session_file_of_the_reference_is_told_when_it_is_asked_for(work: Path, place: str) -> None:
    file = write_reference(Path(place), "theirs", work)
    file.write_text(file.read_text()[:-200])
    with pytest.raises(a3s.StoreError, match=r"Failed to resume session: .*theirs\.json is not a session file"):
        agent().resume_session("theirs", options(a3s.FileSessionStore(place)))
    assert a3s.FileSessionStore(place).sessions() == []


def test_runs_of_the_reference_that_cannot_be_read_do_not_half_import(work: Path, place: str) -> None:
    write_reference(Path(place), "theirs", work)
    (Path(place) / "runs" / "theirs.json").write_text("{")
    with pytest.raises(a3s.StoreError, match=r"runs/theirs\.json cannot be read"):
        a3s.FileSessionStore(place).fork("theirs")
    (Path(place) / "runs" / "theirs.json").write_text('[1, {"snapshot": 1}, {"snapshot": {"id": "r"}, "events": [1]}]')
    fork = a3s.FileSessionStore(place).fork("theirs")
    with agent().resume_session(fork, options(a3s.FileSessionStore(place))) as session:
        assert [(run["id"], run["status"]) for run in session.runs()] == [("r", "failed")]
