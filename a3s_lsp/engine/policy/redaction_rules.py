"""What a secret looks like wherever it stands: the formats of tokens, and personal data.

A rule would rather miss than hit a hash, an identifier or a number that is no secret. Every pattern begins with
something rare and has one way to match, so that the time is linear in the text whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

LONGEST_WITH_SPACES = 64
"""No match of a built-in rule but that of a key block has white space in it and is longer."""
LONGEST_KEY = 20_000
"""Characters of a private key in its armour."""
KEY_BEGINS = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
KEY_ENDS = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----")


@dataclass(frozen=True, slots=True)
class Found:
    """A secret from `start` to `end`; `since` is where the text begins by which it was recognised."""

    since: int
    start: int
    end: int
    label: str


Finder: TypeAlias = "Callable[[str], Iterator[Found]]"


@dataclass(frozen=True, slots=True)
class Rule:
    """`find` gives the secrets of one kind in a text, in order. `spaced`: they may have any white space in them."""

    label: str
    find: Finder
    spaced: bool = False


def custom_rule(label: str, pattern: str) -> Rule:
    """A rule of the program's own. ValueError if the pattern is no regular expression, or matches nothing at all."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", label):
        raise ValueError(f"The label {label!r} must be a word of letters, digits, - and _.")
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"The pattern {pattern!r} for {label} is not a regular expression: {error}.") from error
    if compiled.match(""):
        raise ValueError(f"The pattern {pattern!r} for {label} matches the empty text; make it say more.")

    def find(text: str) -> Iterator[Found]:
        return (Found(m.start(), m.start(), m.end(), label) for m in compiled.finditer(text) if m.end() > m.start())

    return Rule(label, find, spaced=True)


def _begins(lead: str, before: str = r"\w-") -> str:
    """The pattern `lead` where a word begins: not after one of the characters `before`, except for those of a JSON
    escape and the marks of a diff. The check stands behind the lead, so that the search for it is fast."""
    return rf"{lead}(?:(?<![{before}]{lead})|(?<=\\[nrt]{lead})|(?<=^[+-]{lead}))"


def _anything(found: str) -> bool:
    return True


def _rule(label: str, pattern: str, *, hints: tuple[str, ...] = (), holds: Callable[[str], bool] = _anything) -> Rule:
    """The group `secret`, or all of the match, is hidden. One of the `hints` is in every match."""
    compiled = re.compile(pattern, re.MULTILINE)
    group = "secret" if "secret" in compiled.groupindex else 0

    def find(text: str) -> Iterator[Found]:
        if hints and not any(hint in text for hint in hints):
            return
        for match in compiled.finditer(text):
            start, end = match.span(group)
            if holds(text[start:end]):
                yield Found(match.start(), start, end, label)

    return Rule(label, find)


# ---------------------------------------------------------------- tokens

_WORD_ENDS = r"(?![A-Za-z0-9_])"
_HAS_DIGIT = re.compile(r"\d")
_KEY_LEAD = 400
"""Within so many characters a key shows itself, behind its own headers and those that grep or a diff put there."""
_KEY_BODY = re.compile(r"[A-Za-z0-9+/]{24}")
_ESCAPED_KEY = re.compile(r"[A-Za-z0-9+/=\s\\]{64,}")
_SNAKE_NAME = re.compile(r"[spr]k_(?!live_|test_)[A-Za-z_]+")
_PLACEHOLDER = re.compile(r"[$<{%*]|\[REDACTED:|x{3,}|\.{3}", re.IGNORECASE)


def _private_keys(text: str) -> Iterator[Found]:
    at = 0
    while begin := KEY_BEGINS.search(text, at):
        following = KEY_BEGINS.search(text, begin.end(), begin.end() + LONGEST_KEY)
        limit = following.start() if following else begin.end() + LONGEST_KEY
        end = KEY_ENDS.search(text, begin.end(), limit)
        at = begin.end()
        if end is not None and _KEY_BODY.search(text, begin.end(), min(end.start(), begin.end() + _KEY_LEAD)):
            at = end.end()
        elif end is None and (cut := _ESCAPED_KEY.match(text, begin.end())):
            at = cut.end()
        if at > begin.end():
            yield Found(begin.start(), begin.start(), at, "PRIVATE_KEY")


def may_hold_key(text: str, at: int) -> bool:
    """Whether what stands behind the head of a private key is one, as far as it is there: prose has no such words."""
    return len(text) - at < _KEY_LEAD or _KEY_BODY.search(text, at, at + _KEY_LEAD) is not None


