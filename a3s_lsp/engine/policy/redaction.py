"""Secrets taken out of texts: by rules about what a secret looks like, and by the very values that are known.

What is taken out is replaced by `[REDACTED:LABEL]`. A stream gives, piece by piece, what the whole text would give.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.policy.redaction_rules import (
    DEFAULT_RULES,
    KEY_BEGINS,
    KEY_ENDS,
    LONGEST_KEY,
    LONGEST_WITH_SPACES,
    Found,
    Rule,
    may_hold_key,
)
from a3s_lsp.engine.policy.secret_values import spellings

MARK = re.compile(r"\[REDACTED:[A-Za-z0-9_ -]+\]")
"""What stands where something was taken out."""
_MOST_HELD = 8_192
"""Characters without white space that a stream holds back at most."""
_OPEN_END = re.compile(
    r"(?:[\d()+.=:\"'-]|bearer|basic|token|authorization|key|-----BEGIN(?: [A-Z0-9]{1,12}){0,5})[ \t]*$", re.I
)
"""Words after which a secret that has spaces in it may go on."""
_LONGEST_HEADER = 80


class Redactor:
    """Takes secrets out of texts. Without rules and values it changes nothing."""

    def __init__(self, rules: Sequence[Rule] = (), values: Iterable[str] = ()) -> None:
        self._rules = tuple(rules)
        self._spaced = any(rule.spaced for rule in self._rules)
        labels = {value: _label_of(value) for value in values}
        spelled = {spelling: label for value, label in labels.items() for spelling in spellings(value)}
        self._values = dict(sorted(spelled.items(), key=lambda item: -len(item[0])))
        self.idle = not self._rules and not self._values

    def text(self, text: str) -> str:
        """The text with a mark in place of each secret."""
        if self.idle or not text:
            return text
        return _without(text, self._found(text))

    def value(self, value: object) -> object:
        """A JSON value with the secrets taken out of all its strings; the very same one if there are none."""
        match value:
            case str():
                return self.text(value)
            case dict():
                done = {self.text(str(key)): self.value(item) for key, item in value.items()}
                return value if done == value else done
            case list() | tuple():
                items = [self.value(item) for item in value]
                return value if items == list(value) else type(value)(items)
            case _:
                return value

    def fields(self, fields: Mapping[str, object] | None) -> Json | None:
        """The same for an object that may not be there."""
        return None if fields is None else {self.text(name): self.value(item) for name, item in fields.items()}

    def hides_more(self, before: str, after: str) -> bool:
        """Whether `after` has marks that `before` has not, and they may stand for something in `before`."""
        if self.idle or len(MARK.findall(after)) <= len(MARK.findall(before)):
            return False
        return len(MARK.findall(self.text(before))) > len(MARK.findall(before))

    def stream(self) -> RedactedStream:
        """A stream whose pieces are not known yet."""
        return RedactedStream(self)

    def _found(self, text: str) -> list[Found]:
        """The secrets, none over another: where they meet they are one, with the label of the surest rule."""
        found = [each for rule in (self._known, *(rule.find for rule in self._rules)) for each in rule(text)]
        rank = {id(each): place for place, each in enumerate(found)}
        joined: list[Found] = []
        for each in sorted(found, key=lambda one: (one.start, rank[id(one)])):
            last = joined[-1] if joined else None
            if last is None or each.start >= last.end:
                joined.append(each)
                continue
            surer = min(last, each, key=lambda one: rank[id(one)])
            both = Found(min(last.since, each.since), last.start, max(last.end, each.end), surer.label)
            rank[id(both)] = rank[id(surer)]
            joined[-1] = both
        return joined

    def _known(self, text: str) -> Iterator[Found]:
        for value, label in self._values.items():
            at = text.find(value)
            while at >= 0:
                yield Found(at, at, at + len(value), label)
                at = text.find(value, at + len(value))

    def settled(self, text: str) -> int:
        """How much from the start of a text cannot become part of a secret, whatever follows."""
        if self.idle:
            return len(text)
        cut = min(self._whole_words(text), self._before_values(text), _before_key(text) if self._rules else len(text))
        if len(text) - cut > _MOST_HELD and not KEY_BEGINS.match(text, cut):
            cut = len(text) - _MOST_HELD // 2
        for each in self._found(text):
            if each.since < cut < each.end:
                cut = each.since
        return cut

    def _whole_words(self, text: str) -> int:
        """The end of the last word that no secret goes on behind."""
        if not self._rules:
            return len(text)
        line = text.rfind("\n")
        if self._spaced:
            return max(line, 0)
        spaces = [found.start() for found in re.finditer(r"[ \t]", text[-LONGEST_WITH_SPACES:])]
        first = max(0, len(text) - LONGEST_WITH_SPACES)
        for at in sorted((first + space for space in spaces), reverse=True):
            if at <= line or not _OPEN_END.search(text, max(0, at - _LONGEST_HEADER), at):
                return max(at, line, 0)
        return max(line, text.rfind(" ", 0, first), text.rfind("\t", 0, first), 0)

    def _before_values(self, text: str) -> int:
        """Where the longest end of the text starts that is the beginning of a known value."""
        starts = (len(text) - _overlap(text, value) for value in self._values)
        return min(starts, default=len(text))


class RedactedStream:
    """A text that comes in pieces. What may be the beginning of a secret is held back, and never more than some
    kilobytes."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be shown now."""
        text = self._held + piece
        cut = self._redactor.settled(text)
        self._held = text[cut:]
        return self._redactor.text(text[:cut])

    def end(self) -> str:
        """The rest: nothing more comes."""
        rest, self._held = self._held, ""
        return self._redactor.text(rest)


def _without(text: str, found: Sequence[Found]) -> str:
    if not found:
        return text
    pieces, at = [], 0
    for each in found:
        pieces += [text[at : each.start], f"[REDACTED:{each.label}]"]
        at = each.end
    return "".join([*pieces, text[at:]])


def _label_of(value: str) -> str:
    """What the value is called: as a rule would call it, so that a key has one name however it was recognised."""
    matching = (
        rule.label for rule in DEFAULT_RULES for each in rule.find(value) if each.end - each.start == len(value)
    )
    return next(matching, "SECRET")


def _overlap(text: str, value: str) -> int:
    """The length of the longest end of the text that `value` begins with, without being all of it."""
    for length in range(min(len(value) - 1, len(text)), 0, -1):
        if text.endswith(value[:length]):
            return length
    return 0


def _before_key(text: str) -> int:
    """Where a private key begins that has not ended, else the end of the text."""
    start = text.rfind("-----BEGIN ")
    begin = KEY_BEGINS.match(text, start) if start >= 0 else None
    if begin is None or KEY_ENDS.search(text, start) or len(text) - start > LONGEST_KEY:
        return len(text)
    return start if may_hold_key(text, begin.end()) else len(text)
