"""Session logs: what was written is there, also for another process, and two never write one session."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import sqlite3
import stat
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import SessionBusy, SessionNotFound, StoreError
from a3s_lsp.engine.messages import AssistantMessage, ToolCall, Usage
from a3s_lsp.engine.ports import SessionInfo, SessionStore
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.store.postgres import PostgresStore
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.engine.store.sqlite_file import on_network
from a3s_lsp.engine.tools.limits import Artifact
from tests.postgres import PostgresServer

EMPTY = SessionInfo("", "", "", 0, "", 0)


def record(position: int, fact: f.Fact, run: str | None = "r") -> f.Record:
    return f.Record(position, run, position, 1_000 + position, fact)


LOG = [
    record(0, f.SessionOpened("/w", "p/m"), None),
    record(1, f.RunStarted("fix the bug\nplease")),
    record(2, f.TurnEnded(1, AssistantMessage("ok", (ToolCall("c", "bash", "{}"),), "why"), Usage(3, 4, cost=0.5))),
    record(
        3, f.CallEnded("c", "bash", "out\x00put \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), 0)
    ),
    record(4, f.RunEnded("completed", "ok")),
]


KINDS = ["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.e2e)]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SessionStore]:
    """All that is asked of a store is asked of each."""
    if request.param == "memory":
        yield MemoryStore()
        return
    made: SQLiteStore | PostgresStore
    if request.param == "sqlite":
        made = SQLiteStore(tmp_path / "s.db")
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        made = PostgresStore(server.dsn, f"t{uuid.uuid4().hex}")
    yield made
    made.close()


def test_what_was_appended_is_read_back_in_order(store: SessionStore) -> None:
    store.append("a", LOG[:2], sync=False)
    store.append("a", LOG[2:], sync=True)
    assert list(store.read("a")) == LOG


def test_the_list_has_title_status_and_count_and_the_newest_is_first(store: SessionStore) -> None:
    store.append("a", LOG, sync=False)
    store.append("b", [f.Record(0, "r", 0, 9_000, f.RunStarted("later"))], sync=False)
    rows = store.sessions()
    assert [row.id for row in rows] == ["b", "a"]
    assert (rows[1].title, rows[1].status, rows[1].messages, rows[1].workspace) == ("fix the bug", "completed", 2, "/w")


def test_a_deleted_session_is_gone(store: SessionStore) -> None:
    store.append("a", LOG, sync=False)
    assert store.delete("a") is True
    assert store.delete("a") is False
    assert store.sessions() == []
    with pytest.raises(SessionNotFound):
        store.read("a")


def test_ids_that_look_alike_on_a_disk_are_different_sessions(store: SessionStore) -> None:
    names = ["a/b", "a_b", "..", "A_b", "a_b ", "e\u0301", "\u00e9", "'; DROP TABLE sessions; --", "%s", "ä" * 500]
    for name in names:
        store.open(name)
        store.append(name, [record(0, f.RunStarted(f"of {name}"))], sync=False)
    assert {row.id for row in store.sessions()} == set(names)
    assert all(next(iter(store.read(name))).fact == f.RunStarted(f"of {name}") for name in names)


def test_a_batch_is_written_whole_or_not_at_all(store: SessionStore) -> None:
    store.append("a", LOG[:2], sync=False)
    with pytest.raises(StoreError, match="continued elsewhere"):
        store.append("a", [record(2, f.RunResumed()), record(1, f.RunResumed())], sync=False)
    assert list(store.read("a")) == LOG[:2]
    store.append("a", LOG[2:], sync=False)


def test_what_is_appended_again_is_there_once(store: SessionStore) -> None:
    store.append("a", LOG[:2], sync=False)
    store.append("a", LOG[:2], sync=False)
    store.append("a", LOG, sync=True)
    assert list(store.read("a")) == LOG
    row = store.info("a")
    assert row is not None and (row.messages, row.status) == (2, "completed")


def test_a_session_that_was_deleted_while_it_was_open_is_not_continued(store: SessionStore) -> None:
    store.append("a", LOG[:2], sync=False)
    assert store.delete("a") is True
    with pytest.raises(StoreError, match="Session a was deleted"):
        store.append("a", LOG[2:], sync=False)
    assert store.info("a") is None and store.sessions() == []


def test_a_session_is_in_the_list_as_it_is_alone(store: SessionStore) -> None:
    store.append("a", [*LOG, record(5, f.SessionForked("origin"), None)], sync=False)
    assert store.info("nobody") is None
    assert store.sessions() == [store.info("a")]
    assert store.sessions()[0].origin == "origin"


def test_a_session_may_be_opened_again_in_the_same_program(store: SessionStore) -> None:
    for _ in range(2):
        store.open("a")
    store.append("a", LOG[:1], sync=True)
    for _ in range(3):
        store.release("a")
    store.open("a")


@pytest.mark.parametrize("text", ["nul \0 and bell \a", "half \ud800 a pair", "\U0001f600 " * 50])
def test_any_text_is_stored_and_has_a_title(store: SessionStore, text: str) -> None:
    log = [record(0, f.SessionOpened(f"/w/{text}", "p/m"), None), record(1, f.RunStarted(text))]
    store.append("a", log, sync=False)
    assert list(store.read("a")) == log
    assert store.sessions()[0].title.isprintable()


@given(
    facts=st.lists(
        st.builds(f.TextStreamed, st.text()) | st.builds(f.CallAnnounced, st.text(), st.text()), max_size=30
    ),
    cuts=st.lists(st.integers(0, 30), max_size=4),
)
@settings(max_examples=30)
def test_however_a_log_is_cut_into_batches_and_repeated_it_is_read_as_it_was(
    facts: list[f.Fact], cuts: list[int]
) -> None:
    log = [record(position, fact) for position, fact in enumerate(facts, 1)]
    log.insert(0, record(0, f.RunStarted("go")))
    with tempfile.TemporaryDirectory() as folder:
        stores = MemoryStore(), SQLiteStore(Path(folder, "s.db"))
        for store in stores:
            for start, end in itertools.pairwise([0, *sorted(min(cut, len(log)) for cut in cuts), len(log)]):
                store.append("a", log[start:end], sync=False)
                store.append("a", log[:end], sync=False)
            assert list(store.read("a")) == log
        assert stores[0].info("a") == replace(stores[1].info("a") or EMPTY, status="running")
        stores[1].close()


def _hold(path: Path, held: multiprocessing.synchronize.Event, end: multiprocessing.synchronize.Event) -> None:
    store = SQLiteStore(path)
    store.open("a")
    store.append("a", LOG[:2], sync=False)
    held.set()
    end.wait(30)
    os._exit(9)  # as a killed process: nothing is given back by hand


def test_a_session_that_another_process_has_is_busy_until_that_process_dies(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, end = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path / "s.db", held, end))
    other.start()
    try:
        assert held.wait(30)
        store = SQLiteStore(tmp_path / "s.db")
        with pytest.raises(SessionBusy, match=f"process {other.pid}"):
            store.open("a")
        with pytest.raises(SessionBusy):
            store.delete("a")
        assert store.sessions()[0].status == "running"
    finally:
        end.set()
        other.join(30)
    store.open("a")
    assert list(store.read("a")) == LOG[:2]


def test_a_run_of_a_dead_process_is_listed_as_interrupted(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "s.db")
    store.open("a")
    store.append("a", LOG[:2], sync=False)
    assert store.sessions()[0].status == "running"
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute("UPDATE owners SET pid = 4194999")  # beyond the largest pid there is
    assert SQLiteStore(tmp_path / "s.db").sessions()[0].status == "interrupted"


def test_a_locked_database_is_named_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("a3s_lsp.engine.store.sqlite_file._BUSY_SECONDS", 0.05)
    store = SQLiteStore(tmp_path / "s.db")
    store.append("a", LOG[:1], sync=False)
    other = sqlite3.connect(tmp_path / "s.db")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process: try again"):
        store.append("a", LOG[1:], sync=False)
    other.rollback()
    other.close()
    store.append("a", LOG[1:], sync=False)
    assert list(store.read("a")) == LOG


def test_a_file_that_is_no_database_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"this is not a database, it is a text of some length" * 100)
    with pytest.raises(StoreError, match=r"s\.db cannot be used .*move it away"):
        SQLiteStore(tmp_path / "s.db").sessions()


def test_a_place_that_cannot_be_a_folder_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="A3S_STATE_DIR"):
        SQLiteStore(tmp_path / "file" / "s.db").open("a")


def test_a_log_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    SQLiteStore(tmp_path / "s.db").sessions()
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer a3s-lsp"):
        SQLiteStore(tmp_path / "s.db").sessions()


def test_the_log_is_only_for_its_owner(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "state" / "s.db")
    store.append("a", LOG, sync=True)
    for path in (tmp_path / "state").rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.parametrize("kind", ["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.e2e)])
def test_long_outputs_lie_in_the_order_of_their_age_and_go_with_their_session(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store: MemoryStore | SQLiteStore | PostgresStore = MemoryStore(outputs=True)
    if kind == "sqlite":
        store = SQLiteStore(tmp_path / "s.db")
    if kind == "postgres":
        store = PostgresStore(request.getfixturevalue("postgres").dsn, f"t{uuid.uuid4().hex}")
    first, second = (Artifact("bash", name, f"{name} \0 ü\n" * 100, 1100, 50) for name in ("one", "two"))
    store.append("a", LOG, sync=False)
    shelf = store.shelf("a")
    for artifact in (first, second, first):
        shelf.drop(artifact.uri)
        shelf.put(artifact)
    assert shelf.listed() == [(second.uri, 1100), (first.uri, 1100)]
    assert shelf.get(second.uri) == second
    assert store.shelf("b").listed() == []
    shelf.drop(second.uri)
    assert shelf.get(second.uri) is None
    assert store.delete("a") is True
    assert store.shelf("a").listed() == []
    if not isinstance(store, MemoryStore):
        store.close()


@pytest.mark.parametrize(
    ("kind", "shared"),
    [
        ("nfs4", True),
        ("cifs", True),
        ("fuse.sshfs", True),
        ("9p", True),
        ("ext4", False),
        ("tmpfs", False),
        ("", False),
    ],
)
def test_a_folder_of_other_machines_is_told_from_its_mount(tmp_path: Path, kind: str, shared: bool) -> None:
    mounted = [("/", "ext4"), (str(tmp_path), kind), (str(tmp_path / "else"), "nfs")]
    assert on_network(tmp_path / "sessions" / "s.db", mounted) is shared
    assert on_network(Path("/nowhere/s.db"), mounted) is False
    (tmp_path / "link").symlink_to(tmp_path / "else")
    assert on_network(tmp_path / "link" / "s.db", mounted) is True


def test_on_a_network_folder_nothing_is_kept_that_needs_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "psutil.disk_partitions", lambda all: [SimpleNamespace(mountpoint=str(tmp_path), fstype="nfs4")]
    )
    store = SQLiteStore(tmp_path / "s.db")
    store.append("a", LOG, sync=True)
    assert list(store.read("a")) == LOG
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["s.db"]
    store.close()


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.executescript(
            """CREATE TABLE sessions (
                id TEXT PRIMARY KEY, workspace TEXT NOT NULL, title TEXT NOT NULL, updated_ms INTEGER NOT NULL,
                status TEXT NOT NULL, messages INTEGER NOT NULL, owner_pid INTEGER
            ) WITHOUT ROWID;
            CREATE TABLE facts (
                session_id TEXT NOT NULL, position INTEGER NOT NULL, run_id TEXT, seq INTEGER, time_ms INTEGER NOT NULL,
                fact TEXT NOT NULL, PRIMARY KEY (session_id, position)
            ) WITHOUT ROWID;
            INSERT INTO sessions VALUES ('a', '/w', 'go', 1, 'running', 1, 4194999);
            INSERT INTO facts VALUES ('a', 0, 'r', 0, 1, '{"type": "run_started", "prompt": "go"}');
            PRAGMA user_version = 1;"""
        )
    db.close()
    store = SQLiteStore(tmp_path / "s.db")
    assert store.sessions() == [SessionInfo("a", "/w", "go", 1, "interrupted", 1)]
    store.open("a")
    store.append("a", [record(1, f.RunResumed())], sync=True)
    assert [each.fact for each in store.read("a")] == [f.RunStarted("go"), f.RunResumed()]
    store.close()


def test_a_thousand_open_sessions_cost_one_lock(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "s.db")
    before = len(list(Path("/dev/fd").iterdir()))
    for number in range(1000):
        store.open(f"of {number}")
    assert len(list(Path("/dev/fd").iterdir())) - before < 10
    store.close()
