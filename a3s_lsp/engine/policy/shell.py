"""Shell commands taken apart: which simple commands a text would run, and which files it would write.

The text is read with a real grammar, so that a command is found behind `&&`, in `$(…)`, in a heredoc or in the body
of a function. What cannot be read off the text is marked opaque, and nobody gets leave for it by a rule about words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from a3s_lsp.engine.policy.doubts import is_doubtful
from a3s_lsp.engine.policy.wrappers import HandedOn, Handover, Scripted, Word, handovers, program, without_options

if TYPE_CHECKING:
    from tree_sitter import Language, Node

_DEEPEST = 12
_MOST = 1000
"""Beyond so many shells in one another, or commands in one text, the rest is not read, and the text is opaque."""
_PLAIN_WORD = re.compile(r"[\w@%+=:,./~-]+")
_HARMLESS_TARGET = re.compile(r"/dev/(null|stdout|stderr|tty|fd/\d+)|\d+-?|-")
_RESERVED = frozenset(
    {
        "case",
        "do",
        "done",
        "elif",
        "else",
        "esac",
        "fi",
        "for",
        "function",
        "if",
        "in",
        "select",
        "then",
        "until",
        "while",
    }
    | {"{", "}", "[["}
)
"""Words that are no commands to the shell; where the grammar sees one as a command, it is mistaken."""
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_ANY_LETTER = b"\x01"
"""What the grammar gets to see of other alphabets: to the shell they are all letters, and the grammar's scanner looks
them up in a table that ends at 255, which can kill the process."""
_COMMANDS = frozenset({"command", "declaration_command", "unset_command"})
_WRITING = frozenset({">", ">>", ">|", "&>", "&>>", ">&", "<>"})
_BRACE_LIST = re.compile(r"\{[^{}]*(,|\.\.)[^{}]*\}")
_SEVERAL = re.compile(rf"(?<!\\)[*?\[]|{_BRACE_LIST.pattern}")
"""A word that may become several, or another one."""
_QUOTED_ESCAPE = re.compile(r'\\(?:\n|([\\"$`]))')
_ESCAPE = re.compile(r"\\(?:\n|(.))")


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command.

    `words` has its name and arguments, without the assignments before it (`assigned` says that there are some).
    `runs` are the commands that it hands on, and `plain` says that it does nothing but hand them on. `lead` counts the
    words before the one command that is handed on; it is all of them if the rest is not simply that command.
    """

    source: str
    words: tuple[Word, ...] = ()
    assigned: bool = False
    opaque: bool = False
    runs: tuple[Command, ...] = ()
    plain: bool = False
    lead: int = 0

    def everything(self) -> Iterator[Command]:
        """This command and all that it runs."""
        yield self
        for command in self.runs:
            yield from command.everything()

    def exact_spellings(self) -> tuple[str, ...]:
        """The spellings that mean exactly this command: as written, and with needless quotes and spaces gone."""
        if self.assigned or not self.words:
            return (self.source,)
        return (self.source, " ".join(map(_without_needless_quotes, self.words)))

    def all_spellings(self) -> tuple[str, ...]:
        """These and the spellings without quotes, folder, assignments and leading options."""
        if not self.words:
            return (self.source,)
        bare = (Word("", program(self.words[0].text)), *self.words[1:])
        short = without_options(bare)
        spelled = (self.words, bare) if short is None else (self.words, bare, short)
        return (self.source, *(_joined(words) for words in spelled))


@dataclass(frozen=True, slots=True)
class Script:
    """A shell text: its commands, and the files of redirections that write and that read."""

    commands: tuple[Command, ...]
    writes: tuple[Word, ...] = ()
    reads: tuple[Word, ...] = ()

    def everything(self) -> Iterator[Command]:
        """All commands, also those that others hand on."""
        for command in self.commands:
            yield from command.everything()

    @property
    def opaque(self) -> bool:
        """Whether anything in it can only be known when it runs."""
        return any(command.opaque for command in self.everything())


@lru_cache(maxsize=256)
def take_apart(text: str) -> Script:
    """Read a shell text. Never fails: what cannot be understood is an opaque command."""
    return _Reading(text).script()