def _no_name(text: str) -> bool:
    """`pk_` and `sk_` begin many names in schemas and programs; those have no digits."""
    return _SNAKE_NAME.fullmatch(text) is None


def _has_digit(text: str) -> bool:
    return _HAS_DIGIT.search(text) is not None


def _no_placeholder(text: str) -> bool:
    return _PLACEHOLDER.match(text) is None


_STEMS = ("sk-", "sk_", "pk-", "pk_", "rk-", "rk_")
_DASHED = r"(?:[A-Za-z0-9]{1,19}[-_]){0,6}[A-Za-z0-9]{20,}[A-Za-z0-9_-]*"
TOKEN_RULES = (
    Rule("PRIVATE_KEY", _private_keys),
    _rule("GITHUB_TOKEN", _begins("gh[pousr]_") + r"[A-Za-z0-9]{36,}" + _WORD_ENDS, hints=("gh",)),
    _rule("GITHUB_TOKEN", _begins("github_pat_") + r"[A-Za-z0-9_]{22,}", hints=("github_pat_",)),
    _rule("AWS_KEY", _begins("A[KS]IA") + r"[0-9A-Z]{16}" + _WORD_ENDS, hints=("AKIA", "ASIA")),
    _rule(
        "AWS_KEY",
        r"(?i:secret_?access_?key|aws_secret_?key)[\"']?[ \t]{0,4}[=:][ \t]{0,4}[\"']?"
        r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        hints=("ecret", "ECRET"),
    ),
    _rule("API_KEY", _begins("[spr]k[-_]") + _DASHED, hints=_STEMS, holds=_no_name),
    _rule("API_KEY", _begins("AIza") + r"[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])", hints=("AIza",)),
    _rule("API_KEY", _begins("gsk_") + r"[A-Za-z0-9]{40,}" + _WORD_ENDS, hints=("gsk_",)),
    _rule("API_KEY", _begins("xai-") + r"[A-Za-z0-9]{40,}" + _WORD_ENDS, hints=("xai-",)),
    _rule("API_KEY", _begins("hf_") + r"[A-Za-z0-9]{30,}" + _WORD_ENDS, hints=("hf_",)),
    _rule("API_KEY", _begins(r"SG\.") + r"[\w-]{22}\.[\w-]{43}(?![\w-])", hints=("SG.",)),
    _rule("SLACK_TOKEN", _begins("xox[abeoprs]-") + r"[A-Za-z0-9-]{10,}", hints=("xox",), holds=_has_digit),
    _rule("SLACK_TOKEN", _begins("xapp-") + r"[A-Za-z0-9-]{20,}", hints=("xapp-",), holds=_has_digit),
    _rule("SLACK_TOKEN", r"hooks\.slack\.com/services/(?P<secret>[A-Z0-9]+/[A-Z0-9]+/\w{16,})", hints=("hooks.sl",)),
    _rule("GITLAB_TOKEN", _begins("glpat-") + r"[A-Za-z0-9_.-]{20,}", hints=("glpat-",)),
    _rule("NPM_TOKEN", _begins("npm_") + r"[A-Za-z0-9]{36}" + _WORD_ENDS, hints=("npm_",)),
    _rule("PYPI_TOKEN", _begins("pypi-") + r"AgE[A-Za-z0-9_-]{50,}", hints=("pypi-AgE",)),
    _rule(
        "JWT",
        _begins("eyJ") + r"[A-Za-z0-9_-]{6,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}",
        hints=("eyJ",),
    ),
    _rule(
        "PASSWORD",
        r"://[^\s:/@\"'<>\\]{0,64}:(?P<secret>[^\s/@\"'<>\\]{1,256})@",
        hints=("://",),
        holds=_no_placeholder,
    ),
    _rule(
        "BEARER",
        r"(?i:bearer)[ \t]{1,4}(?P<secret>[A-Za-z0-9._~+/-]{16,}={0,2})",
        hints=("earer", "EARER"),
        holds=_has_digit,
    ),
    _rule(
        "BEARER",
        r"(?i:authorization)[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?(?i:bearer|basic|token)[ \t]{1,4}"
        r"(?P<secret>[A-Za-z0-9._~+/-]{8,}={0,2})",
        hints=("uthoriz", "UTHORIZ"),
    ),
)
"""Keys, tokens and passwords."""

# ---------------------------------------------------------------- personal data

