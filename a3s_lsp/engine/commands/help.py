"""/help"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from a3s_lsp.engine.session import Session


async def show_help(args: str, session: Session) -> str:
    """All commands, and what is wrong with the files of those that are missing."""
    listed = session.slash.listed()
    usages = [command.usage or f"/{command.name}" for command in listed]
    width = max(len(usage) for usage in usages)
    rows = [f"  {usage:<{width}}  {command.description}" for usage, command in zip(usages, listed, strict=True)]
    problems = [f"  {problem}" for problem in session.slash.problems()]
    return "\n".join(["Commands:", *rows, *(["", "Left out:", *problems] if problems else [])])
