"""A workspace in a bucket: files are objects below a prefix, and an edit replaces the version that it was made for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from a3s_lsp.engine.changes import Applied, Change, ChangeSet
from a3s_lsp.engine.errors import EditRefused, PathRefused, StaleEdit, ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Diagnostic, Document, TextChange, unnoticed, unrecorded
from a3s_lsp.engine.workspace import carrying
from a3s_lsp.engine.workspace.abilities import Entry
from a3s_lsp.engine.workspace.addresses import address, rooted
from a3s_lsp.engine.workspace.disk import not_utf8
from a3s_lsp.engine.workspace.leases import Leases
from a3s_lsp.engine.workspace.s3 import Bucket, Conflict, Stored
from a3s_lsp.engine.workspace.shielding import uninterrupted

P = ParamSpec("P")
T = TypeVar("T")

_ROUNDS = 10
"""How often a change set is carried over when others are faster."""
_MOST_ENTRIES = 10_000
_DRIVE = re.compile(r"[A-Za-z]:|[A-Za-z][\w+.-]*://")


class S3Workspace:
    """Objects below a prefix. Implements `ports.Workspace` and `abilities.Listing`."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._root = rooted(bucket.spec.address)
        self._leases = Leases()
        self._versions: dict[Path, str] = {}
        self._threads = ThreadPoolExecutor(max(4, bucket.spec.search_concurrency), "a3s-s3")

    @property
    def root(self) -> Path:
        return self._root

    def resolve(self, path: str) -> Path:
        text = path.replace("\\", "/")
        for start in (str(self._root), self._bucket.spec.address):
            if text == start or text.startswith(f"{start}/"):
                text = text[len(start) + 1 :]
        if "\0" in text:
            raise ToolError("The path contains a NUL character.", {"type": "invalid_argument"})
        if text.startswith("/") or _DRIVE.match(text):
            raise PathRefused(
                f"Absolute paths are not supported by this workspace backend: give '{path}' relative to {self._shown}.",
                {"type": "invalid_argument", "path": path},
            )
        names = [name for name in text.split("/") if name not in ("", ".")]
        if ".." in names:
            raise PathRefused(
                f"Workspace boundary violation: path '{path}' escapes workspace '{self._shown}'.",
                {"type": "invalid_argument", "path": path},
            )
        return self._root.joinpath(*names)

    def display(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else path.as_posix()

    @property
    def _shown(self) -> str:
        return self._bucket.spec.address

    def _key(self, path: Path) -> str:
        relative = path.relative_to(self._root).as_posix()
        return self._bucket.spec.key("" if relative == "." else relative)

    async def _call(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args, **named))

    # ------------------------------------------------------------ reading

    async def read(self, path: Path) -> Document:
        stored = await self._call(self._bucket.get, self._key(path))
        self._versions[path] = stored.etag
        return Document(path, _text(stored, path))

    async def entries(self, folder: Path) -> Sequence[Entry]:
        """What is in a folder: objects, and what keys of others begin with. ToolError if it is not there."""
        prefix = self._below(folder)
        listed = await self._call(self._bucket.list, prefix, _MOST_ENTRIES, "/")
        if not listed.folders and not listed.objects and folder != self._root:
            raise ToolError(f"S3 path not found: {address(folder)}", {"type": "not_found", "path": address(folder)})
        if not listed.complete:
            raise ToolError(f"{address(folder)} has more than {_MOST_ENTRIES} entries; list a folder below it.")
        folders = [Entry("dir", name[len(prefix) : -1], 0) for name in listed.folders if name != f"{prefix}/"]
        return [*folders, *(Entry("file", key[len(prefix) :], size) for key, size in listed.objects if key != prefix)]

    def _below(self, folder: Path) -> str:
        key = self._key(folder)
        return f"{key}/" if key else ""

    def unsaved(self) -> Sequence[Document]:
        return ()

    def opened(self) -> Sequence[Document]:
        return ()

    async def save(self, paths: Sequence[Path]) -> Sequence[Path]:
        return ()

    async def reload(self) -> Sequence[Path]:
        return ()

    async def diagnostics(self, path: Path) -> Sequence[Diagnostic] | None:
        return None

    def subscribe(self, listener: Callable[[TextChange], None]) -> Callable[[], None]:
        return lambda: None

    def watch(self, paths: Sequence[Path]) -> None:
        """Nobody tells of changes in a bucket: they are found when a file is looked at."""

    # ------------------------------------------------------------ changing

    async def apply(
        self,
        changes: ChangeSet,
        planned: Callable[[ChangeSet], Awaitable[None]] = unrecorded,
        made: Callable[[ChangeSet], None] = unnoticed,
    ) -> Applied:
        """Apply the whole change set or nothing: an object that has got another version meanwhile is read again, and
        the change carried over to it."""
        async with self._leases.hold({Path(change.path) for change in changes.changes}, "this"):
            for _ in range(_ROUNDS):
                versions, current = await self._carried_over(changes)
                await planned(current)
                try:
                    await uninterrupted(self._write_all(current, versions))
                except Conflict:
                    continue
                made(current)
                return Applied(current, (*carrying.remarks(changes, current, (), self.display), *await self._doubts()))
        names = ", ".join(self.display(Path(change.path)) for change in changes.changes)
        raise StaleEdit(
            f"Concurrent modification detected: {names} was changed by others {_ROUNDS} times in the meantime; "
            "read it again and repeat the edit.",
            {"type": "version_conflict", "path": changes.changes[0].path},
        )

    async def _doubts(self) -> Sequence[str]:
        if await self._call(self._bucket.honest):
            return ()
        return ("This S3 server does not keep to preconditions: what others wrote in this very moment is lost.",)

    async def _carried_over(self, changes: ChangeSet) -> tuple[list[str | None], ChangeSet]:
        """The versions that there are now, and the change set for them. Raises StaleEdit."""
        versions: list[str | None] = []
        fresh: list[Change] = []
        for change in changes.changes:
            path = Path(change.source or change.path)
            stored = await self._found(path)
            text = None if stored is None else _text(stored, path)
            try:
                fresh.append(_carried(change, text, self.display(path)))
            except StaleEdit as error:
                known, now = self._versions.get(path), None if stored is None else stored.etag
                raise StaleEdit(str(error), {**(error.kind or {}), "expected": known, "actual": now}) from error
            versions.append(None if stored is None else stored.etag)
        return versions, ChangeSet(changes.label, tuple(fresh))

    async def _found(self, path: Path, limit: int | None = None) -> Stored | None:
        try:
            return await self._call(self._bucket.get, self._key(path), limit)
        except ToolError as error:
            if (error.kind or {}).get("type") == "not_found":
                return None
            raise

    async def _write_all(self, changes: ChangeSet, versions: Sequence[str | None]) -> None:
        """Do all, or take back what was done. Raises Conflict."""
        done: list[tuple[Change, str | None]] = []
        try:
            for change, version in zip(changes.changes, versions, strict=True):
                done.append((change, await self._write(change, version)))
        except (Conflict, ToolError) as error:
            left = [change.path for change, version in reversed(done) if not await self._taken_back(change, version)]
            if left:
                raise EditRefused(f"{error} These files could not be rolled back: {', '.join(left)}.") from error
            raise

    async def _write(self, change: Change, version: str | None) -> str | None:
        """The new version of the object, None if it was taken away."""
        path, source = Path(change.path), Path(change.source) if change.source else None
        if change.after is None:
            if version is not None:
                await self._call(self._bucket.delete, self._key(path), version)
            return None
        data, expected = change.after.encode(), None if source else version
        new = await self._call(self._bucket.put, self._key(path), data, expected)
        self._versions[path] = new
        if source is not None and version is not None:
            await self._moved(source, version, path, new)
        return new

    async def _moved(self, source: Path, version: str, path: Path, new: str) -> None:
        """Take the old object of a move away; if that cannot be done, the new one."""
        try:
            await self._call(self._bucket.delete, self._key(source), version)
        except (Conflict, ToolError):
            await self._call(self._bucket.delete, self._key(path), new)
            raise

    async def _taken_back(self, change: Change, version: str | None) -> bool:
        inverse = ChangeSet("", (change,)).inverse("").changes[0]
        try:
            await self._write(inverse, version)
        except (Conflict, ToolError):
            return False
        return True


def _carried(change: Change, text: str | None, name: str) -> Change:
    carried = carrying.carried_over(change, text, name)
    if carried is not change and carried.before == carried.after:  # of two who count up, one has still to do it
        kind: Json = {"type": "version_conflict", "path": change.path}
        raise StaleEdit(f"{name} was changed by someone else in the same way meanwhile; read it again.", kind)
    return carried


def _text(stored: Stored, path: Path) -> str:
    try:
        return stored.data.decode()
    except UnicodeDecodeError:
        raise not_utf8(path) from None
