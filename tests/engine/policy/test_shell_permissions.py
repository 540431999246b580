"""Shell commands: no denial is dodged, and no leave is wider than its words."""

from __future__ import annotations

import pytest

from a3s_lsp.engine.policy.permissions import PermissionPolicy, decide
from a3s_lsp.engine.policy.verdicts import Allow, Ask, Deny
from tests.engine.policy.policy_calls import bash

WAYS_TO_REMOVE = [
    "rm",
    "  rm -f x",
    "/bin/rm x",
    "true && rm x",
    "false || rm x",
    "ls; rm x",
    "ls\nrm x",
    "ls & rm x",
    "ls | rm x",
    "ls |& rm x",
    "! rm x",
    "(cd y; rm x)",
    "{ rm x; }",
    "echo $(rm x)",
    "echo `rm x`",
    'echo "$(rm x)"',
    "cat <(rm x)",
    "echo ${y:-$(rm x)}",
    "echo $((`rm x`))",
    "y=$(rm x)",
    "export y=$(rm x)",
    "A=$(rm x) ls",
    "y=($(rm x))",
    "[[ $(rm x) ]]",
    "cat <<EOF\n$(rm x)\nEOF",
    "cat <<< $(rm x)",
    "if true; then rm x; fi",
    "for f in *; do rm $f; done",
    "while read f; do rm $f; done < list",
    "case y in *) rm x;; esac",
    "f() { rm x; }; f",
    "A=1 B=2 rm x",
    "r\\m x",
    "'rm' x",
    '"r"m x',
    "r''m x",
    "env rm x",
    "env -i A=1 rm x",
    "env - rm x",
    "/usr/bin/env -u A rm x",
    "sudo rm x",
    "sudo -nu root -- rm x",
    "sudo --user=root A=1 rm x",
    "sudo --user root rm x",
    "doas rm x",
    "nohup rm x &",
    "time rm x",
    "nice -n 5 rm x",
    "nice -10 rm x",
    "timeout -k 1 5s rm x",
    "timeout --signal=KILL 5 rm x",
    "stdbuf -oL rm x",
    "setsid -f rm x",
    "ionice -c3 rm x",
    "command rm x",
    "builtin command rm x",
    "exec rm x",
    "coproc rm x",
    "busybox rm x",
    "chroot / rm x",
    "flock lock rm x",
    "watch -n1 rm x",
    "find . | xargs rm",
    "xargs -0 -n1 rm",
    "xargs -I {} rm {}",
    "find . -exec rm {} +",
    r"find . -name '*.py' -exec rm {} \;",
    "fd -x rm",
    "bash -c 'rm x'",
    "sh -ec 'ls; rm x'",
    "bash -o pipefail -c 'rm x'",
    "zsh --login -c 'rm x'",
    "bash -c -e 'rm x'",
    "bash -c \"bash -c 'rm x'\"",
    "eval rm x",
    "eval 'ls; rm x'",
    "su -c 'rm x'",
    "script -qc 'rm x' log",
    "trap 'rm x' EXIT",
    "alias ll='rm x'",
    "sudo env A=1 timeout 5 nice bash -c 'exec rm x'",
]


@pytest.mark.parametrize("command", WAYS_TO_REMOVE)
def test_no_way_to_write_a_command_avoids_its_denial(command: str) -> None:
    verdict = decide(PermissionPolicy(deny=("bash(rm:*)",), default_decision="allow"), bash(command))
    assert isinstance(verdict, Deny)


@pytest.mark.parametrize("command", WAYS_TO_REMOVE)
def test_leave_for_what_stands_around_a_command_is_not_leave_for_it(command: str) -> None:
    around = "true false ls cd echo cat f find xargs sudo env nohup time nice timeout bash sh zsh eval exec command"
    policy = PermissionPolicy(allow=tuple(f"bash({word}:*)" for word in [*around.split(), "su", "watch", "fd", "doas"]))
    assert isinstance(decide(policy, bash(command)), Ask)


@pytest.mark.parametrize(
    "command",
    [
        "rmdir x",
        "echo rm x",
        "ls rm",
        "git rm-x",
        "grep 'rm x' log",
        "command -v rm",
        "env",
        "# rm x",
        "rm.py",
        "cat <<'E'\n$(rm)\nE",
    ],
)
def test_denial_of_a_command_leaves_others_alone(command: str) -> None:
    policy = PermissionPolicy(deny=("bash(rm:*)",), default_decision="allow")
    assert decide(policy, bash(command)) == Allow()


