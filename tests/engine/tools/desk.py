"""A folder, an editor and the built-in tools, called as the engine calls them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.ports import Tool, ToolContext, ToolResult
from a3s_lsp.engine.tools.arguments import Invalid, prepare
from a3s_lsp.engine.tools.limits import ArtifactStore, cap
from a3s_lsp.engine.tools.registry import Registry, builtin_tools
from a3s_lsp.engine.workspace.local import LocalWorkspace
from a3s_lsp.engine.workspace.memory_editor import MemoryEditor


@dataclass
class Desk:
    root: Path
    editor: MemoryEditor = field(default_factory=MemoryEditor)
    artifacts: ArtifactStore = field(default_factory=ArtifactStore)
    applied: list[ChangeSet] = field(default_factory=list)
    emitted: list[str] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.workspace = LocalWorkspace(self.root, self.editor)
        self.tools = Registry(builtin_tools())

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def get(self, name: str) -> str:
        return (self.root / name).read_bytes().decode()

    def tool(self, name: str) -> Tool:
        tool = self.tools.get(name)
        assert tool is not None
        return tool

    def emit(self, text: str) -> None:
        self.emitted.append(text)
        self.heard.set()

    def context(self, approved: ChangeSet | None = None, environment: Mapping[str, str] | None = None) -> ToolContext:
        variables = os.environ if environment is None else environment
        context = ToolContext("call", self.workspace, self.emit, self.applied.append, variables, approved)
        return replace(context, artifact=self.artifacts.text)

    async def call(self, name: str, approved: ChangeSet | None = None, /, **args: object) -> ToolResult:
        """One call from the model's arguments to the result that it gets to see."""
        tool = self.tool(name)
        prepared = prepare(tool, args)
        if isinstance(prepared, Invalid):
            return ToolResult(prepared.message, 1, error_kind=prepared.kind)
        try:
            result = await tool.run(prepared.args, self.context(approved))
        except ToolError as error:
            result = ToolResult(str(error), 1, error_kind=error.kind)
        return cap(name, result, self.artifacts)

    async def plan(self, name: str, **args: object) -> ChangeSet:
        """What the person would be shown before the call."""
        changes = await self.tool(name).plan(args, self.context())
        assert changes is not None
        return changes
