"""`@path` in the prompt of a command file: the file as it is on the screen, put behind the prompt."""

from __future__ import annotations

import re
from collections.abc import Callable

from a3s_lsp.engine.errors import PathRefused, ToolError
from a3s_lsp.engine.ports import Workspace

_REFERENCE = re.compile(r"(?<![\w@`])@([\w./~-]*[\w/~])")
_MOST_FILE = 64 * 1024
_MOST_TOGETHER = 256 * 1024
_MOST_FILES = 32


async def with_references(prompt: str, workspace: Workspace, denied: Callable[[str], bool]) -> str:
    """The prompt, and behind it the files that it refers to. A name that is no file stays what it is; a path that is
    none, that leads out of the workspace, or that the policy denies is told."""
    blocks: list[str] = []
    left = _MOST_TOGETHER
    for name in list(dict.fromkeys(_REFERENCE.findall(prompt)))[:_MOST_FILES]:
        block = await _block(name, workspace, denied, left)
        if block:
            blocks.append(block)
            left -= len(block)
    return "\n\n".join([prompt, *blocks])


async def _block(name: str, workspace: Workspace, denied: Callable[[str], bool], left: int) -> str:
    try:
        path = workspace.resolve(name)
        shown = workspace.display(path)
        if path.is_dir():
            return ""
        if path.exists() and denied(shown):
            return _remark(name, "the permission policy denies to read it")
        text = (await workspace.read(path)).text
    except PathRefused:
        return _remark(name, "it lies outside of the workspace")
    except ToolError as error:
        missing = error.kind is not None and error.kind.get("type") == "not_found"
        if missing and "/" not in name and "." not in name:
            return ""
        return _remark(name, "there is no such file" if missing else str(error))
    room = min(_MOST_FILE, left)
    if room <= 0:
        return _remark(name, "the files together are too long")
    cut = (
        "" if len(text) <= room else f"\n[cut: {shown} has {len(text)} characters; read the rest with offset and limit]"
    )
    return f'<context source="{shown}">\n{text[:room]}{cut}\n</context>'


def _remark(name: str, why: str) -> str:
    return f"[@{name} is not shown: {why}]"
