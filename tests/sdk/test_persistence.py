"""Sessions outlive their program: stored, found, opened again, deleted and forked."""

from __future__ import annotations

import gc
import shutil
import sqlite3
import weakref
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import Pause, Reply, ScriptedModel
from tests.sdk.stored import LONG, agent, make, options
from tests.sdk.stored import place as place
from tests.sdk.stored import work as work

# ------------------------------------------------------------ resuming


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_resumed_session_is_as_it_was(work: Path, place: str, kind: str) -> None:
    memory = a3s.MemorySessionStore()

    def store() -> a3s.FileSessionStore | a3s.MemorySessionStore:
        return a3s.FileSessionStore(place) if kind == "file" else memory

    first = agent(make("a.txt"), LONG, Reply("done", reasoning="hm")).session(
        str(work), options(store(), session_id="mine", auto_save=True)
    )
    first.send({"prompt": "make it", "attachments": [{"data": b"png", "media_type": "image/png"}]})
    first.verify_commands("it", [{"id": "t", "kind": "test", "description": "d", "command": "true", "required": True}])
    run = str(first.runs()[0]["id"])
    uri = str(first.trace_events()[1]["artifact_uris"][0])  # type: ignore[index]  # JSON
    seen = [
        (s.history(), s.runs(), s.run_events(run), s.trace_events(), s.verification_reports(), s.get_artifact(uri))
        for s in (first,)
    ]
    assert first.save() is None  # type: ignore[func-returns-value]  # as programs of the reference check
    first.close()

    again = agent("and on").resume_session("mine", options(store()))
    assert (again.session_id, again.workspace) == ("mine", str(work))
    assert (again.history(), again.runs(), again.run_events(run)) == seen[0][:3]
    assert (again.trace_events(), again.verification_reports(), again.get_artifact(uri)) == seen[0][3:]
    assert again.send("go on").text == "and on"
    assert len(again.history()) == len(seen[0][0]) + 2


def test_a_resumed_session_has_the_model_and_the_policies_of_the_options(work: Path, place: str) -> None:
    store = a3s.FileSessionStore(place)
    agent("a").session(str(work), options(store, session_id="mine")).send("q")
    denied = agent(make("never.txt"), "I see").resume_session("mine", options(store, permission_policy=None))
    assert denied.send("write").text == "I see"
    assert not (work / "never.txt").exists()
    with pytest.raises(a3s.A3SError, match="has the model scripted/model and no other"):
        agent().resume_session("mine", options(store, model="no/such"))


@pytest.mark.parametrize("session_id", ["nope", "", "a\0b", "x" * 5000, "../../etc/passwd"])
def test_an_unknown_session_is_told(place: str, session_id: str) -> None:
    with pytest.raises(a3s.A3SError, match="Failed to resume session"):
        agent().resume_session(session_id, options(a3s.FileSessionStore(place)))
    assert not (Path(place).parent / "etc").exists()


def test_resuming_needs_a_store() -> None:
    with pytest.raises(RuntimeError, match="requires a session_store"):
        agent().resume_session("mine", a3s.SessionOptions())


@pytest.mark.parametrize("store", ["dir", 1, object(), {"dir": "x"}, [], a3s.FileSessionStore, ScriptedModel()])
def test_what_is_no_store_is_a_type_error_at_once(work: Path, store: object) -> None:
    with pytest.raises(TypeError, match="session_store must be"):
        a3s.SessionOptions().session_store = store  # type: ignore[assignment]  # that is what is tried
    with pytest.raises(TypeError, match="session_store must be"):
        agent().session(str(work), session_store=store)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(TypeError, match="store must be"):
        agent().list_sessions(store)  # type: ignore[arg-type]  # that is what is tried


@pytest.mark.parametrize("arguments", [(), (1,), (b"x",), (None,)])
def test_a_store_without_a_folder_is_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        a3s.FileSessionStore(*arguments)  # type: ignore[arg-type]  # that is what is tried
    for wrong in ("", "a\0b"):
        with pytest.raises(ValueError, match="dir must be a path"):
            a3s.FileSessionStore(wrong)


