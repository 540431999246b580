"""The server of a3s-lsp with the two methods of the stock one beside its own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from a3s_lsp.engine.assembly import Surroundings
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.server.app import create_server
from a3s_lsp.server.host import Defaults
from a3s_lsp.server.transport import run_to_exit, serve_stdio
from a3s_lsp.testing import Reply, ScriptedModel

STREAMED = 20_000
folder = Path(tempfile.mkdtemp(prefix="a3s-bench-"))


def model() -> ScriptedModel:
    """Streams as fast as it is read."""
    return ScriptedModel([Reply("", chunks=("word ",) * STREAMED)] * 10, "offline/assistant")


if __name__ == "__main__":
    surroundings = Surroundings(os.environ, folder / "none.acl", offline=model)
    writer = LogWriter(SQLiteStore(folder / "sessions.db"))
    server = create_server(lambda: Defaults(writer, surroundings))
    server.feature("bench/echo")(lambda params: {"ok": True})
    server.feature("bench/note")(lambda params: None)
    run_to_exit(serve_stdio(server))