_DIGITS_END = r"(?!\w|[.-]\w)"
_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-")
_DOMAIN = re.compile(r"@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24})(?!\w|-\w|\.\w)")
_LONGEST_LOCAL = 128
_IN_ADDRESS = re.compile(r"://[^\s/@]*:$")
"""What stands before the password of a URL: behind it is a host, not a person's mail."""
_NO_DOMAIN = re.compile(
    r"bmp|conf|css|gif|git|html|ico|jpe?g|jsx?|json|lock|log|md|mount|path|png|py|rs|scope|service|slice|socket|so|svg"
    r"|swap|target|timer|toml|tsx?|txt|webp|xml|ya?ml",
    re.IGNORECASE,
)
"""Endings of file names and of units of systemd, which have an `@` in them as well."""
_NO_PEOPLE = frozenset({"git", "hg", "svn"})
"""Who remote repositories are addressed to."""


def _emails(text: str) -> Iterator[Found]:
    for match in _DOMAIN.finditer(text):
        start = match.start()
        earliest = max(0, start - _LONGEST_LOCAL)
        while start > earliest and text[start - 1] in _LOCAL:
            start -= 1
        if start > 0 and text[start - 1] == "\\" and text[start] in "nrt":
            start += 1  # the letter belongs to an escape
        local, domain = text[start : match.start()], match[1]
        start += len(local) - len(local := local.lstrip("-+."))
        host = _IN_ADDRESS.search(text, max(0, start - _LONGEST_LOCAL), start) is not None
        if local and not host and _is_address(local, domain, text[match.end() : match.end() + 1]):
            yield Found(start, start, match.end(), "EMAIL")


def _is_address(local: str, domain: str, following: str) -> bool:
    first, _, ending = domain.rpartition(".")
    if _NO_DOMAIN.fullmatch(ending) or (local.lower() in _NO_PEOPLE and following in (":", "/")):
        return False
    return not (local.endswith(".") or re.match(r"\d+\.\d|\d+x$", first))


def _is_social_security(text: str) -> bool:
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def _passes_luhn(text: str) -> bool:
    digits = [int(letter) for letter in reversed(text) if letter.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def _international(text: str) -> Iterator[Found]:
    """Numbers with a country code, and with spaces; digits beyond the longest number there can be are others."""
    for match in _COUNTRY.finditer(text) if "+" in text else ():
        number = match[0]
        while sum(map(str.isdigit, number)) > _MOST_DIGITS:
            number = number[: max(number.rfind(" "), number.rfind("-"), number.rfind("."))]
        if sum(map(str.isdigit, number)) >= _LEAST_DIGITS:
            yield Found(match.start(), match.start(), match.start() + len(number), "PHONE")


_COUNTRY = re.compile(
    _begins(r"\+[1-9]", r"\w+") + r"\d{0,2}[ .-]?\(?\d{1,5}\)?(?:[ .-]\d{2,5}){1,4}" + _DIGITS_END, re.MULTILINE
)
_LEAST_DIGITS, _MOST_DIGITS = 9, 15

_PEOPLE = (
    _rule("SSN", _begins(r"\d{3}-", r"\w.+-") + r"\d{2}-\d{4}" + _DIGITS_END, holds=_is_social_security),
    Rule("EMAIL", _emails),
    _rule(
        "CC",
        _begins(r"[2-6]\d{3}", r"\w.-") + r"([ -]?)\d{4}\1\d{4}\1\d{4}" + _DIGITS_END,
        holds=_passes_luhn,
    ),
    _rule("CC", _begins(r"3[47]\d{2}", r"\w.-") + r"([ -]?)\d{6}\1\d{5}" + _DIGITS_END, holds=_passes_luhn),
    _rule("PHONE", _begins(r"\d{3}[.-]", r"\w.+-") + r"\d{3}(?:(?<=-\d{3})-|(?<=\.\d{3})\.)\d{4}" + _DIGITS_END),
    _rule("PHONE", _begins(r"1[ .-]", r"\w.-") + r"(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[.-]\d{4}" + _DIGITS_END),
    _rule("PHONE", _begins(r"\(\d{3}\)", r"\w") + r" ?\d{3}[ .-]\d{4}" + _DIGITS_END, hints=(")",)),
    Rule("PHONE", _international),
    _rule("PHONE", _begins(r"\+[1-9]", r"\w+") + r"\d{10,14}" + _DIGITS_END, hints=("+",)),
)

DEFAULT_RULES = (*TOKEN_RULES, *_PEOPLE)
"""From the most to the least certain: where two kinds overlap, the first one names it."""
