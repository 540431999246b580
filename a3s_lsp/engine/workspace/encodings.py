"""The encoding of a file's text, told by its bytes alone, and text put back into it.

UTF-16 and UTF-32 are known by their byte order mark, which stays in the text as its first character. What is not valid
UTF-8 is Latin-1 if it holds no control characters but whitespace and ESC; everything else is not text.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, TypeAlias

Encoding: TypeAlias = Literal["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "latin-1"]

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS: tuple[tuple[bytes, Encoding], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_TO_UTF8 = "convert the file to UTF-8 first, for instance with iconv"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and the encoding that its bytes were in."""

    text: str
    encoding: Encoding


class Unencodable(ValueError):
    """A text does not fit an encoding; the message is a clause that says why and what to do."""


def has_wide_mark(data: bytes) -> bool:
    """Whether data begins as UTF-16 or UTF-32 does."""
    return data.startswith(tuple(mark for mark, _ in _MARKS))


def decode(data: bytes) -> Decoded | None:
    """The text of these bytes, or None if they are not text."""
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    try:
        return Decoded(data.decode(encoding or "utf-8"), encoding or "utf-8")
    except UnicodeDecodeError:
        if encoding is not None or _CONTROL.search(data):
            return None
        return Decoded(data.decode("latin-1"), "latin-1")


def encode(text: str, encoding: Encoding) -> bytes:
    """The bytes of a text, from which `decode` makes the same text in the same encoding. Raises Unencodable."""
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError as error:
        raise Unencodable(_misfit(text, error.start, encoding)) from error
    # Latin-1 that happens to be valid UTF-8, or UTF-16 that has lost its mark, would be read as something else.
    if encoding != "utf-8" and not _is_read_as(data, text):
        raise Unencodable(
            f"the file is {encoding.upper()}, and the new text would not be recognised as that; "
            f"keep its byte order mark if it has one, or {_TO_UTF8}"
        )
    return data


def _is_read_as(data: bytes, text: str) -> bool:
    decoded = decode(data)
    return decoded is not None and decoded.text == text


def _misfit(text: str, at: int, encoding: Encoding) -> str:
    character = text[at]
    line = text.count("\n", 0, at) + 1
    code = f"U+{ord(character):04X}"
    if "\ud800" <= character <= "\udfff":
        return f"line {line} has half of a surrogate pair ({code}), which no file can hold; write the whole character"
    name = f"{code} {unicodedata.name(character, '')}".strip()
    shown = f"'{character}' ({name})" if character.isprintable() else name
    return f"line {line} has {shown}, which {encoding.upper()}, the file's encoding, has not; avoid it, or {_TO_UTF8}"
