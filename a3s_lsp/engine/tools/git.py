"""The tool `git`: the repository of the workspace."""

from __future__ import annotations

from collections.abc import Mapping

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult
from a3s_lsp.engine.tools import git_reading as reading
from a3s_lsp.engine.tools.arguments import load, specification
from a3s_lsp.engine.tools.git_changing import CHANGING, Command
from a3s_lsp.engine.tools.git_request import COMMANDS, GitArguments, in_words
from a3s_lsp.engine.workspace.barrier import Barrier
from a3s_lsp.engine.workspace.repository import Repository

_DESCRIPTION = """Work with the git repository of the workspace. Looking: status; log; show (ref, or ref:path for a \
file); blame (path); diff (statistics of the work tree; the whole difference with target, path or staged); remote; \
branch, stash and worktree without further arguments list. Changing: branch with name makes a branch and switches to \
it; checkout (ref); add (path or paths); commit (message; all=true for all changes of known files); restore (path); \
stash with message puts changes away, subcommand pop brings them back; worktree with subcommand create (name) or \
remove (path). Nothing is fetched or pushed."""
_COMMANDS: Mapping[str, Command] = {
    "status": reading.status,
    "log": reading.log,
    "diff": reading.diff,
    "remote": reading.remotes,
    "show": reading.show,
    "blame": reading.blame,
    **CHANGING,
}


class Git:
    """Looks into the repository, and changes it."""

    lane: Lane = "execute"
    arguments = GitArguments

    def __init__(self) -> None:
        self.spec = specification("git", _DESCRIPTION, GitArguments)
        self._barrier = Barrier()

    def subject(self, args: Json) -> str:
        return in_words(load(GitArguments, args))

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(GitArguments, args)
        command = _COMMANDS.get(wanted.command)
        if command is None:
            raise ToolError(
                f"Unknown command: {wanted.command}. Use: {', '.join(COMMANDS)}", {"type": "invalid_argument"}
            )
        repository = Repository(context, self._barrier)
        place = await repository.place()
        return await command(reading.Inquiry(repository, place, context.workspace, wanted))
