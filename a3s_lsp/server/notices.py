"""Sentences for the person that are not part of a conversation."""

from __future__ import annotations

from lsprotocol import types

from a3s_lsp.server.language_server import A3SLanguageServer


def show_error(server: A3SLanguageServer, message: str) -> None:
    """Have the client show what is wrong, and what to do about it."""
    server.notify(types.WINDOW_SHOW_MESSAGE, {"type": types.MessageType.Error.value, "message": message})
