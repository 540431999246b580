"""What an edit did to the problems that the editor shows: those of the new text, or that they are not known."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from a3s_lsp.engine.ports import Diagnostic, Workspace

_BASELINE_SECONDS = 0.3
_SHOWN = 10

Problems: TypeAlias = Mapping[Path, Sequence[Diagnostic] | None]


async def problems_before(workspace: Workspace, paths: Iterable[Path]) -> Problems:
    """The problems of those files that are open, as far as they are known right now."""
    opened = {document.path for document in workspace.opened()}
    found = [path for path in dict.fromkeys(paths) if path in opened]
    return dict(zip(found, await asyncio.gather(*(_known_now(workspace, path) for path in found)), strict=True))


async def _known_now(workspace: Workspace, path: Path) -> Sequence[Diagnostic] | None:
    try:
        async with asyncio.timeout(_BASELINE_SECONDS):
            return await workspace.diagnostics(path)
    except TimeoutError:
        return None


async def difference(workspace: Workspace, before: Problems) -> str:
    """What the model is to be told of the problems after an edit; "" if none of the files is open in an editor."""
    if not before:
        return ""
    after = await asyncio.gather(*(workspace.diagnostics(path) for path in before))
    known = {path: found for path, found in zip(before, after, strict=True) if found is not None}
    unknown = [workspace.display(path) for path in before if path not in known]
    parts = [part for path, found in known.items() for part in _told(workspace.display(path), before[path], found)]
    if known and not parts:
        parts.append("no new problems")
    if unknown:
        parts.append(f"not known for {', '.join(unknown)}")
    return f"\n[Diagnostics of the new text: {'; '.join(parts)}.]"


def _told(name: str, before: Sequence[Diagnostic] | None, after: Sequence[Diagnostic]) -> Iterator[str]:
    """The new problems of one file, and how many went. They are told apart by what they say, since lines move."""
    old = Counter(map(_sense, before or ()))
    new: list[Diagnostic] = []
    for problem in after:
        if old[_sense(problem)] > 0:
            old[_sense(problem)] -= 1
        else:
            new.append(problem)
    for problem in new[:_SHOWN]:
        source = f" ({problem.source})" if problem.source else ""
        yield f"{name}:{problem.line} {problem.severity}: {problem.message}{source}"
    if len(new) > _SHOWN:
        yield f"{len(new) - _SHOWN} more in {name}"
    if gone := old.total():
        yield f"{gone} gone from {name}"


def _sense(problem: Diagnostic) -> tuple[str, str, str]:
    return problem.severity, problem.message, problem.source
