"""The long outputs of a session, as they go out with it and come in."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.tools.limits import Artifact, Shelf

logger = logging.getLogger(__name__)
_MAX_NAME = 200


def outputs_as_json(shelf: Shelf) -> list[Json]:
    """All that lies there, the oldest first, each as `get_artifact` shows it. Raises StoreError."""
    try:
        found = [shelf.get(uri) for uri, _ in shelf.listed()]
    except OSError as error:
        raise StoreError(f"The long outputs of the session cannot be read: {error}.") from error
    return [{**each.described(), "tool_name": each.tool_name, "content": each.content} for each in found if each]


def outputs_of(session: Mapping[str, object]) -> list[Artifact]:
    """The long outputs that come with a session. Raises StoreError."""
    listed = session.get("artifacts")
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise StoreError("The artifacts of the session are damaged: they are no list.")
    return [_output(number, value) for number, value in enumerate(listed)]


def _output(number: int, value: object) -> Artifact:
    match value:
        case {"artifact_id": str(name), "tool_name": str(tool), "content": str(content), "shown_bytes": int(shown)}:
            last = name.rpartition(":")[2]
            if 0 < len(last) <= _MAX_NAME and 0 < len(tool) <= _MAX_NAME and (tool + last).isprintable():
                return Artifact(tool, last, content, len(content.encode(errors="replace")), max(shown, 0))
    raise StoreError(f"Artifact {number} of the session is damaged.")


def keep_outputs(shelf: Shelf, outputs: Iterable[Artifact]) -> None:
    """Lay them there. Where there is no room the session goes without them."""
    try:
        for output in outputs:
            shelf.put(output)
    except OSError as error:
        logger.warning("long outputs of an imported session could not be kept: %s", error)
