"""What an agent can do with stored sessions without opening them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.messages import Json
from a3s_lsp.sdk.loop_thread import LoopThread
from a3s_lsp.sdk.results import Handle
from a3s_lsp.sdk.stores import SessionStore


class AsyncStoredSessions(Handle):
    """A part of `AsyncAgent`. Without a `store` it is the one that the configuration names."""

    _store: SessionStore | None

    async def list_sessions(self, store: SessionStore | None = None) -> list[Json]:
        """All sessions, newest first: id, workspace, title, status, messages, updated_at_ms, forked_from."""
        return await asyncio.to_thread(self._chosen(store).sessions)

    async def delete_session(self, session_id: str, store: SessionStore | None = None) -> bool:
        """Delete a session. False if there was none. SessionBusy if another process has it open."""
        return await asyncio.to_thread(self._chosen(store).delete, session_id)

    async def export_session(self, session_id: str, store: SessionStore | None = None, path: str | None = None) -> Json:
        """The whole session as a JSON object, which is also written to the file `path` if one is given."""
        return await asyncio.to_thread(self._chosen(store).export, session_id, path)

    async def import_session(
        self, source: str | Mapping[str, object], store: SessionStore | None = None, new_id: str | None = None
    ) -> str:
        """Take in an exported session, or a session file of a3s-code: an object, or the path of a file. Returns the id
        of the session."""
        return await asyncio.to_thread(self._chosen(store).import_session, source, new_id)

    def _chosen(self, store: SessionStore | None) -> SessionStore:
        if store is not None and not isinstance(store, SessionStore):
            raise TypeError(f"store must be a session store, not {type(store).__name__}")
        chosen = self._store if store is None else store
        if chosen is None:
            raise A3SError("There is no store to look in: give one, or name sessions_dir in the configuration.")
        return chosen


class StoredSessions(Handle):
    """A part of `Agent`. Without a `store` it is the one that the configuration names."""

    _loop: LoopThread
    _agent: AsyncStoredSessions

    def list_sessions(self, store: SessionStore | None = None) -> list[Json]:
        """All sessions, newest first: id, workspace, title, status, messages, updated_at_ms, forked_from."""
        return self._loop.call(self._agent.list_sessions(store))

    def delete_session(self, session_id: str, store: SessionStore | None = None) -> bool:
        """Delete a session. False if there was none. SessionBusy if another process has it open."""
        return self._loop.call(self._agent.delete_session(session_id, store))

    def export_session(self, session_id: str, store: SessionStore | None = None, path: str | None = None) -> Json:
        """The whole session as a JSON object, which is also written to the file `path` if one is given."""
        return self._loop.call(self._agent.export_session(session_id, store, path))

    def import_session(
        self, source: str | Mapping[str, object], store: SessionStore | None = None, new_id: str | None = None
    ) -> str:
        """Take in an exported session, or a session file of a3s-code: an object, or the path of a file. Returns the id
        of the session."""
        return self._loop.call(self._agent.import_session(source, store, new_id))
