"""Where the grammar is known to read a shell text otherwise than the shell does.

Found by running random commands in a real shell. Each check may doubt too much, which costs a question; none
may doubt too little, which would cost a denial its effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

_HIDDEN_COMMAND = re.compile(rb"\w\[\s*(\$\(|`)|@P\}")
"""An array index or a prompt expansion runs what is in it even where it looks like plain text."""
_ODD_TEXT = re.compile(rb"[\0\1\r\v\f]|(?<![ \t])\\\n")
"""Characters that part words for the grammar only, and lines joined where no word ends."""
_VARIABLE = re.compile(rb"\$([\w@*#?$!-]+)")
_WORD_GAP = re.compile(rb"(?:[ \t]|\\\n)*")
_LEFT_OVER = re.compile(rb"(?<!\\)(?:\\\\)*(?:`|\$\(|[<>]\()")
_LEFT_OVER_IN_QUOTES = re.compile(rb"(?<!\\)(?:\\\\)*(?:`|\$\()")
_WORD_WITH_OPERATOR = re.compile(rb"(?<!\\)(?:\\\\)*[;|&<>()\n]")
_HEREDOC_COMMAND = re.compile(rb"`|\$[^\w{]")
"""Also a `$` by itself, which makes the grammar miss the end."""
_HEREDOC_NAME = re.compile(rb"\\?[\w-]+|'[\w-]+'|\"[\w-]+\"")
_PLAIN_LEAVES = frozenset({"raw_string", "ansi_c_string"})
_BEFORE_COMMENT = frozenset({b"", b" ", b"\t", b"\n", b";", b"|", b"&", b"(", b")"})
_COMMANDS = frozenset({"command", "declaration_command", "unset_command"})


def is_doubtful(root: Node, source: bytes) -> bool:
    """Whether something in the text may run without being a command in the tree."""
    if root.has_error or _HIDDEN_COMMAND.search(source) or _ODD_TEXT.search(source):
        return True
    nested = source.count(b"\\`") < source.count(b"`") and b"\\`" in source
    return nested or any(_misread(node, source) for node in _nodes(root))


def _misread(node: Node, source: bytes) -> bool:
    text = source[node.start_byte : node.end_byte]
    match node.type:
        case kind if kind in _PLAIN_LEAVES:
            return False
        case "comment":
            return source[max(0, node.start_byte - 1) : node.start_byte] not in _BEFORE_COMMENT
        case kind if kind in _COMMANDS:
            return not all(_parted(one, other, source) for one, other in pairwise(node.children))
        case "file_redirect":
            return not _has_one_target(node)
        case "heredoc_redirect":
            return not _is_quoted(node) and _has_commands(node)
        case "heredoc_end":
            return not _alone_on_its_line(node, source)
        case "``":  # the end of one substitution and the start of the next, taken for an empty one
            return True
        case "heredoc_start":
            return _HEREDOC_NAME.fullmatch(text) is None
        case "simple_expansion":
            return _VARIABLE.fullmatch(text) is None
        case "string_content":
            return _LEFT_OVER_IN_QUOTES.search(text) is not None
        case "word" if _WORD_WITH_OPERATOR.search(text):
            return True
    return node.is_named and not node.child_count and _LEFT_OVER.search(text) is not None


def _parted(one: Node, other: Node, source: bytes) -> bool:
    """Whether two words of a command are two words of one line to the shell as well."""
    gap = source[one.end_byte : other.start_byte]
    joined = not gap and one.type != "$" and not other.type.endswith("_redirect")
    return not joined and _WORD_GAP.fullmatch(gap) is not None


def _has_one_target(redirection: Node) -> bool:
    """More targets are arguments of the command; and after `>&` the shell expands what is quoted."""
    targets = redirection.children_by_field_name("destination")
    copies = any(child.type in {">&", "<&"} for child in redirection.children)
    return len(targets) <= 1 and not (copies and any(target.type not in {"number", "word"} for target in targets))


def _has_commands(heredoc: Node) -> bool:
    """Whether the shell may find a command in the text of a heredoc; what looks like a comment may belong to it."""
    texts = (child.text or b"" for child in heredoc.children if child.type in {"heredoc_body", "comment"})
    return any(map(_HEREDOC_COMMAND.search, texts))


def _alone_on_its_line(end: Node, source: bytes) -> bool:
    line = source[source.rfind(b"\n", 0, end.start_byte) + 1 :].split(b"\n", 1)[0]
    return line.lstrip(b"\t") == end.text


def _nodes(root: Node) -> Iterator[Node]:
    """All nodes but those below a heredoc that the shell takes as it is."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        quoted = node.type == "heredoc_redirect" and _is_quoted(node)
        waiting.extend(child for child in node.children if not (quoted and child.type == "heredoc_body"))


def _is_quoted(heredoc: Node) -> bool:
    starts = [child.text or b"" for child in heredoc.children if child.type == "heredoc_start"]
    return any(re.search(rb"['\"\\]", start) for start in starts)
