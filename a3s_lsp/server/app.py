"""The language server of a3s: every registration, in one visible list.

Nothing of the engine is loaded before the client has its answer to `initialize`: an editor waits for that.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from a3s_lsp.engine.commands.rows import BUILTIN
from a3s_lsp.engine.messages import Json
from a3s_lsp.server import names
from a3s_lsp.server.language_server import A3SLanguageServer
from a3s_lsp.version import VERSION

if TYPE_CHECKING:
    from a3s_lsp.server.host import Defaults, Host

logger = logging.getLogger(__name__)

COMMANDS = (
    names.PROMPT,
    names.CANCEL,
    names.STEER,
    names.APPROVE,
    names.DENY,
    names.HUNK_LIST,
    names.HUNK_KEEP,
    names.HUNK_UNDO,
    names.HUNK_ASK,
    names.SESSION_NEW,
    names.SESSION_LIST,
    names.SESSION_RESUME,
    names.SESSION_DELETE,
)


def create_server(defaults: Callable[[], Defaults]) -> A3SLanguageServer:
    """A server for one client; `defaults` is called, on a thread, when the engine is needed."""
    server = A3SLanguageServer("a3s-lsp", VERSION)
    engine = LateHost(server, defaults)
    _commands(server, engine)
    _life(server, engine)
    _settings(server, engine)
    _stop_button(server, engine)
    _files(server, engine)
    _review(server, engine)
    return server


class LateHost:
    """The host of the client's sessions, made when it is first needed. Settings that come earlier are kept for it."""

    def __init__(self, server: A3SLanguageServer, defaults: Callable[[], Defaults]) -> None:
        self._server = server
        self._defaults = defaults
        self._given: list[object] = []
        self._making: asyncio.Task[Host] | None = None
        self.made: Host | None = None

    async def __call__(self) -> Host:
        """The host."""
        if self._making is None:
            self._making = self._server.run_task(self._make(), "the engine")
        return await asyncio.shield(self._making)

    def configure(self, given: object) -> None:
        """Take settings of the client."""
        if self.made is None:
            self._given.append(given)
        else:
            self.made.configure(given)

    async def close(self) -> None:
        """Give all sessions back."""
        if self.made is not None:
            await self.made.close()

    async def _make(self) -> Host:
        make, defaults = await asyncio.to_thread(_load, self._defaults)
        self.made = make(self._server, defaults)
        for given in self._given:
            self.made.configure(given)
        return self.made


def _load(defaults: Callable[[], Defaults]) -> tuple[type[Host], Defaults]:
    from a3s_lsp.server.host import Host

    return Host, defaults()


def _commands(server: A3SLanguageServer, engine: LateHost) -> None:
    shown = [row._asdict() for row in BUILTIN]
    server.experimental = {"a3s": {"protocol": names.PROTOCOL, "commands": shown}}

    async def run(name: str, argument: Json) -> object:
        return await (await engine()).commands.run(name, argument)

    for name in (*COMMANDS, *(f"{names.SLASH_PREFIX}{row.name}" for row in BUILTIN)):
        server.add_command(name, functools.partial(run, name))


def _life(server: A3SLanguageServer, engine: LateHost) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(ls: A3SLanguageServer, params: types.InitializeParams) -> None:
        options = params.initialization_options
        engine.configure(options.get(names.SECTION) if isinstance(options, Mapping) else None)

    @server.feature(types.SHUTDOWN)
    async def shutdown(ls: A3SLanguageServer, params: None) -> None:
        await engine.close()

    server.on_disconnect(engine.close)


def _settings(server: A3SLanguageServer, engine: LateHost) -> None:
    async def ask() -> None:
        workspace = server.client_capabilities.workspace
        if not (workspace and workspace.configuration):
            return
        try:
            answer = await server.request(types.WORKSPACE_CONFIGURATION, {"items": [{"section": names.SECTION}]})
        except JsonRpcException as error:
            logger.warning("the client gave no settings: %s", error)
            return
        engine.configure(answer[0] if isinstance(answer, list) and answer else None)

    @server.feature(types.INITIALIZED)
    async def initialized(ls: A3SLanguageServer, params: types.InitializedParams) -> None:
        await ask()
        await _watch_settings(server)
        host = await engine()
        await host.dynamic.start()
        await host.warm()
        await host.tidy()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def changed(ls: A3SLanguageServer, params: types.DidChangeConfigurationParams) -> None:
        given = params.settings.get(names.SECTION) if isinstance(params.settings, Mapping) else None
        if isinstance(given, Mapping) and given:
            engine.configure(given)
        else:
            await ask()


async def _watch_settings(server: A3SLanguageServer) -> None:
    workspace = server.client_capabilities.workspace
    changes = workspace.did_change_configuration if workspace else None
    if not (changes and changes.dynamic_registration):
        return
    registration = {
        "id": "a3s-settings",
        "method": types.WORKSPACE_DID_CHANGE_CONFIGURATION,
        "registerOptions": {"section": names.SECTION},
    }
    try:
        await server.request(types.CLIENT_REGISTER_CAPABILITY, {"registrations": [registration]})
    except JsonRpcException as error:
        logger.warning("the client does not tell when its settings change: %s", error)


def _stop_button(server: A3SLanguageServer, engine: LateHost) -> None:
    @server.feature(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    async def stop(ls: A3SLanguageServer, params: types.WorkDoneProgressCancelParams) -> None:
        host = await engine()
        run_id = host.progress.run_of(params.token)
        run = host.run_of(run_id) if run_id else None
        if run is not None:
            await run.cancel()


def _files(server: A3SLanguageServer, engine: LateHost) -> None:
    """What happens to files in the editor and beside it. Before there is an engine, no file is of interest."""
    every = types.FileOperationFilter(types.FileOperationPattern("**/*"), scheme="file")
    files = types.FileOperationRegistrationOptions([every])

    def changed(*uris: str) -> None:
        if engine.made is not None:
            engine.made.editor.files_changed(uris)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def on_disk(ls: A3SLanguageServer, params: types.DidChangeWatchedFilesParams) -> None:
        changed(*(event.uri for event in params.changes))

    @server.feature(types.WORKSPACE_DID_CREATE_FILES, files)
    def created(ls: A3SLanguageServer, params: types.CreateFilesParams) -> None:
        changed(*(file.uri for file in params.files))

    @server.feature(types.WORKSPACE_DID_RENAME_FILES, files)
    def renamed(ls: A3SLanguageServer, params: types.RenameFilesParams) -> None:
        changed(*(uri for file in params.files for uri in (file.old_uri, file.new_uri)))

    @server.feature(types.WORKSPACE_DID_DELETE_FILES, files)
    def deleted(ls: A3SLanguageServer, params: types.DeleteFilesParams) -> None:
        changed(*(file.uri for file in params.files))


def _review(server: A3SLanguageServer, engine: LateHost) -> None:
    """What editors ask all the time: without an engine there is nothing to review, and nobody waits for one."""

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def lenses(ls: A3SLanguageServer, params: types.CodeLensParams) -> list[types.CodeLens]:
        return [] if engine.made is None else engine.made.review.lenses(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions([names.REVIEW_ACTION]))
    def actions(ls: A3SLanguageServer, params: types.CodeActionParams) -> list[types.CodeAction | types.Command]:
        return [] if engine.made is None else engine.made.review.actions(params)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(ls: A3SLanguageServer, params: types.HoverParams) -> types.Hover | None:
        return None if engine.made is None else engine.made.review.hover(params)
