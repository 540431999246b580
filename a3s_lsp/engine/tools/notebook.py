"""A Jupyter notebook as a person sees it: its cells, and the beginnings of their outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.ports import ToolResult

_OUTPUT_CHARACTERS = 2_000
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def notebook(text: str, path: Path, offset: int, limit: int) -> ToolResult:
    """Some cells of a notebook; `offset` and `limit` count cells. Raises ToolError if it is none."""
    cells = _cells(text, path)
    if offset >= max(1, len(cells)):
        raise ToolError(f"Offset {offset} exceeds the notebook ({len(cells)} cells).", {"type": "invalid_argument"})
    shown = cells[offset : offset + limit]
    parts = [part for number, cell in enumerate(shown, offset + 1) for part in _told(number, cell)]
    rest = len(cells) - offset - len(shown)
    if rest:
        parts.append(f"... ({rest} more cells not shown, use offset/limit to read more)\n")
    title = f"Notebook of {len(cells)} cells. To change its text, read it with raw=true.\n"
    return ToolResult("\n".join([title, *parts]), metadata={"cells": len(cells)})


def _cells(text: str, path: Path) -> list[Mapping[str, object]]:
    try:
        found = json.loads(text)
        cells = found["cells"]
    except (ValueError, RecursionError, KeyError, TypeError):
        cells = None
    if not isinstance(cells, list) or not all(isinstance(cell, Mapping) for cell in cells):
        raise ToolError(
            f"Failed to read file {path}: it is not a notebook of format 4; read its text with raw=true.",
            {"type": "unsupported", "path": str(path)},
        )
    return cells


def _told(number: int, cell: Mapping[str, object]) -> Iterator[str]:
    yield f"--- [cell {number}: {cell.get('cell_type')}] ---\n{_ended(_joined(cell.get('source')))}"
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, Mapping) and (said := _said(output)):
            yield f"--- [output of cell {number}] ---\n{_ended(_cut(said))}"


def _said(output: Mapping[str, object]) -> str:
    if output.get("output_type") == "error":
        trace = output.get("traceback")
        lines = [str(line) for line in trace] if isinstance(trace, list) else []
        return _COLOURS.sub("", "\n".join(lines) or f"{output.get('ename')}: {output.get('evalue')}")
    data = output.get("data")
    if not isinstance(data, Mapping):
        return _COLOURS.sub("", _joined(output.get("text")))
    plain = _joined(data.get("text/plain"))
    others = [f"[{kind}, not shown]" for kind in data if kind != "text/plain"]
    return "\n".join(filter(None, [plain, *others]))


def _joined(source: object) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source or "")


def _cut(text: str) -> str:
    more = len(text) - _OUTPUT_CHARACTERS
    return f"{text[:_OUTPUT_CHARACTERS]}… [output cut: {more} more characters]" if more > 0 else text


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"
