"""Direct tools: what a program does with the tools of a session by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.messages import Json
from a3s_lsp.sdk.checks import count, string, strings
from a3s_lsp.sdk.faces import AsyncFace, Face
from a3s_lsp.sdk.results import ToolResult, ToolText

GitRequest: TypeAlias = str | Mapping[str, object]
"""A command of git, or `{"command", …}` with the arguments of the tool `git`."""


class AsyncDirectTools(AsyncFace):
    """The program's own acts: no policy, nobody is asked."""

    async def tool(self, name: str, args: Mapping[str, object]) -> ToolResult:
        """Use any tool. The program's own act: no policy, nobody is asked; failures are results."""
        string("name", name)
        if not isinstance(args, Mapping):
            raise TypeError(f"args must be a dict, not {type(args).__name__}")
        return ToolResult.of(name, await self.engine.call_tool(name, dict(args)))

    async def _text(self, name: str, args: Json) -> ToolText:
        return ToolText.of(await self.engine.call_tool(name, args))

    async def read_file(self, path: str, offset: int | None = None, limit: int | None = None) -> ToolText:
        """The numbered lines of a file, from the line `offset` on, which counts from 0."""
        return await self._text("read", {"file_path": string("path", path)} | _counts(offset=offset, limit=limit))

    async def write_file(self, path: str, content: str) -> ToolResult:
        """Write a whole file."""
        return await self.tool("write", {"file_path": string("path", path), **_texts(content=content)})

    async def edit_file(self, path: str, old_string: str, new_string: str, replace_all: bool = False) -> ToolResult:
        """Replace one text in a file."""
        args = {"file_path": string("path", path), **_texts(old_string=old_string, new_string=new_string)}
        return await self.tool("edit", {**args, "replace_all": _flag("replace_all", replace_all)})

    async def patch_file(self, path: str, diff: str) -> ToolResult:
        """Apply a unified diff to a file."""
        return await self.tool("patch", {"file_path": string("path", path), **_texts(diff=diff)})

    async def ls(self, path: str | None = None) -> ToolResult:
        """What is in a folder."""
        return await self.tool("ls", _given_texts(path=path))

    async def glob(self, pattern: str, path: str | None = None) -> list[str]:
        """The paths that match, relative to the workspace, sorted."""
        result = await self.engine.call_tool("glob", _texts(pattern=pattern) | _given_texts(path=path))
        if result.exit_code != 0:
            raise A3SError(result.output)
        paths = (result.metadata or {}).get("paths")
        return [str(item) for item in paths] if isinstance(paths, list) else []

    async def grep(self, pattern: str, path: str | None = None, glob: str | None = None) -> ToolText:
        """The lines that match a regular expression."""
        return await self._text("grep", _texts(pattern=pattern) | _given_texts(path=path, glob=glob))

    async def bash(self, command: str, timeout: int | None = None) -> ToolText:  # noqa: ASYNC109  # the reference's name
        """The output of a shell command; `timeout` is in milliseconds."""
        return await self._text("bash", _texts(command=command) | _counts(timeout=timeout))

    async def git(
        self,
        command: GitRequest,
        subcommand: str | None = None,
        name: str | None = None,
        path: str | None = None,
        new_branch: bool = True,
        base: str | None = None,
        force: bool = False,
        max_count: int | None = None,
        message: str | None = None,
        include_untracked: bool = False,
        target: str | None = None,
        reference: str | None = None,
        *,
        paths: Sequence[str] | None = None,
        staged: bool = False,
        all: bool = False,
    ) -> ToolResult:
        """Work with the repository: `git("log", max_count=1)` or `git({"command": "log", "max_count": 1})`."""
        texts = _given_texts(
            subcommand=subcommand, name=name, path=path, base=base, message=message, target=target, ref=reference
        )
        flags = {"force": force, "include_untracked": include_untracked, "staged": staged, "all": all}
        raised: Json = {flag: True for flag, value in flags.items() if _flag(flag, value)}
        kept: Json = {} if _flag("new_branch", new_branch) else {"new_branch": False}
        files: Json = {} if paths is None else {"paths": strings("paths", paths)}
        named = texts | raised | kept | files | _counts(max_count=max_count)
        return await self.tool("git", _git_arguments(command) | named)

    async def git_command(self, args: Mapping[str, object]) -> ToolResult:
        """Work with the repository: `git_command({"command": "log", "max_count": 1})`."""
        if not isinstance(args, Mapping):
            raise TypeError(f"args must be a dict, not {type(args).__name__}")
        return await self.tool("git", _git_arguments(args))

    def get_artifact(self, artifact_uri: str) -> Json | None:
        """The whole output of a call of which only the start was shown, or None if it is not kept any more."""
        uri = string("artifact_uri", artifact_uri)
        return self.engine.artifacts.get(uri) or self.engine.delegation.artifact(uri)


