"""Patterns, their order, and what a policy says to calls of all kinds."""

from __future__ import annotations

import pytest

from a3s_lsp.engine.policy.permissions import PermissionPolicy, decide
from a3s_lsp.engine.policy.verdicts import Allow, Ask, CallFacts, Deny, Verdict
from tests.engine.policy.policy_calls import bash, on_path


def allows(pattern: str, call: CallFacts) -> bool:
    return decide(PermissionPolicy(allow=(pattern,)), call) == Allow(pattern)


def denies(pattern: str, call: CallFacts) -> bool:
    verdict = decide(PermissionPolicy(deny=(pattern,), default_decision="allow"), call)
    assert isinstance(verdict, Deny | Allow | Ask)
    return isinstance(verdict, Deny)


@pytest.mark.parametrize(
    ("policy", "command", "expected"),
    [
        (None, "ls", Ask),
        (PermissionPolicy(deny=("*",), enabled=False), "ls", Allow),
        (PermissionPolicy(), "ls", Ask),
        (PermissionPolicy(default_decision="deny"), "ls", Deny),
        (PermissionPolicy(default_decision="allow"), "ls", Allow),
        (PermissionPolicy(deny=("bash*",), allow=("bash*",), ask=("bash*",)), "ls", Deny),
        (PermissionPolicy(allow=("bash*",), ask=("bash*",), default_decision="deny"), "ls", Allow),
        (PermissionPolicy(ask=("bash*",), default_decision="allow"), "ls", Ask),
        (PermissionPolicy(allow=("bash*",), deny=("bash(rm:*)",)), "echo hi", Allow),
        (PermissionPolicy(allow=("bash*",), deny=("bash(rm:*)",)), "rm -rf zz", Deny),
        (PermissionPolicy(allow=("bash(echo:*)",), ask=("bash*",), default_decision="allow"), "echo hi", Allow),
        (PermissionPolicy(allow=("bash(echo:*)",), ask=("bash*",), default_decision="allow"), "rm zz", Ask),
    ],
)
def test_deny_comes_before_allow_before_ask_before_the_default(
    policy: PermissionPolicy | None, command: str, expected: type[Verdict]
) -> None:
    assert isinstance(decide(policy, bash(command)), expected)


@pytest.mark.parametrize(
    ("pattern", "tool", "matches"),
    [
        ("bash", "bash", True),
        ("Bash", "bash", True),
        ("ba*", "bash", True),
        ("b?sh", "bash", True),
        ("*", "anything", True),
        ("bash (*)", "bash", True),
        ("bas", "bash", False),
        ("bash(", "bash", False),
        ("mcp__git", "mcp__git__log", True),
        ("mcp__git", "mcp__github__log", False),
        ("mcp__git__*", "mcp__git__log", True),
        ("mcp__*", "mcp__git__log", True),
    ],
)
def test_tool_part_is_a_glob_without_regard_to_case(pattern: str, tool: str, matches: bool) -> None:
    assert allows(pattern, CallFacts(tool, "", {}, "execute")) is matches


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("read(*)", "a/b/c.txt", True),
        ("read(**)", "a/b/c.txt", True),
        ("read(*.txt)", "x.txt", True),
        ("read(*.txt)", "sub/x.txt", False),
        ("read(**.txt)", "sub/x.txt", True),
        ("read(src/**)", "src/a/b.py", True),
        ("read(src/**/b.py)", "src/b.py", True),
        ("read(src/**/b.py)", "src/a/c/b.py", True),
        ("read(**/.env)", ".env", True),
        ("read(**/.env)", "deep/down/.env", True),
        ("read(src/*)", "src/a/b.py", False),
        ("read(x?.txt)", "x1.txt", True),
        ("read(x?.txt)", "x/.txt", False),
        ("read(X.txt)", "x.txt", False),
        ("read(x.txt)", "x.txt.old", False),
        ("read(src/:*)", "src/a", True),
        ("read(./x.txt)", "x.txt", True),
        (r"read(a\*b)", "a*b", True),
        (r"read(a\*b)", "axb", False),
        ("read(a[1].txt)", "a[1].txt", True),
        ("read()", "x", False),
    ],
)
def test_path_patterns_are_anchored_globs(pattern: str, path: str, matches: bool) -> None:
    assert allows(pattern, on_path("read", path)) is matches
    assert denies(pattern, on_path("read", path)) is matches


