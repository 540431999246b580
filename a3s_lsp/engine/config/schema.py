"""How the settings classes say what may stand in an `agent.acl`: one table for checking, completion and hover.

A settings class is a dataclass whose fields are made by the functions below. Each gives the field its default and a
`Setting`, and has the type of the field as its own, so that the class reads as a declaration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Literal, TypeAlias, TypeVar

Kind: TypeAlias = Literal["label", "text", "integer", "number", "flag", "texts", "mapping", "table", "tables"]

T = TypeVar("T")
C = TypeVar("C", bound=str)


@dataclass(frozen=True, slots=True)
class Setting:
    """What one name means and which values it takes.

    `of` is the settings class of a table. `also` are other spellings, `instead` is what to write in place of a
    deprecated name. Values outside `least` and `most` are moved to the limit. A string in place of a table is the
    value of its setting `plain`.
    """

    kind: Kind
    meaning: str
    of: type[object] | None = None
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    also: tuple[str, ...] = ()
    instead: str = ""
    plain: str = ""


def label(meaning: str) -> str:
    """The name that stands between the block's name and its brace."""
    return field(default="", metadata={"setting": Setting("label", meaning)})


def text(meaning: str, default: str = "", *, secret: bool = False) -> str:
    """A string; a secret one is not in the repr."""
    return field(default=default, repr=not secret, metadata={"setting": Setting("text", meaning)})


def choice(meaning: str, default: C, choices: tuple[C, ...]) -> C:
    """One of a few words."""
    return field(default=default, metadata={"setting": Setting("text", meaning, choices=choices)})


def integer(meaning: str, default: T, *, least: int = 0, also: tuple[str, ...] = (), instead: str = "") -> int | T:
    """A whole number."""
    setting = Setting("integer", meaning, least=least, also=also, instead=instead)
    return field(default=default, metadata={"setting": setting})


def number(meaning: str, default: T, *, least: float = 0.0, most: float | None = None) -> float | T:
    """A number, whole or not."""
    return field(default=default, metadata={"setting": Setting("number", meaning, least=least, most=most)})


def flag(meaning: str, default: T, *, also: tuple[str, ...] = ()) -> bool | T:
    """true or false."""
    return field(default=default, metadata={"setting": Setting("flag", meaning, also=also)})


def texts(meaning: str, *, also: tuple[str, ...] = ()) -> tuple[str, ...]:
    """A list of strings; one string alone is a list of one."""
    return field(default=(), metadata={"setting": Setting("texts", meaning, also=also)})


def mapping(meaning: str) -> Mapping[str, str]:
    """Free names with strings. They often carry tokens, so that they are not in the repr."""
    return field(default_factory=dict, repr=False, metadata={"setting": Setting("mapping", meaning)})


def table(meaning: str, of: type[T], *, also: tuple[str, ...] = (), plain: str = "") -> T:
    """A block of which there is one; without it its defaults hold."""
    factory: Callable[[], T] = of
    return field(
        default_factory=factory, metadata={"setting": Setting("table", meaning, of=of, also=also, plain=plain)}
    )


def optional_table(meaning: str, of: type[T]) -> T | None:
    """A block that turns something on by being there."""
    return field(default=None, metadata={"setting": Setting("table", meaning, of=of)})


def tables(meaning: str, of: type[T], *, also: tuple[str, ...] = ()) -> Mapping[str, T]:
    """Blocks with a name each."""
    return field(default_factory=dict, metadata={"setting": Setting("tables", meaning, of=of, also=also)})


def settings_of(cls: type[object]) -> Mapping[str, Setting]:
    """The names that may stand in a block of this class, in the order of the class."""
    assert is_dataclass(cls)
    return {one.name: one.metadata["setting"] for one in fields(cls)}


def spellings_of(cls: type[object]) -> Mapping[str, str]:
    """Every known spelling in snake case -> the name."""
    known = settings_of(cls)
    return {spelling: name for name, setting in known.items() for spelling in (name, *setting.also)}


def snake(name: str) -> str:
    """`maxToolRounds` and `max-tool-rounds` are `max_tool_rounds`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).replace("-", "_").lower()
