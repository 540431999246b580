"""/undo, /rewind, /export and /init: what happens to files by the person's word."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from a3s_lsp.engine.errors import A3SError, ToolError
from a3s_lsp.engine.export import as_json, as_markdown
from a3s_lsp.engine.policy.protected import governs_the_agent
from a3s_lsp.engine.project_scan import first_instructions

if TYPE_CHECKING:
    from a3s_lsp.engine.session import Session

_INSTRUCTIONS = "AGENTS.md"
_FORMATS = {"md": "md", "markdown": "md", "json": "json"}


async def undo(args: str, session: Session) -> str:
    """Take back the last change set."""
    undone = await session.undo()
    if undone is None:
        return "There is no change of files to take back."
    files = "\n".join(f"  {session.workspace.display(Path(change.path))}" for change in undone.changes)
    return f"Took back: {undone.label}\n{files}"


async def rewind(args: str, session: Session) -> str:
    """Go back to a point, forth again, or list the points."""
    points = await session.rewinding.points()
    if not args:
        rows = [f"  {point.id}  {point.label}" for point in points]
        return "\n".join(["Go back to before:", *rows]) if rows else "There is nothing to go back to yet."
    last = next((point.id for point in points if point.kind == "rewind"), None)
    if args == "redo" and last is None:
        return "There is no rewind to take back."
    done = await session.rewind(last if args == "redo" and last else args)
    files = [f"  {kind} {session.workspace.display(path)}" for path, kind in done.files]
    left = [f"  left as it is: {sentence}" for sentence in done.left_out]
    title = f"Rewound: {len(done.files)} files; the conversation has {done.messages} messages."
    return "\n".join([title, *files, *left, "/rewind redo goes forth again."])


async def export(args: str, session: Session) -> str:
    """Write the conversation into a new file of the workspace."""
    if not session.state.messages:
        return "There is no conversation to export yet."
    first, _, rest = args.partition(" ")
    named = rest.strip() if first in _FORMATS else args
    ending = _FORMATS.get(first) or ("json" if named.lower().endswith(".json") else "md")
    path = await _export_path(session, named, ending)
    write = as_json if ending == "json" else as_markdown
    await _write_new(session, path, write(session.id, session.model_name, session.state.messages))
    return f"Wrote {len(session.state.messages)} messages into {session.workspace.display(path)}. /undo takes it back."


async def _export_path(session: Session, named: str, ending: str) -> Path:
    """A place inside the workspace where nothing is yet. Raises A3SError."""
    if named:
        path = session.workspace.resolve(named)
        if governs_the_agent(session.workspace.display(path)):
            raise A3SError(f"{named} lies in what governs the agent: name another path.")
        if await _exists(session, path):
            raise A3SError(f"{named} is there already: name another path, or delete it first.")
        return path
    stem = f"conversation-{session.id[:8]}"
    for number in range(1, 1000):
        path = session.workspace.resolve(f"{stem}.{ending}" if number == 1 else f"{stem}-{number}.{ending}")
        if not await _exists(session, path):
            return path
    raise A3SError(f"There are a thousand exports {stem} already: name a path.")


async def init(args: str, session: Session) -> str:
    """Write a first AGENTS.md; where there is one, show what it would say."""
    path = session.workspace.resolve(_INSTRUCTIONS)
    text = await first_instructions(session.workspace)
    if await _exists(session, path):
        return f"{_INSTRUCTIONS} is there already, and stays as it is. From the project it would say:\n\n{text}"
    await _write_new(session, path, text)
    return f"Wrote {_INSTRUCTIONS}; say there what the project does not tell by itself. /undo takes it back.\n\n{text}"


async def _exists(session: Session, path: Path) -> bool:
    """Whether something is there, on the disk or on the screen alone."""
    if await asyncio.to_thread(path.exists):
        return True
    return any(document.path == path for document in session.workspace.opened())


async def _write_new(session: Session, path: Path, text: str) -> None:
    """Write a file as the person's own act: it can be undone, and is not under review. Raises ToolError."""
    name = session.workspace.display(path)
    result = await session.call_tool("write", {"file_path": name, "content": text})
    if result.exit_code != 0:
        raise ToolError(result.output)
    session.review.keep([hunk.id for hunk in session.review.ledger.live(str(path))])
