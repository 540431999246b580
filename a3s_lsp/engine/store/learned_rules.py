"""Learned rules in one file of the person: never in the project, where others, or the agent, could write them."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.policy.learned import Book, LearnedRule

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FILE_NAME = "a3s-permissions.json"
"""A name that is recognised where the agent would write to it."""
_VERSION = 1
_LOCK_SECONDS = 5.0


class RuleFile:
    """The file `FILE_NAME` in a folder, which is made when it is first needed. Any number of processes may use it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._known: tuple[tuple[int, int, int] | None, tuple[LearnedRule, ...]] = (None, ())

    def read(self, project: str) -> Book:
        """The rules that hold in this project, as of now."""
        try:
            rules = self._rules()
        except StoreError as error:
            return Book(trouble=str(error))
        return Book(tuple(rule for rule in rules if rule.scope == "user" or rule.project == project))

    def add(self, rule: LearnedRule) -> None:
        """Keep a rule; what was said before about the same calls in the same place holds no more."""
        with self._locked():
            same = (rule.rule, rule.scope, rule.project)
            kept = [other for other in self._rules() if (other.rule, other.scope, other.project) != same]
            self._write([*kept, rule])

    def remove(self, rule_id: str) -> bool:
        """False if there was none."""
        with self._locked():
            rules = self._rules()
            kept = [rule for rule in rules if rule.id != rule_id]
            if len(kept) < len(rules):
                self._write(kept)
            return len(kept) < len(rules)

    def _rules(self) -> tuple[LearnedRule, ...]:
        try:
            stamp = _stamp(self.path)
            if stamp is None:
                return ()
            if stamp != self._known[0]:
                self._known = stamp, self._decoded(self.path.read_bytes())
        except OSError as error:
            raise StoreError(f"{self._named()} cannot be read ({error.strerror}): {_REMEDY}") from error
        return self._known[1]

    def _decoded(self, data: bytes) -> tuple[LearnedRule, ...]:
        try:
            found = json.loads(data)
            if isinstance(found, dict) and isinstance(version := found.get("version"), int) and version > _VERSION:
                raise StoreError(f"{self._named()} was written by a newer a3s-lsp; update this one.")
            return _adapter().validate_python(found["rules"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(f"{self._named()} is damaged: {_REMEDY}") from error

    def _named(self) -> str:
        return f"The file of learned permission rules {self.path}"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(f"{self.path}.lock", timeout=_LOCK_SECONDS):
                yield
        except Timeout:
            raise StoreError(f"{self._named()} is held by another process; try again.") from None
        except OSError as error:
            raise StoreError(f"{self._named()} cannot be written ({error.strerror}): {_REMEDY}") from error

    def _write(self, rules: Iterable[LearnedRule]) -> None:
        text = json.dumps({"version": _VERSION, "rules": [asdict(rule) for rule in rules]}, indent=1)
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{FILE_NAME}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


_REMEDY = "mend it, or delete it and answer the questions anew."


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _adapter() -> TypeAdapter[tuple[LearnedRule, ...]]:
    from pydantic import TypeAdapter

    return TypeAdapter(tuple[LearnedRule, ...])
