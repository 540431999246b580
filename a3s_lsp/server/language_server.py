"""The pygls server object that the rest of this room is registered on."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TypeAlias, TypeVar

from cattrs import Converter
from lsprotocol import converters, types
from pygls.lsp.server import LanguageServer

from a3s_lsp.server.protocol import HardenedProtocol
from a3s_lsp.server.textdocuments import Documents
from a3s_lsp.server.uris import uri_to_path

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

CommandHandler: TypeAlias = Callable[[dict[str, object]], Awaitable[object]]
"""Runs a command; it gets the one argument object of `workspace/executeCommand` as it came, `{}` if there is none."""


@functools.cache
def _converter() -> Converter:
    """The one converter of the process: making it takes longer than anything else here."""
    return converters.get_converter()


class A3SLanguageServer(LanguageServer):
    """A server for one client.

    Features are registered as with pygls; a handler of a method that LSP does not know gets plain JSON. As with pygls,
    a first parameter whose annotation fits the server, `object` too, gets the server. Texts are in `documents`, not in
    `workspace`, and commands are added with `add_command`.
    """

    protocol: HardenedProtocol

    def __init__(self, name: str, version: str) -> None:
        super().__init__(name, version, protocol_cls=HardenedProtocol, converter_factory=_converter)

    @property
    def documents(self) -> Documents:
        """The open documents."""
        return self.protocol.documents

    @property
    def experimental(self) -> dict[str, object]:
        """What `initialize` answers in `capabilities.experimental`."""
        return self.protocol.experimental

    @experimental.setter
    def experimental(self, capabilities: dict[str, object]) -> None:
        self.protocol.experimental = capabilities

    def roots(self) -> list[Path]:
        """The workspace folders that are on this machine's disk."""
        paths = (uri_to_path(folder.uri) for folder in self.protocol.workspace_folders)
        return [path for path in paths if path is not None]

    async def request(self, method: str, params: dict[str, object] | None = None) -> object:
        """Ask the client; the result is the plain JSON value.

        Raises JsonRpcException if the client says no, or is gone. If the waiting task is cancelled, the client is told.
        """
        return await self.protocol.request(method, params)

    def notify(self, method: str, params: dict[str, object] | None = None) -> None:
        """Tell the client. Raises TypeError or ValueError if the parameters are not JSON."""
        self.protocol.notify(method, params)

    def log(self, message: str) -> None:
        """Write a line into the log that the client shows."""
        self.notify(types.WINDOW_LOG_MESSAGE, {"type": types.MessageType.Info.value, "message": message})

    def add_command(self, name: str, handler: CommandHandler) -> None:
        """Offer a command; a cancelled request cancels its coroutine. A command of the same name is replaced."""
        self.protocol.fm.commands[name] = handler

    def command_names(self) -> list[str]:
        """The commands that are offered."""
        return list(self.protocol.fm.commands)

    def remove_command(self, name: str) -> None:
        """Stop offering a command. Raises KeyError if there is none of the name."""
        del self.protocol.fm.commands[name]

    def on_disconnect(self, handler: Callable[[], Coroutine[object, object, None]]) -> None:
        """Have this done once the client is gone, however it went."""
        self.protocol.on_disconnect.append(handler)

    def run_task(self, work: Coroutine[object, object, _T], name: str) -> asyncio.Task[_T]:
        """Run something in the background. If it fails, the log says so; when the client is gone, it is cancelled."""
        return self.protocol.run_task(work, name)

    def report_server_error(self, error: Exception, source: type[Exception]) -> None:
        """Log what went wrong inside of pygls; people are not shown what they cannot act on."""
        _log.error("%s: %s", source.__name__, error)
