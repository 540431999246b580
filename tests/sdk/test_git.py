"""The tool `git` through the SDK: its shapes, what it refuses, and that nobody else's program runs."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Unpack

import pytest

import a3s_lsp as a3s
from a3s_lsp.sdk.named_options import NamedOptions
from a3s_lsp.testing import Reply, ScriptedModel, call


def sh(folder: Path, script: str) -> str:
    done = subprocess.run(["bash", "-ec", script], cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits of a.txt on main."""
    folder = tmp_path / "ws"
    folder.mkdir()
    sh(
        folder,
        "git init -q -b main . && git config user.email ada@example.com && git config user.name Ada"
        " && echo a > a.txt && git add a.txt && git commit -qm first && echo b >> a.txt && git commit -qam second",
    )
    return folder


def session_on(folder: Path, *replies: Reply | str, **options: Unpack[NamedOptions]) -> a3s.Session:
    named: NamedOptions = {"permission_policy": a3s.PermissionPolicy(default_decision="allow")}
    named.update(options)
    return a3s.Agent.with_model(ScriptedModel(replies)).session(str(folder), None, **named)


def test_status_names_the_branch_the_commit_and_what_changed(repository: Path) -> None:
    session = session_on(repository)
    clean = session.git("status")
    short = sh(repository, "git rev-parse --short=7 HEAD").strip()
    assert clean.output.splitlines() == [
        f"Workspace: {repository}",
        "Branch:    main",
        f"Commit:    {short} second",
        "Status:    clean",
        "Worktree:  no (main)",
    ]
    assert clean.metadata == {"branch": "main", "dirty_count": 0, "is_dirty": False, "is_worktree": False}
    sh(repository, "git mv a.txt 'b ü.txt'; echo x >> 'b ü.txt'; touch $'new\\nline' 'to do'")
    dirty = session.git({"command": "status"})
    assert dirty.metadata is not None and dirty.metadata["dirty_count"] == 3
    assert "RM b ü.txt (was a.txt)" in dirty.output and "?? to do" in dirty.output


def test_a_repository_without_commits_and_a_detached_head_are_said_as_they_are(tmp_path: Path) -> None:
    session = session_on(tmp_path)
    assert session.git("status").output == f"Not a git repository: {tmp_path}"
    sh(tmp_path, "git init -q -b trunk .")
    fresh = session.git("status")
    assert fresh.metadata is not None and fresh.metadata["branch"] == "trunk" and "(none yet)" in fresh.output
    assert session.git("log").output == "No commits found."
    sh(
        tmp_path,
        "git config user.email a@b; git config user.name n; touch x; git add x; git commit -qm x;"
        " git checkout -q HEAD~0",
    )
    detached = session.git("status").metadata
    assert detached is not None and detached["branch"] == "HEAD"


def test_log_has_the_newest_first_and_keeps_to_ref_path_and_count(repository: Path) -> None:
    session = session_on(repository)
    sh(repository, "echo o > other.txt; git add .; git commit -qm 'third: one'")
    log = session.git("log", max_count=2)
    assert log.metadata == {"count": 2}
    lines = log.output.splitlines()
    assert lines[0] == "Commit log (2 entries):" and lines[3] == "  third: one" and lines[6] == "  second"
    assert "Ada (" in lines[2]
    assert session.git({"command": "log", "path": "other.txt"}).metadata == {"count": 1}
    assert session.git({"command": "log", "ref": "HEAD~2"}).metadata == {"count": 1}
    assert session.git({"command": "log", "max_count": 2**63 - 1}).metadata == {"count": 3}
    assert session.git({"command": "log", "max_count": 0}).output == "No commits found."
    assert session.git({"command": "log", "ref": "nope"}).exit_code == 1


def test_branch_with_a_name_makes_it_and_says_that_it_switched(repository: Path) -> None:
    session = session_on(repository)
    made = session.git("branch", name="feat/x", base="HEAD~1")
    assert made.output == "Created branch: feat/x (based on HEAD~1), and switched to it"
    assert made.metadata == {"base": "HEAD~1", "branch": "feat/x"}
    assert session.git("branch").output == "Branches:\n* feat/x\n  main"
    assert (repository / "a.txt").read_text() == "a\n"
    assert session.git("checkout", reference="main").output == "Checked out: main"
    assert session.git("branch", name="feat/x").exit_code == 1
    assert "ref parameter is required" in session.git("checkout").output


