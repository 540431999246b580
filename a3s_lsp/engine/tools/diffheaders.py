"""What a unified diff says of its file as a whole, above the first hunk: that it is deleted, or gets another name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from a3s_lsp.engine.errors import ToolError

_NOTHING = "/dev/null"
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}


@dataclass(frozen=True, slots=True)
class Rename:
    """The old and the new name of a file, as the diff has them."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Header:
    """`has_hunks`: after the header comes more."""

    deletes: bool
    rename: Rename | None
    has_hunks: bool


def read_header(diff: str) -> Header:
    """The header of a diff for one file. ToolError if it is for several, or asks for a copy."""
    lines = [line.removesuffix("\r") for line in diff.split("\n")]
    end = next((number for number, line in enumerate(lines) if line.startswith("@@")), len(lines))
    above = lines[:end]
    names = [_value(above, start) for start in ("--- ", "+++ ")]
    in_git = _value(above, "diff --git ") is not None
    if _value(above, "copy from ") is not None:
        raise _refused("it copies a file; write the new file instead")
    return Header(
        deletes=names[1] == _NOTHING or _value(above, "deleted file mode ") is not None,
        rename=_explicit(above) or (_implicit(*names) if in_git else None),
        has_hunks=end < len(lines),
    )


def _value(lines: Iterable[str], start: str) -> str | None:
    found = [line.removeprefix(start) for line in lines if line.startswith(start)]
    if len(found) > 1:
        raise _refused("it changes several files; call patch once for each file")
    return _unquoted(found[0].partition("\t")[0]) if found else None


def _explicit(lines: Iterable[str]) -> Rename | None:
    source, target = _value(lines, "rename from "), _value(lines, "rename to ")
    if source is None and target is None:
        return None
    if not source or not target:
        raise _refused("a rename needs both lines, 'rename from' and 'rename to'")
    return Rename(source, target)


def _implicit(old: str | None, new: str | None) -> Rename | None:
    if old is None or new is None or _NOTHING in (old, new):
        return None
    if old.startswith("a/") and new.startswith("b/"):
        old, new = old[2:], new[2:]
    return None if old == new else Rename(old, new)


def _unquoted(name: str) -> str:
    """A name as git writes it: in quotation marks, with escaped bytes, if it is an unusual one."""
    if len(name) < 2 or not (name.startswith('"') and name.endswith('"')):
        return name.rstrip()

    def byte(found: re.Match[bytes]) -> bytes:
        digits = found[1]
        return bytes([int(digits, 8) & 0xFF]) if len(digits) == 3 else _ESCAPED.get(digits, digits)

    return _ESCAPE.sub(byte, name[1:-1].encode()).decode(errors="replace")


def _refused(reason: str) -> ToolError:
    return ToolError(f"Failed to parse diff: {reason}.", {"type": "invalid_argument"})
