"""Checks of what a program hands in, and how values are shown."""

from __future__ import annotations

import types
from collections.abc import Sequence
from functools import cache
from typing import Union, get_args, get_origin, get_type_hints

_LARGEST = 2**63 - 1
"""The largest number that every store can hold."""


def strings(name: str, value: Sequence[str] | None) -> list[str]:
    """The strings as a list of their own. TypeError if they are none."""
    if value is None:
        return []
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{name} must be a list of strings")
    return [string(name, item) for item in value]


def string(name: str, value: object) -> str:
    """A string that can be written as UTF-8. TypeError if it is none, ValueError for half of a surrogate pair."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} has text that is not valid Unicode at character {error.start}") from None
    return value


def optional_string(name: str, value: object) -> str | None:
    """A string that can be written as UTF-8, or None. TypeError if it is neither."""
    return None if value is None else string(name, value)


def path_text(name: str, value: object) -> str:
    """A string that can be a path. TypeError if it is no string, ValueError if it is no path."""
    text = string(name, value)
    if not text or "\0" in text:
        raise ValueError(f"{name} must be a path: it is empty, or has a NUL character")
    return text


def count(name: str, value: object) -> int:
    """A whole number from 0 on. TypeError if it is none, OverflowError if it is negative or beyond 64 bits."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    if not 0 <= value <= _LARGEST:
        raise OverflowError(f"{name} must be from 0 to {_LARGEST}")
    return value


def number(name: str, value: object) -> float:
    """A number. TypeError if it is none, ValueError if it is not finite."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    try:
        made = float(value)
    except OverflowError:
        raise OverflowError(f"{name} is too large") from None
    if made != made or made in (float("inf"), float("-inf")):
        raise ValueError(f"{name} must be a finite number, not {made}")
    return made


@cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind)


def fitting(kind: type, name: str, value: object) -> object:
    """The value for this attribute of a class, as its annotation wants it. TypeError says what it should be."""
    if name not in _hints(kind):
        return value  # the class says itself that it has no such attribute
    hint = _hints(kind)[name]
    wanted = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if value is None and type(None) in wanted:
        return None
    classes = [
        each for each in wanted if isinstance(each, type) and each is not type(None) and get_origin(each) is None
    ]
    if any(each not in _PLAIN and isinstance(value, each) for each in classes):
        return value
    if str in wanted and (isinstance(value, str) or wanted[0] is str):
        return string(name, value)
    if bool in wanted and isinstance(value, bool):
        return value
    if float in wanted:
        return number(name, value)
    if int in wanted:
        return count(name, value)
    if len(wanted) == 1 and get_origin(hint) is list and hint != list[str]:
        return _list_of(name, get_args(hint)[0], value)
    if list[str] in wanted:
        return strings(name, [] if value is None else value)  # type: ignore[arg-type]  # that is what it checks
    if len(classes) == len([each for each in wanted if each is not type(None)]):
        raise TypeError(f"{name} must be {_named(classes)}, not {type(value).__name__}")
    return value  # generics are looked at where they are used


def _list_of(name: str, kind: object, value: object) -> list[object]:
    assert isinstance(kind, type)
    if not isinstance(value, list | tuple) or not all(isinstance(item, kind) for item in value):
        raise TypeError(f"{name} must be a list of {kind.__name__}")
    return list(value)


_PLAIN = (str, bool, int, float)


def _named(classes: Sequence[type]) -> str:
    return " or ".join("true or false" if each is bool else f"a {each.__name__}" for each in classes)


def lower(value: bool) -> str:
    """A truth value as the reference shows it."""
    return "true" if value else "false"
