"""The real server process with a fake editor in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from a3s_lsp.demo import ServerProcess
from a3s_lsp.engine.messages import Json

FLAGS: Json = {"events": True, "confirm": True}
OFFLINE = "offline/assistant"


@asynccontextmanager
async def server_on(folder: Path, state: Path, **settings: object) -> AsyncIterator[ServerProcess]:
    """A server for this folder, said hello to; killed in the end if it is still there."""
    server = await ServerProcess.start(state)
    try:
        await server.editor.initialize(folder, **{"model": OFFLINE, "client": FLAGS, **settings})
        yield server
    finally:
        server.kill()
        await server.gone()
