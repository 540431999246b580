"""The commands about hunks: list, keep, undo and ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.facts import RunQueued
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.session import Session
from a3s_lsp.server import names, wire
from a3s_lsp.server.hunk_texts import question
from a3s_lsp.server.hunks import PlacedHunk
from a3s_lsp.server.patience import in_time
from a3s_lsp.server.review import lines_of

if TYPE_CHECKING:
    from a3s_lsp.server.host import Host


class HunkCommands:
    """The handlers; each gets the one argument object of `workspace/executeCommand`."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def run(self, name: str, argument: Json) -> Json:
        """The command of this name."""
        match name:
            case names.HUNK_LIST:
                return self.list(argument)
            case names.HUNK_KEEP:
                return await self.keep(argument)
            case names.HUNK_UNDO:
                return await self.undo(argument)
            case _:
                return self.ask(argument)

    def list(self, argument: Json) -> Json:
        """The hunks under review, of one document or of all."""
        params = wire.read(wire.HunkQuery, argument)
        sessions = self._host.open_sessions(params.session_id)
        if params.uri is not None:
            found = self._host.hunks.in_document(params.uri, sessions)
        else:
            places = [(session, path) for session in sessions for path in session.review.ledger.paths()]
            found = [placed for place in places for placed in self._host.hunks.in_file(*place)]
        return {"hunks": [placed.shape for placed in found]}

    async def keep(self, argument: Json) -> Json:
        """Take hunks out of the review, as they stand."""
        kept: list[str] = []
        for session, chosen in self._chosen(wire.read(wire.HunkChoice, argument)):
            kept += session.review.keep(chosen)
            await session.settled()
        return {"hunks": kept}

    async def undo(self, argument: Json) -> Json:
        """Put back what stood there before; all that is meant of one session is one step."""
        chosen = self._chosen(wire.read(wire.HunkChoice, argument))
        live = [hunk for session, hunks in chosen for hunk in hunks if session.review.ledger.hunks[hunk].live]
        undone = await in_time(self._host.server, _undone(chosen), "undo")
        return {"hunks": live if undone is None else undone}

    def ask(self, argument: Json) -> Json:
        """Start a run about a hunk."""
        params = wire.read(wire.HunkQuestion, argument)
        placed = self._named(params.hunk_id, params.uri, params.session_id)
        text = (params.text or "").strip()
        run = placed.session.start(RunQueued(question(placed, text or None)))
        return {"sessionId": placed.session.id, "runId": run.id}

    def _chosen(self, choice: wire.HunkChoice) -> Sequence[tuple[Session, Sequence[str]]]:
        """The hunks that are meant, by session."""
        if choice.hunk_id is not None:
            placed = self._named(choice.hunk_id, choice.uri, choice.session_id)
            return [(placed.session, [placed.hunk.id])]
        if choice.uri is not None:
            uri, span = choice.uri, choice.range
            return [(session, self._in(session, uri, span)) for session in self._host.open_sessions(choice.session_id)]
        if choice.range is not None:
            raise JsonRpcInvalidParams("'uri' is missing: say in which document the range is.")
        if choice.session_id is None:
            current = self._host.open_session(None)
            sessions = [] if current is None else [current]
        else:
            sessions = self._host.open_sessions(choice.session_id)
        return [(session, [hunk.id for hunk in session.review.ledger.live()]) for session in sessions]

    def _in(self, session: Session, uri: str, span: wire.Range | None) -> Sequence[str]:
        path = self._host.hunks.path(uri)
        if path is None:
            return []
        placed = self._host.hunks.in_file(session, path)
        if span is None:
            return [one.hunk.id for one in placed]
        first, last = lines_of(_range(span))
        # Those of which there is no text to select are met where they are shown.
        empty = [one.hunk.id for one in placed if not one.current and one.touches(first, last)]
        return [*session.review.select(path, first, last), *empty]

    def _named(self, hunk_id: str, uri: str | None, session_id: str | None) -> PlacedHunk:
        found = self._host.hunks.named(hunk_id, uri, self._host.open_sessions(session_id))
        if found is None:
            raise A3SError(f"There is no hunk {hunk_id} in the open sessions: list them with a3s.hunk.list.")
        return found


async def _undone(chosen: Sequence[tuple[Session, Sequence[str]]]) -> Sequence[str]:
    return [hunk for session, hunks in chosen for hunk in await session.review.undo(hunks)]


def _range(span: wire.Range) -> types.Range:
    start, end = span.start, span.end
    return types.Range(types.Position(start.line, start.character), types.Position(end.line, end.character))
