"""The review in any editor: code lenses above hunks, code actions on their lines, and why they are there on hover."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from a3s_lsp.engine.messages import Json
from a3s_lsp.server import names
from a3s_lsp.server.hunk_texts import explained
from a3s_lsp.server.hunks import ClientHunks, PlacedHunk, span_fields
from a3s_lsp.server.language_server import A3SLanguageServer


class ReviewViews:
    """What a client may ask about the hunks in a document. All answers are there at once."""

    def __init__(self, server: A3SLanguageServer, hunks: ClientHunks) -> None:
        self._server = server
        self._hunks = hunks

    def lenses(self, uri: str) -> list[types.CodeLens]:
        """Keep, undo and ask above each hunk; above the first of several also keep all and undo all."""
        hunks = self._hunks.in_document(uri)
        shown = [_lens(placed.first, command) for placed in hunks for command in _lens_commands(placed)]
        if len(hunks) > 1:
            everything: Json = {"uri": uri}
            shown.append(_lens(hunks[0].first, _command(f"keep all ({len(hunks)})", names.HUNK_KEEP, everything)))
            shown.append(_lens(hunks[0].first, _command("undo all", names.HUNK_UNDO, everything)))
        return shown

    def actions(self, params: types.CodeActionParams) -> list[types.CodeAction | types.Command]:
        """What can be done with the hunks on these lines; nothing where there is none."""
        if not _wanted(params.context.only):
            return []
        uri = params.text_document.uri
        hunks = self._hunks.in_document(uri)
        touched = [placed for placed in hunks if placed.touches(*lines_of(params.range))]
        commands = _action_commands(uri, hunks, touched, params.range) if touched else []
        if not self._literals():
            return [*commands]
        return [types.CodeAction(command.title, kind=names.REVIEW_ACTION, command=command) for command in commands]

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """Why the line is as it is, if a hunk under review is there."""
        line = params.position.line
        touched = [h for h in self._hunks.in_document(params.text_document.uri) if h.touches(line, line)]
        if not touched:
            return None
        markdown = self._markdown()
        kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
        parts = [explained(placed, markdown=markdown) for placed in touched]
        return types.Hover(types.MarkupContent(kind, "\n\n---\n\n".join(parts)))

    def _literals(self) -> bool:
        document = self._server.client_capabilities.text_document
        action = document.code_action if document else None
        return bool(action and action.code_action_literal_support)

    def _markdown(self) -> bool:
        document = self._server.client_capabilities.text_document
        hover = document.hover if document else None
        return bool(hover and types.MarkupKind.Markdown in (hover.content_format or ()))


def lines_of(span: types.Range) -> tuple[int, int]:
    """The first and the last line of a range; a line of which it has only the start is not one of them."""
    start, end = span.start.line, span.end.line
    return start, end - (span.end.character == 0 and end > start)


def _wanted(only: Sequence[str] | None) -> bool:
    return not only or any(f"{names.REVIEW_ACTION}.".startswith(f"{kind}.") or not kind for kind in only)


def _lens_commands(placed: PlacedHunk) -> list[types.Command]:
    return [
        _command("✓ keep", names.HUNK_KEEP, placed.address),
        _command("↩ undo", names.HUNK_UNDO, placed.address),
        _command("? ask", names.HUNK_ASK, placed.address),
    ]


def _action_commands(
    uri: str, hunks: Sequence[PlacedHunk], touched: Sequence[PlacedHunk], span: types.Range
) -> list[types.Command]:
    commands: list[types.Command] = []
    if len(touched) > 1:
        last = max(placed.last for placed in touched) + 1
        lines = types.Range(types.Position(touched[0].first, 0), types.Position(last, 0))
        these = f"these {len(touched)} changes"
        commands += _both(these, _of_lines(uri, lines))
    else:
        commands += _both("this change", touched[0].address)
        if _is_part(touched[0], span):
            commands += _both("the selected lines of this change", _of_lines(uri, span))
        commands.append(_command("a3s: ask about this change", names.HUNK_ASK, touched[0].address))
    if len(hunks) > len(touched):
        commands += _both("all changes in this file", {"uri": uri})
    return commands


def _is_part(placed: PlacedHunk, span: types.Range) -> bool:
    """Whether a selection takes some lines of a hunk, of which the others can stay."""
    first, last = lines_of(span)
    whole = first <= placed.first and placed.last <= last
    return span.start != span.end and not whole and placed.hunk.status == "applied" and placed.hunk.whole is None


def _both(what: str, argument: Json) -> list[types.Command]:
    return [
        _command(f"a3s: keep {what}", names.HUNK_KEEP, argument),
        _command(f"a3s: undo {what}", names.HUNK_UNDO, argument),
    ]


def _of_lines(uri: str, span: types.Range) -> Json:
    return {"uri": uri, "range": span_fields(span)}


def _command(title: str, name: str, argument: Json) -> types.Command:
    return types.Command(title, name, arguments=[argument])


def _lens(line: int, command: types.Command) -> types.CodeLens:
    place = types.Position(line, 0)
    return types.CodeLens(types.Range(place, place), command)
