"""Requests to the client that wait for an answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import count

from lsprotocol.types import CANCEL_REQUEST
from pygls.exceptions import JsonRpcException

from a3s_lsp.server.failures import structured_error
from a3s_lsp.server.jsonrpc import MsgId, Response, call

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    future: Future[object]
    decode: Callable[[object], object]


class PendingRequests:
    """What was asked of the client and is not answered. `send` raises TypeError or ValueError for what is not JSON."""

    def __init__(self, send: Callable[[object], None]) -> None:
        self._send = send
        self._asked: dict[MsgId, _Asked] = {}
        self._ids = count(1)
        self._gone: JsonRpcException | None = None

    def ask(
        self, method: str, params: object, decode: Callable[[object], object], msg_id: MsgId | None = None
    ) -> Future[object]:
        """Ask. When the future is cancelled, the client is told, and its answer is dropped if one comes still.

        `decode` makes the result of the future from the JSON value; it may raise JsonRpcException.
        """
        msg_id = next(self._ids) if msg_id is None else msg_id
        future: Future[object] = Future()
        if self._gone is not None:
            future.set_exception(self._gone)
            return future
        self._send({**call(method, params), "id": msg_id})
        self._asked[msg_id] = _Asked(future, decode)
        future.add_done_callback(partial(self._withdraw, msg_id))
        return future

    def answer(self, response: Response) -> None:
        """Give the client's answer to whoever waits for it."""
        asked = None if response.id is None else self._asked.pop(response.id, None)
        if asked is None:
            _log.debug("An answer came to request %s, for which nobody waits.", response.id)
            return
        try:
            if response.error is not None:
                raise structured_error(response.error)
            asked.future.set_result(asked.decode(response.result))
        except JsonRpcException as error:
            asked.future.set_exception(error)

    def fail(self, error: JsonRpcException) -> None:
        """Give up waiting, for now and for later: no answer will come."""
        self._gone = error
        asked, self._asked = list(self._asked.values()), {}
        for one in asked:
            one.future.set_exception(error)

    def _withdraw(self, msg_id: MsgId, future: Future[object]) -> None:
        if future.cancelled() and self._asked.pop(msg_id, None) is not None:
            self._send(call(CANCEL_REQUEST, {"id": msg_id}))