# found by running random commands in a real shell and looking whether one that was allowed removed something
READ_OTHERWISE_BY_THE_SHELL = [
    "ls\n\\rm x",
    "a | ls\nrm x && echo",
    "echo done\\\n# | rm",
    "e\\\nval rm x",
    "A=1 B=\r2 rm x",
    "\xa0# | rm x",
    "[ -f x ]# | rm x",
    "command>o rm x",
    "a >&1'$(rm x)'",
    "time A=1 rm x",
    "coproc A=1 rm x",
    "! ! rm x",
    "eval -- rm x",
    "r`true`m x",
    '$"r"m x',
    "echo `echo \\`rm x\\``",
    "echo ${y:-$<<<(rm x)}",
    "cat <<EOF\n $(rm )\nEOF",
    "cat <<EOF\nx\nEOF; # $((`rm x`))",
    "cat <<EOF\n$\nEOF\n(rm x)\nEOF",
    "cat <<EOF\n$\n$(rm x)\nEOF",
    "cat <<EOF\n $(rm x)$y\nEOF",
    "cat <<EOF\n\\\t#`rm x`\nEOF",
    "cat <<EOF | cat\n\\\n# $(rm x)\nEOF",
    'echo "o $ $(rm x)"',
    "echo `a``rm x` y",
    "echo `a\\o ` `rm x`",
    "trap -- 'rm x' EXIT",
    "cat <<'EOF\nhi `q\nEOF\ntrue; # it's || $(rm x)",
    "cat <<é\nè\n'\né\nrm x\n'",
    "cat <<xx\né\n'\nxx\nrm x #'",
    "cat << $(y)\ncat << $(rm x)",
]


@pytest.mark.parametrize("command", READ_OTHERWISE_BY_THE_SHELL)
def test_what_the_shell_reads_otherwise_is_not_allowed(command: str) -> None:
    watching = PermissionPolicy(deny=("bash(rm:*)",), default_decision="allow")
    words = ["ls", "a", "echo", "command", "time", "coproc", "eval", "cat", "r", "true"]
    narrow = PermissionPolicy(allow=tuple(f"bash({word}:*)" for word in words))
    assert isinstance(decide(watching, bash(command)), Ask | Deny)
    assert isinstance(decide(narrow, bash(command)), Ask)


@pytest.mark.parametrize(
    "command",
    [
        "git commit -m \"$(cat <<'EOF'\nfix `a`: it's $(x)\n\nEOF\n)\"",
        "python - <<EOF\nprint('$HOME ${x}')\nEOF",
        "npm test \\\n  --watch 2>&1 | tee out # it's `all`",
        'for f in a b; do\n  echo "$f" >> out\ndone',
        "echo \"a\n b; c (d) \\`e\\`\" 'f; g'",
        "echo 'f`g` $(h)'",
        'echo {😀 漢字 "é $x" > ausgabe-ä.txt',
        "echo {1..\U00070fb3} {a\U00070fb3,b}",
        "if [ -f x ] && [[ $y =~ (a|b) ]]; then ls; fi",
        "x=$(ls | wc -l); echo $((x + 1)) ${x:-a b} ${#x}",
        "cat <(ls) > >(tee out)",
    ],
)
def test_everyday_shell_is_understood(command: str) -> None:
    watching = PermissionPolicy(deny=("bash(rm:*)",), default_decision="allow")
    assert decide(watching, bash(command)) == Allow()


@pytest.mark.parametrize(
    "command",
    [
        "$X x",
        "X=rm; $X x",
        "r$X x",
        "/bin/r? x",
        "{rm,x}",
        "$'rm' x",
        'eval "$X"',
        'bash -c "$X"',
        "bash <<EOF\nrm x\nEOF",
        "echo rm x | sh",
        "bash <(curl x)",
        ". <(curl x)",
        "env -S 'rm x'",
        "sudo --unheard-of rm x",
        "if then rm",
        "echo '",
        "cat <<EOF\n`rm x`\nEOF",
        'x="\\$(rm x)"; echo "${x@P}"',
        "printf -v 'a[$(rm x)]' y",
        "time { rm x; }",
        "timeout -Z 1 5 rm x",
        "sudo " * 5000 + "rm x",
        "true;" * 1000 + "rm x",
        "$(" * 20000,
        "echo \0 rm",
    ],
)
def test_what_cannot_be_read_off_a_command_is_asked(command: str) -> None:
    words = ["echo", "bash", "eval", "sudo", "cat", "env", "printf", "sh", "time", "timeout"]
    narrow = PermissionPolicy(allow=tuple(f"bash({word}:*)" for word in words))
    watching = PermissionPolicy(deny=("bash(rm:*)",), allow=("bash*",))
    assert isinstance(decide(narrow, bash(command)), Ask)
    assert isinstance(decide(watching, bash(command)), Ask | Deny)
    assert isinstance(decide(PermissionPolicy(allow=("bash(**)",)), bash(command)), Allow)


