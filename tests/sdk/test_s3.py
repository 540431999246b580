"""Sessions in a bucket: the tools of files work there, and nothing is written over what somebody else wrote."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

import pytest

import a3s_lsp as a3s
from a3s_lsp.sdk.named_options import NamedOptions
from a3s_lsp.testing import Reply, ScriptedModel, call
from tests.sdk.s3_server import backend, make_bucket, s3_server


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(endpoint: str) -> str:
    return make_bucket(endpoint, f"b-{uuid.uuid4()}")


def a_session(
    place: a3s.S3WorkspaceBackend | a3s.LocalWorkspaceBackend | None,
    *replies: str | Reply,
    workspace: str = "s3://b/p",
    **named: Unpack[NamedOptions],
) -> a3s.Session:
    named |= {"workspace_backend": place, "permission_policy": a3s.PermissionPolicy(default_decision="allow")}
    return a3s.Agent.with_model(ScriptedModel([*replies])).session(workspace, None, **named)


def test_files_are_written_read_edited_patched_and_listed(endpoint: str, bucket: str) -> None:
    session = a_session(backend(endpoint, bucket))
    wrote = session.write_file("notes/h.txt", "one\ntwo\n")
    assert wrote.output == f"Wrote 8 bytes (2 lines) to s3://{bucket}/p/notes/h.txt"
    assert session.read_file("notes/h.txt") == "     1\tone\n     2\ttwo\n"
    assert session.edit_file("./notes//h.txt", "one", "uno").exit_code == 0
    assert session.patch_file(f"s3://{bucket}/p/notes/h.txt", "@@ -1,2 +1,2 @@\n uno\n-two\n+dos").exit_code == 0
    assert session.read_file("notes/h.txt") == "     1\tuno\n     2\tdos\n"
    session.write_file("top.txt", "x" * 2048)
    listed = session.ls().output
    assert listed == f"Directory: s3://{bucket}/p\n\ndir          0B  notes/\nfile      2.0KB  top.txt\n\n2 entries\n"


def test_a_file_is_renamed_and_deleted_by_patches(endpoint: str, bucket: str) -> None:
    session = a_session(backend(endpoint, bucket))
    session.write_file("a.txt", "one\n")
    moved = session.patch_file("a.txt", "diff --git a/a.txt b/b.txt\nrename from a.txt\nrename to b.txt\n")
    assert moved.exit_code == 0, moved.output
    assert session.read_file("a.txt").exit_code == 1
    assert session.read_file("b.txt") == "     1\tone\n"
    gone = session.patch_file("b.txt", "--- a/b.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n")
    assert gone.exit_code == 0, gone.output
    assert session.ls().output.endswith("(empty directory)\n")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "C:/x", "file:///etc/passwd", "s3://other/p/x"])
def test_paths_that_leave_the_prefix_are_refused(endpoint: str, bucket: str, path: str) -> None:
    session = a_session(backend(endpoint, bucket))
    for result in (session.tool("read", {"file_path": path}), session.write_file(path, "x")):
        assert result.exit_code == 1
        assert "not supported" in result.output or "escapes" in result.output


def test_what_the_disk_has_is_never_looked_at(endpoint: str, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("local secret", encoding="utf-8")
    session = a_session(backend(endpoint, bucket), workspace=str(tmp_path))
    assert "local secret" not in session.read_file("AGENTS.md")
    assert session.workspace == str(tmp_path)
    assert {"bash", "git", "grep", "glob"}.isdisjoint(session.tool_names())
    assert session.tool("bash", {"command": "ls"}).output.startswith("Unknown tool: bash")


def test_an_edit_meets_what_another_session_wrote_elsewhere_in_the_file(endpoint: str, bucket: str) -> None:
    place = backend(endpoint, bucket)
    first, second = a_session(place), a_session(place)
    first.write_file("f.txt", "a\nb\nc\n")
    assert second.edit_file("f.txt", "c", "C").exit_code == 0
    assert first.edit_file("f.txt", "a", "A").exit_code == 0
    assert first.read_file("f.txt") == "     1\tA\n     2\tb\n     3\tC\n"


def test_a_model_that_writes_over_a_newer_version_gets_a_typed_conflict(endpoint: str, bucket: str) -> None:
    place = backend(endpoint, bucket)
    other = a_session(place)
    other.write_file("f.txt", "one\n")
    replies = (
        Reply(calls=(call("read", file_path="f.txt"),)),
        Reply(calls=(call("write", file_path="f.txt", content="mine\n"),)),
        "done",
    )
    session = a_session(place, *replies)
    for event in session.stream("go"):
        if event.event_type == "tool_end" and event.tool_name == "read":
            other.write_file("f.txt", "theirs\n")
        if event.event_type == "tool_end" and event.tool_name == "write":
            assert event.exit_code == 1
            kind = json.loads(event.error_kind_json or "{}")
            assert kind["type"] == "version_conflict"
            assert kind["path"] == f"s3://{bucket}/p/f.txt"
            assert kind["expected"] != kind["actual"]
    assert other.read_file("f.txt") == "     1\ttheirs\n"


async def test_no_update_is_lost_when_many_edit_one_object(endpoint: str, bucket: str) -> None:
    place = backend(endpoint, bucket)

    async def session() -> a3s.AsyncSession:
        return await a3s.AsyncAgent.with_model(ScriptedModel([])).session("s3://b/p", workspace_backend=place)

    sessions = [await session() for _ in range(4)]
    await sessions[0].write_file("n.txt", "0\n")

    async def count_up(one: a3s.AsyncSession) -> int:
        done = 0
        for _ in range(100):
            now = int(str(await one.read_file("n.txt")).split("\t")[1])
            done += (await one.edit_file("n.txt", f"{now}\n", f"{now + 1}\n")).exit_code == 0
            if done == 5:
                break
        return done

    counted = sum(await asyncio.gather(*map(count_up, sessions)))
    assert await sessions[0].read_file("n.txt") == f"     1\t{counted}\n"
    assert counted > 0


def test_search_is_there_only_if_it_is_allowed(endpoint: str, bucket: str) -> None:
    session = a_session(backend(endpoint, bucket, search_enabled=True))
    for name in ("a.py", "pkg/b.py", "pkg/deep/c.txt"):
        session.write_file(name, f"# {name}\nneedle\n")
    assert session.glob("**/*.py") == ["a.py", "pkg/b.py"]
    assert session.grep("needle", glob="*.py") == ">a.py:2: needle\n>pkg/b.py:2: needle\n\n2 match(es) in 2 file(s)"
    assert session.grep("needle", path="pkg/b.py") == ">pkg/b.py:2: needle\n\n1 match(es) in 1 file(s)"
    assert session.grep("absent") == "No matches found for pattern: absent"
    assert session.grep("(").exit_code == 1


def test_a_search_that_met_its_limits_says_so(endpoint: str, bucket: str) -> None:
    place = backend(endpoint, bucket, search_enabled=True, max_objects_scanned=3, max_grep_bytes_per_object=50)
    session = a_session(place)
    for number in range(5):
        session.write_file(f"{number}.txt", "needle\n")
    assert "3 match(es)" in session.grep("needle")
    assert "narrow" in session.grep("needle")
    assert "narrow" in session.tool("glob", {"pattern": "*"}).output
    session.write_file("d/long.txt", "needle\n" * 20)
    assert "No matches" in session.grep("needle", path="d")


def test_long_listings_come_whole(endpoint: str, bucket: str) -> None:
    session = a_session(backend(endpoint, bucket, search_enabled=True, max_objects_scanned=2000))
    from a3s_lsp.engine.workspace.s3 import Bucket

    made = Bucket(backend(endpoint, bucket).to_engine())
    for number in range(1100):
        made.put(made.spec.key(f"many/{number:04}"), b"", None)
    assert session.ls("many").output.endswith("\n1100 entries\n")
    assert len(session.glob("many/*")) == 1100


def test_what_is_too_large_or_no_text_is_named(endpoint: str, bucket: str) -> None:
    session = a_session(backend(endpoint, bucket, max_read_bytes=3))
    session.write_file("f.txt", "12345678")
    answer = session.tool("read", {"file_path": "f.txt"})
    assert answer.exit_code == 1
    assert "is 8 bytes, exceeds workspace max_read_bytes (3)" in answer.output
    from a3s_lsp.engine.workspace.s3 import Bucket

    Bucket(backend(endpoint, bucket).to_engine()).put("p/bin", b"\xff\xfe\x00\x01" * 4, None)
    assert a_session(backend(endpoint, bucket)).read_file("bin").exit_code == 1


def test_a_server_that_forgets_preconditions_is_found_out_and_named() -> None:
    with s3_server("forgetful") as endpoint:
        session = a_session(backend(endpoint, make_bucket(endpoint, "forgetful")))
        assert "does not keep to preconditions" in session.write_file("f.txt", "one\n").output
        assert session.edit_file("f.txt", "one", "two").exit_code == 0
        assert session.read_file("f.txt") == "     1\ttwo\n"
        assert session.ls().output.endswith("1 entries\n")


def test_a_server_that_wants_versions_without_quotes_gets_them() -> None:
    with s3_server("bare") as endpoint:
        place = backend(endpoint, make_bucket(endpoint, "without-quotes"))
        first, second = a_session(place), a_session(place)
        first.write_file("f.txt", "a\nb\nc\n")
        for one, other in (("a", "A"), ("A", "B")):
            assert first.edit_file("f.txt", one, other).output.count("preconditions") == 0
        assert second.edit_file("f.txt", "c", "C").exit_code == 0
        assert first.read_file("f.txt") == "     1\tB\n     2\tb\n     3\tC\n"


def test_what_is_missing_is_told_and_not_made_up(endpoint: str, bucket: str) -> None:
    session = a_session(backend(endpoint, bucket))
    missing = session.tool("read", {"file_path": "nope"})
    assert (missing.exit_code, missing.error_kind) == (1, {"type": "not_found", "path": f"s3://{bucket}/p/nope"})
    assert f"path not found: s3://{bucket}/p/nope" in missing.output
    assert "S3 path not found" in session.ls("nope").output
    assert session.ls().exit_code == 0
    elsewhere = a_session(backend(endpoint, "no-such-bucket"))
    assert "bucket does not exist" in elsewhere.write_file("f", "x").output


def test_a_server_that_cannot_be_reached_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    answer = a_session(backend("http://127.0.0.1:9", "b")).write_file("f", "x")
    assert answer.exit_code == 1
    assert "dispatch failure" in answer.output
    assert "the-secret-of-tests" not in caplog.text + answer.output
    assert "AKIDOFTESTS1" not in caplog.text + answer.output


def test_the_keys_are_in_no_file_of_the_session(endpoint: str, bucket: str, tmp_path: Path) -> None:
    place = backend(endpoint, bucket)
    session = a_session(place, "I saw the-secret-of-tests.", session_store=a3s.FileSessionStore(str(tmp_path)))
    session.write_file("f.txt", "one\n")
    session.send("read it: the-secret-of-tests AKIDOFTESTS1")
    session.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"the-secret-of-tests" not in stored
    assert b"AKIDOFTESTS1" not in stored
    for shown in (repr(place), str(place), repr(place.to_engine())):
        assert "the-secret-of-tests" not in shown
        assert "AKIDOFTESTS1" not in shown


def test_a_stored_session_goes_on_in_its_bucket(endpoint: str, bucket: str, tmp_path: Path) -> None:
    store, place = a3s.FileSessionStore(str(tmp_path)), backend(endpoint, bucket)
    replies = (Reply(calls=(call("write", file_path="f.txt", content="one\n"),)), "done")
    session = a_session(place, *replies, session_store=store, session_id="s1")
    session.send("go")
    session.close()
    assert store.sessions()[0]["workspace"] == f"s3://{bucket}/p"
    options = a3s.SessionOptions()
    options.session_store = store
    agent = a3s.Agent.with_model(ScriptedModel([]))
    with pytest.raises(ValueError, match="workspace_backend"):
        agent.resume_session("s1", options)
    options.workspace_backend = place
    again = agent.resume_session("s1", options)
    assert again.workspace == f"s3://{bucket}/p"
    assert again.history()[0]["role"] == "user"
    [hunk] = again.review.hunks()
    assert again.review.undo([hunk.id]) == [hunk.id]
    assert again.read_file("f.txt").exit_code == 1


def test_the_model_is_told_where_it_works(endpoint: str, bucket: str) -> None:
    model = ScriptedModel(["fine"])
    session = a3s.Agent.with_model(model).session("s3://b/p", workspace_backend=backend(endpoint, bucket))
    session.send("go")
    assert f"Working directory: s3://{bucket}/p" in model.requests[0].system


@pytest.mark.parametrize("value", [3, "s3://b/p", object()])
def test_another_backend_is_a_type_error_at_once(value: object) -> None:
    message = "workspace_backend must be a LocalWorkspaceBackend or S3WorkspaceBackend instance"
    with pytest.raises(TypeError, match=message):
        a3s.SessionOptions().workspace_backend = value  # type: ignore[assignment]  # that is what it tells
    with pytest.raises(TypeError, match=message):
        a_session(value)  # type: ignore[arg-type]  # on purpose


def test_keys_are_never_taken_from_the_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ambient")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ambient")
    with pytest.raises(ValueError, match="surroundings"):
        a_session(a3s.S3WorkspaceBackend("b", "p", "", ""))
    with pytest.raises(ValueError, match="workspace_backend"):
        a_session(None)


def test_a_local_backend_names_the_folder(tmp_path: Path) -> None:
    session = a_session(a3s.LocalWorkspaceBackend(str(tmp_path)), workspace="shown")
    session.write_file("f.txt", "x")
    assert (tmp_path / "f.txt").read_text(encoding="utf-8") == "x"
    assert session.workspace == "shown"
    assert session.bash("pwd").strip() == str(tmp_path)
    assert repr(a3s.LocalWorkspaceBackend("/x")) == 'LocalWorkspaceBackend(root="/x")'