def test_ids_are_kept_apart_whatever_is_in_them(work: Path, place: str) -> None:
    names = [
        "a/b",
        "a_b",
        "a\\b",
        "..",
        "../up",
        "A_B",
        "ü/日本",
        "e\u0301",
        "\u00e9",
        " ",
        "-",
        "x" * 1024,
        "%00",
        "CON",
    ]
    store = a3s.FileSessionStore(place)
    for name in names:
        with agent(f"of {name}").session(str(work), options(store, session_id=name)) as session:
            session.send("who?")
    assert {row["id"] for row in store.sessions()} == set(names)
    for name in names:
        with agent().resume_session(name, options(a3s.FileSessionStore(place))) as session:
            assert session.history()[-1]["content"] == [{"type": "text", "text": f"of {name}"}]
    assert {path.name.split(".")[0] for path in Path(place).parent.iterdir()} == {"work", "sessions"}


@pytest.mark.parametrize("name", ["", "a\0b", "a\nb", "\x1b[31m", "x" * 1025, "ü" * 513])
def test_an_id_that_cannot_be_is_refused_when_the_session_is_made(work: Path, place: str, name: str) -> None:
    for store in (a3s.FileSessionStore(place), None):
        with pytest.raises(a3s.A3SError, match="session id"):
            agent().session(str(work), options(store, session_id=name))


def test_an_id_that_is_taken_is_refused_and_what_is_stored_stays(work: Path, place: str) -> None:
    store = a3s.FileSessionStore(place)
    with agent("a").session(str(work), options(store, session_id="mine")) as session:
        session.send("q")
    with pytest.raises(a3s.A3SError, match="mine exists already: resume it"):
        agent().session(str(work), options(store, session_id="mine"))
    assert len(agent().resume_session("mine", options(store)).history()) == 2


def test_a_session_whose_folder_moved_goes_on_in_another(work: Path, place: str) -> None:
    store = a3s.FileSessionStore(place)
    with agent(make("a.txt"), "made").session(str(work), options(store, session_id="mine")) as session:
        session.send("make it")
        assert len(session.review.hunks()) == 1
    moved = work.with_name("moved")
    work.rename(moved)
    with pytest.raises(a3s.A3SError, match=r"no folder .*work for session mine.*workspace=…"):
        agent().resume_session("mine", options(store))
    with pytest.raises(a3s.A3SError, match="no folder /no/where"):
        agent().resume_session("mine", options(store), "/no/where")
    with agent(make("b.txt"), "made").resume_session("mine", options(store), workspace=str(moved)) as session:
        assert session.workspace == str(moved)
        assert session.review.hunks() == [], "what was done elsewhere is not reviewed here"
        session.send("another")
        assert (moved / "b.txt").exists() and len(session.review.hunks()) == 1
        history = session.history()
    with agent().resume_session("mine", options(a3s.FileSessionStore(place))) as session:
        assert (session.workspace, session.history()) == (str(moved), history)
    assert store.sessions()[0]["workspace"] == str(moved)


def test_the_configuration_names_the_store_of_sessions_that_are_given_none(work: Path, tmp_path: Path) -> None:
    config = f'default_model = "offline/assistant"\nsessions_dir = "{tmp_path / "kept"}"\n'
    made = a3s.Agent.create(config)
    with made.session(str(work), session_id="mine"):
        pass
    assert [row["id"] for row in a3s.Agent.create(config).list_sessions()] == ["mine"]
    assert a3s.Agent.create(config).resume_session("mine", a3s.SessionOptions()).session_id == "mine"
    with pytest.raises(a3s.A3SError, match="sessions_dir"):
        agent().list_sessions()


def test_a_session_without_a_store_goes_with_its_object(work: Path) -> None:
    made = agent("a")
    session = made.session(str(work))
    session.send("q")
    log = weakref.ref(session._session.engine)
    assert session.save() is None  # type: ignore[func-returns-value]  # as programs of the reference check
    session.close()
    del session
    gc.collect()
    assert log() is None


# ------------------------------------------------------------ listing and deleting


