"""The engine's view of a fake editor, without an engine: real JSON-RPC between them, and everything told is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import BufferEdit, FileMove, Shown, TextChange
from a3s_lsp.server import wire
from a3s_lsp.server.edits import ClientEditor
from a3s_lsp.server.fake_editor import FakeEditor
from a3s_lsp.server.language_server import A3SLanguageServer
from tests.server.desk import MemoryWriter


@dataclass
class Seen:
    """`person` is the person's side, `engine` the engine's. `changes` has every change of a text: who made it, and the
    text; `news` is set when there is one."""

    root: Path
    person: FakeEditor
    engine: ClientEditor
    changes: list[tuple[str, str | None]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, change: TextChange) -> None:
        self.changes.append((change.cause, change.text))
        self.news.set()

    def open(self, name: str, text: str) -> Path:
        """A file with this text, open in the editor."""
        path = self.root / name
        path.write_bytes(text.encode())
        self.person.open(path)
        self.changes.clear()
        return path

    def edit(self, path: Path, after: str) -> BufferEdit:
        """An edit of the text that the engine sees."""
        document = self.engine.document(path)
        assert document is not None and document.version is not None
        return BufferEdit(path, document.version, document.text, after)

    async def apply(self, path: Path, after: str, *moves: FileMove) -> Shown:
        (shown,) = await self.engine.apply("Edit", [self.edit(path, after)], moves)
        return shown

    def text(self, path: Path) -> str:
        """What the engine sees."""
        document = self.engine.document(path)
        assert document is not None
        return document.text


@asynccontextmanager
async def seen(root: Path, flags: Iterable[str] = (), capabilities: Json | None = None) -> AsyncIterator[Seen]:
    server = A3SLanguageServer("a3s-lsp", "0")
    person = FakeEditor(lambda message: server.protocol.receive(json.dumps(message).encode()), capabilities)
    server.protocol.set_writer(MemoryWriter(person))
    await person.initialize(root)
    engine = ClientEditor(server, lambda: wire.ClientFlags.model_validate(dict.fromkeys(flags, True)))
    both = Seen(root, person, engine)
    engine.subscribe(both.note)
    try:
        yield both
    finally:
        await person.request("shutdown")
        await server.protocol.disconnected()
