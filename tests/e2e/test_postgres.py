"""Sessions in a real PostgreSQL: held by one process at a time, through restarts and lost answers, without secrets."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import SessionBusy, StoreError
from a3s_lsp.engine.store.postgres import PostgresStore
from a3s_lsp.testing import Pause, Reply, ScriptedModel
from tests.postgres import PASSWORD, PostgresServer, postgres_programs

pytestmark = pytest.mark.e2e

OPENS = """
import sys
from a3s_lsp.engine import facts as f
from a3s_lsp.engine.store.postgres import PostgresStore
store = PostgresStore(sys.argv[1], sys.argv[2])
store.open("a")
position = len(list(store.read("a"))) if store.info("a") else 0
store.append("a", [f.Record(position, "r", position, 1, f.RunStarted("of the other"))], sync=True)
print("open", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def schema() -> str:
    return f"t{uuid.uuid4().hex}"


@contextmanager
def program(text: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another process; it has come to where it prints something."""
    pipe = subprocess.PIPE
    running = subprocess.Popen([sys.executable, "-c", text, *arguments], stdin=pipe, stdout=pipe, text=True)
    with running:
        try:
            assert running.stdout is not None and running.stdout.readline().strip()
            yield running
        finally:
            running.kill()


def records(*facts: f.Fact, start: int = 0) -> list[f.Record]:
    return [f.Record(position, "r", position, 1, fact) for position, fact in enumerate(facts, start)]


def test_a_session_of_another_process_is_busy_until_that_is_killed(postgres: PostgresServer, schema: str) -> None:
    store = PostgresStore(postgres.dsn, schema)
    with program(OPENS, postgres.dsn, schema) as other:
        told = rf"process {other.pid} on {socket.gethostname()}, since \d{{4}}-.*close it there, fork it"
        with pytest.raises(SessionBusy, match=told):
            store.open("a")
        with pytest.raises(SessionBusy):
            store.delete("a")
        assert store.sessions()[0].status == "running"
    assert _until(lambda: store.sessions()[0].status == "interrupted")
    store.open("a")
    store.append("a", records(f.RunResumed(), start=1), sync=True)
    store.close()


def test_a_server_that_restarts_is_connected_again(schema: str) -> None:
    server = PostgresServer(postgres_programs())
    try:
        server.start()
        store = PostgresStore(server.dsn, schema)
        store.open("a")
        store.append("a", records(f.RunStarted("go"), f.TurnStarted(1)), sync=True)
        server.stop("immediate")
        again = threading.Timer(0.5, server.start)
        again.start()
        store.append("a", records(f.TextStreamed("on"), start=2), sync=True)
        again.join()
        assert [record.fact for record in store.read("a")] == [
            f.RunStarted("go"),
            f.TurnStarted(1),
            f.TextStreamed("on"),
        ]
        server.stop("fast")
        with pytest.raises(StoreError, match=rf"PostgreSQL \(.*port={server.port}.*cannot be used"):
            store.append("a", records(f.TextStreamed("off"), start=3), sync=True)
    finally:
        server.remove()


def test_a_commit_whose_answer_is_lost_is_made_once(postgres: PostgresServer, schema: str) -> None:
    with Cutting(postgres.port) as proxy:
        store = PostgresStore(postgres.dsn.replace(str(postgres.port), str(proxy.port)), schema)
        store.append("a", records(f.RunStarted("go")), sync=True)
        proxy.cut_after = b"COMMIT"
        store.append("a", records(f.TextStreamed("once"), f.TurnStarted(1), start=1), sync=True)
        assert proxy.cut_after is None, "an answer was lost"
        assert [record.fact for record in store.read("a")] == [
            f.RunStarted("go"),
            f.TextStreamed("once"),
            f.TurnStarted(1),
        ]
        assert store.sessions()[0].messages == 1
        store.close()


def test_whoever_lost_the_connection_does_not_write_what_others_have_taken(
    postgres: PostgresServer, schema: str
) -> None:
    with Cutting(postgres.port) as proxy:
        store = PostgresStore(postgres.dsn.replace(str(postgres.port), str(proxy.port)), schema)
        store.open("a")
        store.append("a", records(f.RunStarted("go")), sync=True)
        proxy.cut()
        with (
            program(OPENS, postgres.dsn, schema) as other,
            pytest.raises(SessionBusy, match=f"process {other.pid} "),
        ):
            store.append("a", records(f.TextStreamed("lost"), start=1), sync=True)
        assert [record.fact for record in store.read("a")] == [f.RunStarted("go"), f.RunStarted("of the other")]
        store.close()


def test_a_run_that_was_killed_goes_on_in_another_process(
    postgres: PostgresServer, schema: str, tmp_path: Path
) -> None:
    begins = """
import sys
import a3s_lsp as a3s
from a3s_lsp.testing import Pause, Reply, ScriptedModel, call
pause = Pause()
model = ScriptedModel([Reply("", (call("write", file_path="made", content="by the first"),)), Reply("no", pause=pause)])
agent = a3s.Agent.with_model(model)
session = agent.session(
    sys.argv[3], session_store=a3s.PostgresSessionStore(sys.argv[1], sys.argv[2]), session_id="cut",
    permission_policy=a3s.PermissionPolicy(default_decision="allow"),
)
stream = session.stream("make it")
pause.wait(30)
print("asked", flush=True)
sys.stdin.readline()
"""
    with program(begins, postgres.dsn, schema, str(tmp_path)):
        pass
    store = a3s.PostgresSessionStore(postgres.dsn, schema)
    assert _until(lambda: store.sessions()[0]["status"] == "interrupted")
    options = a3s.SessionOptions()
    options.session_store = store
    with a3s.Agent.with_model(ScriptedModel(["went on"])).resume_session("cut", options) as session:
        result = session.resume()
        assert result is not None and result.text == "went on"
        assert [row["role"] for row in session.history()] == ["user", "assistant", "user", "assistant"]
    assert (tmp_path / "made").read_text() == "by the first"


def test_the_configuration_may_name_the_database(postgres: PostgresServer, tmp_path: Path) -> None:
    config = f"""
default_model   = "offline/assistant"
storage_backend = "custom"
storage_url     = "{postgres.dsn}"
"""
    name = uuid.uuid4().hex
    with a3s.Agent.create(config).session(str(tmp_path), session_id=name) as session:
        session.send("hello")
    agent = a3s.Agent.create(config)
    assert name in {row["id"] for row in agent.list_sessions()}
    assert len(agent.resume_session(name, a3s.SessionOptions()).history()) == 2
    assert PASSWORD not in json.dumps(agent.export_session(name))


async def test_many_sessions_of_one_store_stream_at_once(postgres: PostgresServer, schema: str, tmp_path: Path) -> None:
    store = a3s.PostgresSessionStore(postgres.dsn, schema)
    pause = Pause()
    chunks = tuple(f"{n} " for n in range(40))
    agents = [a3s.AsyncAgent.with_model(ScriptedModel([Reply(chunks=chunks, pause=pause)])) for _ in range(10)]
    sessions = [await agent.session(str(tmp_path), session_store=store) for agent in agents]
    streams = [session.stream("count") for session in sessions]
    pause.release()
    for session, stream in zip(sessions, streams, strict=True):
        shown = [event async for event in stream]
        assert "".join(event.text or "" for event in shown if event.event_type == "text_delta") == "".join(chunks)
        stored = await session.run_events(str(session.runs()[0]["id"]))
        assert [event["sequence"] for event in stored] == list(range(len(stored)))
        await session.close()


def test_the_password_is_in_no_repr_and_in_no_error(
    postgres: PostgresServer, schema: str, capfd: pytest.CaptureFixture[str]
) -> None:
    store = a3s.PostgresSessionStore(postgres.dsn, schema)
    assert repr(store) == (
        f'PostgresSessionStore("host=127.0.0.1 port={postgres.port} dbname=postgres user=a3s", schema="{schema}")'
    )
    said = [repr(store), str(vars(store))]
    for dsn in (
        postgres.dsn.replace(PASSWORD, f"wrong-{PASSWORD}"),
        f"host=127.0.0.1 port=1 user=a3s password={PASSWORD}",
        f"host=127.0.0.1 port={postgres.port} user=a3s dbname=none password='{PASSWORD}'",
        f"postgresql://a3s:{PASSWORD}@[broken",
        f"{PASSWORD} and more",
        f"postgresql://a3s:p@{PASSWORD}@127.0.0.1:{postgres.port}/postgres",
        f"postgresql://a3s:{PASSWORD}/p@127.0.0.1:{postgres.port}/postgres",
        "",
        f"host=127.0.0.1 nonsense=1 password={PASSWORD}",
    ):
        with pytest.raises(StoreError) as caught:
            a3s.PostgresSessionStore(dsn, schema).sessions()
        error: BaseException | None = caught.value
        while error is not None:
            said.append(f"{error} {error!r}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    out, err = capfd.readouterr()
    assert PASSWORD not in " ".join([*said, out, err])


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"install a3s-lsp\[postgres\]"):
        a3s.PostgresSessionStore("postgresql://a3s@127.0.0.1/a3s")


def test_tables_of_a_newer_version_are_left_alone(postgres: PostgresServer, schema: str) -> None:
    import psycopg

    store = PostgresStore(postgres.dsn, schema)
    store.append("a", records(f.RunStarted("go")), sync=True)
    store.close()
    with psycopg.connect(postgres.dsn, autocommit=True) as db:
        db.execute(f"UPDATE {schema}.meta SET version = 99".encode())
    with pytest.raises(StoreError, match="newer a3s-lsp"):
        store.sessions()


def test_two_processes_that_are_the_first_make_the_tables_once(postgres: PostgresServer, schema: str) -> None:
    stores = [PostgresStore(postgres.dsn, schema) for _ in range(8)]
    threads = [threading.Thread(target=store.sessions) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for number, store in enumerate(stores):
        store.append(f"of {number}", records(f.RunStarted("go")), sync=False)
    assert len(stores[0].sessions()) == 8
    for store in stores:
        store.close()


def _until(true: Callable[[], bool]) -> bool:
    """Whether it becomes true within ten seconds: a server takes a moment to see that a client is gone."""
    waiting = threading.Event()
    return any(true() or waiting.wait(0.05) for _ in range(200))


class Cutting:
    """Between a client and the server; `cut` breaks the connections, `cut_after` the one whose client says that."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut_after: bytes | None = None
        self._open: list[socket.socket] = []

    def __enter__(self) -> Cutting:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        for each in self._open:
            _shut(each)
        self._open.clear()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._open += [client, server]
            threading.Thread(target=self._pass, args=(client, server), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                lost = self.cut_after is not None and self.cut_after in data
                if lost:
                    self.cut_after = None
                    _shut(source)  # the client hears nothing more; the server gets what it said
                sink.sendall(data)
                if lost:
                    return
        except OSError:
            pass
        finally:
            _shut(source)


def _shut(each: socket.socket) -> None:
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        each.close()
