"""Serving an editor: on standard input and output, on TCP, or on a WebSocket."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from a3s_lsp.engine.policy.log_redaction import RedactingFormatter
from a3s_lsp.server.app import create_server
from a3s_lsp.server.transport import run_to_exit, serve_stdio, serve_tcp, serve_websocket

if TYPE_CHECKING:
    from a3s_lsp.server.host import Defaults


def serve(*, tcp: tuple[str, int] | None = None, websocket: tuple[str, int] | None = None) -> NoReturn:
    """Serve one client, and end the process when it is gone."""
    log_to(None, "warning")
    made: list[Defaults] = []

    def defaults() -> Defaults:
        made.append(_defaults())
        return made[0]

    server = create_server(defaults)

    async def serving() -> int:
        try:
            if tcp is not None:
                return await serve_tcp(server, *tcp)
            if websocket is not None:
                return await serve_websocket(server, *websocket)
            return await serve_stdio(server)
        finally:
            for each in made:
                each.writer.close()

    run_to_exit(serving())


def log_to(file: Path | None, level: str) -> None:
    """The log goes to standard error, never to standard output: that belongs to the protocol. The first call counts."""
    handler = logging.StreamHandler(sys.stderr) if file is None else logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s", os.environ))
    logging.basicConfig(level=level.upper(), handlers=[handler])


def _defaults() -> Defaults:
    from a3s_lsp.engine.assembly import Surroundings
    from a3s_lsp.engine.store.learned_rules import RuleFile
    from a3s_lsp.engine.store.sqlite import SQLiteStore
    from a3s_lsp.engine.store.trust import Trust
    from a3s_lsp.engine.store.writer import LogWriter
    from a3s_lsp.engine.workspace.checkpoints import CheckpointStore
    from a3s_lsp.engine.workspace.leases import Leases
    from a3s_lsp.places import checkpoint_store, lease_folder, rules_folder, session_log, trust_folder, user_config
    from a3s_lsp.server.host import Defaults

    writer = LogWriter(SQLiteStore(session_log(os.environ)))
    surroundings = Surroundings(
        os.environ,
        user_config(),
        leases=Leases(lease_folder(os.environ)),
        rules=RuleFile(rules_folder(os.environ)),
        checkpoints=CheckpointStore(checkpoint_store(os.environ)),
        trust=Trust(trust_folder(os.environ)),
    )
    return Defaults(writer, surroundings)
