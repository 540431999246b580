"""Permission patterns, `tool` or `tool(arguments)`, as people write them in a policy.

The tool part is a glob without regard to case; `mcp__server` stands for all tools of that server. In the arguments
`*` stops at a slash, `**` does not, a trailing `:*` means "begins with", and `\\*` and `\\?` are the plain characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"\\[*?\\]|\*\*/|\*\*|\*|\?|.", re.DOTALL)
_STRICT = {"**/": "(?:.*/)?", "**": ".*", "*": r"[^/\\]*", "?": r"[^/\\]"}
_WIDE = {"**/": "(?:.*/)?", "**": ".*", "*": ".*", "?": "."}
_EVERYTHING = frozenset({"*", "**", ":*"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern taken apart; `args` None means that the arguments do not matter."""

    text: str
    tool: str
    args: str | None

    def names(self, tool: str) -> bool:
        """Whether the rule is about this tool."""
        name = tool.lower()
        if "*" in self.tool or "?" in self.tool:
            return _glob(self.tool, wide=True).fullmatch(name) is not None
        if self.tool.startswith("mcp__"):
            return name == self.tool or name.startswith(self.tool.rstrip("_") + "__")
        return name == self.tool

    @property
    def exact(self) -> str | None:
        """The one argument that the rule means, or None if it is a pattern."""
        if self.args is None or self.args.endswith(":*"):
            return None
        tokens = _TOKEN.findall(self.args)
        return None if any(token in _STRICT for token in tokens) else "".join(token[-1] for token in tokens)

    def covers_path(self, path: str) -> bool:
        """Whether the arguments match a path, or any other plain argument."""
        if self.args is None:
            return True
        if self.args.endswith(":*"):
            return path.startswith(self.args[:-2])
        return _glob(self.args.removeprefix("./"), wide=False).fullmatch(path) is not None

    def covers_command(self, command: str) -> bool:
        """Whether the arguments match a simple command in the narrow reading, which is the one for giving leave."""
        return self._matches_command(command, wide=False)

    def catches_command(self, command: str) -> bool:
        """Whether they match in the wide reading, where `*` crosses slashes: the one for holding back."""
        return self._matches_command(command, wide=True)

    def _matches_command(self, command: str, *, wide: bool) -> bool:
        if self.args is None:
            return True
        if self.args.endswith(":*"):
            return _begins(command, self.args[:-2])
        return _glob(self.args, wide=wide).fullmatch(command) is not None


@lru_cache(maxsize=4096)
def parse_rule(text: str) -> Rule:
    """Take a pattern apart. Any text is a rule; one without sense matches no tool."""
    trimmed = text.strip()
    tool, parenthesis, args = trimmed.partition("(")
    if not parenthesis or not trimmed.endswith(")"):
        return Rule(text, trimmed.lower(), None)
    inner = args[:-1]
    return Rule(text, tool.strip().lower(), None if inner in _EVERYTHING else inner)


def literal(text: str) -> str:
    """The argument pattern that matches exactly this text."""
    return re.sub(r"[*?\\]", lambda found: "\\" + found[0], text)


def _begins(command: str, prefix: str) -> bool:
    """A prefix ends where a word ends: `rm` begins `rm -f`, and neither `rmdir` nor `rm.py`."""
    if not command.startswith(prefix):
        return False
    rest = command[len(prefix) :]
    return not rest or rest[0].isspace() or not re.search(r"\w$", prefix)


@lru_cache(maxsize=4096)
def _glob(pattern: str, *, wide: bool) -> re.Pattern[str]:
    meaning = _WIDE if wide else _STRICT
    tokens = _TOKEN.findall(pattern)
    return re.compile("".join(meaning.get(token) or re.escape(token[-1]) for token in tokens), re.DOTALL)
