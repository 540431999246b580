"""What can be wrong with a configuration, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text. Lines and columns count from 1, columns in characters; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right, in one sentence."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    severity: Severity

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class Report:
    """Collects the problems of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def error(self, where: Span, message: str) -> None:
        """Something had to be left out."""
        self._add(where, message, "error")

    def warning(self, where: Span, message: str) -> None:
        """The meaning is clear, yet it is hardly what was meant, or has no effect."""
        self._add(where, message, "warning")

    def _add(self, where: Span, message: str, severity: Severity) -> None:
        self.problems.append(
            Problem(self.file, where.line, where.column, where.end_line, where.end_column, message, severity)
        )
