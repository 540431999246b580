"""The rules that "always" and "never" would store."""

from __future__ import annotations

import pytest

from a3s_lsp.engine.policy.permissions import PermissionPolicy, decide
from a3s_lsp.engine.policy.suggestions import suggest_rule
from a3s_lsp.engine.policy.verdicts import Allow, Ask, CallFacts, Deny
from tests.engine.policy.policy_calls import bash, on_path


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        ("npm test -- --watch", "bash(npm test:*)"),
        ("npm run build", "bash(npm run build:*)"),
        ("git  status -s 'a b'", "bash(git status:*)"),
        ("git status -s", "bash(git status:*)"),
        ("git --version", "bash(git --version)"),
        ("ls -la src", "bash(ls:*)"),
        ("rm -rf build", "bash(rm -rf build)"),
        ("rm *.o", r"bash(rm \*.o)"),
        ("python script.py", "bash(python script.py)"),
        ("sudo npm test", "bash(sudo npm test)"),
        ("FOO=1 npm test", "bash(FOO=1 npm test)"),
        ("npm test > out", "bash(npm test > out)"),
        ("git status && rm -rf ./tmp", "bash(git status && rm -rf ./tmp)"),
        ("echo $(date)", "bash(echo $(date))"),
        ("$X y", ""),
        ("bash <(curl x)", ""),
        ("", ""),
        ("echo x > agent.acl", ""),
    ],
)
def test_command_rule_is_a_prefix_only_where_any_rest_is_harmless(command: str, rule: str) -> None:
    assert suggest_rule(bash(command)) == rule


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (on_path("edit", "./src/a.py", "src/a.py"), "edit(src/a.py)"),
        (on_path("write", "a*b?.txt"), r"write(a\*b\?.txt)"),
        (on_path("replace", "x", "a", "b"), ""),
        (on_path("write", ".a3s/x"), ""),
        (CallFacts("web_fetch", "https://x.y/z", {}, "query"), "web_fetch(https://x.y/z)"),
        (CallFacts("mcp__git__log", "", {}, "execute"), "mcp__git__log"),
    ],
)
def test_rule_for_other_tools_names_the_very_argument(call: CallFacts, rule: str) -> None:
    assert suggest_rule(call) == rule


def test_question_offers_a_rule_that_answers_it_the_next_time() -> None:
    policy = PermissionPolicy()
    for call in (bash("npm test"), bash("a && b *.c"), on_path("edit", "a(1).py"), bash("git  log 'a b'")):
        verdict = decide(policy, call)
        assert isinstance(verdict, Ask)
        assert decide(policy.learn(verdict.suggestion, allow=True), call) == Allow(verdict.suggestion)
        assert isinstance(decide(policy.learn(verdict.suggestion, allow=False), call), Deny)
