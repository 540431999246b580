"""Slash commands that come and go while a client is connected: as commands of LSP, and in its completion.

They are registered by sessions, or are files in the folders for them, which are watched.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from a3s_lsp.engine.commands.builtin import builtin_commands
from a3s_lsp.engine.commands.command import Command
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.session import Session
from a3s_lsp.server import names
from a3s_lsp.server.language_server import A3SLanguageServer
from a3s_lsp.server.watching import FolderWatch

logger = logging.getLogger(__name__)

_QUIET_SECONDS = 0.1
"""Several changes of files that come close together are looked at once."""
_LEVELS = 3
"""How far up a folder is looked for that one could come into being in."""


class DynamicCommands:
    """`of_files` are the commands that are offered without a session, `folders` those that their files may be in;
    `run` runs a command of LSP."""

    def __init__(
        self,
        server: A3SLanguageServer,
        of_files: Callable[[], Iterable[Command]],
        folders: Callable[[], Collection[Path]],
        run: Callable[[str, Json], Awaitable[object]],
        tells: Callable[[], bool],
    ) -> None:
        self._server = server
        self._of_files = of_files
        self._folders = folders
        self._run = run
        self._tells = tells
        self._sessions: dict[str, tuple[Session, Callable[[], None]]] = {}
        self._fixed = frozenset(server.command_names())
        self._builtin = builtin_commands()
        self._told = self._rows(self._builtin)
        self._registered: set[str] = set()
        self._registering = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._watch: FolderWatch | None = None
        self._anew: set[Path] = set()
        """Folders that may have been deleted and made again since they are watched."""
        server.on_disconnect(self._close)

    async def start(self) -> None:
        """Look at what there is, and watch from now on."""
        self._watch = FolderWatch(asyncio.get_running_loop(), self._notice)
        await self._look_again()

    def follow(self, session: Session) -> None:
        """Offer the commands of a session too."""
        self.forget(session)
        self._sessions[session.id] = session, session.slash.subscribe(self.refresh)
        self.refresh()

    def forget(self, session: Session) -> None:
        """Offer them no more."""
        _, stop = self._sessions.pop(session.id, (session, None))
        if stop is not None:
            stop()
            self.refresh()

    def refresh(self) -> None:
        """Tell the client if the list of commands is another one now."""
        of_sessions = (command for session, _ in self._sessions.values() for command in session.slash.listed())
        rows = self._rows([*self._of_files(), *self._builtin, *of_sessions])
        if rows == self._told:
            return
        self._told = rows
        if self._tells():
            self._server.notify(names.COMMANDS, {"commands": list(rows.values())})
        self._server.run_task(self._register(), "registering commands")

    def _rows(self, commands: Iterable[Command]) -> dict[str, Json]:
        rows = {c.name: described(c) for c in commands}
        return dict(sorted(rows.items()))

    # ------------------------------------------------------------ commands of LSP

    async def _register(self) -> None:
        """Make the commands of LSP those of the list, but for names that mean something else in the protocol."""
        async with self._registering:
            wanted = {f"{names.SLASH_PREFIX}{name}" for name in self._told} - self._fixed
            gone, fresh = self._registered - wanted, wanted - self._registered
            for name in gone:
                self._server.remove_command(name)
            for name in fresh:
                self._server.add_command(name, functools.partial(self._run, name))
            self._registered = wanted
            if self._client_listens():
                await self._ask(types.CLIENT_UNREGISTER_CAPABILITY, "unregisterations", map(_place, sorted(gone)))
                await self._ask(types.CLIENT_REGISTER_CAPABILITY, "registrations", map(_registration, sorted(fresh)))

    async def _ask(self, method: str, field: str, items: Iterable[Json]) -> None:
        if not (listed := list(items)):
            return
        try:
            await self._server.request(method, {field: listed})
        except JsonRpcException as error:
            logger.warning("the client does not take commands that come later: %s", error)

    def _client_listens(self) -> bool:
        workspace = self._server.client_capabilities.workspace
        commands = workspace.execute_command if workspace else None
        return bool(commands and commands.dynamic_registration)

    # ------------------------------------------------------------ files

    def _notice(self, paths: Iterable[Path]) -> None:
        folders = self._folders()
        above = {place for folder in folders for place in (folder, *folder.parents)}
        changed = [path for path in paths if path in above or path.parent in folders]
        self._anew.update(above.intersection(changed))
        if changed and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_QUIET_SECONDS, self._quiet)

    def _quiet(self) -> None:
        self._timer = None
        self._server.run_task(self._look_again(), "looking for commands")

    async def _look_again(self) -> None:
        anew, self._anew = self._anew, set()
        if self._watch is not None:
            await asyncio.to_thread(_watch_near, self._watch, self._folders(), anew)
        self.refresh()

    async def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        watch, self._watch = self._watch, None
        if watch is not None:
            await asyncio.to_thread(watch.close)


def described(command: Command) -> Json:
    """A command as clients list it."""
    usage = command.usage or f"/{command.name}"
    return {"name": command.name, "description": command.description, "usage": usage}


def _watch_near(watch: FolderWatch, folders: Iterable[Path], anew: Iterable[Path]) -> None:
    """Watch each folder, or the nearest one above it that is there. Blocks."""
    near = [next((f for f in (folder, *folder.parents[:_LEVELS]) if f.is_dir()), None) for folder in folders]
    watch.only({folder for folder in near if folder is not None}, anew)


def _place(name: str) -> Json:
    return {"id": f"command {name}", "method": types.WORKSPACE_EXECUTE_COMMAND}


def _registration(name: str) -> Json:
    return {**_place(name), "registerOptions": {"commands": [name]}}
