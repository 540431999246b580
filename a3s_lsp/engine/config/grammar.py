"""Reads the text of an `agent.acl` into a small tree with positions, and goes on after an error.

The language looks like HCL and is not: a value may follow `:`, strings may be single-quoted, commas may part the
lines of a block, an unknown escape stands for itself. `name = {…}` and `name {…}` mean the same, so that the tree has
one kind of entry. Whatever has one clear meaning is a warning at most; an error is what had to be left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from a3s_lsp.engine.config.lexer import Token, tokens
from a3s_lsp.engine.config.problems import Report, Span

_MAX_DEPTH = 64
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Name:
    """A name or a label as it is written."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float | bool | None
    span: Span


@dataclass(frozen=True, slots=True)
class Items:
    values: tuple[Value, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    name: Name
    arguments: tuple[Value, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Entry:
    name: Name
    labels: tuple[Name, ...]
    value: Value


@dataclass(frozen=True, slots=True)
class Table:
    entries: tuple[Entry, ...]
    span: Span


Value: TypeAlias = Literal | Items | Call | Table


def parse(text: str, report: Report) -> Table:
    """The tree of the text; what is wrong with it goes to the report."""
    reader = _Reader(list(tokens(text, report)), report)
    return Table(reader.entries(depth=0), Span(1, 1, 1, 1))


class _Reader:
    """Recursive descent. One error a line is told: those that follow come from it."""

    def __init__(self, words: Sequence[Token], report: Report) -> None:
        self._words = words
        self._at = 0
        self._report = report
        self._wrong_line = 0

    def entries(self, depth: int) -> tuple[Entry, ...]:
        """All entries up to the brace that ends the block, which is left for the caller, or the end of the file."""
        found: list[Entry] = []
        while (word := self._word).kind != "end":
            if word.kind == "word" or self._starts_entry():
                entry = self._entry(depth)
                found.extend([entry] if entry else [])
            elif depth and self._sees("}"):
                break
            else:
                if not self._sees(","):
                    self._wrong(word.span, f"{_shown(word)} is not expected here.")
                self._at += 1
        return tuple(found)

    def _entry(self, depth: int) -> Entry | None:
        name = self._name()
        labels: list[Name] = []
        while self._word.kind in ("string", "word") and self._word.span.line == name.span.line:
            labels.append(self._name())
        value: Value | None = None
        if self._sees("{"):
            value = self._table(depth)
        elif self._take("=", ":", "+="):
            value = self._value(name, depth)
        else:
            self._wrong(name.span, f'"{name.text}" has no value: write {name.text} = … or {name.text} {{ … }}.')
        return None if value is None else Entry(name, tuple(labels), value)

    def _value(self, name: Name, depth: int) -> Value | None:
        word = self._word
        if depth >= _MAX_DEPTH:
            self._wrong(word.span, f"Nested deeper than {_MAX_DEPTH} levels.")
            self._at = len(self._words) - 1
            return None
        match word.kind, word.text:
            case "string", text:
                return Literal(text, self._next().span)
            case "number", _:
                return self._number(self._next())
            case "mark", "[":
                return self._items(name, depth)
            case "mark", "{":
                return self._table(depth)
            case "word", _:
                return self._word_value(name, depth)
            case _:
                self._wrong(name.span, f'"{name.text}" has no value.')
                return None

    def _word_value(self, name: Name, depth: int) -> Value | None:
        word = self._word
        if word.text in _WORDS:
            return Literal(_WORDS[word.text], self._next().span)
        if self._sees("(", ahead=1):
            return self._call(depth)
        if word.span.line > name.span.end_line:
            self._wrong(name.span, f'"{name.text}" has no value.')
            return None
        self._wrong(word.span, f'Text needs quotes: write "{word.text}".')
        self._at += 1
        return None

    def _call(self, depth: int) -> Call:
        name = self._name()
        opening = self._next()
        arguments = self._sequence(name, ")", depth)
        return Call(name, arguments, self._since(name.span, opening, ")"))

    def _items(self, name: Name, depth: int) -> Items:
        opening = self._next()
        values = self._sequence(name, "]", depth)
        return Items(values, self._since(opening.span, opening, "]"))

    def _table(self, depth: int) -> Table | None:
        if depth >= _MAX_DEPTH:
            self._wrong(self._word.span, f"Nested deeper than {_MAX_DEPTH} levels.")
            self._at = len(self._words) - 1
            return None
        opening = self._next()
        entries = self.entries(depth + 1)
        return Table(entries, self._since(opening.span, opening, "}"))

    def _sequence(self, name: Name, closing: str, depth: int) -> tuple[Value, ...]:
        values: list[Value] = []
        while self._word.kind != "end" and not self._sees(closing, "}", "=", ":") and not self._starts_entry():
            if self._take(","):
                continue
            at = self._at
            value = self._value(Name(name.text, self._word.span), depth + 1)
            values.extend([] if value is None else [value])
            if self._at == at:
                self._at += 1
        return tuple(values)

    def _number(self, word: Token) -> Literal | None:
        value = float(word.text)
        if not math.isfinite(value):
            self._wrong(word.span, "This number is too large.")
            return None
        return Literal(value if "." in word.text or "e" in word.text.lower() else int(word.text), word.span)

    def _since(self, start: Span, opening: Token, closing: str) -> Span:
        """The stretch from `start` to the closing mark, which is taken if it is there."""
        end = self._word.span if self._take(closing) else None
        if end is None:
            self._report.warning(opening.span, f'This "{opening.text}" is never closed with "{closing}".')
            end = self._word.span
        return Span(start.line, start.column, end.end_line, end.end_column)

    @property
    def _word(self) -> Token:
        return self._words[self._at]

    def _next(self) -> Token:
        word = self._word
        self._at += 1
        return word

    def _name(self) -> Name:
        word = self._next()
        return Name(word.text, word.span)

    def _sees(self, *marks: str, ahead: int = 0) -> bool:
        word = self._words[min(self._at + ahead, len(self._words) - 1)]
        return word.kind == "mark" and word.text in marks

    def _starts_entry(self) -> bool:
        return self._word.kind in ("word", "string") and self._sees("=", ":", "+=", "{", ahead=1)

    def _take(self, *marks: str) -> bool:
        taken = self._sees(*marks)
        self._at += taken
        return taken

    def _wrong(self, where: Span, message: str) -> None:
        if where.line != self._wrong_line:
            self._report.error(where, message)
        self._wrong_line = where.line


def _shown(word: Token) -> str:
    return f'The text "{word.text}"' if word.kind == "string" else f'"{word.text}"'
