"""An editor that takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from a3s_lsp.engine.ports import BufferEdit, FileMove, Shown
from a3s_lsp.engine.workspace.memory_editor import MemoryEditor


class SlowEditor(MemoryEditor):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def apply(self, label: str, edits: Sequence[BufferEdit], moves: Sequence[FileMove] = ()) -> Sequence[Shown]:
        self.asked.set()
        await self.answer.wait()
        return await super().apply(label, edits, moves)
