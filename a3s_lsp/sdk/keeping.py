"""Keeping a session: that it is stored, another one that begins like it, and the whole of it as one value."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from a3s_lsp.engine.forking import fork
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.store.exchange import document, write_document
from a3s_lsp.sdk.checks import optional_string, path_text
from a3s_lsp.sdk.faces import AsyncFace, Face

if TYPE_CHECKING:
    from a3s_lsp.sdk.blocking import Session
    from a3s_lsp.sdk.session import AsyncSession


class AsyncKeeping(AsyncFace):
    """What outlives a session."""

    _reopen: Callable[[str], Awaitable[AsyncSession]]
    """Open another session of the same store with the same options."""

    async def save(self) -> None:
        """Return when everything so far is durable. A session with a store needs no saving. Raises StoreError."""
        await self.engine.settled()

    async def fork(self, at: str | None = None, new_id: str | None = None) -> AsyncSession:
        """A new session that begins as this one was before the run or call `at`, or as it is now. It has the options
        and the folder of this one, whose files stay as they are."""
        point, name = optional_string("at", at), optional_string("new_id", new_id)
        made = await self._reopen(await self.engine.stored(lambda store: fork(store, self.engine.id, point, name)))
        made.engine.follow(self.engine)
        return made

    async def export(self, path: str | None = None) -> Json:
        """The whole session as a JSON object, which is also written to the file `path` if one is given."""
        named = None if path is None else Path(path_text("path", path))
        session_id = self.engine.id
        session = await self.engine.stored(lambda store: document(store, session_id))
        if named is not None:
            await asyncio.to_thread(write_document, named, session)
        return session


class Keeping(Face):
    """What outlives a session."""

    def save(self) -> None:
        """Return when everything so far is durable. A session with a store needs no saving. Raises StoreError."""
        self._loop.call(self._session.save())

    def fork(self, at: str | None = None, new_id: str | None = None) -> Session:
        """A new session that begins as this one was before the run or call `at`, or as it is now. It has the options
        and the folder of this one, whose files stay as they are."""
        twin: type[Session] = type(self)  # type: ignore[assignment]  # a part of Session, and of nothing else
        return twin.of(self._loop, self._loop.call(self._session.fork(at, new_id)))

    def export(self, path: str | None = None) -> Json:
        """The whole session as a JSON object, which is also written to the file `path` if one is given."""
        return self._loop.call(self._session.export(path))
