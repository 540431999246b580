"""Exceptions as errors on the wire, and the other way round."""

from __future__ import annotations

import asyncio
import logging

from pygls.exceptions import JsonRpcException, JsonRpcInternalError, JsonRpcRequestCancelled

from a3s_lsp.engine.errors import A3SError

REQUEST_FAILED = -32803
"""LSP's code for a request that was understood, and could not be done."""

_log = logging.getLogger(__name__)


def reply_to(method: str, error: BaseException) -> JsonRpcException:
    """The error that the client gets. What was not meant for people goes to the log, and stays there."""
    if isinstance(error, asyncio.CancelledError):
        return JsonRpcRequestCancelled(f"The request {method} was cancelled.")
    if isinstance(error, JsonRpcException):
        return error
    if isinstance(error, A3SError):
        return JsonRpcException(str(error), code=REQUEST_FAILED)
    _log.error("Answering the request %s failed.", method, exc_info=error)
    return JsonRpcInternalError(f"The server failed to answer {method}; its log says why.")


def client_is_gone() -> JsonRpcException:
    """The error of a request to a client that will not answer any more."""
    return JsonRpcException("The editor is gone; start it again to go on.", code=REQUEST_FAILED)


def structured_error(error: object) -> JsonRpcException:
    """The exception for an error that the client answered, whatever it has put into it."""
    content = error if isinstance(error, dict) else {}
    code, message = content.get("code"), content.get("message")
    return JsonRpcException(
        message if isinstance(message, str) and message else "The editor refused without saying why.",
        code=code if isinstance(code, int) else None,
        data=content.get("data"),
    )
