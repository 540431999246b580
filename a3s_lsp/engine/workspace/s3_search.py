"""Search in a bucket: objects are listed and downloaded, up to limits that the one who pays for it has set."""

from __future__ import annotations

import asyncio
from pathlib import Path

from a3s_lsp.engine.ports import Document
from a3s_lsp.engine.workspace.abilities import Walked
from a3s_lsp.engine.workspace.found import FileHits, Found, Query
from a3s_lsp.engine.workspace.globs import selects
from a3s_lsp.engine.workspace.s3 import Bucket
from a3s_lsp.engine.workspace.s3_workspace import S3Workspace
from a3s_lsp.engine.workspace.search import search_document


class SearchableS3Workspace(S3Workspace):
    """Also implements `abilities.Searching`."""

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(bucket)
        self._slots = asyncio.Semaphore(max(1, bucket.spec.search_concurrency))

    async def walk(self, folder: Path) -> Walked:
        """All objects below a folder whose keys can be paths."""
        sizes, complete = await self._objects(folder)
        return Walked(tuple(sorted(sizes)), complete)

    async def search(self, query: Query) -> Found:
        """Find a pattern in all objects below a path that are text and not too large."""
        sizes, complete = await self._objects(query.path)
        most = self._bucket.spec.max_grep_bytes_per_object
        chosen = sorted(path for path in sizes if _is_selected(path, query))
        small = [path for path in chosen if sizes[path] <= most]
        found = await asyncio.gather(*(self._search_object(query, path, most) for path in small))
        return Found(tuple(hits for hits in found if hits is not None), complete and len(small) == len(chosen))

    async def _search_object(self, query: Query, path: Path, most: int) -> FileHits | None:
        async with self._slots:
            stored = await self._found(path, most)
            if stored is None or b"\0" in stored.data:
                return None
            text = stored.data.decode(errors="replace")
            return await search_document(query, Document(path, text))

    async def _objects(self, path: Path) -> tuple[dict[Path, int], bool]:
        prefix, most = self._below(path), self._bucket.spec.max_objects_scanned
        listed = await self._call(self._bucket.list, prefix, most)
        sizes = {path / key[len(prefix) :]: size for key, size in listed.objects if _is_path(key[len(prefix) :])}
        if not listed.objects and path != self.root:
            itself = await self._call(self._bucket.list, self._key(path), 1)
            return dict((path, size) for key, size in itself.objects if key == self._key(path)), True
        return sizes, listed.complete


def _is_path(name: str) -> bool:
    return all(part not in ("", ".", "..") for part in name.split("/"))


def _is_selected(path: Path, query: Query) -> bool:
    relative = path.relative_to(query.path).as_posix()
    return not query.glob or relative == "." or selects(query.glob, relative)
