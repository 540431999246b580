"""Tool arguments: from the model's words to a checked value, with an answer that helps it when they do not fit.

A tool's arguments are a frozen dataclass whose fields are annotated with a `Parameter`. The JSON schema that the
model sees and the check of what it sends are both read from that one class.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar, cast, get_args, get_type_hints, runtime_checkable

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Tool, ToolSpec

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import TypeAdapter

T = TypeVar("T", bound="DataclassInstance")

_PYTHON: Mapping[str, type] = {"string": str, "integer": int, "boolean": bool, "array": list[str]}
_NOUNS = {"string": "a string", "integer": "an integer", "boolean": "true or false", "array": "a list of strings"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """What the model reads about one argument; `name` is for names that Python cannot spell, `choices` are the values
    that it has."""

    description: str
    name: str = ""
    choices: tuple[str, ...] = ()


@runtime_checkable
class Typed(Protocol):
    """A tool whose arguments are a dataclass of this package; others are checked by their schema alone."""

    @property
    def arguments(self) -> type[DataclassInstance]: ...


@runtime_checkable
class Lenient(Protocol):
    """A tool that knows other ways in which models write its arguments."""

    def understood(self, given: Json) -> Json:
        """The arguments by the names of the schema, as far as can be told."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Checked arguments under the names of the schema; `notes` is to be added to the result, for the model to learn."""

    args: Json
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Invalid:
    """Arguments that cannot be used, and why. The kind `malformed` means that they are not even a JSON object."""

    message: str
    kind: Json


Preparation: TypeAlias = Prepared | Invalid


@dataclass(frozen=True, slots=True)
class _Field:
    attribute: str
    name: str
    type: str
    description: str
    required: bool
    choices: tuple[str, ...] = ()

    def schema(self) -> Json:
        """The field as JSON schema has it."""
        schema: Json = {"type": self.type, "description": self.description}
        if self.type == "array":
            schema["items"] = {"type": "string"}
        if self.choices:
            schema["enum"] = list(self.choices)
        return schema


def specification(name: str, description: str, arguments: type[DataclassInstance]) -> ToolSpec:
    """How a tool with these arguments is offered to the model."""
    known = _fields(arguments)
    schema: Json = {
        "type": "object",
        "properties": {field.name: field.schema() for field in known},
        "required": [field.name for field in known if field.required],
        "additionalProperties": False,
    }
    return ToolSpec(name, description, schema)


def prepare(tool: Tool, raw: str | Mapping[str, object]) -> Preparation:
    """Check what the model sent against the tool's schema; superfluous arguments are dropped and named."""
    given = _decode(raw) if isinstance(raw, str) else dict(raw)
    if isinstance(given, Invalid):
        return given
    if (complaint := _unsendable(given)) is not None:
        return _invalid(complaint)
    if isinstance(tool, Lenient):
        given = tool.understood(given)
    schema = tool.spec.parameters
    known = [str(name) for name in cast("Mapping[str, object]", schema.get("properties") or {})]
    required = [str(name) for name in cast("Collection[object]", schema.get("required") or ())]
    unknown = [name for name in given if name not in known] if schema.get("additionalProperties") is False else []
    args = {name: value for name, value in given.items() if name not in unknown}
    args = {name: value for name, value in args.items() if value is not None or name in required}
    missing = [name for name in required if args.get(name) is None]
    if missing:
        return _invalid(" ".join(_missing(name, unknown) for name in missing))
    if isinstance(tool, Typed):
        checked = _check(tool.arguments, args)
        if isinstance(checked, Invalid):
            return checked
        args = checked
    return Prepared(args, _ignored(unknown, known))


def load(arguments: type[T], args: Json) -> T:
    """The dataclass of arguments that `prepare` has checked."""
    return arguments(**{field.attribute: args[field.name] for field in _fields(arguments) if field.name in args})


def _decode(text: str) -> Json | Invalid:
    if not text.strip():
        return {}
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return Invalid(f"The arguments are not valid JSON ({error}); send one JSON object.", {"type": "malformed"})
    if value is None or isinstance(value, list):
        return {}  # what some models send for "no arguments"
    if not isinstance(value, dict):
        return Invalid("The arguments must be one JSON object.", {"type": "malformed"})
    return value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _unsendable(args: Json) -> str | None:
    """Why these arguments cannot be kept and sent, or None."""
    try:
        json.dumps(args, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return "The arguments have text that is not valid Unicode (half of a surrogate pair); send it whole."
    except RecursionError:
        return "The arguments are nested too deeply; send a flatter value."
    return None


def _missing(name: str, unknown: Collection[str]) -> str:
    near = difflib.get_close_matches(name, unknown, 1)
    hint = f": '{near[0]}' is not a parameter, '{name}' was probably meant" if near else ""
    return f"{name} parameter is required{hint}."


def _ignored(unknown: Collection[str], known: Collection[str]) -> str:
    if not unknown:
        return ""
    named = ", ".join(f"'{name}'{_meant(name, known)}" for name in unknown)
    return f"\n\n[Ignored unknown arguments: {named}. Known are: {', '.join(known) or 'none'}.]"


def _meant(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def _check(arguments: type[DataclassInstance], args: Json) -> Json | Invalid:
    from pydantic import ValidationError

    checked: Json = {}
    complaints: list[str] = []
    for field in _fields(arguments):
        if field.name not in args:
            continue
        try:
            checked[field.name] = _adapter(field.type).validate_python(args[field.name])
        except ValidationError:
            complaints.append(_complaint(field, args[field.name]))
    return _invalid(" ".join(complaints)) if complaints else checked


def _complaint(field: _Field, value: object) -> str:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else f"{shown[:80]}…"
    return f"{field.name} parameter must be {_NOUNS[field.type]}, not {shown}."


def _invalid(message: str) -> Invalid:
    return Invalid(message, {"type": "invalid_argument"})


@cache
def _adapter(kind: str) -> TypeAdapter[str | int | bool | list[str]]:
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(_PYTHON[kind], config=ConfigDict(coerce_numbers_to_str=True))


@cache
def _fields(arguments: type[DataclassInstance]) -> tuple[_Field, ...]:
    hints = get_type_hints(arguments, include_extras=True)
    return tuple(
        _field(item.name, hints[item.name], item.default is MISSING and item.default_factory is MISSING)
        for item in fields(arguments)
    )


def _field(attribute: str, hint: object, required: bool) -> _Field:
    python, parameter = get_args(hint)
    kind = next(name for name, known in _PYTHON.items() if known == python)
    return _Field(attribute, parameter.name or attribute, kind, parameter.description, required, parameter.choices)
