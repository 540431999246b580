"""Values checked against a JSON Schema, which somebody else wrote: without the network, and in bounded time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, cast

from a3s_lsp.engine.jsonschema_keywords import Clock, Keyword, bounded_keywords
from a3s_lsp.engine.jsonschema_patterns import SchemaProblem as SchemaProblem
from a3s_lsp.engine.jsonschema_patterns import check_pattern, shown
from a3s_lsp.engine.messages import Json

if TYPE_CHECKING:
    from jsonschema.exceptions import SchemaError, ValidationError
    from jsonschema.protocols import Validator

MOST_BYTES = 64 * 1024
MOST_LEVELS = 32
_SECONDS = 2.0
_MOST_PROBLEMS = 10
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DATA = ("const", "enum", "default", "examples")
"""Keywords whose values are no schemas."""
_MEANINGFUL = ("type", "properties", "anyOf", "oneOf", "allOf", "enum", "const", "$ref", "items", "required", "pattern")


class Schema:
    """A JSON Schema that was found to be usable. Of draft 2020-12, unless its `$schema` names another."""

    def __init__(self, schema: Json) -> None:
        """Blocks for a moment. Raises SchemaProblem."""
        self.text = _encoded(schema)
        if len(self.text.encode()) > MOST_BYTES:
            raise SchemaProblem(f"The schema has more than {MOST_BYTES} bytes.")
        if _levels(schema) > MOST_LEVELS:
            raise SchemaProblem(f"The schema has more than {MOST_LEVELS} levels.")
        if not any(name in schema for name in _MEANINGFUL):
            raise SchemaProblem(
                "The schema says nothing of the value: give it a type, properties, anyOf, oneOf or enum."
            )
        self.document = {key: value for key, value in json.loads(self.text).items() if key not in ("$schema", "$id")}
        self._dialect = _dialect(schema)
        _check_parts(self.document)
        self._check_document()

    @property
    def is_object(self) -> bool:
        """Whether each value that fits is an object."""
        return self.document.get("type") == "object"

    def problems(self, value: object, seconds: float = _SECONDS) -> list[str]:
        """What is wrong with a value, the first few of it; nothing if it fits. Blocks. Raises SchemaProblem if that
        cannot be found out in the time."""
        from jsonschema import validators
        from jsonschema.exceptions import best_match
        from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]  # it has no types
        from referencing.exceptions import Unresolvable

        known = cast("dict[str, Keyword]", self._dialect.VALIDATORS)
        bounded = validators.extend(self._dialect, bounded_keywords(known, Clock(seconds)))  # type: ignore[no-untyped-call]  # the library's
        try:
            found = list(islice(bounded(self.document, registry=REGISTRY).iter_errors(value), _MOST_PROBLEMS))
            return [_said(error, best_match([error]) or error) for error in found]
        except RecursionError:
            raise SchemaProblem("The schema, or the value, refers to itself without end.") from None
        except Unresolvable as error:
            raise SchemaProblem(f"The schema refers to what is not in it: {error.ref}.") from None
        except ArithmeticError as error:
            raise SchemaProblem(f"The schema has a number that cannot be compared with: {error}.") from None

    def _check_document(self) -> None:
        from jsonschema.exceptions import SchemaError
        from jsonschema_specifications import REGISTRY
        from referencing.exceptions import Unresolvable
        from referencing.jsonschema import specification_with

        try:
            self._dialect.check_schema(self.document, format_checker=None)  # type: ignore[call-arg]  # its protocol lacks it
        except SchemaError as error:
            raise SchemaProblem(f"The schema is not valid: {_said(error, error)}.") from None
        except RecursionError:
            raise SchemaProblem("The schema is nested too deeply.") from None
        dialect = str(self._dialect.META_SCHEMA.get("$id") or self._dialect.META_SCHEMA.get("id"))
        resource = specification_with(dialect).create_resource(self.document)
        resolver = REGISTRY.with_resource("", resource).resolver()
        for ref in {each for part in _parts(self.document) for each in _references(part)}:
            try:
                found = resolver.lookup(ref).contents
            except (Unresolvable, ValueError):
                raise SchemaProblem(
                    f"The schema refers to {ref!r}, which is not in it: nothing is fetched, references begin with '#'."
                ) from None
            if not isinstance(found, dict | bool):
                raise SchemaProblem(f"The schema refers to {ref!r}, which is no schema.")


def _encoded(schema: Json) -> str:
    try:
        text = json.dumps(schema, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise SchemaProblem(f"The schema is not JSON: {error}.") from None
    return text


def _levels(value: object) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [child for each in level for child in _children(each)]
    return depth


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _dialect(schema: Json) -> type[Validator]:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for

    named = schema.get("$schema", _DIALECT)
    known = validator_for({"$schema": named}, default=None) if isinstance(named, str) else None  # type: ignore[arg-type]  # None is what tells
    if named == _DIALECT:
        return Draft202012Validator
    if known is None:
        raise SchemaProblem(f"The dialect {named!r} of the schema is not known; leave out $schema, or use {_DIALECT}.")
    return known


def _parts(document: object) -> Iterator[Json]:
    """All objects of a schema, but for those that are data."""
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting += [value for key, value in part.items() if key not in _DATA or isinstance(value, dict)]
        else:
            waiting += _children(part)


def _references(part: Json) -> Iterator[str]:
    for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
        reference = part.get(keyword)
        if isinstance(reference, str):
            yield reference


def _check_parts(document: Json) -> None:
    """Refuse what would get around the bounds, or would cost too much."""
    used: set[str] = set()
    for part in _parts(document):
        used |= part.keys()
        if any(isinstance(part.get(name), str) for name in ("$schema", "$id")):
            raise SchemaProblem("The schema has another one with a $schema or $id of its own in it; leave those out.")
        patterns = part.get("patternProperties")
        named = [part.get("pattern"), *(patterns if isinstance(patterns, dict) else ())]
        for pattern in named:
            if isinstance(pattern, str):
                check_pattern(pattern)
    if {"unevaluatedProperties", "patternProperties"} <= used:
        raise SchemaProblem(
            "A schema with patternProperties cannot have unevaluatedProperties; use additionalProperties."
        )


def _said(error: ValidationError | SchemaError, nearest: ValidationError | SchemaError) -> str:
    """Where the error is, and what it is; of alternatives the one that came nearest."""
    text = f"{error.json_path}: {shown(error.message)}"
    return text if nearest is error else f"{text}; nearest: {nearest.json_path}: {shown(nearest.message)}"
