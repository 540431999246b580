"""The server of a3s-lsp with the two methods of the stock one beside its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

from a3s_lsp.engine.assembly import Surroundings
from a3s_lsp.engine.ports import Chunk, Finish, ModelRequest, ReasoningDelta, TextDelta
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.server.app import create_server
from a3s_lsp.server.host import Defaults
from a3s_lsp.server.transport import run_to_exit, serve_stdio

STREAMED = 20_000
folder = Path(tempfile.mkdtemp(prefix="a3s-bench-"))


class Torrent:
    """A model that never pauses. Text and reasoning take turns, so that no two pieces can be one event."""

    name = "offline/assistant"

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """`STREAMED` pieces."""
        for _ in range(STREAMED // 2):
            yield TextDelta("word ")
            yield ReasoningDelta("thought ")
        yield Finish("stop")


if __name__ == "__main__":
    surroundings = Surroundings(os.environ, folder / "none.acl", offline=Torrent)
    writer = LogWriter(SQLiteStore(folder / "sessions.db"))
    server = create_server(lambda: Defaults(writer, surroundings))
    server.feature("bench/echo")(lambda params: {"ok": True})
    server.feature("bench/note")(lambda params: None)
    run_to_exit(serve_stdio(server))
