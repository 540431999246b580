"""The tool `git` of a repository behind an HTTP service."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.workspace.addresses import address
from a3s_lsp.engine.workspace.remote_git import RemoteGit

_DESCRIPTION = """Work with the repository of the workspace, which is behind a service. Looking: status, log, diff, \
remote; branch and stash without further arguments list. Changing: branch with name makes a branch; checkout (ref) \
switches; stash with message puts changes away."""
_COMMANDS = ("status", "log", "branch", "checkout", "diff", "stash", "remote")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class RemoteGitArguments:
    command: Annotated[str, Parameter("What to do.", choices=_COMMANDS)]
    name: Annotated[str, Parameter("branch: the new branch.")] = ""
    base: Annotated[str, Parameter("branch: what it is based on; HEAD if not given.")] = ""
    ref: Annotated[str, Parameter("checkout: the branch, tag or commit.")] = ""
    force: Annotated[bool, Parameter("checkout: throw local changes away.")] = False
    target: Annotated[str, Parameter("diff: compare with this commit.")] = ""
    message: Annotated[str, Parameter("stash: put the changes away under it.")] = ""
    include_untracked: Annotated[bool, Parameter("stash: put new files away too.")] = False
    max_count: Annotated[int, Parameter("log: how many commits at most; 10 if not given.")] = 10


class RemoteGitTool:
    """Looks into the repository, and changes it, by asking the service."""

    lane: Lane = "execute"
    arguments = RemoteGitArguments

    def __init__(self, remote: RemoteGit) -> None:
        self.spec = specification("git", _DESCRIPTION, RemoteGitArguments)
        self._remote = remote
        self._commands: Mapping[str, Callable[[RemoteGitArguments], Awaitable[ToolResult]]] = {
            "log": self._log,
            "branch": self._branch,
            "checkout": self._checkout,
            "diff": self._diff,
            "stash": self._stash,
            "remote": self._remotes,
        }

    def subject(self, args: Json) -> str:
        wanted = load(RemoteGitArguments, args)
        words = (wanted.command, wanted.ref, wanted.target, wanted.name, wanted.base, "--force" if wanted.force else "")
        return " ".join(word for word in (*words, wanted.message) if word)

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(RemoteGitArguments, args)
        if wanted.command == "worktree":
            raise ToolError("Worktree operations are not supported by this workspace backend.", {"type": "unsupported"})
        if wanted.command not in _COMMANDS:
            raise ToolError(f"Unknown command: {wanted.command}. Use: {', '.join(_COMMANDS)}", _INVALID)
        for name in ("ref", "target", "name", "base"):
            if str(getattr(wanted, name)).startswith("-"):
                raise ToolError(f"{name} must not begin with '-'.", _INVALID)
        if not (await self._remote.ask("exists")).get("is_repository"):
            raise ToolError(f"Not a git repository: {self._remote.spec.repo_id}", {"type": "not_found"})
        if wanted.command == "status":
            return await self._status(address(context.workspace.root))
        return await self._commands[wanted.command](wanted)

    async def _status(self, workspace: str) -> ToolResult:
        told = await self._remote.ask("status")
        count = _number(told, "dirty_count")
        dirty, linked = told.get("is_dirty") is True or count > 0, told.get("is_worktree") is True
        lines = (
            f"Workspace: {workspace}",
            f"Branch:    {_text(told, 'branch')}",
            f"Commit:    {_text(told, 'commit')}",
            f"Status:    {f'{count} uncommitted change(s)' if dirty else 'clean'}",
            f"Worktree:  {'yes' if linked else 'no (main)'}",
        )
        metadata: Json = {
            "branch": _text(told, "branch"),
            "dirty_count": count,
            "is_dirty": dirty,
            "is_worktree": linked,
        }
        return ToolResult("\n".join(lines), metadata=metadata)

    async def _log(self, wanted: RemoteGitArguments) -> ToolResult:
        most = max(1, min(wanted.max_count, self._remote.spec.max_log_entries))
        commits = _rows(await self._remote.ask("log", {"max_count": most}), "commits")[:most]
        if not commits:
            return ToolResult("No commits found.")
        entries = (
            f"{_text(commit, 'id')[:7]} - {_text(commit, 'author')} ({_text(commit, 'date')})\n"
            f"  {_text(commit, 'message').partition(chr(10))[0]}"
            for commit in commits
        )
        text = "\n\n".join([f"Commit log ({len(commits)} entries):", *entries])
        return ToolResult(text, metadata={"count": len(commits)})

    async def _branch(self, wanted: RemoteGitArguments) -> ToolResult:
        if wanted.name:
            base = wanted.base or "HEAD"
            await self._remote.ask("branches/create", {"name": wanted.name, "base": base})
            metadata: Json = {"branch": wanted.name, "base": base}
            return ToolResult(f"Created branch: {wanted.name} (based on {base})", metadata=metadata)
        branches = _rows(await self._remote.ask("branches"), "branches")
        lines = [f"{'*' if each.get('is_current') is True else ' '} {_text(each, 'name')}" for each in branches]
        return ToolResult("\n".join(["Branches:", *lines]), metadata={"count": len(lines)})

    async def _checkout(self, wanted: RemoteGitArguments) -> ToolResult:
        if not wanted.ref:
            raise ToolError("ref parameter is required for checkout.", _INVALID)
        told = _text(await self._remote.ask("checkout", {"refspec": wanted.ref, "force": wanted.force}), "stdout")
        return ToolResult(f"Checked out: {wanted.ref}" + (f"\n{told.strip()}" if told.strip() else ""))

    async def _diff(self, wanted: RemoteGitArguments) -> ToolResult:
        told = await self._remote.ask("diff", {"target": wanted.target or None})
        most, whole = self._remote.spec.max_diff_bytes, _text(told, "diff").encode(errors="replace")
        shown = whole[:most].decode(errors="ignore")
        if not shown.strip():
            return ToolResult("No changes.")
        is_cut = told.get("truncated") is True or len(whole) > most
        return ToolResult(shown + ("\n[The diff is longer; ask for less of it with target.]" if is_cut else ""))

    async def _stash(self, wanted: RemoteGitArguments) -> ToolResult:
        if wanted.message:
            body: Json = {"message": wanted.message, "include_untracked": wanted.include_untracked}
            await self._remote.ask("stashes/create", body)
            return ToolResult("Created stash")
        stashes = _rows(await self._remote.ask("stashes"), "stashes")
        if not stashes:
            return ToolResult("No stashes found.")
        lines = [f"{_number(each, 'index')}: {_text(each, 'message')}" for each in stashes]
        return ToolResult("\n".join(["Stashes:", *lines]), metadata={"count": len(lines)})

    async def _remotes(self, wanted: RemoteGitArguments) -> ToolResult:
        rows = _rows(await self._remote.ask("remotes"), "remotes")
        lines = [
            f"{_text(each, 'name')}\t{_USERINFO.sub('***@', _text(each, 'url'))} ({_text(each, 'direction')})"
            for each in rows
        ]
        return ToolResult("\n".join(["Remotes:", *lines]) if lines else "No remotes found.")


_INVALID: Json = {"type": "invalid_argument"}


def _rows(told: Mapping[str, object], name: str) -> Sequence[Mapping[str, object]]:
    value = told.get(name)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _text(told: Mapping[str, object], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""


def _number(told: Mapping[str, object], name: str) -> int:
    value = told.get(name)
    return value if isinstance(value, int) else 0