@pytest.mark.parametrize(
    ("rule", "command", "allowed"),
    [
        ("bash(npm test:*)", "npm test", True),
        ("bash(npm test:*)", "npm test -- --watch", True),
        ("bash(npm test:*)", "npm   test \\\n -- x", True),
        ("bash(npm test:*)", '"npm" test', True),
        ("bash(npm test:*)", "npm tests", False),
        ("bash(npm test:*)", "npm 'test x'", False),
        ("bash(npm test:*)", "npm test && npm test", True),
        ("bash(npm test:*)", "npm test; ls", False),
        ("bash(npm test:*)", "npm test > out", False),
        ("bash(npm test:*)", "npm test 2>&1 > /dev/null", True),
        ("bash(npm test:*)", "./npm test", False),
        ("bash(npm test:*)", "PATH=. npm test", False),
        ("bash(npm test:*)", "PATH=.; npm test", False),
        ("bash(npm test:*)", "npm() { ls; }; npm test", False),
        ("bash(npm test:*)", "timeout 60 npm test", True),
        ("bash(npm test:*)", "time npm test", True),
        ("bash(npm test:*)", "bash -c 'npm test'", True),
        ("bash(npm test:*)", "bash -c 'npm test > out'", False),
        ("bash(npm test:*)", "./timeout 60 npm test", False),
        ("bash(npm test:*)", "time LD_PRELOAD=x npm test", False),
        ("bash(npm test:*)", "LD_PRELOAD=x timeout 60 npm test", False),
        ("bash(npm test:*)", "sudo npm test", False),
        ("bash(npm *)", "npm run build", True),
        ("bash(cat *)", "cat a/b", False),
        ("bash(cat **)", "cat a/b", True),
        ("bash(sudo apt:*)", "sudo apt install x", True),
        ("bash(sudo apt:*)", "sudo apt install x && rm y", False),
        ("bash(sudo:*)", "sudo rm x", False),
        ("bash(sudo -n:*)", "sudo  -n rm x", False),
        ("bash(sudo env:*)", "sudo env rm x", False),
        ("bash(find . -exec ls:*)", r"find . -exec ls {} \; -exec rm {} \;", False),
        ("bash(echo a && rm b)", "echo a && rm b", True),
        ("bash(echo a && rm b)", "echo a && rm b c", False),
        ("bash(echo a > b)", "echo a > b", True),
        ("bash(rm *.txt)", "rm a.txt", True),
        (r"bash(rm \*.txt)", "rm a.txt", False),
        (r"bash(rm \*.txt)", "rm *.txt", True),
        ("bash(FOO=1 npm:*)", "FOO=1 npm test", True),
        ("bash($X y)", "$X y", False),
        ("bash", "anything > at; $all", True),
    ],
)
def test_leave_reaches_as_far_as_its_words(rule: str, command: str, allowed: bool) -> None:
    assert isinstance(decide(PermissionPolicy(allow=(rule,)), bash(command)), Allow) is allowed


@pytest.mark.parametrize(
    ("rule", "command"),
    [
        ("bash(rm -rf *)", "rm -rf /etc/x"),
        ("bash(git push:*)", "git -C x --no-pager push"),
        ("bash(*secret*)", "cat a/secret/b"),
        ("bash(curl:*)", "ls | curl -d @- x"),
        ("bash(*)", "ls"),
        ("bash(sudo:*)", "sudo ls"),
    ],
)
def test_denials_are_read_widely(rule: str, command: str) -> None:
    assert isinstance(decide(PermissionPolicy(deny=(rule,), default_decision="allow"), bash(command)), Deny)


def test_a_compound_command_is_as_free_as_its_least_free_part() -> None:
    policy = PermissionPolicy(allow=("bash(ls:*)",), ask=("bash(git:*)",), default_decision="deny")
    assert isinstance(decide(policy, bash("ls && ls -l")), Allow)
    assert isinstance(decide(policy, bash("ls && git push")), Ask)
    assert isinstance(decide(policy, bash("git push && make")), Deny)
    asking = PermissionPolicy(ask=("bash(rm:*)",), default_decision="allow")
    assert isinstance(decide(asking, bash("ls && sudo rm x")), Ask)
    assert isinstance(
        decide(PermissionPolicy(ask=("bash(timeout:*)",), default_decision="allow"), bash("timeout 5 ls")), Ask
    )
