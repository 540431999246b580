"""Long outputs of a session in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.store.postgres_link import PostgresLink
from a3s_lsp.engine.tools.limits import Artifact

if TYPE_CHECKING:
    from a3s_lsp.engine.store.postgres_link import Connection

T = TypeVar("T")
TABLE = """
CREATE TABLE artifacts (
    session_id text NOT NULL, uri text NOT NULL, number bigserial NOT NULL, tool_name text NOT NULL, id text NOT NULL,
    original_bytes bigint NOT NULL, shown_bytes bigint NOT NULL, content bytea NOT NULL, PRIMARY KEY (session_id, uri)
);
"""


class PostgresShelf:
    """Those of one session. Raises OSError, as other shelves do."""

    def __init__(self, link: PostgresLink, session_id: str) -> None:
        self._link = link
        self._session_id = session_id

    def listed(self) -> Sequence[tuple[str, int]]:
        select = "SELECT uri, original_bytes FROM artifacts WHERE session_id = %s ORDER BY number"
        return self._do(lambda db: db.execute(select, (self._session_id,)).fetchall())

    def put(self, artifact: Artifact) -> None:
        content = artifact.content.encode(errors="replace")
        sizes = artifact.original_bytes, artifact.shown_bytes
        row = (self._session_id, artifact.uri, artifact.tool_name, artifact.id, *sizes, content)

        def work(db: Connection) -> None:
            self._delete(db, artifact.uri)
            db.execute(
                "INSERT INTO artifacts (session_id, uri, tool_name, id, original_bytes, shown_bytes, content) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                row,
            )

        self._do(work)

    def get(self, uri: str) -> Artifact | None:
        select = (
            "SELECT tool_name, id, content, original_bytes, shown_bytes FROM artifacts "
            "WHERE session_id = %s AND uri = %s"
        )
        row = self._do(lambda db: db.execute(select, (self._session_id, uri)).fetchone())
        if row is None:
            return None
        tool, name, content, size, shown = row
        return Artifact(tool, name, bytes(content).decode(errors="replace"), size, shown)

    def drop(self, uri: str) -> None:
        self._do(lambda db: self._delete(db, uri))

    def _delete(self, db: Connection, uri: str) -> None:
        db.execute("DELETE FROM artifacts WHERE session_id = %s AND uri = %s", (self._session_id, uri))

    def _do(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._link.do(work, sync=False)
        except StoreError as error:
            raise OSError(str(error)) from error
