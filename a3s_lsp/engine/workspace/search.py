"""Search in a workspace: the disk, with what is unsaved in the editor in the place of what is saved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from a3s_lsp.engine.ports import Document, Workspace
from a3s_lsp.engine.workspace import walk
from a3s_lsp.engine.workspace.abilities import Searching
from a3s_lsp.engine.workspace.found import FileHits, Found, Query
from a3s_lsp.engine.workspace.globs import selects
from a3s_lsp.engine.workspace.ripgrep import list_disk, ripgrep, search_disk, search_text


async def search(workspace: Workspace, query: Query) -> Found:
    """Find a pattern in all text files that are not ignored. ToolError if the pattern is none."""
    if isinstance(workspace, Searching):
        return await workspace.search(query)
    return await search_with(ripgrep(), workspace, query)


async def search_with(program: str | None, workspace: Workspace, query: Query) -> Found:
    """The same with this ripgrep, or with none at all."""
    unsaved = [document for document in workspace.unsaved() if _is_selected(document, query)]
    on_disk, complete = await _search_disk(program, query)
    in_editor = [await _search_document(program, query, document) for document in unsaved]
    hidden = {document.path for document in unsaved}
    files = [hits for hits in on_disk if hits.path not in hidden] + [hits for hits in in_editor if hits is not None]
    return Found(tuple(sorted(files, key=lambda hits: hits.path)), complete)


async def search_document(query: Query, document: Document) -> FileHits | None:
    """What is found in the text of one document, whatever the disk has, and in whatever encoding."""
    return await _search_document(ripgrep(), query, document)


async def list_files(workspace: Workspace, folder: Path) -> Sequence[Path]:
    """All files below the folder that are not ignored, sorted, with those that only the editor has."""
    return await list_files_with(ripgrep(), workspace, folder)


async def list_files_with(program: str | None, workspace: Workspace, folder: Path) -> Sequence[Path]:
    """The same with this ripgrep, or with none at all."""
    if program is None:
        on_disk = await asyncio.to_thread(walk.list_files, folder)
    else:
        on_disk = await list_disk(program, folder)
    in_editor = (document.path for document in workspace.unsaved() if document.path.is_relative_to(folder))
    return sorted({*on_disk, *in_editor})


async def _search_disk(program: str | None, query: Query) -> tuple[list[FileHits], bool]:
    if not query.path.exists():
        return [], True  # a document that only the editor has
    if program is None:
        return await asyncio.to_thread(walk.search_files, query), True
    return await search_disk(program, query)


async def _search_document(program: str | None, query: Query, document: Document) -> FileHits | None:
    if program is None:
        return walk.search_bytes(query, document.path, document.text.encode())
    return await search_text(program, query, document.path, document.text)


def _is_selected(document: Document, query: Query) -> bool:
    if not document.path.is_relative_to(query.path):
        return False
    relative = document.path.relative_to(query.path).as_posix()
    return not query.glob or relative == "." or selects(query.glob, relative)
