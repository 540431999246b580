"""What the person does in a document: each step as the editor gets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.properties.truth import steps as s
from tests.properties.truth.buffers import Buffer, Splice
from tests.properties.truth.editor import Editor


def act(step: s.InDocument, path: Path, editor: Editor, letters: Iterator[str], wait: Callable[[int], None]) -> None:
    """Do one step. Nothing happens if the document is not open."""
    if isinstance(step, s.Open):
        editor.open(path)
        return
    buffer = editor.buffers.get(path)
    if buffer is None:
        return
    match step:
        case s.Type():
            _type(step, path, editor, letters, wait)
        case s.Save(_, overwrite, format):
            editor.format_on_save = format
            editor.save(path, overwrite=overwrite)
        case s.Undo(_, times):
            for _ in range(times):
                editor.undo(path)
        case s.Redo(_, times):
            for _ in range(times):
                editor.redo(path)
        case s.Close(_, save):
            if save and buffer.dirty:
                editor.save(path, overwrite=True)
            editor.close(path)
        case _:
            editor.edit(path, splices_of(step, buffer, letters))


def splices_of(step: s.Edits, buffer: Buffer, letters: Iterator[str]) -> list[Splice]:
    """What the step replaces in the text that there is."""
    match step:
        case s.Paste(_, line, lines):
            text = "".join(f"{next(letters)} paste{buffer.line_end}" for _ in range(lines))
            start, _ = buffer.line(line)
            return [Splice(start, start, text)]
        case s.DeleteLines(_, line, count):
            starts = [*buffer.starts(), len(buffer.text)]
            at = line % (len(starts) - 1)
            return [Splice(starts[at], starts[min(at + count, len(starts) - 1)], "")]
        case s.ChangeLine(_, line):
            return [Splice(*buffer.line(line), f"mine {next(letters)}")]
        case s.Rub(_, line, column, count):
            at = buffer.spot(line, column)
            return [Splice(at, _rubbed(buffer.text, at, count), "")]
        case s.Scatter(_, line, places):
            ends = {buffer.line(line + number)[1] for number in range(places)}
            return [Splice(end, end, next(letters)) for end in sorted(ends)]


def _rubbed(text: str, at: int, count: int) -> int:
    """The end of so many characters, never between the two of a line end."""
    end = min(len(text), at + count)
    return end + 1 if text[end - 1 : end + 1] == "\r\n" else end


def _type(step: s.Type, path: Path, editor: Editor, letters: Iterator[str], wait: Callable[[int], None]) -> None:
    editor.cursor = (path, editor.buffers[path].spot(step.line, step.column))
    for _ in range(step.count):
        if editor.cursor is None:  # the document was closed
            return
        at = editor.cursor[1]
        editor.edit(path, [Splice(at, at, next(letters))], typing=True)
        if step.pace_ms:
            wait(step.pace_ms)
    editor.cursor = None
