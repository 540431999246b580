"""Puts the environment's values in the place of `env("NAME")`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from a3s_lsp.engine.config.grammar import Call, Items, Literal, Table, Value
from a3s_lsp.engine.config.problems import Report, Span


@dataclass(frozen=True, slots=True)
class Unset:
    """What `env("NAME")` is worth while the variable has no value."""

    variable: str
    span: Span


Evaluated: TypeAlias = Literal | Items | Table | Unset | None
"""A value without calls at its top; None stands for one that was reported and left out."""


def evaluate(value: Value, environ: Mapping[str, str], report: Report) -> Evaluated:
    """The value itself, or what the call gives."""
    if not isinstance(value, Call):
        return value
    if value.name.text != "env":
        report.error(value.name.span, f'There is no function "{value.name.text}"; env("NAME") is the only one.')
        return None
    match value.arguments:
        case (Literal(value=str(variable)),):
            found = environ.get(variable)
            return Unset(variable, value.span) if found is None else Literal(found, value.span)
        case _:
            report.error(value.span, 'env takes the name of one variable in quotes: env("NAME").')
            return None
