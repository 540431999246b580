"""Whatever the schema and whatever the value: an answer in bounded time, and the right one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from a3s_lsp.engine.jsonschema_check import Schema, SchemaProblem
from a3s_lsp.engine.messages import Json

NAMES = st.sampled_from(["a", "b", "ab", ""])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, 1e308]) | NAMES
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])
PATTERNS = st.sampled_from(["^a", "b$", "a|b", "[ab]{1,2}", ""])


def _schemas(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {"type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True)},
        optional={
            "properties": st.dictionaries(NAMES, inner, max_size=2),
            "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
            "additionalProperties": st.booleans() | inner,
            "required": st.lists(NAMES, max_size=2, unique=True),
            "items": inner,
            "uniqueItems": st.booleans(),
            "contains": inner,
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "minimum": st.integers(-2, 2),
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "minLength": st.integers(0, 2),
            "pattern": PATTERNS,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "if": inner,
            "then": inner,
        },
    )


SCHEMAS = st.recursive(st.fixed_dictionaries({"type": TYPES}), _schemas, max_leaves=6)


@given(SCHEMAS, VALUES)
def test_a_value_fits_exactly_when_the_library_says_so(schema: Json, value: object) -> None:
    fits = Draft202012Validator(schema).is_valid(value)
    assert (Schema(schema).problems(value) == []) is fits


KEYWORDS = st.sampled_from(
    [
        "type",
        "$ref",
        "$defs",
        "properties",
        "patternProperties",
        "items",
        "enum",
        "pattern",
        "anyOf",
        "allOf",
        "$anchor",
        "$dynamicRef",
        "$schema",
        "$id",
        "unevaluatedProperties",
        "uniqueItems",
        "multipleOf",
        "minLength",
        "required",
        "dependentSchemas",
        "prefixItems",
        "contains",
        "if",
        "not",
        "additionalProperties",
        "const",
        "format",
    ]
)
ODD = st.sampled_from(["#", "#/$defs/a", "#/properties", "#a", "x", "(", "^(a+)+$", "object", "http://127.0.0.1:9/x"])
ANYTHING = st.recursive(
    SCALARS | ODD | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS | NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYWORDS, ANYTHING, max_size=5), VALUES)
@settings(max_examples=300)
def test_whatever_is_given_for_a_schema_is_used_or_refused(schema: Json, value: object) -> None:
    try:
        found = Schema(schema).problems(value)
    except SchemaProblem as problem:
        assert str(problem).endswith(".")
    else:
        assert all(isinstance(each, str) for each in found)


@given(
    st.lists(
        st.sampled_from(["a", "(", ")", "[", "]", "\\", "^", "{9}", "{,99}", "{99,}", "*", "+", "?", "|", "(?:", "]{"])
    )
)
@settings(max_examples=300)
def test_whatever_is_given_for_a_pattern_is_used_or_refused(pieces: list[str]) -> None:
    try:
        Schema({"type": "string", "pattern": "".join(pieces)}).problems("aaaa")
    except SchemaProblem as problem:
        assert "pattern" in str(problem)


@pytest.mark.parametrize(
    "pattern",
    [
        "((a{999}){999}){999}",
        "((a{,999}){,999}){0000000999}",
        "(?#[)((a{999}){999}){999}",
        "(?x)#[\n((a{999}){999}){999}",
        "[]](a{999}){999}",
        "[^]((a{999}){999}){999}]",
        r"\[((a{999}){999}){999}",
        "a{" + "9" * 5000 + "}",
        "(?R)a",
    ],
)
def test_a_pattern_that_would_fill_the_memory_is_never_compiled(pattern: str) -> None:
    with pytest.raises(SchemaProblem, match="too costly"):
        Schema({"type": "string", "pattern": pattern})


def test_values_of_older_dialects_are_checked_by_their_rules() -> None:
    tuples: Json = {"type": "array", "items": [{"type": "integer"}, {"type": "string"}]}
    assert Schema({"$schema": "http://json-schema.org/draft-07/schema#", **tuples}).problems([1, 2]) != []
    with pytest.raises(SchemaProblem):  # the dialect of today has prefixItems for that
        Schema(tuples)


def test_many_items_are_told_apart_in_little_time() -> None:
    many: list[Json] = [{"n": n} for n in range(50_000)]
    assert Schema({"type": "array", "uniqueItems": True}).problems(many) == []
    assert Schema({"type": "array", "uniqueItems": True}).problems([*many, {"n": 7.0}]) != []


def test_what_is_wrong_is_said_with_its_place_and_in_few_words() -> None:
    schema = Schema(
        {"type": "array", "items": {"anyOf": [{"type": "string"}, {"properties": {"n": {"type": "null"}}}]}}
    )
    (problem, *_) = schema.problems([{"n": "x" * 10_000}] * 50)
    assert problem.startswith("$[0]: ")
    assert "nearest: $[0].n: " in problem
    assert len(json.dumps(schema.problems([{"n": "x" * 10_000}] * 50))) < 10_000
