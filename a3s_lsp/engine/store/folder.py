"""The sessions in a folder: our own, and those that a3s-code has left there, which are taken over when needed."""

from __future__ import annotations

from pathlib import Path

from a3s_lsp.engine.ports import SessionStore
from a3s_lsp.engine.store.exchange import read_document, take_in
from a3s_lsp.engine.store.reference_sessions import find, remove


def adopt(store: SessionStore, folder: Path, session_id: str) -> None:
    """Take over a session that is only there as a file of a3s-code. Raises StoreError if that cannot be read."""
    path = None if store.info(session_id) is not None else find(folder, session_id)
    if path is not None:
        take_in(store, read_document(path), folder, session_id)


def delete(store: SessionStore, folder: Path, session_id: str) -> bool:
    """Delete a session, and the file that it was taken over from. False if there was none."""
    path = find(folder, session_id)
    deleted = store.delete(session_id)
    if path is not None:
        remove(path)
    return deleted or path is not None
