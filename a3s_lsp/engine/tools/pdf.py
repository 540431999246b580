"""A PDF as the texts of its pages."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.ports import ToolContext, ToolResult
from a3s_lsp.engine.workspace.processes import run_process

PAGES = 20
"""How many pages come at once if nothing else is said."""
_MILLISECONDS = 30_000
_EMPTY = "[no text: the page is an image, or empty]"


async def pdf(context: ToolContext, path: Path, offset: int, limit: int) -> ToolResult:
    """Some pages of a PDF; `offset` and `limit` count pages. Raises ToolError if it cannot be read."""
    command = [sys.executable, "-P", "-m", "a3s_lsp.engine.workspace.pdf_pages", str(path), str(offset), str(limit)]
    with tempfile.TemporaryFile() as errors:  # which has warnings about the PDF
        finished = await run_process(
            command, cwd=context.workspace.root, env=_environment(context), timeout_ms=_MILLISECONDS, errors=errors
        )
    lines = list(_parsed(finished.output))
    count = next((line["pages"] for line in lines if "pages" in line), None)
    fault = next((str(line["error"]) for line in lines if "error" in line), "")
    if finished.timed_out:
        fault = "it takes too long; read fewer pages at once with offset and limit"
    if not isinstance(count, int):
        raise _unreadable(path, fault or "it is no PDF that can be read")
    if offset >= max(1, count):
        raise ToolError(f"Offset {offset} exceeds the PDF ({count} pages).", {"type": "invalid_argument"})
    pages = [
        f"--- [page {line['page']}] ---\n{str(line['text']).strip() or _EMPTY}\n" for line in lines if "page" in line
    ]
    if fault:
        pages.append(f"[The rest could not be read: {fault}.]\n")
    elif rest := count - offset - len(pages):
        pages.append(f"... ({rest} more pages not shown, use offset/limit to read more)\n")
    return ToolResult("\n".join([f"PDF of {count} pages.\n", *pages]), metadata={"pages": count})


def _environment(context: ToolContext) -> Mapping[str, str]:
    """Found as this program is, whatever the session has done to the variables of its commands."""
    return {**context.environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _parsed(output: bytes) -> Iterator[dict[str, object]]:
    for line in output.decode(errors="replace").splitlines():
        try:
            yield json.loads(line)
        except ValueError:  # cut in the middle
            return


def _unreadable(path: Path, reason: str) -> ToolError:
    return ToolError(f"Failed to read file {path}: {reason}.", {"type": "unsupported", "path": str(path)})