def test_empty_arguments_match_a_call_without_arguments() -> None:
    assert allows("ls()", CallFacts("ls", "", {}, "query", (".",)))
    assert not allows("ls()", on_path("ls", "src"))


@pytest.mark.parametrize("written", ["./sub/x", "sub/../sub/x", "/home/me/project/sub/x", "link-to-sub/x", "sub//x"])
def test_no_spelling_of_a_path_avoids_its_denial(written: str) -> None:
    assert denies("write(sub/*)", on_path("write", written, "sub/x"))


@pytest.mark.parametrize("written", ["./sub/x", "sub/../sub/x", "a/./../sub//x"])
def test_spellings_are_seen_through_even_when_only_the_argument_is_known(written: str) -> None:
    assert denies("write(sub/*)", CallFacts("write", written, {}, "execute"))


def test_leave_for_a_folder_is_not_leave_for_what_lies_outside_of_it() -> None:
    assert not allows("read(src/**)", on_path("read", "src/../secret", "secret"))
    assert not allows("read(src/**)", CallFacts("read", "src/../secret", {}, "query"))
    assert not allows("read(/w/src/**)", on_path("read", "/w/src/../secret", "secret"))
    assert allows("read(/w/src/**)", on_path("read", "/w/src/a", "src/a"))


def test_leave_for_some_of_the_files_of_a_call_is_not_enough() -> None:
    assert allows("replace(src/*)", on_path("replace", "x", "src/a", "src/b"))
    assert not allows("replace(src/*)", on_path("replace", "x", "src/a", "lib/b"))
    assert denies("replace(lib/*)", on_path("replace", "x", "src/a", "lib/b"))


def test_addresses_are_matched_as_they_were_given() -> None:
    fetch = CallFacts("web_fetch", "https://docs.python.org/3/", {}, "query")
    assert allows("web_fetch(https://docs.python.org/**)", fetch)


def test_default_decision_is_read_without_case_and_space() -> None:
    # the twin of the SDK hands on whatever text its user wrote
    assert PermissionPolicy(default_decision=" ALLOW ").default_decision == "allow"  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"""default_decision must be 'allow', 'deny', or 'ask', got "maybe"$"""):
        PermissionPolicy(default_decision="maybe")  # type: ignore[arg-type]


def test_denial_names_its_rule() -> None:
    verdict = decide(PermissionPolicy(deny=("bash(rm:*)",)), bash("rm x"))
    assert verdict == Deny("Blocked by deny rule in permission policy: bash(rm:*)", "bash(rm:*)")


@pytest.mark.parametrize(
    "path", ["agent.acl", ".a3s/skills/x.md", ".git/hooks/pre-commit", ".VSCODE/tasks.json", "sub/.git/config"]
)
@pytest.mark.parametrize("tool", ["write", "edit", "patch", "replace"])
def test_agent_never_changes_its_own_rules_unasked(tool: str, path: str) -> None:
    call = on_path(tool, "innocent", path)
    assert decide(PermissionPolicy(allow=("*",)), call) == Ask(guarded=True)
    assert isinstance(decide(PermissionPolicy(deny=("*",)), call), Deny)
    assert decide(PermissionPolicy(enabled=False), call) == Allow()


@pytest.mark.parametrize(
    "command",
    [
        "echo x > .git/hooks/pre-commit",
        "cp evil .vscode/tasks.json",
        "sed -i s/ask/allow/ agent.acl",
        "echo x | tee -a ./agent.acl",
        "cd .git && touch hooks/x",
        "dd if=x of=agent.acl",
        "bash -c 'echo x >> agent.acl'",
    ],
)
def test_agent_never_changes_its_own_rules_by_a_command_unasked(command: str) -> None:
    assert decide(PermissionPolicy(allow=("bash*",)), bash(command)) == Ask(guarded=True)


@pytest.mark.parametrize("command", ["cat agent.acl", "ls .git", "grep -r x .vscode", "echo x > out", "npm test"])
def test_looking_at_its_own_rules_is_an_ordinary_command(command: str) -> None:
    assert decide(PermissionPolicy(allow=("bash*",)), bash(command)) == Allow("bash*")
