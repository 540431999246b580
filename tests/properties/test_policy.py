"""Shell permissions against commands put together from known ones: no denial is dodged, and no leave is widened.

`A3S_PROPERTY_COMMANDS` sets how many random commands are tried; without it the same few thousand are tried each time.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from a3s_lsp.engine.policy.permissions import PermissionPolicy, decide
from a3s_lsp.engine.policy.verdicts import Allow, Ask, CallFacts, Deny, Verdict

PROPERTIES = 4
COMMANDS = int(os.environ.get("A3S_PROPERTY_COMMANDS", "4000"))
SETTINGS = settings(
    max_examples=COMMANDS // PROPERTIES, derandomize="A3S_PROPERTY_COMMANDS" not in os.environ, deadline=None
)

SIMPLE = ("ls", "ls -l src", "git status", "git push -f", "npm test", "rm", "rm -rf x", "curl http://x", "make 'a b'")
RULES = ("ls", "git", "git status", "npm", "npm test", "rm", "rm -rf", "curl", "make", "echo", "cat")
WRAPPING = (
    "sudo {}",
    "sudo -u root {}",
    "env -i A=1 {}",
    "timeout -k 1 5 {}",
    "nice -n 3 {}",
    "time {}",
    "nohup {}",
    "command {}",
    "exec {}",
    "xargs -n1 {}",
    "/usr/bin/env {}",
    "! {}",
    r"find . -exec {} \;",
)
APPENDING = ("{}; {}", "{} && {}", "{} || {}", "{} | {}", "{} & {}", "{}\n{}")
JOINING = (*APPENDING, "if {}; then {}; fi", "while {}; do {}; done")
ENCLOSING = (
    "( {} )",
    "{{ {}; }}",
    "echo $( {} )",
    'echo "a $( {} ) b"',
    "cat <( {} )",
    "f() {{ {}; }}",
    "echo ${{x:-$( {} )}}",
    "cat <<EOF\n$( {} )\nEOF",
)
QUOTING = ("bash -c {}", "sh -ec {}", "eval {}", "sudo bash -c {}")


@dataclass(frozen=True)
class Known:
    """A command text, and the commands that were put into it."""

    text: str
    parts: tuple[str, ...]


def wrap(command: Known, template: str) -> Known:
    return Known(template.format(command.text), command.parts)


def quote(command: Known, template: str) -> Known:
    return Known(template.format(shlex.quote(command.text)), command.parts)


def join(one: Known, other: Known, template: str) -> Known:
    return Known(template.format(one.text, other.text), (*one.parts, *other.parts))


def applied(change: Callable[[Known, str], Known], to: st.SearchStrategy[Known], *by: str) -> st.SearchStrategy[Known]:
    return st.builds(change, to, st.sampled_from(by))


def larger(smaller: st.SearchStrategy[Known]) -> st.SearchStrategy[Known]:
    joined = st.builds(join, smaller, smaller, st.sampled_from(JOINING))
    return joined | applied(wrap, smaller, *ENCLOSING) | applied(quote, smaller, *QUOTING)


plain = st.sampled_from(SIMPLE).map(lambda text: Known(text, (text,)))
wrapped = plain | applied(wrap, plain | applied(wrap, plain, *WRAPPING), *WRAPPING)
simple = wrapped | applied(wrap, wrapped, "A=1 {}", "A=$B C= {}")
commands = st.recursive(simple, larger, max_leaves=5)
rules = st.lists(st.sampled_from(RULES), unique=True).map(lambda words: tuple(f"bash({word}:*)" for word in words))


def judged(policy: PermissionPolicy, text: str) -> Verdict:
    return decide(policy, CallFacts("bash", text, {"command": text}, "execute"))


@SETTINGS
@given(commands, st.booleans())
def test_denial_of_a_command_holds_wherever_it_stands(command: Known, everything_else_is_allowed: bool) -> None:
    allow = ("bash",) if everything_else_is_allowed else ()
    for part in command.parts:
        policy = PermissionPolicy(allow, deny=(f"bash({part.split()[0]}:*)",), default_decision="allow")
        assert isinstance(judged(policy, command.text), Deny)


@SETTINGS
@given(commands, rules)
def test_leave_for_a_compound_is_leave_for_each_of_its_parts(command: Known, allow: tuple[str, ...]) -> None:
    policy = PermissionPolicy(allow)
    if isinstance(judged(policy, command.text), Allow):
        assert all(isinstance(judged(policy, part), Allow) for part in command.parts)


@SETTINGS
@given(commands, commands, rules, st.sampled_from(APPENDING))
def test_stored_rule_answers_this_command_and_none_that_is_added_to_it(
    command: Known, added: Known, allow: tuple[str, ...], template: str
) -> None:
    policy = PermissionPolicy(allow)
    verdict = judged(policy, command.text)
    if not isinstance(verdict, Ask) or not verdict.suggestion:
        return
    learnt = policy.learn(verdict.suggestion, allow=True)
    assert isinstance(judged(learnt, command.text), Allow)
    assert isinstance(judged(policy.learn(verdict.suggestion, allow=False), command.text), Deny)
    if not isinstance(judged(learnt, added.text), Allow):
        assert not isinstance(judged(learnt, template.format(command.text, added.text)), Allow)


@SETTINGS
@given(
    st.text() | st.lists(st.sampled_from([*SIMPLE, *"'\"`$(){}[]<>|&;#\\\n\r\0 *?!~", "<<E\n", "\nE\n"])).map("".join)
)
def test_any_text_gets_a_verdict_and_more_denials_never_mean_more_leave(text: str) -> None:
    strictness = [Allow, Ask, Deny]
    free = judged(PermissionPolicy(("bash(ls:*)",), default_decision="allow"), text)
    bound = judged(PermissionPolicy(("bash(ls:*)",), ("bash(rm:*)",), default_decision="allow"), text)
    assert strictness.index(type(free)) <= strictness.index(type(bound))
