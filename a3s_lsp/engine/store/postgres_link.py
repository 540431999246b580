"""One connection to a PostgreSQL server: made when it is first needed, made again when it was lost.

What is done on it is done in transactions that may be repeated: when a connection breaks at the end of one, nobody can
tell whether it was made.
"""

from __future__ import annotations

import re
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from a3s_lsp.engine.errors import StoreError

if TYPE_CHECKING:
    import psycopg

    Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

T = TypeVar("T")
_PATIENCE_SECONDS = 5.0
"""How long a server that restarts is waited for."""
_PAUSE_SECONDS = 0.2
_MANNERS = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "application_name": "a3s-lsp",
}
"""What a DSN may say otherwise. A server that has gone is to be noticed in seconds."""
_LIMITS = {"statement_timeout": "20s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s"}
_PORTS = re.compile(r"[\d,]*")
_SHOWN = ("host", "hostaddr", "port", "dbname", "user")


class PostgresLink:
    """`dsn` is a URL or `name=value` pairs. `prepare` gets each new connection. Any thread may call; all raise
    StoreError, in whose text the password never is."""

    def __init__(self, dsn: str, prepare: Callable[[Connection], None]) -> None:
        self._parameters = _parsed(dsn)
        self._prepare = prepare
        self._connection: Connection | None = None
        self._was_there = False
        """Whether the server is one that may come back; a wrong password does not get right by waiting."""
        self._mutex = threading.RLock()
        self.place = " ".join(f"{name}={self._parameters[name]}" for name in _SHOWN if name in self._parameters)

    def do(self, work: Callable[[Connection], T], *, sync: bool = True) -> T:
        """Do the work in a transaction, once more if the connection is lost. With `sync` it survives a loss of power
        of the server."""
        import psycopg

        until = time.monotonic() + _PATIENCE_SECONDS
        with self._mutex:
            while True:
                try:
                    return self._transaction(work, sync=sync)
                except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                    if not self._lost() or not self._was_there or time.monotonic() >= until:
                        raise StoreError(self._sentence(error)) from None
                    self.close()
                    time.sleep(_PAUSE_SECONDS)
                except psycopg.IntegrityError:
                    raise StoreError(
                        "The session was continued elsewhere in this program; open it again to go on from there."
                    ) from None
                except psycopg.Error as error:
                    raise StoreError(self._sentence(error)) from error

    def close(self) -> None:
        """Close the connection; it is made again when it is needed again."""
        with self._mutex:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _transaction(self, work: Callable[[Connection], T], *, sync: bool) -> T:
        connection = self._connected()
        with connection.transaction():
            if not sync:
                connection.execute("SET LOCAL synchronous_commit = off")
            return work(connection)

    def _lost(self) -> bool:
        return self._connection is None or self._connection.closed

    def _connected(self) -> Connection:
        import psycopg

        if self._connection is None:
            connection = psycopg.connect(**self._parameters, autocommit=True)
            try:
                for name, value in _LIMITS.items():
                    connection.execute("SELECT set_config(%s, %s, false)", (name, value))
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection, self._was_there = connection, True
            weakref.finalize(self, connection.close)
        return self._connection

    def _sentence(self, error: Exception) -> str:
        said = " ".join(str(error).split())
        return f"The sessions in PostgreSQL ({self.place}) cannot be used: {said[:500]}"


def _parsed(dsn: str) -> dict[str, Any]:
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise StoreError("Sessions in PostgreSQL need a library: install a3s-lsp[postgres].") from None
    try:
        parameters = conninfo_to_dict(dsn)
    except psycopg.Error:
        parameters = {}
    # What the library says of a DSN that it cannot read, or reads otherwise than it was meant, has parts of it.
    split = any("@" in str(parameters.get(name, "")) for name in ("host", "port", "dbname"))
    if not parameters or split or not _PORTS.fullmatch(str(parameters.get("port", ""))):
        raise StoreError(
            "The DSN cannot be read: write postgresql://user@host:5432/database, or host=… dbname=… user=…; "
            "in a URL, letters such as @ and / of a password are written as %40 and %2F."
        )
    return {**_MANNERS, **parameters}
