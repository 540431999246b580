"""Programmatic tool calling: a script that uses the tools of a session."""

from __future__ import annotations

from collections.abc import Mapping

from a3s_lsp.sdk.faces import AsyncFace, Face
from a3s_lsp.sdk.results import ToolResult


class AsyncPrograms(AsyncFace):
    """Scripts in a sandbox; the program's own act, as direct tools are."""

    async def program(self, options: Mapping[str, object]) -> ToolResult:
        """Play a script: `{"source" or "path", "inputs"?, "allowed_tools"?, "limits"?}`.

        `limits` are timeoutMs, maxToolCalls and maxOutputBytes. `metadata["script_result"]` is what its
        `run(ctx, inputs)` returned. A script that fails is a result with exit code 1.
        """
        if not isinstance(options, Mapping):
            raise TypeError(f"program options must be a dict, not {type(options).__name__}")
        args = {**options, "type": "script", "language": "javascript"}
        return ToolResult.of("program", await self.engine.call_tool("program", args))


class Programs(Face):
    """Scripts in a sandbox; the program's own act, as direct tools are."""

    def program(self, options: Mapping[str, object]) -> ToolResult:
        """Play a script: see `AsyncSession.program`."""
        return self._loop.call(self._session.program(options))
