"""Changes of some files on the disk, by whoever: told by the client where it offers that, else by the system.

The system is asked about the folders of those files only, never about whole trees. Where it cannot watch (inotify has
limits), the files are not watched, and the log says so.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from a3s_lsp.server.language_server import A3SLanguageServer

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

logger = logging.getLogger(__name__)

QUIET_SECONDS = 0.1
"""Whoever writes a file may do that in several steps; it is told once nothing more has come for so long."""

_JOIN_SECONDS = 2.0
_CHANGES = ("created", "modified", "moved", "deleted", "closed")
"""What the system tells; that a file was opened or read is none of our business, and would be our own doing."""


class DiskWatch:
    """Calls `changed` on the event loop when one of the watched files is written, deleted, or comes into being."""

    def __init__(self, server: A3SLanguageServer, changed: Callable[[Path], None]) -> None:
        self._server = server
        self._changed = changed
        self._paths: set[Path] = set()
        self._timers: dict[Path, asyncio.TimerHandle] = {}
        self._by_client: asyncio.Task[bool] | None = None
        self._system: FolderWatch | None = None
        server.on_disconnect(self._close)

    def watch(self, paths: Iterable[Path]) -> None:
        """Watch these files too."""
        fresh = set(paths) - self._paths
        if fresh:
            self._paths |= fresh
            self._server.run_task(self._begin(fresh), "watching files")

    def notice(self, paths: Iterable[Path]) -> None:
        """Somebody says that these files may have changed."""
        for path in paths:
            if path not in self._paths:
                continue
            timer = self._timers.pop(path, None)
            if timer is not None:
                timer.cancel()
            self._timers[path] = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._tell, path)

    def _tell(self, path: Path) -> None:
        del self._timers[path]
        self._changed(path)

    async def _begin(self, paths: set[Path]) -> None:
        if self._by_client is None:
            self._by_client = self._server.run_task(self._ask_client(), "asking the client to watch files")
        roots = self._server.roots() if await asyncio.shield(self._by_client) else []
        rest = {path for path in paths if not any(path.is_relative_to(root) for root in roots)}
        if rest:
            if self._system is None:
                self._system = FolderWatch(asyncio.get_running_loop(), self.notice)
            await asyncio.to_thread(self._system.watch, {path.parent for path in rest})
        # Something may have happened before anybody watched.
        self.notice(paths)

    async def _ask_client(self) -> bool:
        """Whether the client watches the workspace folders for us."""
        workspace = self._server.client_capabilities.workspace
        watched = workspace.did_change_watched_files if workspace else None
        if not (watched and watched.dynamic_registration):
            return False
        registration = {
            "id": "a3s-files",
            "method": types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
            "registerOptions": {"watchers": [{"globPattern": "**/*"}]},
        }
        try:
            await self._server.request(types.CLIENT_REGISTER_CAPABILITY, {"registrations": [registration]})
        except JsonRpcException as error:
            logger.warning("the client does not watch files: %s", error)
            return False
        return True

    async def _close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        if self._system is not None:
            await asyncio.to_thread(self._system.close)


class FolderWatch:
    """The system's own news about folders, brought to the event loop. Its methods block."""

    def __init__(self, loop: asyncio.AbstractEventLoop, notice: Callable[[Iterable[Path]], None]) -> None:
        self._loop = loop
        self._notice = notice
        self._folders: dict[Path, ObservedWatch] = {}
        self._observer: BaseObserver | None = None

    def watch(self, folders: Iterable[Path]) -> None:
        """Watch the files in these folders."""
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        notice = self._notice_from_thread

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type in _CHANGES:
                    notice([Path(os.fsdecode(name)) for name in (event.src_path, event.dest_path) if name])

        try:
            if self._observer is None:
                observer = Observer()
                observer.start()
                self._observer = observer
            for folder in set(folders) - self._folders.keys():
                self._folders[folder] = self._observer.schedule(Handler(), os.fspath(folder))
        except OSError as error:
            logger.warning("changes of files on the disk are not noticed at once: %s", error)

    def only(self, folders: Iterable[Path], anew: Iterable[Path] = ()) -> None:
        """Watch these folders and no others; those in `anew` may have been deleted and made again."""
        wanted = set(folders)
        for folder in self._folders.keys() - (wanted - set(anew)):
            watch = self._folders.pop(folder)
            if self._observer is not None:
                self._observer.unschedule(watch)
        self.watch(wanted)

    def close(self) -> None:
        """Stop watching."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(_JOIN_SECONDS)

    def _notice_from_thread(self, paths: list[Path]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._notice, paths)
