"""The keywords of JSON Schema, of which none can go on for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

from a3s_lsp.engine.jsonschema_patterns import SchemaProblem, matches

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


class Checker(Protocol):
    """The library's validator, as keywords use it."""

    def descend(
        self, instance: object, schema: object, path: str | None = None, schema_path: str | None = None
    ) -> Iterator[ValidationError]:
        """What is wrong with a part of the value."""


Keyword: TypeAlias = "Callable[[Checker, object, object, Mapping[str, object]], Iterable[ValidationError] | None]"
"""Called with the validator, what the keyword wants, the value, and the schema that the keyword is in."""


class Clock:
    """The time at which a check is given up."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def tick(self) -> None:
        """Raises SchemaProblem when the time is over."""
        if time.monotonic() > self._until:
            raise SchemaProblem(
                "The schema is too costly: the value could not be checked in time. Write a simpler one."
            )

    def matches(self, pattern: str, text: str) -> bool:
        """Whether the pattern is found in the text. Raises SchemaProblem when that takes too long."""
        self.tick()
        return matches(pattern, text)


def bounded_keywords(known: Mapping[str, Keyword], clock: Clock) -> dict[str, Keyword]:
    """The keywords of a dialect, which give up when the time is over."""
    own = {
        "pattern": _pattern(clock),
        "patternProperties": _pattern_properties(clock),
        "additionalProperties": _additional_properties(clock),
        "uniqueItems": _unique_items,
    }
    return {name: _ticking(own.get(name, keyword), clock) for name, keyword in known.items()}


def _ticking(keyword: Keyword, clock: Clock) -> Keyword:
    def bounded(
        validator: Checker, wanted: object, value: object, schema: Mapping[str, object]
    ) -> Iterator[ValidationError]:
        clock.tick()
        yield from keyword(validator, wanted, value, schema) or ()

    return bounded


def _pattern(clock: Clock) -> Keyword:
    def pattern(
        validator: Checker, wanted: object, value: object, schema: Mapping[str, object]
    ) -> Iterator[ValidationError]:
        if isinstance(value, str) and isinstance(wanted, str) and not clock.matches(wanted, value):
            yield _error(f"{value!r} does not match {wanted!r}")

    return pattern


def _pattern_properties(clock: Clock) -> Keyword:
    def pattern_properties(
        validator: Checker, wanted: object, value: object, schema: Mapping[str, object]
    ) -> Iterator[ValidationError]:
        if isinstance(value, dict) and isinstance(wanted, dict):
            for pattern, below in wanted.items():
                for name in [each for each in value if clock.matches(pattern, each)]:
                    yield from validator.descend(value[name], below, path=name, schema_path=pattern)

    return pattern_properties


def _additional_properties(clock: Clock) -> Keyword:
    def additional_properties(
        validator: Checker, wanted: object, value: object, schema: Mapping[str, object]
    ) -> Iterator[ValidationError]:
        if not isinstance(value, dict):
            return
        known, patterns = schema.get("properties"), schema.get("patternProperties")
        named = known if isinstance(known, dict) else {}
        matching = patterns if isinstance(patterns, dict) else {}
        extra = [name for name in value if name not in named and not any(clock.matches(p, name) for p in matching)]
        if isinstance(wanted, dict):
            for name in extra:
                yield from validator.descend(value[name], wanted, path=name)
        elif wanted is False and extra:
            yield _error(f"{', '.join(map(repr, extra))} is not allowed here; known are {', '.join(named) or 'none'}")

    return additional_properties


def _unique_items(
    validator: Checker, wanted: object, value: object, schema: Mapping[str, object]
) -> Iterator[ValidationError]:
    if wanted is True and isinstance(value, list):
        seen = {json.dumps(_canonical(item), sort_keys=True) for item in value}
        if len(seen) < len(value):
            yield _error("the items are not all different")


def _canonical(value: object) -> object:
    """The value with whole numbers written in one way."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    return [_canonical(item) for item in value] if isinstance(value, list) else value


def _error(message: str) -> ValidationError:
    from jsonschema.exceptions import ValidationError

    return ValidationError(message)
