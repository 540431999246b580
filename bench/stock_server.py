"""An empty server on pygls as it comes: the yardstick."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("stock", "1", text_document_sync_kind=types.TextDocumentSyncKind.Incremental)


@server.feature("bench/echo")
def echo(params: dict[str, object]) -> dict[str, object]:
    return {"ok": True}


@server.feature("bench/note")
def note(params: dict[str, object]) -> None:
    return None


if __name__ == "__main__":
    server.start_io()
