"""JSON in what a model said: the value that it means, and as much of one as is there while it is still talking."""

from __future__ import annotations

import json
import re

_FENCE = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_NUMBER = "0123456789.eE+-"
_MOST_STARTS = 20
"""In how many places of a text a value is looked for."""


def decode(text: str) -> object:
    """The value of a text that is JSON. ValueError if it is not."""
    try:
        value: object = json.loads(text, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("it has half of a surrogate pair, which is no text") from None
    return value


def find(text: str) -> object:
    """The value in a text: the whole of it, or what is between fences, or else the first object or list. ValueError if
    there is none."""
    fenced = _FENCE.search(text)
    for candidate in (text, fenced[1] if fenced else ""):
        if candidate.strip():
            try:
                return decode(candidate)
            except ValueError as error:
                problem = error
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    for at in [match.start() for match in re.finditer(r"[{\[]", text)][:_MOST_STARTS]:
        try:
            _, end = decoder.raw_decode(text, at)
            return decode(text[at:end])
        except (ValueError, RecursionError):
            continue
    raise ValueError(f"it is not valid JSON: {problem}" if text.strip() else "there is nothing in it")


def beginning(text: str) -> object:
    """The object or list that begins in a text that is not complete yet, None if none does: of it what is complete, so
    that nobody sees the half of a secret."""
    from pydantic_core import from_json

    start = next((at for at, character in enumerate(text) if character in "{["), None)
    if start is None:
        return None
    try:
        value: object = from_json(text[start:].rstrip(_NUMBER), allow_inf_nan=False, allow_partial=True)
    except ValueError:
        return None
    return value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
