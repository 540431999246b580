"""A tool of an MCP server as a tool of a session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.mcp.connection import Connection, RemoteTool
from a3s_lsp.engine.messages import Attachment, Json
from a3s_lsp.engine.policy.taint import mark_external
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, ToolSpec

if TYPE_CHECKING:
    from mcp.types import CallToolResult


_TERSE = 200
"""Characters of one line that hold a value rather than a text that could give orders."""


class McpTool:
    """Hands a call on to its server."""

    lane: Lane = "execute"

    def __init__(self, connection: Connection, offered: RemoteTool) -> None:
        self._connection = connection
        self._offered = offered
        self.spec = ToolSpec(
            f"mcp__{connection.spec.name}__{offered.name}", offered.description, _object(offered.parameters)
        )

    def subject(self, args: Json) -> str:
        return json.dumps(args, separators=(",", ":"), ensure_ascii=False)

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        async with context.around_command():  # nobody knows what a server does to files
            result = _result(await self._connection.call(self._offered.name, args, context.emit))
        prose = len(result.output) > _TERSE or "\n" in result.output
        return mark_external(result, f"the MCP server {self._connection.spec.name}") if prose else result


def _object(schema: Json) -> Json:
    """The schema as providers take it: of type object, with properties."""
    return {"type": "object", "properties": {}, **schema}


def _result(answer: CallToolResult) -> ToolResult:
    texts: list[str] = []
    images: list[Attachment] = []
    for block in answer.content:
        match block.type:
            case "text":
                texts.append(block.text)
            case "image":
                images.append(Attachment(block.data, block.mime_type))
            case "resource":
                texts.append(getattr(block.resource, "text", f"[binary resource {block.resource.uri}]"))
            case "resource_link":
                texts.append(f"[resource {block.uri}: {block.name}]")
            case _:
                texts.append(f"[{block.type}: cannot be shown]")
    output = "\n".join(texts)
    metadata: Json | None = None
    if answer.structured_content is not None:
        metadata = {"structured_content": answer.structured_content}
        if not answer.content:
            output = json.dumps(answer.structured_content, ensure_ascii=False)
    return ToolResult(output, int(bool(answer.is_error)), metadata, attachments=tuple(images))