class _Reading:
    """One text being read; `depth` counts the shells around it."""

    def __init__(self, text: str, depth: int = 0) -> None:
        self._source = text.strip(" \t\n").encode("utf-8", "replace")
        self._depth = depth
        self._writes: list[Word] = []
        self._reads: list[Word] = []

    def script(self) -> Script:
        """All that the text would run and write."""
        from tree_sitter import Parser

        root = Parser(_language()).parse(_NOT_ASCII.sub(_ANY_LETTER, self._source)).root_node
        commands = [self._command(node) for node in islice(self._statements(root), _MOST)]
        if len(commands) == _MOST or is_doubtful(root, self._source):
            commands.append(Command(self._source.decode(), opaque=True))
        elif not commands:
            commands.append(Command(self._source.decode()))
        return Script(tuple(commands), tuple(self._writes), tuple(self._reads))

    def _statements(self, root: Node) -> Iterator[Node]:
        """All nodes that run something, in the order of the text; redirections are noted on the way."""
        waiting = [(root, "")]
        while waiting:
            node, above = waiting.pop()
            if node.type in _COMMANDS or (node.type == "variable_assignment" and above not in _COMMANDS):
                yield node
            elif node.type == "file_redirect":
                self._redirection(node)
            waiting.extend((child, node.type) for child in reversed(node.children))

    def _redirection(self, node: Node) -> None:
        target = node.child_by_field_name("destination")
        if target is None:
            return
        word = self._word(target)
        if not any(child.type in _WRITING for child in node.children):
            self._reads.append(word)
        elif word.value is None or not _HARMLESS_TARGET.fullmatch(word.value):
            self._writes.append(word)

    def _command(self, node: Node) -> Command:
        if node.type == "variable_assignment":
            return Command(self._text(node), assigned=True)
        words = [self._word(child) for child in node.children if _is_word(child)]
        assigned = any(child.type == "variable_assignment" for child in node.children)
        return self._simple(words, self._text(node), assigned=assigned, depth=self._depth)

    def _simple(self, words: Sequence[Word], source: str, *, assigned: bool, depth: int) -> Command:
        if not words or words[0].value is None or words[0].value in _RESERVED or depth > _DEEPEST:
            return Command(source, tuple(words), assigned, opaque=True)
        found = handovers(words)
        runs = [command for handover in found for command in self._handed_on(handover, words, depth + 1)]
        plain = bool(found) and not assigned and "/" not in words[0].value and all(map(_is_plain, found))
        lead = next((f.start for f in found if isinstance(f, HandedOn) and f.end == len(words)), len(words))
        return Command(source, tuple(words), assigned, False, tuple(runs), plain, lead)

    def _handed_on(self, handover: Handover, words: Sequence[Word], depth: int) -> Sequence[Command]:
        match handover:
            case HandedOn(start, end):
                inner = words[start:end]
                return [self._simple(inner, " ".join(word.source for word in inner), assigned=False, depth=depth)]
            case Scripted(script) if depth <= _DEEPEST:
                inside = _Reading(script, depth).script()
                self._writes.extend(inside.writes)
                self._reads.extend(inside.reads)
                return inside.commands
            case _:
                return [Command(" ".join(word.source for word in words), opaque=True)]

    def _text(self, node: Node) -> str:
        return self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _word(self, node: Node) -> Word:
        return Word(self._text(node), self._value(node))

    def _value(self, node: Node) -> str | None:
        """What the shell makes of a word, or None if that depends on the moment."""
        text = self._text(node)
        match node.type:
            case "command_name":
                return self._value(node.children[0])
            case "raw_string":
                return text[1:-1]
            case "string" if all(child.type in {'"', "string_content"} for child in node.children):
                return _QUOTED_ESCAPE.sub(r"\1", text[1:-1])
            case "concatenation":
                parts = [self._value(child) for child in node.children]
                known = [part for part in parts if part is not None]
                return "".join(known) if len(known) == len(parts) and not _BRACE_LIST.search(text) else None
            case "word" | "number":
                return None if _SEVERAL.search(text) and text != "[" else _ESCAPE.sub(r"\1", text)
            case _:
                return None if node.is_named else text


@cache
def _language() -> Language:
    import tree_sitter_bash
    from tree_sitter import Language

    return Language(tree_sitter_bash.language())


def _is_plain(handover: Handover) -> bool:
    return isinstance(handover, HandedOn | Scripted) and handover.plain


def _is_word(node: Node) -> bool:
    """Arguments and names; not assignments before a command, redirections and comments."""
    return node.type not in {"variable_assignment", "herestring_redirect", "file_redirect", "comment", "$"}


def _without_needless_quotes(word: Word) -> str:
    return word.value if word.value is not None and _PLAIN_WORD.fullmatch(word.value) else word.source


def _joined(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)
