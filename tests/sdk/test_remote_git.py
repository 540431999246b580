"""The tool git of a repository behind an HTTP service: what is asked for, what is shown, what can go wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import Reply, ScriptedModel, call

ANSWERS: dict[str, object] = {
    "exists": {"is_repository": True},
    "status": {"branch": "main", "commit": "abcdef1 first", "is_worktree": False, "is_dirty": True, "dirty_count": 2},
    "log": {
        "commits": [
            {"id": f"{number}bcdef1234567", "message": "first\n\nbody", "author": "Ann", "date": "2024-01-02"}
            for number in range(4)
        ]
    },
    "branches": {"branches": [{"name": "main", "is_current": True}, {"name": "other", "is_current": False}]},
    "branches/create": {},
    "checkout": {"stdout": "Switched"},
    "diff": {"diff": "@@ -1 +1 @@\n-a\n+b\n", "truncated": False},
    "remotes": {"remotes": [{"name": "origin", "url": "https://u:hidden@h/r", "direction": "fetch"}]},
    "stashes": {"stashes": [{"index": 0, "message": "wip"}]},
    "stashes/create": {},
}


@dataclass(slots=True)
class Service:
    """A running service; `asked` has operations with their bodies and tokens."""

    address: str = ""
    answers: dict[str, object] = field(default_factory=lambda: dict(ANSWERS))
    status: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, object, str | None]] = field(default_factory=list)


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
            operation = self.path.removeprefix("/v1/repos/team/repo%201/git/")
            made.asked.append((operation, body, self.headers.get("Authorization")))
            answer = made.answers.get(operation, {})
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(made.status.get(operation, 201 if operation.endswith("create") else 200))
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            try:
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                return

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def a_session(service: Service, folder: Path, *replies: str | Reply, **limits: int) -> a3s.Session:
    options = a3s.SessionOptions()
    options.workspace_backend = a3s.LocalWorkspaceBackend(str(folder))
    options.remote_git = a3s.RemoteGitBackendConfig(f"{service.address}/", "team/repo 1", "a-bearer-token-1", **limits)  # type: ignore[arg-type]  # limits are numbers
    options.permission_policy = a3s.PermissionPolicy(default_decision="allow")
    return a3s.Agent.with_model(ScriptedModel([*replies])).session(str(folder), options)


def test_looking_shows_what_the_service_says(service: Service, tmp_path: Path) -> None:
    session = a_session(service, tmp_path)
    status = session.git("status")
    assert status.output == (
        f"Workspace: {tmp_path}\nBranch:    main\nCommit:    abcdef1 first\n"
        "Status:    2 uncommitted change(s)\nWorktree:  no (main)"
    )
    assert status.metadata == {"branch": "main", "dirty_count": 2, "is_dirty": True, "is_worktree": False}
    assert session.git("branch").output == "Branches:\n* main\n  other"
    assert session.git("diff", target="HEAD~1").output == "@@ -1 +1 @@\n-a\n+b\n"
    assert session.git("stash").output == "Stashes:\n0: wip"
    assert session.git("remote").output == "Remotes:\norigin\thttps://***@h/r (fetch)"
    assert {token for _, _, token in service.asked} == {"Bearer a-bearer-token-1"}
    assert service.asked[-3][:2] == ("stashes", None) or ("diff", {"target": "HEAD~1"}) in [
        (operation, body) for operation, body, _ in service.asked
    ]


def test_changing_asks_for_just_that(service: Service, tmp_path: Path) -> None:
    session = a_session(service, tmp_path)
    assert session.git("branch", name="feat", base="main").output == "Created branch: feat (based on main)"
    assert session.git("checkout", reference="feat", force=True).output == "Checked out: feat\nSwitched"
    assert session.git("stash", message="wip", include_untracked=True).output == "Created stash"
    assert [(operation, body) for operation, body, _ in service.asked if operation != "exists"] == [
        ("branches/create", {"name": "feat", "base": "main"}),
        ("checkout", {"refspec": "feat", "force": True}),
        ("stashes/create", {"message": "wip", "include_untracked": True}),
    ]


def test_limits_hold_whatever_the_service_sends(service: Service, tmp_path: Path) -> None:
    session = a_session(service, tmp_path, max_log_entries=2, max_diff_bytes=10)
    log = session.git("log", max_count=100)
    assert log.metadata == {"count": 2}
    assert log.output.startswith("Commit log (2 entries):\n\n0bcdef1 - Ann (2024-01-02)\n  first\n\n1bcdef1")
    assert "body" not in log.output
    assert ("log", {"max_count": 2}) in [(operation, body) for operation, body, _ in service.asked]
    assert session.git("diff").output == "@@ -1 +1 @\n[The diff is longer; ask for less of it with target.]"
    service.answers["diff"] = {"diff": "x" * 100_000}
    assert "more than 65536 bytes" in session.git("diff").output


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (409, "remote_git_conflict", "BRANCH_EXISTS: it is there"),
        (422, "remote_git_conflict", "BRANCH_EXISTS"),
        (404, "not_found", "not found"),
        (401, "backend", "auth failed"),
        (500, "backend", "failed in the service"),
        (302, "backend", "HTTP 302"),
    ],
)
def test_refusals_are_typed(service: Service, tmp_path: Path, status: int, kind: str, told: str) -> None:
    service.answers["branches/create"] = {"error": {"code": "BRANCH_EXISTS", "message": "it is there"}}
    service.status["branches/create"] = status
    service.headers["Location"] = f"{service.address}/elsewhere"
    result = a_session(service, tmp_path).git("branch", name="feat")
    assert result.exit_code == 1
    assert result.error_kind is not None
    assert result.error_kind["type"] == kind
    assert told in result.output
    assert "elsewhere" not in [operation for operation, _, _ in service.asked]
    if kind == "remote_git_conflict":
        assert result.error_kind["code"] == "BRANCH_EXISTS"


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense", b"[]", b"null", b"{" * 5000, {"branches": 3}, {"branches": [3, {"name": 4}]}]
)
def test_odd_answers_do_no_harm(service: Service, tmp_path: Path, answer: object) -> None:
    service.answers["branches"] = answer
    session = a_session(service, tmp_path)
    assert session.git("branch").exit_code in (0, 1)
    assert session.git("status").exit_code == 0


def test_a_service_that_is_away_or_knows_no_repository(service: Service, tmp_path: Path) -> None:
    service.answers["exists"] = {"is_repository": False}
    assert "Not a git repository: team/repo 1" in a_session(service, tmp_path).git("status").output
    service.address = "http://127.0.0.1:9"
    away = a_session(service, tmp_path).git("status")
    assert away.exit_code == 1
    assert "could not be asked" in away.output


@pytest.mark.parametrize(
    "args",
    [{"command": "worktree"}, {"command": "show"}, {"command": "checkout"}, {"command": "checkout", "ref": "--x"}],
)
def test_what_cannot_be_done_is_said_without_asking(service: Service, tmp_path: Path, args: dict[str, object]) -> None:
    assert a_session(service, tmp_path).git_command(args).exit_code == 1
    assert [operation for operation, _, _ in service.asked if operation != "exists"] == []


def test_the_policy_sees_the_words_and_the_token_is_never_told(service: Service, tmp_path: Path) -> None:
    service.answers["checkout"] = {"stdout": "hello a-bearer-token-1"}
    session = a_session(service, tmp_path, Reply(calls=(call("git", command="checkout", ref="main"),)), "done")
    [ended] = [event for event in session.stream("go") if event.event_type == "tool_end"]
    assert ended.exit_code == 0
    assert "a-bearer-token-1" not in (ended.tool_output or "")
    config = a3s.RemoteGitBackendConfig("https://u:pw@h", "r", "a-bearer-token-1")
    assert repr(config) == 'RemoteGitBackendConfig(base_url="https://h", repo_id="r")'
    denied = a3s.PermissionPolicy(deny=["git(checkout:*)"], default_decision="allow")
    options = a3s.SessionOptions()
    options.workspace_backend = a3s.LocalWorkspaceBackend(str(tmp_path))
    options.remote_git = a3s.RemoteGitBackendConfig(service.address, "team/repo 1")
    options.permission_policy = denied
    model = ScriptedModel([Reply(calls=(call("git", command="checkout", ref="main"),)), "done"])
    before = len(service.asked)
    a3s.Agent.with_model(model).session(str(tmp_path), options).send("go")
    assert len(service.asked) == before


def test_what_is_wrong_with_it_is_said_when_the_session_is_made(tmp_path: Path) -> None:
    agent = a3s.Agent.with_model(ScriptedModel([]))
    folder = str(tmp_path)
    place = a3s.LocalWorkspaceBackend(folder)
    with pytest.raises(ValueError, match="workspace_backend"):
        agent.session(folder, remote_git=a3s.RemoteGitBackendConfig("http://h", "r"))
    for config in (
        a3s.RemoteGitBackendConfig("ftp://h", "r"),
        a3s.RemoteGitBackendConfig("http://h", "../r"),
        a3s.RemoteGitBackendConfig("http://h", ""),
        a3s.RemoteGitBackendConfig("http://h", "r", client_cert_pem="c.pem"),
    ):
        with pytest.raises(ValueError, match=r"base_url|repo_id|client_key_pem"):
            agent.session(folder, workspace_backend=place, remote_git=config)
    with pytest.raises(TypeError):
        agent.session(folder, workspace_backend=place, remote_git="http://h")  # type: ignore[arg-type]  # on purpose


def test_a_session_in_a_bucket_can_have_a_repository(service: Service) -> None:
    options = a3s.SessionOptions()
    options.workspace_backend = a3s.S3WorkspaceBackend("b", "p", "key", "secret", endpoint="http://127.0.0.1:9")
    options.remote_git = a3s.RemoteGitBackendConfig(service.address, "team/repo 1")
    session = a3s.Agent.with_model(ScriptedModel([])).session("s3://b/p", options)
    assert "git" in session.tool_names()
    assert session.git("status").output.startswith("Workspace: s3://b/p\n")