class DirectTools(Face):
    """The program's own acts: no policy, nobody is asked."""

    def tool(self, name: str, args: Mapping[str, object]) -> ToolResult:
        """Use any tool. The program's own act: no policy, nobody is asked; failures are results."""
        return self._loop.call(self._session.tool(name, args))

    def read_file(self, path: str, offset: int | None = None, limit: int | None = None) -> ToolText:
        """The numbered lines of a file, from the line `offset` on, which counts from 0."""
        return self._loop.call(self._session.read_file(path, offset, limit))

    def write_file(self, path: str, content: str) -> ToolResult:
        """Write a whole file."""
        return self._loop.call(self._session.write_file(path, content))

    def edit_file(self, path: str, old_string: str, new_string: str, replace_all: bool = False) -> ToolResult:
        """Replace one text in a file."""
        return self._loop.call(self._session.edit_file(path, old_string, new_string, replace_all))

    def patch_file(self, path: str, diff: str) -> ToolResult:
        """Apply a unified diff to a file."""
        return self._loop.call(self._session.patch_file(path, diff))

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

    def git(
        self,
        command: GitRequest,
        subcommand: str | None = None,
        name: str | None = None,
        path: str | None = None,
        new_branch: bool = True,
        base: str | None = None,
        force: bool = False,
        max_count: int | None = None,
        message: str | None = None,
        include_untracked: bool = False,
        target: str | None = None,
        reference: str | None = None,
        *,
        paths: Sequence[str] | None = None,
        staged: bool = False,
        all: bool = False,
    ) -> ToolResult:
        """Work with the repository: `git("log", max_count=1)` or `git({"command": "log", "max_count": 1})`."""
        places = (subcommand, name, path, new_branch, base, force, max_count, message, include_untracked, target)
        work = self._session.git(command, *places, reference, paths=paths, staged=staged, all=all)
        return self._loop.call(work)

    def git_command(self, args: Mapping[str, object]) -> ToolResult:
        """Work with the repository: `git_command({"command": "log", "max_count": 1})`."""
        return self._loop.call(self._session.git_command(args))

    def get_artifact(self, artifact_uri: str) -> Json | None:
        """The whole output of a call of which only the start was shown, or None if it is not kept any more."""
        return self._session.get_artifact(artifact_uri)


def _texts(**named: str) -> Json:
    return {name: string(name, value) for name, value in named.items()}


def _given_texts(**named: str | None) -> Json:
    return {name: string(name, value) for name, value in named.items() if value is not None}


def _counts(**named: int | None) -> Json:
    return {name: count(name, value) for name, value in named.items() if value is not None}


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be true or false, not {type(value).__name__}")
    return value


def _git_arguments(request: GitRequest) -> Json:
    if isinstance(request, str):
        return _texts(command=request)
    if not isinstance(request, Mapping):
        raise TypeError("git command must be a command string or options dict")
    if request.get("command") is None:
        raise ValueError("git options must include a command field")
    args = dict(request)
    reference = args.pop("reference", None)
    return args if reference is None else {"ref": reference, **args}
