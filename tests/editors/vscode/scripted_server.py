"""The real server, with a model that follows a script: python -m tests.editors.vscode.scripted_server GO.

It renames over all files as soon as something was written to the pipe GO, and over two of them at the next prompt. What
it was told of the person's review it says.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

from a3s_lsp.engine.assembly import Surroundings
from a3s_lsp.engine.messages import UserMessage
from a3s_lsp.engine.ports import Chunk, Model, ModelRequest
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.places import session_log, user_config
from a3s_lsp.server.app import create_server
from a3s_lsp.server.host import Defaults
from a3s_lsp.server.transport import run_to_exit, serve_stdio
from a3s_lsp.testing import Reply, ScriptedModel, call


class WaitingModel:
    """Gives its first answer when something was written to a pipe, and not before."""

    def __init__(self, model: Model, go: Path) -> None:
        self._model = model
        self._go: Path | None = go

    @property
    def name(self) -> str:
        return self._model.name

    async def stream(self, request: ModelRequest) -> AsyncIterator[Chunk]:
        if self._go is not None:
            await asyncio.to_thread(self._go.read_bytes)
            self._go = None
        async with aclosing(self._model.stream(request)) as chunks:  # type: ignore[type-var]  # ports promise an iterator, all models are generators
            async for chunk in chunks:
                yield chunk


def rename(files: str, name: str) -> Reply:
    """The turn that renames in these files, in one call."""
    return Reply("I rename it.", calls=(call("replace", pattern="old_name", replacement=name, glob=files),))


def tell(request: ModelRequest) -> Reply:
    """The turn that says what the model was told, and renames again."""
    told = [message.text for message in request.messages if isinstance(message, UserMessage)]
    return Reply(f"My last message was: {told[-1]}", calls=rename("{main,clean}.py", "other_name").calls)


def main(go: Path) -> None:
    """Serve the client on standard input and output."""
    script = ScriptedModel([rename("*.py", "new_name"), "Renamed everywhere.", tell, "Renamed again."])
    writer = LogWriter(SQLiteStore(session_log(os.environ)))
    model = WaitingModel(script, go)
    surroundings = Surroundings(os.environ, user_config(), offline=lambda: model)
    server = create_server(lambda: Defaults(writer, surroundings))

    async def serving() -> int:
        try:
            return await serve_stdio(server)
        finally:
            writer.close()

    run_to_exit(serving())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