def test_the_list_has_the_newest_first_and_says_what_each_is(work: Path, place: str) -> None:
    store = a3s.FileSessionStore(place)
    made = agent("a", "b")
    for name in ("one", "two"):
        with made.session(str(work), options(store, session_id=name)) as session:
            session.send(f"prompt of {name}\nwith more")
    newest, oldest = made.list_sessions(store)
    assert (newest["id"], newest["title"], newest["messages"]) == ("two", "prompt of two", 2)
    assert (oldest["status"], oldest["workspace"], oldest["forked_from"]) == ("completed", str(work), None)
    assert made.delete_session("one", store) is True
    assert made.delete_session("one", store) is False
    assert [row["id"] for row in store.sessions()] == ["two"]
    with pytest.raises(a3s.SessionNotFound):
        made.resume_session("one", options(store))


def test_a_session_that_is_deleted_while_it_is_open_says_so(work: Path, place: str) -> None:
    store = a3s.FileSessionStore(place)
    session = agent("a", "b").session(str(work), options(store, session_id="mine"))
    session.send("q")
    assert store.delete("mine") is True
    with pytest.raises(a3s.RunFailed, match="deleted while it was open"):
        session.send("more")
    with pytest.raises(a3s.StoreError, match="deleted while it was open"):
        session.save()
    assert store.sessions() == []


def test_a_folder_that_vanishes_is_told_by_save(work: Path, place: str) -> None:
    store = a3s.FileSessionStore(place)
    session = agent("a", "b").session(str(work), options(store))
    session.send("q")
    shutil.rmtree(Path(place))
    try:
        session.send("more")
        session.save()
    except (a3s.StoreError, a3s.RunFailed) as error:
        assert "sessions.db" in str(error)  # whether the system tells at once is up to it


def test_of_two_objects_of_one_session_the_one_that_was_left_behind_is_told(work: Path, place: str) -> None:
    store = a3s.FileSessionStore(place)
    session = agent("a", "never").session(str(work), options(store, session_id="mine"))
    session.send("q")
    other = agent("b").resume_session("mine", options(a3s.FileSessionStore(place)))
    other.send("r")
    with pytest.raises(a3s.RunFailed, match="continued elsewhere in this program"):
        session.send("lost")
    with pytest.raises(a3s.StoreError, match="continued elsewhere"):
        session.save()
    session.close()
    assert [run["prompt"] for run in other.runs()] == ["q", "r"]
    other.close()
    with agent().resume_session("mine", options(store)) as again:
        assert [run["prompt"] for run in again.runs()] == ["q", "r"]


# ------------------------------------------------------------ forking


def test_a_fork_goes_its_own_way(work: Path, place: str) -> None:
    store = a3s.FileSessionStore(place)
    made = agent("one", "two", "of the fork", "of the origin")
    session = made.session(str(work), options(store, session_id="origin"))
    session.send("first")
    session.send("second")
    before = session.history()
    fork = session.fork()
    assert (fork.history(), fork.workspace) == (before, session.workspace)
    assert fork.session_id != session.session_id
    assert fork.send("third").text == "of the fork"
    assert session.history() == before
    assert session.send("third").text == "of the origin"
    rows = {row["id"]: row for row in made.list_sessions(store)}
    assert rows[fork.session_id]["forked_from"] == "origin"
    assert [run["prompt"] for run in fork.runs()] == ["first", "second", "third"]


@pytest.mark.parametrize("stored", [True, False])
def test_a_fork_begins_before_a_prompt_or_before_the_turn_of_a_call(work: Path, place: str, stored: bool) -> None:
    store = a3s.FileSessionStore(place) if stored else None
    model = ScriptedModel(["one", make("a.txt"), "two", "other"])
    session = a3s.Agent.with_model(model).session(str(work), options(store))
    session.send("first")
    session.send("second")
    second, written = session.runs()[1], session.trace_events()[0]
    assert written["name"] == "write"
    before = session.fork(at=str(second["id"]), new_id="before")
    assert (before.session_id, len(before.history())) == ("before", 2)
    at_call = session.fork(at="call_1")
    assert [row["role"] for row in at_call.history()] == ["user", "assistant", "user"]
    assert at_call.runs()[-1]["status"] == "cancelled" and at_call.current_run() is None
    assert at_call.send("instead").text == "other"
    assert (work / "a.txt").exists(), "files stay as they are"
    with pytest.raises(a3s.A3SError, match="no prompt, call or rewind nonsense"):
        session.fork(at="nonsense")
    with pytest.raises(a3s.A3SError, match="before exists already"):
        session.fork(new_id="before")


