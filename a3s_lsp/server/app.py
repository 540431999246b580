"""The language server of a3s: every registration, in one visible list."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import version

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from a3s_lsp.engine.commands import builtin_commands
from a3s_lsp.server import commands, wire
from a3s_lsp.server.host import Defaults, Host
from a3s_lsp.server.language_server import A3SLanguageServer
from a3s_lsp.server.notices import show_error

logger = logging.getLogger(__name__)

SECTION = "a3s"


def create_server(defaults: Defaults) -> A3SLanguageServer:
    """A server for one client."""
    server = A3SLanguageServer("a3s-lsp", version("a3s-lsp"))
    host = Host(server, defaults)
    _advertise(server)
    commands.register(server, host)
    _life(server, host)
    _settings(server, host)
    _stop_button(server, host)
    return server


def _advertise(server: A3SLanguageServer) -> None:
    slash = [{"name": c.name, "description": c.description, "usage": c.usage} for c in builtin_commands()]
    server.experimental = {"a3s": {"protocol": wire.PROTOCOL, "commands": slash}}


def _life(server: A3SLanguageServer, host: Host) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(ls: A3SLanguageServer, params: types.InitializeParams) -> None:
        options = params.initialization_options
        given = options.get(SECTION) if isinstance(options, Mapping) else None
        host.apply(_settled(ls, wire.Settings(), given))

    @server.feature(types.SHUTDOWN)
    async def shutdown(ls: A3SLanguageServer, params: None) -> None:
        await host.close()

    server.on_disconnect(host.close)


def _settings(server: A3SLanguageServer, host: Host) -> None:
    async def ask() -> None:
        workspace = server.client_capabilities.workspace
        if not (workspace and workspace.configuration):
            return
        try:
            answer = await server.request(types.WORKSPACE_CONFIGURATION, {"items": [{"section": SECTION}]})
        except JsonRpcException as error:
            logger.warning("the client gave no settings: %s", error)
            return
        host.apply(_settled(server, host.settings, answer[0] if isinstance(answer, list) and answer else None))

    @server.feature(types.INITIALIZED)
    async def initialized(ls: A3SLanguageServer, params: types.InitializedParams) -> None:
        await ask()
        await _watch_settings(server)
        await host.warm()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def changed(ls: A3SLanguageServer, params: types.DidChangeConfigurationParams) -> None:
        given = params.settings.get(SECTION) if isinstance(params.settings, Mapping) else None
        if isinstance(given, Mapping) and given:
            host.apply(_settled(ls, host.settings, given))
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
        "registerOptions": {"section": SECTION},
    }
    try:
        await server.request(types.CLIENT_REGISTER_CAPABILITY, {"registrations": [registration]})
    except JsonRpcException as error:
        logger.warning("the client does not tell when its settings change: %s", error)


def _stop_button(server: A3SLanguageServer, host: Host) -> None:
    @server.feature(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    async def stop(ls: A3SLanguageServer, params: types.WorkDoneProgressCancelParams) -> None:
        run_id = host.progress.run_of(params.token)
        run = host.run_of(run_id) if run_id else None
        if run is not None:
            await run.cancel()


def _settled(server: A3SLanguageServer, known: wire.Settings, given: object) -> wire.Settings:
    """The known settings with the given ones over them; what the client leaves empty stays as it is."""
    if not isinstance(given, Mapping):
        return known
    filled = {name: value for name, value in given.items() if value not in (None, "")}
    try:
        return wire.read(wire.Settings, {**known.model_dump(by_alias=True), **filled})
    except JsonRpcException as error:
        show_error(server, f"The a3s settings cannot be used, the earlier ones hold: {error.message}")
        return known
