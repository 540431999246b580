"""Telling the client what is under review: `a3s/hunks` if it knows that, and when its lenses are not true any more."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.session import Session
from a3s_lsp.server import names
from a3s_lsp.server.hunks import ClientHunks
from a3s_lsp.server.language_server import A3SLanguageServer
from a3s_lsp.server.textdocuments import Happening

logger = logging.getLogger(__name__)

MOVED_SECONDS = 0.25
"""How long the news may wait that hunks are in other places or have other texts: clients move marks with the text."""
LENS_SECONDS = 0.1
"""How long the lenses may be behind, so that a change of many files refreshes them once."""


@dataclass(slots=True)
class _File:
    """One file of one session: what its hunks were when it was looked at last, what the client was told last, and the
    timer of what it is yet to be told."""

    session: Session
    path: str
    statuses: tuple[tuple[str, str], ...] = ()
    told: Json | None = None
    due: asyncio.TimerHandle | None = None


class HunkNews:
    """The news of all sessions for one client; `wanted` says whether it takes `a3s/hunks`."""

    def __init__(self, server: A3SLanguageServer, hunks: ClientHunks, wanted: Callable[[], bool]) -> None:
        self._server = server
        self._hunks = hunks
        self._wanted = wanted
        self._files: dict[tuple[str, str], _File] = {}
        self._lenses: asyncio.TimerHandle | None = None
        server.documents.subscribe(self._happened)

    def watch(self, session: Session) -> None:
        """Tell from now on what happens to the hunks of a session."""
        session.review.subscribe(functools.partial(self._heard, session))

    def show(self, session: Session) -> None:
        """Tell of all files of a session how they are, also of those that have no hunks any more."""
        for path in session.review.ledger.paths():
            self._heard(session, path)
            self._send(self._file(session, path))

    def forget(self, session: Session) -> None:
        """Take the hunks of a session off the screen."""
        for key, file in tuple(self._files.items()):
            if file.session is session:
                self._stop(self._files.pop(key))
                if file.told and file.told["hunks"]:
                    self._server.notify(names.HUNKS, {**file.told, "hunks": []})
        self._refresh_lenses()

    def close(self) -> None:
        """Tell nothing more."""
        for file in self._files.values():
            self._stop(file)
        if self._lenses is not None:
            self._lenses.cancel()

    # ------------------------------------------------------------ when

    def _heard(self, session: Session, path: str) -> None:
        file = self._file(session, path)
        statuses = tuple((hunk.id, hunk.status) for hunk in session.review.ledger.live(path))
        if statuses == file.statuses:
            self._schedule(file, MOVED_SECONDS)
            return
        file.statuses = statuses
        self._schedule(file, 0)
        self._refresh_lenses()

    def _happened(self, happening: Happening) -> None:
        """A file that is opened under another name than it was told of is told of again."""
        if happening.kind == "opened" and self._files:
            path = self._hunks.path(happening.document.uri)
            for file in self._files.values():
                if file.path == path:
                    self._schedule(file, 0)

    def _file(self, session: Session, path: str) -> _File:
        return self._files.setdefault((session.id, path), _File(session, path))

    def _schedule(self, file: _File, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if file.due is not None and file.due.when() <= loop.time() + seconds:
            return
        self._stop(file)
        file.due = loop.call_later(seconds, self._tell, file)

    def _stop(self, file: _File) -> None:
        if file.due is not None:
            file.due.cancel()
            file.due = None

    # ------------------------------------------------------------ what

    def _tell(self, file: _File) -> None:
        file.due = None
        if file.told != self._state(file):
            self._send(file)

    def _send(self, file: _File) -> None:
        self._stop(file)
        if not self._wanted():
            return
        state = self._state(file)
        if file.told is not None and file.told["uri"] != state["uri"]:
            self._server.notify(names.HUNKS, {**file.told, "hunks": []})
        file.told = state
        self._server.notify(names.HUNKS, state)

    def _state(self, file: _File) -> Json:
        placed = self._hunks.in_file(file.session, file.path)
        uri = self._hunks.uri(file.path)
        return {"sessionId": file.session.id, "uri": uri, "hunks": [one.shape for one in placed]}

    # ------------------------------------------------------------ lenses

    def _refresh_lenses(self) -> None:
        workspace = self._server.client_capabilities.workspace
        lens = workspace.code_lens if workspace else None
        if self._lenses is None and lens and lens.refresh_support:
            self._lenses = asyncio.get_running_loop().call_later(LENS_SECONDS, self._refresh_now)

    def _refresh_now(self) -> None:
        self._lenses = None
        self._server.run_task(self._ask_to_refresh(), "lenses")

    async def _ask_to_refresh(self) -> None:
        try:
            await self._server.request(types.WORKSPACE_CODE_LENS_REFRESH)
        except JsonRpcException as error:
            logger.warning("the client did not refresh its lenses: %s", error)
