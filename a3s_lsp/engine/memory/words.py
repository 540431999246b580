"""The words of a text, as memories are found by them: of any script, without endings, identifiers taken apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts that put no space between words, or glue particles to them: each character counts as a word."""
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_MARKS = re.compile("[\u0300-\u036f]")
_ENDINGS = ("ing", "ed")
_MOST_WORDS = 2000
_LONGEST = 64
_LITTLE = """\
a an and are as at be but by can did do does for from had has have how i if in into is it its me my no not of
on or our please so than that the their them then there these they this to up us was we were what when where which
who why will with you your"""
_SAY_LITTLE = frozenset(_LITTLE.split())


def words_of(text: str) -> tuple[str, ...]:
    """The distinct words in their order, at most two thousand of them."""
    found: dict[str, None] = {}
    for word in _words(text):
        found[_stem(word)] = None
        if len(found) == _MOST_WORDS:
            break
    return tuple(found)


def asked_words(text: str, most: int) -> tuple[str, ...]:
    """The words that a search goes by: without those that say little, unless there are no others."""
    telling = dict.fromkeys(_stem(word) for word in _words(text) if word not in _SAY_LITTLE)
    return tuple(telling or words_of(text))[:most]


def _words(text: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", text)))
    for match in _WORD.finditer(plain):
        whole = match[0]
        parts = _HUMPS.findall(whole) if whole.isascii() else ()
        for word in (whole, *(parts if len(parts) > 1 else ())):
            yield word.casefold()[:_LONGEST]


def _stem(word: str) -> str:
    """The word without the commonest English endings, so that "fixes" and "fixing" are found by "fix"."""
    if not word.isascii() or not word.isalpha():
        return word
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        word = word[:-1]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            if word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
    return word[:-1] if word.endswith("e") and len(word) > 3 else word
