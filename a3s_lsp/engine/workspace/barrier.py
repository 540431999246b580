"""The barrier between unsaved text and what reads the disk: a command sees that text with bubblewrap, or it is saved
before, or somebody is asked; and the result names what was seen and what was not."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.ports import ToolContext, Unsaved
from a3s_lsp.engine.workspace.overlay import Bubblewrap, Overlay
from a3s_lsp.engine.workspace.processes import OUTPUT_LIMIT, Finished, run_process
from a3s_lsp.engine.workspace.shielding import uninterrupted

_CANCEL_SECONDS = 0.2
_MOST_IN_A_TITLE = 5
_BUSY = re.compile(rb"resource busy|EBUSY", re.IGNORECASE)
_NO_MORE_RIGHTS = b'"no new privileges" flag is set'
_WHY: dict[Unsaved, str] = {
    "overlay": "With bubblewrap, commands would see unsaved text, but it is not installed or may not work here.",
    "save": "The editor did not save.",
    "ask": "Save first if the command is to see what you have typed.",
}


@dataclass(frozen=True, slots=True)
class Passed:
    """How a command ended. `notes` are to be put behind its output: what it saw, and what became of what it wrote."""

    finished: Finished
    notes: str


class Barrier:
    """Runs commands that read the disk."""

    def __init__(self) -> None:
        self._bubblewrap = Bubblewrap()

    async def run(
        self,
        context: ToolContext,
        command: Sequence[str],
        title: str,
        *,
        timeout_ms: int,
        on_output: Callable[[bytes], None] | None = None,
        errors: IO[bytes] | None = None,
        keep: int = OUTPUT_LIMIT,
    ) -> Passed:
        """Run a command in the workspace folder, as `run_process` does. What it writes into unsaved text becomes an
        edit with this title, also when it is cut. Raises ToolError if it may not or cannot run."""
        program = await self._settled(context, command)
        overlay = Overlay(program)
        try:
            async with context.around_command(), overlay.laid(context.workspace.unsaved()):
                finished = await run_process(
                    overlay.command(command),
                    cwd=context.workspace.root,
                    env=context.environment,
                    timeout_ms=timeout_ms,
                    on_output=on_output,
                    errors=errors,
                    keep=keep,
                )
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CANCEL_SECONDS):
                    await _brought_back(context, overlay, title)
            raise
        overlay.check(finished)
        notes = [
            *_sight(context, overlay),
            *await _brought_back(context, overlay, title),
            *_limits(context, overlay, finished),
            *_behind(context, await context.workspace.reload()),
        ]
        return Passed(finished, "\n\n" + "\n".join(f"[{note}]" for note in notes) if notes else "")

    async def _settled(self, context: ToolContext, command: Sequence[str]) -> str | None:
        """Have it settled what becomes of unsaved text: the bubblewrap to lay it over the files with, or None if the
        command may run on what is on the disk by now. Raises ToolError if it may not."""
        workspace = context.workspace
        unsaved = [document.path for document in workspace.unsaved()]
        if not unsaved:
            return None
        if context.unsaved == "overlay":
            program = await self._bubblewrap.find(context.environment)
            if program is not None:
                return program
        elif context.unsaved == "save":
            await workspace.save(unsaved)
        left = [document.path for document in workspace.unsaved()]
        if left and not await context.ask(*_question(context, left, command)):
            raise ToolError(
                f"The command was not run: it would not see the unsaved text of {_names(context, left)}. Ask the "
                "person to save, and run it again then; read, grep and edit work with unsaved text."
            )
        return None


def _question(context: ToolContext, paths: Sequence[Path], command: Sequence[str]) -> tuple[str, str]:
    names = _names(context, sorted(paths)[:_MOST_IN_A_TITLE])
    more = f" and {len(paths) - _MOST_IN_A_TITLE} more" if len(paths) > _MOST_IN_A_TITLE else ""
    return (
        f"Run the command without the unsaved text of {names}{more}?",
        f"{shlex.join(command)}\n\n{_WHY[context.unsaved]}",
    )


def _sight(context: ToolContext, overlay: Overlay) -> Iterator[str]:
    if overlay.seen:
        yield f"The command saw the unsaved text of {_names(context, overlay.seen)}."
    if overlay.left_out:
        names = _names(context, overlay.left_out)
        yield f"The command did not see the unsaved text of {names}: it is in the editor only."


async def _brought_back(context: ToolContext, overlay: Overlay, title: str) -> list[str]:
    """Make what the command wrote an edit of the unsaved text, and say what became of it."""
    notes = [
        f"What the command wrote into {context.workspace.display(path)} is not text and was dropped; the unsaved text "
        "stays as it was. Ask the person to save, and run it again then."
        for path in overlay.spoilt
    ]
    if not overlay.changes:
        return notes
    written = ChangeSet(title, overlay.changes)
    names = _names(context, [Path(change.path) for change in overlay.changes])
    try:
        work = context.workspace.apply(written, context.planned, context.applied)
        applied = await uninterrupted(work, _CANCEL_SECONDS)
    except ToolError as error:
        diff = written.diff(context.workspace.root)
        return [*notes, f"What the command wrote into {names} is not in the editor: {error}\nIt wrote:\n{diff}"]
    return [*notes, f"What the command wrote into {names} is part of the unsaved text now.", *applied.remarks]


def _limits(context: ToolContext, overlay: Overlay, finished: Finished) -> Iterator[str]:
    if overlay.seen and _BUSY.search(finished.output):
        named = [path for path in overlay.seen if os.fsencode(path.name) in finished.output] or overlay.seen
        yield (
            f"A command can write into files with unsaved text ({_names(context, named)}), but not replace, rename or "
            'delete them: that is why they are "busy". Use edit or patch, or ask the person to save first.'
        )
    if overlay.seen and _NO_MORE_RIGHTS in finished.output:
        yield "sudo does not work in a command that sees unsaved text; ask the person to save first."
    if overlay.lingering:
        yield (
            "Processes that the command left in the background go on with the unsaved text as it was; restart them "
            "when it is saved."
        )


def _behind(context: ToolContext, paths: Sequence[Path]) -> Iterator[str]:
    if paths:
        names = _names(context, paths)
        yield f"The disk has a newer text of {names} than the editor, which is what read shows until it is reloaded."


def _names(context: ToolContext, paths: Sequence[Path]) -> str:
    return ", ".join(sorted(map(context.workspace.display, paths)))