def test_a_fork_of_a_session_that_is_answering_has_an_end_and_the_origin_goes_on(work: Path, place: str) -> None:
    pause = Pause()
    model = ScriptedModel([Reply(chunks=("half ", "of it"), pause=pause), "of the fork", "waited"])
    session = a3s.Agent.with_model(model).session(str(work), options(a3s.FileSessionStore(place)))
    stream = session.stream("go")
    assert pause.wait()
    waiting = session.stream("and then")
    fork = session.fork()
    assert [run["status"] for run in fork.runs()] == ["cancelled"]
    assert fork.resume() is None, "what the origin does is not done twice"
    assert fork.send("you?").text == "of the fork"
    pause.release()
    assert [event.text for event in stream if event.event_type == "end"] == ["half of it"]
    assert [event.text for event in waiting if event.event_type == "end"] == ["waited"]


def test_a_fork_is_watched_as_its_origin_is(work: Path) -> None:
    session = agent(make("a.txt"), "told", "x").session(str(work), options(None))
    session.register_hook("guard", "pre_tool_use", lambda event: {"action": "block", "reason": "guarded"})
    fork = session.fork()
    assert fork.send("write").text == "told"
    assert not (work / "a.txt").exists()


def test_a_stored_session_is_forked_without_opening_it(work: Path, place: str) -> None:
    store = a3s.FileSessionStore(place)
    with agent("a").session(str(work), options(store, session_id="mine")) as session:
        session.send("q")
    fork = agent("b").fork_session("mine", options(store), new_id="other")
    assert fork.session_id == "other" and fork.send("more").text == "b"
    assert store.fork("mine", new_id="third") == "third"
    shutil.rmtree(work)
    with pytest.raises(a3s.A3SError, match="no folder"):
        agent().fork_session("mine", options(store))
    assert {row["id"] for row in store.sessions()} == {"mine", "other", "third"}, (
        "what could not be opened is not there"
    )


async def test_the_asynchronous_face_forks_exports_and_lists_too(work: Path, place: str) -> None:
    store = a3s.FileSessionStore(place)
    made = a3s.AsyncAgent.with_model(ScriptedModel(["a", "b"]))
    async with await made.session(str(work), options(store, session_id="mine")) as session:
        await session.send("q")
        async with await session.fork() as fork:
            assert (await fork.send("r")).text == "b"
        assert (await session.export())["id"] == "mine"
        await session.save()
    assert len(await made.list_sessions(store)) == 2
    assert await made.import_session(await made.export_session("mine", store), store, "copy") == "copy"
    assert await made.delete_session("mine", store) is True
    async with await made.resume_session("copy", options(store)) as copy:
        assert len(copy.history()) == 2
    async with await made.fork_session("copy", options(store)) as fork:
        assert len(fork.history()) == 2


# ------------------------------------------------------------ stores that cannot be used


def test_a_damaged_store_is_named_with_a_remedy(work: Path, place: str) -> None:
    Path(place).mkdir()
    (Path(place) / "sessions.db").write_bytes(b"not a database at all " * 100)
    with pytest.raises(a3s.StoreError, match=r"sessions\.db cannot be used .*give FileSessionStore another folder"):
        agent().session(str(work), options(a3s.FileSessionStore(place)))


def test_a_store_of_a_newer_version_is_left_alone(work: Path, place: str) -> None:
    with agent().session(str(work), options(a3s.FileSessionStore(place))):
        pass
    with sqlite3.connect(Path(place) / "sessions.db") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(a3s.StoreError, match="newer a3s-lsp; update"):
        agent().session(str(work), options(a3s.FileSessionStore(place)))