@pytest.mark.parametrize(
    "request_",
    [
        {"command": "checkout", "ref": "--force"},
        {"command": "checkout", "ref": "-f"},
        {"command": "branch", "name": "--orphan"},
        {"command": "branch", "name": "ok", "base": "--track"},
        {"command": "diff", "target": "--output=stolen"},
        {"command": "log", "ref": "--output=stolen"},
        {"command": "show", "ref": "--output=stolen"},
        {"command": "show", "ref": "--output=stolen:a.txt"},
        {"command": "blame", "path": "a.txt", "ref": "--contents=/etc/passwd"},
        {"command": "blame", "path": "--contents=/etc/passwd"},
        {"command": "worktree", "subcommand": "create", "name": "--detach"},
        {"command": "add", "path": "--all"},
        {"command": "restore", "paths": ["a.txt", "--staged"]},
        {"command": "restore", "path": "a.txt", "ref": "--worktree"},
    ],
)
def test_what_looks_like_an_option_is_refused(repository: Path, request_: dict[str, object]) -> None:
    (repository / "a.txt").write_text("precious\n")
    result = session_on(repository).git(request_)
    assert result.exit_code == 1 and "must not begin with '-'" in result.output
    assert (repository / "a.txt").read_text() == "precious\n"
    assert sorted(path.name for path in repository.iterdir()) == [".git", "a.txt"]


@pytest.mark.parametrize("command", ["add", "restore", "diff", "log", "show", "blame"])
@pytest.mark.parametrize("path", ["../outside.txt", "/etc/hostname", "link/x"])
def test_paths_outside_the_workspace_are_refused(repository: Path, command: str, path: str) -> None:
    (repository.parent / "outside.txt").write_text("o")
    (repository / "link").symlink_to("/etc")
    result = session_on(repository).git({"command": command, "path": path})
    assert result.exit_code == 1 and "escapes workspace" in result.output


def test_diff_has_statistics_or_the_whole_and_a_bad_target_is_an_error(repository: Path) -> None:
    session = session_on(repository)
    assert session.git("diff").output == "No changes."
    (repository / "a.txt").write_text("a\nc\n")
    assert session.git("diff").output.startswith(" a.txt | 2 +-\n")
    assert "-b\n+c\n" in session.git("diff", target="HEAD").output
    assert "-b\n+c\n" in session.git("diff", target="a.txt").output
    assert session.git("diff", target="HEAD~1..HEAD").output.endswith("+b\n")
    assert session.git("diff", staged=True).output == "No changes."
    bad = session.git("diff", target="nope")
    assert bad.exit_code == 1 and "nope" in bad.output


def test_stash_puts_away_lists_and_brings_back(repository: Path) -> None:
    session = session_on(repository)
    assert session.git("stash").output == "No stashes found."
    assert session.git("stash", message="nothing").output == "No local changes to save"
    (repository / "a.txt").write_text("one\n")
    assert session.git("stash", message="--one").output == "Created stash"
    (repository / "new.txt").write_text("two\n")
    assert session.git("stash", message="two", include_untracked=True).output == "Created stash"
    assert session.git("stash").output == "Stashes:\n0: On main: two\n1: On main: --one"
    assert not (repository / "new.txt").exists()
    assert session.git("stash", "pop").exit_code == 0 and (repository / "new.txt").read_text() == "two\n"


def test_worktrees_stay_inside_the_workspace_or_beside_it(repository: Path) -> None:
    session = session_on(repository)
    made = session.git("worktree", "create", name="feat/y")
    beside = Path(f"{repository}-feat/y")
    assert made.output == f"Created worktree at: {beside}\nBranch: feat/y"
    assert made.metadata == {"branch": "feat/y", "path": str(beside)}
    assert session.git("worktree", "create", name="in", path="trees/in").exit_code == 0
    listed = session.git("worktree")
    assert listed.metadata == {"count": 3} and f"  {beside} [feat/y]" in listed.output
    inside = session_on(beside).git("status").metadata
    assert inside is not None and inside["is_worktree"] is True
    for place in ("../elsewhere", str(repository.parent / "x"), "/tmp/x", ".git/x", "..", ".", "../ws-x/../../y"):
        refused = session.git("worktree", "create", name="bad", path=place)
        assert refused.exit_code == 1 and "cannot be at" in refused.output, place
    assert session.git("worktree", "remove", path=str(beside)).output == f"Removed worktree at: {beside}"
    assert "Unknown worktree subcommand: zzz" in session.git("worktree", "zzz").output


def test_remotes_are_shown_without_their_passwords(repository: Path) -> None:
    session = session_on(repository)
    assert session.git("remote").output == "No remotes configured."
    sh(repository, "git remote add origin https://me:hunter2@example.com/x.git; git remote add b ../b")
    shown = session.git("remote").output
    assert "hunter2" not in shown and "https://me:***@example.com/x.git (push)" in shown
    assert "origin" not in session.git({"command": "remote", "remote_name": "b"}).output


