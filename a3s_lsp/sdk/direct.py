"""Direct tools: what a program does with the tools of a session by itself."""

from __future__ import annotations

from collections.abc import Mapping

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.messages import Json
from a3s_lsp.sdk.faces import AsyncFace, Face
from a3s_lsp.sdk.results import ToolResult, ToolText


class AsyncDirectTools(AsyncFace):
    """The program's own acts: no policy, nobody is asked."""

    async def tool(self, name: str, args: Mapping[str, object]) -> ToolResult:
        """Use any tool. The program's own act: no policy, nobody is asked; failures are results."""
        if not isinstance(args, Mapping):
            raise TypeError(f"args must be a dict, not {type(args).__name__}")
        return ToolResult.of(name, await self.engine.call_tool(name, dict(args)))

    async def _text(self, name: str, args: Json) -> ToolText:
        return ToolText.of(await self.engine.call_tool(name, _given(args)))

    async def read_file(self, file_path: str, offset: int | None = None, limit: int | None = None) -> ToolText:
        """The numbered lines of a file; lines count from 0."""
        return await self._text("read", {"file_path": file_path, "offset": offset, "limit": limit})

    async def write_file(self, file_path: str, content: str) -> ToolResult:
        """Write a whole file."""
        return await self.tool("write", {"file_path": file_path, "content": content})

    async def edit_file(
        self, file_path: str, old_string: str, new_string: str, replace_all: bool = False
    ) -> ToolResult:
        """Replace one text in a file."""
        args: Json = {"file_path": file_path, "old_string": old_string, "new_string": new_string}
        return await self.tool("edit", {**args, "replace_all": replace_all})

    async def patch_file(self, file_path: str, diff: str) -> ToolResult:
        """Apply a unified diff to a file."""
        return await self.tool("patch", {"file_path": file_path, "diff": diff})

    async def ls(self, path: str | None = None) -> ToolResult:
        """What is in a folder."""
        return await self.tool("ls", _given({"path": path}))

    async def glob(self, pattern: str, path: str | None = None) -> list[str]:
        """The paths that match, relative to the workspace, sorted."""
        result = await self.engine.call_tool("glob", _given({"pattern": pattern, "path": path}))
        if result.exit_code != 0:
            raise A3SError(result.output)
        paths = (result.metadata or {}).get("paths")
        return [str(item) for item in paths] if isinstance(paths, list) else []

    async def grep(self, pattern: str, path: str | None = None, glob: str | None = None) -> ToolText:
        """The lines that match a regular expression."""
        return await self._text("grep", {"pattern": pattern, "path": path, "glob": glob})

    async def bash(self, command: str, timeout: int | None = None) -> ToolText:  # noqa: ASYNC109  # the reference's name
        """The output of a shell command; `timeout` is in milliseconds."""
        return await self._text("bash", {"command": command, "timeout": timeout})


class DirectTools(Face):
    """The program's own acts: no policy, nobody is asked."""

    def tool(self, name: str, args: Mapping[str, object]) -> ToolResult:
        """Use any tool. The program's own act: no policy, nobody is asked; failures are results."""
        return self._loop.call(self._session.tool(name, args))

    def read_file(self, file_path: str, offset: int | None = None, limit: int | None = None) -> ToolText:
        """The numbered lines of a file; lines count from 0."""
        return self._loop.call(self._session.read_file(file_path, offset, limit))

    def write_file(self, file_path: str, content: str) -> ToolResult:
        """Write a whole file."""
        return self._loop.call(self._session.write_file(file_path, content))

    def edit_file(self, file_path: str, old_string: str, new_string: str, replace_all: bool = False) -> ToolResult:
        """Replace one text in a file."""
        return self._loop.call(self._session.edit_file(file_path, old_string, new_string, replace_all))

    def patch_file(self, file_path: str, diff: str) -> ToolResult:
        """Apply a unified diff to a file."""
        return self._loop.call(self._session.patch_file(file_path, diff))

    def ls(self, path: str | None = None) -> ToolResult:
        """What is in a folder."""
        return self._loop.call(self._session.ls(path))

    def glob(self, pattern: str, path: str | None = None) -> list[str]:
        """The paths that match, relative to the workspace, sorted."""
        return self._loop.call(self._session.glob(pattern, path))

    def grep(self, pattern: str, path: str | None = None, glob: str | None = None) -> ToolText:
        """The lines that match a regular expression."""
        return self._loop.call(self._session.grep(pattern, path, glob))

    def bash(self, command: str, timeout: int | None = None) -> ToolText:
        """The output of a shell command; `timeout` is in milliseconds."""
        return self._loop.call(self._session.bash(command, timeout))


def _given(args: Json) -> Json:
    return {name: value for name, value in args.items() if value is not None}
