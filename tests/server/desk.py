"""The server and a fake editor in one event loop: no process, no pipe; every message is real JSON-RPC."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from a3s_lsp.engine.assembly import Surroundings
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.policy.learned import RuleBook
from a3s_lsp.engine.ports import Model, SessionStore
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.server.app import create_server
from a3s_lsp.server.fake_editor import FakeEditor
from a3s_lsp.server.framing import FrameReader
from a3s_lsp.server.host import Defaults


class MemoryWriter:
    """Takes the server's bytes, and hands the messages to the client on the next turn of the loop."""

    def __init__(self, client: FakeEditor) -> None:
        self._client = client
        self._frames = FrameReader()

    def write(self, data: bytes) -> None:
        for body in self._frames.feed(data):
            asyncio.get_running_loop().call_soon(self._client.receive, json.loads(body))

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Desk:
    """`editor` is the person's side. `root` is the workspace folder."""

    root: Path
    editor: FakeEditor


@asynccontextmanager
async def desk(
    root: Path,
    model: Model,
    *,
    store: SessionStore | None = None,
    capabilities: Json | None = None,
    flags: Iterable[str] = ("events", "confirm"),
    rules: RuleBook | None = None,
    **settings: object,
) -> AsyncIterator[Desk]:
    """A server for a client with these capabilities, said hello to; it is shut down in the end."""
    await asyncio.to_thread(root.mkdir, exist_ok=True)
    writer = LogWriter(store or MemoryStore())
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    surroundings = Surroundings(environ, root / "no-such-user-config.acl", offline=lambda: model, rules=rules)
    server = create_server(lambda: Defaults(writer, surroundings))
    editor = FakeEditor(lambda message: server.protocol.receive(json.dumps(message).encode()), capabilities)
    server.protocol.set_writer(MemoryWriter(editor))
    await editor.initialize(root, model="offline/assistant", client=dict.fromkeys(flags, True), **settings)
    try:
        yield Desk(root, editor)
    finally:
        await editor.request("shutdown")
        await server.protocol.disconnected()
        writer.close()