def test_show_gives_a_commit_or_a_file_of_it(repository: Path) -> None:
    session = session_on(repository)
    assert "second" in session.git("show").output and "+b" in session.git("show").output
    assert session.git({"command": "show", "ref": "HEAD~1:a.txt"}).output == "a\n"
    assert session.git({"command": "show", "ref": "HEAD:../x"}).exit_code == 1
    assert session.git({"command": "show", "ref": "nope"}).exit_code == 1


def test_blame_names_who_wrote_each_line(repository: Path) -> None:
    session = session_on(repository)
    lines = session.git("blame", path="a.txt").output.splitlines()
    assert len(lines) == 2 and all("Ada" in line for line in lines)
    assert session.git({"command": "blame", "path": "a.txt", "offset": 1}).output.splitlines() == lines[1:]
    assert "path parameter is required" in session.git("blame").output


def test_commit_wants_a_message_and_something_staged(repository: Path) -> None:
    session = session_on(repository)
    (repository / "a.txt").write_text("c\n")
    (repository / "n.txt").write_text("n\n")
    assert "message parameter is required" in session.git("commit", message=" \n").output
    assert "Nothing is staged" in session.git("commit", message="m").output
    assert session.git("add", paths=["n.txt"]).output == "Staged: n.txt"
    done = session.git("commit", message="-m: new file\n\n# not a comment")
    assert done.output.splitlines()[0].endswith(" -m: new file") and "n.txt | 1 +" in done.output
    assert sh(repository, "git log -1 --format=%B").strip() == "-m: new file\n\n# not a comment"
    assert session.git("commit", message="rest", all=True).exit_code == 0
    status = session.git("status").metadata
    assert status is not None and status["is_dirty"] is False
    assert "nothing to commit" in session.git("commit", message="empty", all=True).output


def test_commit_signs_nothing_and_runs_the_hooks_of_the_repository(repository: Path) -> None:
    session = session_on(repository)
    sh(repository, "git config commit.gpgSign true; git config gpg.program /bin/false")
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho no trailing dots >&2; exit 1\n")
    hook.chmod(0o755)
    (repository / "a.txt").write_text("c\n")
    refused = session.git("commit", message="m", all=True)
    assert refused.exit_code == 1 and "no trailing dots" in refused.output
    hook.write_text("#!/bin/sh\necho fine\n")
    assert session.git("commit", message="m", all=True).exit_code == 0
    assert "Signed-off-by" not in sh(repository, "git log -1 --format=%B")


def test_restore_brings_files_back_and_takes_out_of_what_is_staged(repository: Path) -> None:
    session = session_on(repository)
    (repository / "a.txt").write_text("c\n")
    session.git("add", path="a.txt")
    assert session.git("restore", path="a.txt", staged=True).output == "Unstaged: a.txt"
    assert session.git("diff", staged=True).output == "No changes."
    assert session.git("restore", paths=["a.txt"]).output == "Restored: a.txt"
    assert (repository / "a.txt").read_text() == "a\nb\n"
    assert session.git({"command": "restore", "path": "a.txt", "ref": "HEAD~1"}).exit_code == 0
    assert (repository / "a.txt").read_text() == "a\n"
    assert session.git("restore", path="*.txt").exit_code == 1, "paths are no patterns"
    assert "path parameter is required" in session.git("restore").output


def test_reading_starts_no_program_that_the_repository_names_and_writes_nothing(repository: Path) -> None:
    trap = repository.parent / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {repository.parent}/sprung\ncat\n")
    trap.chmod(0o755)
    sh(
        repository,
        f"git config core.fsmonitor {trap}; git config diff.external {trap}; git config diff.x.textconv {trap};"
        f" git config core.pager {trap}; git config pager.log {trap}; git config log.showSignature true;"
        f" git config gpg.program {trap}; git config diff.x.command {trap}; echo '* diff=x' > .git/info/attributes;"
        f" cp {trap} .git/hooks/post-index-change",
    )
    os.utime(repository / "a.txt", (1, 1))  # such that git would note in the index that it is the same
    index = (repository / ".git" / "index").read_bytes()
    assert session_on(repository).git("status").exit_code == 0
    assert (repository / ".git" / "index").read_bytes() == index
    (repository / "a.txt").write_text("c\n")
    session = session_on(repository)
    requests: list[dict[str, object]] = [
        {"command": "status"},
        {"command": "log"},
        {"command": "diff"},
        {"command": "diff", "target": "HEAD"},
        {"command": "show"},
        {"command": "blame", "path": "a.txt"},
        {"command": "branch"},
        {"command": "stash"},
        {"command": "worktree"},
    ]
    assert [session.git(request).exit_code for request in requests] == [0] * len(requests)
    assert not (repository.parent / "sprung").exists()
    assert (repository / ".git" / "index").read_bytes() == index


