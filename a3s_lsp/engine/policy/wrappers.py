"""Programs whose business is to run another command: where in their words that command begins.

A permission for `rm` has to see through `sudo rm` and `bash -c 'rm x'`. An option that is not in the tables here
makes a command unclear, never invisible.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command; `value` is what the shell makes of it, None if that is known only when it runs."""

    source: str
    value: str | None

    @property
    def text(self) -> str:
        """The value as far as it is known, else the source."""
        return self.source if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class HandedOn:
    """The command that begins at word `start` is run. `plain`: nothing else comes of the wrapper."""

    start: int
    end: int
    plain: bool


@dataclass(frozen=True, slots=True)
class Scripted:
    """Shell text is run."""

    script: str
    plain: bool


@dataclass(frozen=True, slots=True)
class Unclear:
    """Something is run, and what it is cannot be read off the words."""


Handover: TypeAlias = HandedOn | Scripted | Unclear


@dataclass(frozen=True, slots=True)
class _Wrapper:
    """`flags` and `values`: options without and with a value. `operands`: words before the command."""

    flags: str = ""
    values: str = ""
    operands: int = 0
    plain: bool = False


_SUDO = _Wrapper(
    flags="A b B E H i K k n P S s --preserve-env --non-interactive --login --shell --set-home --background",
    values="C D g h p R r T t U u --user --group --chdir --host --prompt --role --type --chroot",
)
_WRAPPERS = {
    "!": _Wrapper(plain=True),
    "builtin": _Wrapper(plain=True),
    "busybox": _Wrapper(),
    "chroot": _Wrapper(values="--userspec --groups", flags="--skip-chdir", operands=1),
    "command": _Wrapper(flags="p", plain=True),
    "coproc": _Wrapper(),
    "doas": _Wrapper(flags="n s L", values="u C"),
    "env": _Wrapper(flags="i 0 v --ignore-environment --null --debug", values="u C --unset --chdir"),
    "exec": _Wrapper(flags="c l", values="a", plain=True),
    "flock": _Wrapper(flags="x s n u o F --exclusive --shared --nonblock", values="w E --timeout", operands=1),
    "ionice": _Wrapper(flags="t", values="c n", plain=True),
    "nice": _Wrapper(flags="0 1 2 3 4 5 6 7 8 9", values="n --adjustment", plain=True),
    "nohup": _Wrapper(plain=True),
    "parallel": _Wrapper(flags="k --keep-order", values="j --jobs"),
    "pkexec": _Wrapper(values="--user"),
    "setsid": _Wrapper(flags="c f w --ctty --fork --wait", plain=True),
    "stdbuf": _Wrapper(values="i o e --input --output --error", plain=True),
    "strace": _Wrapper(flags="f q v t T r y C c", values="e o p s u S a O X I P b E"),
    "sudo": _SUDO,
    "time": _Wrapper(flags="p v --portability --verbose", plain=True),
    "timeout": _Wrapper(
        flags="v f p --foreground --preserve-status --verbose",
        values="k s --kill-after --signal",
        operands=1,
        plain=True,
    ),
    "toybox": _Wrapper(),
    "unbuffer": _Wrapper(flags="p", plain=True),
    "xargs": _Wrapper(
        flags="0 o p r t x i e l --null --no-run-if-empty --interactive --verbose --exit",
        values="a E d I L n P s --arg-file --delimiter --eof --replace --max-lines --max-args --max-procs --max-chars",
    ),
}
_GIT = _Wrapper(
    flags="p P --no-pager --paginate --bare --no-replace-objects --literal-pathspecs --no-optional-locks",
    values="C c --git-dir --work-tree --namespace --exec-path --config-env",
)
SHELLS = frozenset({"ash", "bash", "dash", "fish", "ksh", "mksh", "sh", "zsh"})
"""Programs that run shell text."""
_EXEC_OPTIONS = {
    "find": frozenset({"-exec", "-execdir", "-ok", "-okdir"}),
    "fd": frozenset({"-x", "-X", "--exec", "--exec-batch"}),
    "fdfind": frozenset({"-x", "-X", "--exec", "--exec-batch"}),
}
_ASSIGNING = frozenset({"!", "coproc", "doas", "env", "sudo", "time"})
_DASH_C = frozenset({"runuser", "script", "su"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def program(word: str) -> str:
    """The program that a command word names, without its folder."""
    return word.rsplit("/", 1)[-1]


def handovers(words: Sequence[Word]) -> tuple[Handover, ...]:
    """What the command runs beside itself; nothing for an ordinary one. The first word must have a value."""
    name = program(words[0].text)
    if name in SHELLS:
        return _shell(words)
    if name in _WRAPPERS:
        return _wrapped(words, name, _WRAPPERS[name])
    if name in _EXEC_OPTIONS:
        return _exec_options(words, _EXEC_OPTIONS[name])
    match name:
        case "eval":
            return _scripted(_values(words), plain=True)
        case "watch":
            start = _operand(
                words, _Wrapper("b c d e g t x --color --differences --errexit --no-title", "n --interval")
            )
            return (Unclear(),) if start is None else _scripted([word.value for word in words[start:]], plain=False)
        case "alias":
            return _scripted([word.text.partition("=")[2] for word in words[1:]], plain=False)
        case "trap":
            return _scripted([value for value in _values(words)[:1] if value != "-"], plain=False)
        case "source" | ".":
            return (Unclear(),) if len(words) > 1 and words[1].value is None else ()
        case _ if name in _DASH_C:
            return _dash_c(words)
    return ()


def without_options(words: Sequence[Word]) -> tuple[Word, ...] | None:
    """A git command without the options that stand before its subcommand; None for anything else."""
    if program(words[0].text) != "git":
        return None
    start = _operand(words, _GIT)
    return None if start is None else (words[0], *words[start:])


def _wrapped(words: Sequence[Word], name: str, wrapper: _Wrapper) -> tuple[Handover, ...]:
    if name == "command" and len(words) > 1 and words[1].value in {"-v", "-V"}:
        return ()
    start = _operand(words, wrapper)
    if start is None:
        return (Unclear(),)
    plain = wrapper.plain
    start += wrapper.operands
    while start < len(words) and name in _ASSIGNING and _ASSIGNMENT.match(words[start].source):
        start, plain = start + 1, False
    return (HandedOn(start, len(words), plain),) if start < len(words) else ()


def _operand(words: Sequence[Word], wrapper: _Wrapper) -> int | None:
    """The place of the first word that is no option, or None if an option is not known."""
    at = 1
    while at < len(words):
        value = words[at].value
        if value == "--":
            return at + 1
        if value == "-":
            at += 1
            continue
        if value is None or not value.startswith("-"):
            return at
        span = _span(value, wrapper)
        if span is None:
            return None
        at += span
    return at


def _span(option: str, wrapper: _Wrapper) -> int | None:
    """How many words an option takes, or None if it is not known."""
    flags, values = wrapper.flags.split(), wrapper.values.split()
    if option.startswith("--"):
        name, given, _ = option.partition("=")
        if name not in (*flags, *values):
            return None
        return 2 if name in values and not given else 1
    for place, letter in enumerate(option[1:], start=2):
        if letter in values:
            return 1 if len(option) > place else 2
        if letter not in flags:
            return None
    return 1


def _shell(words: Sequence[Word]) -> tuple[Handover, ...]:
    reads_text = False
    at = 1
    while at < len(words):
        value = words[at].value
        if value is None:
            return (Unclear(),)
        if not value.startswith(("-", "+")):
            return (Scripted(value, plain=True),) if reads_text else ()
        if value.startswith("--") and value not in {"--", "--norc", "--noprofile", "--login", "--posix"}:
            return (Unclear(),)
        if not value.startswith("--"):
            reads_text = reads_text or "c" in value
            at += "o" in value or "O" in value
        at += 1
    return (Unclear(),)  # no script and no text: it reads its commands from its input


def _exec_options(words: Sequence[Word], options: frozenset[str]) -> tuple[Handover, ...]:
    found: list[Handover] = []
    for place, word in enumerate(words):
        if word.value in options and place + 1 < len(words):
            ends = (at for at in range(place + 1, len(words)) if words[at].value in {";", "+"})
            found.append(HandedOn(place + 1, next(ends, len(words)), plain=False))
    return tuple(found)


def _dash_c(words: Sequence[Word]) -> tuple[Handover, ...]:
    for place, word in enumerate(words[1:], start=1):
        if word.value is not None and re.fullmatch(r"-\w*c|--command", word.value):
            return _scripted([following.value for following in words[place + 1 : place + 2]], plain=False)
        if word.value is None or word.value.startswith("--command="):
            return (Unclear(),)
    return ()


def _values(words: Sequence[Word]) -> list[str | None]:
    """The arguments of a built-in, without the mark for the end of its options."""
    values = [word.value for word in words[1:]]
    return values[1:] if values[:1] == ["--"] else values


def _scripted(values: Sequence[str | None], *, plain: bool) -> tuple[Handover, ...]:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return (Unclear(),)
    return (Scripted(" ".join(known), plain),) if known else ()
