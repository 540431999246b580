"""The rule that "always" or "never" would store for a call: as narrow as is still of use."""

from __future__ import annotations

import re

from a3s_lsp.engine.policy.protected import may_change_own_rules
from a3s_lsp.engine.policy.rules import literal
from a3s_lsp.engine.policy.shell import Command, take_apart
from a3s_lsp.engine.policy.verdicts import CallFacts

_WITH_SUBCOMMANDS = re.compile(
    r"apt|brew|bundle|bun|cargo|composer|conda|deno|docker|dotnet|gem|git|go|gradle|helm|just|kubectl|make|mvn|npm|nx"
    r"|pip3?|pipenv|pnpm|poetry|podman|rake|rustup|swift|systemctl|terraform|tox|turbo|uv|yarn"
)
_WITH_DEEPER_SUBCOMMANDS = re.compile(r"(bun|cargo|npm|pnpm|poetry|uv|yarn) run|uv pip|docker compose")
_SAFE_TO_WIDEN = re.compile(
    r"basename|cat|cmp|column|cut|date|df|diff|dirname|du|echo|eslint|file|grep|head|id|jq|ls|md5sum|mypy|nl|prettier"
    r"|printf|ps|pwd|pytest|readlink|realpath|ruff|sha256sum|stat|tail|tr|tsc|uname|wc|which|whoami"
)
_NAME = re.compile(r"[A-Za-z][\w.:/-]*")


def suggest_rule(call: CallFacts) -> str:
    """The rule to store for this call, or nothing if no rule would be safe or would hold."""
    if may_change_own_rules(call):
        return ""
    if call.name == "bash":
        return _for_command(call.subject.strip(" \t\n"))
    if call.name == "git":
        return f"git({call.subject.split()[0]}:*)" if call.subject else ""
    if len(call.paths) > 1:
        return ""
    subject = call.paths[0] if call.paths else call.subject
    return f"{call.name}({literal(subject)})" if subject else call.name


def _for_command(text: str) -> str:
    script = take_apart(text)
    if script.opaque or not text:
        return ""
    only = script.commands[0] if len(script.commands) == 1 and not script.writes else None
    if only and (prefix := _prefix(only)):
        return f"bash({prefix}:*)"
    return f"bash({literal(text)})"


def _prefix(command: Command) -> str:
    """The words that say what a command does, if the words after them may safely be any."""
    if command.assigned or not command.words:
        return ""
    words = [word.source for word in command.words]
    length = _telling_words(words)
    prefix = " ".join(words[:length])
    return prefix if length <= len(words) and all(map(_NAME.fullmatch, words[:length])) else ""


def _telling_words(words: list[str]) -> int:
    if _SAFE_TO_WIDEN.fullmatch(words[0]):
        return 1
    if not _WITH_SUBCOMMANDS.fullmatch(words[0]):
        return len(words) + 1
    return 3 if _WITH_DEEPER_SUBCOMMANDS.fullmatch(" ".join(words[:2])) else 2