def test_a_stopped_commit_leaves_nothing_running_and_no_lock(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "pre-commit"
    begun = repository.parent / "begun"
    os.mkfifo(begun)
    hook.write_text(f"#!/bin/sh\necho > {begun}; exec sleep 600\n")
    hook.chmod(0o755)
    (repository / "a.txt").write_text("c\n")
    commit = Reply("", (call("git", command="commit", message="m", all=True),))
    session = session_on(repository, commit, "done")
    stopping = threading.Thread(target=lambda: (begun.read_text(), session.cancel()), daemon=True)
    stopping.start()
    assert list(session.stream("go"))[-1].event_type == "cancelled"
    stopping.join(10)
    assert not (repository / ".git" / "index.lock").exists()
    hook.unlink()
    assert session.git("commit", message="m", all=True).exit_code == 0


def test_a_difference_without_end_is_cut_and_says_so(repository: Path) -> None:
    (repository / "a.txt").write_text("x" * 99 + "\n" + ("y" * 99 + "\n") * 20_000)
    limits = a3s.ArtifactStoreLimits(max_bytes=500_000)
    shown = session_on(repository, artifact_store_limits=limits).git("diff", target="HEAD")
    assert "more bytes of output were not kept]" in shown.output and len(shown.output) < 105_000


def test_what_is_missing_for_git_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    session = session_on(gone)
    gone.rmdir()
    assert session.git("status").output == f"The workspace folder {gone} does not exist."
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git is not installed" in session_on(tmp_path).git("status").output


def test_variables_of_another_repository_do_not_lead_there(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    sh(other, "git init -q -b elsewhere .")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    status = session_on(repository).git("status").metadata
    assert status is not None and status["branch"] == "main"
    assert not (tmp_path / "trace").exists()


def test_a_workspace_inside_a_repository_sees_its_own_part(repository: Path) -> None:
    sub = repository / "sub"
    sub.mkdir()
    (sub / "s.txt").write_text("s\n")
    (repository / "a.txt").write_text("secret of the neighbour\n")
    session = session_on(sub)
    status = session.git("status")
    assert status.metadata is not None and status.metadata["dirty_count"] == 1
    assert session.git("diff", target="HEAD").output == "No changes."
    assert session.git({"command": "show", "ref": "HEAD:a.txt"}).exit_code == 1
    session.git("add", path=".")
    assert "A  s.txt" in session.git("status").output
    assert session.git({"command": "show", "ref": "HEAD"}).output == "HEAD changes nothing here."


@pytest.mark.parametrize(
    ("request_", "raised"),
    [({}, ValueError), ({"max_count": 1}, ValueError), (3, TypeError), (None, TypeError)],
)
def test_a_request_without_a_command_is_refused_at_once(
    repository: Path, request_: object, raised: type[Exception]
) -> None:
    session = session_on(repository)
    with pytest.raises(raised):
        session.git(request_)  # type: ignore[arg-type]  # that is what is tested
    with pytest.raises(TypeError):
        session.git_command("status")  # type: ignore[arg-type]  # that is what is tested
    with pytest.raises(OverflowError):
        session.git("log", max_count=-1)


def test_arguments_of_both_forms_mean_the_same(repository: Path) -> None:
    session = session_on(repository)
    one = session.git({"command": "log"}, max_count=1)
    assert (
        one.output
        == session.git("log", max_count=1).output
        == session.git_command({"command": "log", "max_count": 1}).output
    )
    assert "Unknown command: push" in session.git("push").output
    assert "'brnch'" in session.git({"command": "status", "brnch": "x"}).output


@pytest.mark.parametrize(
    ("policy", "request_", "runs"),
    [
        ({"allow": ["git(status*)"]}, {"command": "status"}, True),
        ({"allow": ["git(status*)"]}, {"command": "checkout", "ref": "HEAD~1"}, False),
        ({"allow": ["git(branch)"]}, {"command": "branch", "name": "b"}, False),
        ({"allow": ["git(checkout:*)"]}, {"command": "checkout", "ref": "feat/x"}, True),
        ({"deny": ["git(checkout*)"], "allow": ["git"]}, {"command": "checkout", "ref": "feat/x"}, False),
        ({"deny": ["git(commit:*)"], "allow": ["git"]}, {"command": "status"}, True),
        ({"allow": ["git(blame*)"]}, {"command": "blame", "path": "a.txt"}, True),
    ],
)
def test_policies_govern_the_words_of_a_command(
    repository: Path, policy: dict[str, list[str]], request_: dict[str, object], runs: bool
) -> None:
    sh(repository, "git branch feat/x")
    session = session_on(
        repository,
        Reply("", (call("git", **request_),)),
        "done",
        permission_policy=a3s.PermissionPolicy(policy.get("allow"), policy.get("deny"), default_decision="deny"),
    )
    ended = next(event for event in session.stream("go") if event.event_type == "tool_end")
    assert (ended.exit_code == 0) is runs, ended.tool_output
