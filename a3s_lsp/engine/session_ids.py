"""The names that sessions can have."""

from __future__ import annotations

import unicodedata

from a3s_lsp.engine.errors import A3SError

MAX_BYTES = 1024
"""Of the UTF-8 text; longer than any name that people or programs choose, and short enough for every database."""


def check_id(session_id: str) -> None:
    """Raises A3SError if no session can have this name. Slashes, dots and letters of any script are welcome."""
    if not session_id:
        raise A3SError("A session id must not be empty; leave it out to get a new one.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in session_id):
        raise A3SError(f"The session id {session_id!r:.100} has control characters; use others.")
    size = len(session_id.encode())
    if size > MAX_BYTES:
        raise A3SError(
            f"The session id {session_id:.40}… has {size} bytes; {MAX_BYTES} are allowed at most: choose a shorter one."
        )
