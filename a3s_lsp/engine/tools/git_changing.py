"""The commands of the tool `git` that change branches, the index or files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.ports import ToolResult
from a3s_lsp.engine.tools.git_reading import Inquiry, branches, stashes, worktrees
from a3s_lsp.engine.tools.git_request import checked_ref, required_files, worktree_folder

Command: TypeAlias = Callable[[Inquiry], Awaitable[ToolResult]]


async def branch(inquiry: Inquiry) -> ToolResult:
    """List branches, or make one and switch to it."""
    wanted = inquiry.wanted
    if not wanted.name:
        return await branches(inquiry)
    name, base = checked_ref("name", wanted.name), checked_ref("base", wanted.base) or "HEAD"
    answered = await inquiry.repository.change("checkout", "-b", name, *([base] if wanted.base else []), "--")
    if not answered.ok:
        raise ToolError(f"Failed to create branch: {answered.complaint}{answered.notes}")
    text = f"Created branch: {name} (based on {base}), and switched to it{answered.notes}"
    return ToolResult(text, metadata={"base": base, "branch": name})


async def checkout(inquiry: Inquiry) -> ToolResult:
    """Switch to a branch or commit."""
    wanted = inquiry.wanted
    if not wanted.ref:
        raise ToolError("ref parameter is required for checkout", {"type": "invalid_argument"})
    ref = checked_ref("ref", wanted.ref)
    answered = await inquiry.repository.change("checkout", *(["--force"] if wanted.force else []), ref, "--")
    if not answered.ok:
        hint = ""
        if (inquiry.workspace.root / ref).exists():
            hint = f"\n{ref} is a file: use the command restore to bring a file back."
        raise ToolError(f"Failed to checkout: {answered.complaint}{hint}{answered.notes}")
    return ToolResult(f"Checked out: {ref}{answered.notes}")


async def stash(inquiry: Inquiry) -> ToolResult:
    """List what was put away, put local changes away, or bring the newest back."""
    wanted, repository = inquiry.wanted, inquiry.repository
    if wanted.subcommand == "pop":
        answered = await repository.change("stash", "pop")
        if not answered.ok:
            raise ToolError(f"Failed to bring the stash back: {answered.complaint}{answered.notes}")
        return ToolResult(f"Restored stash{answered.notes}")
    if not wanted.message:
        return await stashes(inquiry)
    before = await repository.ask("rev-parse", "--verify", "--quiet", "refs/stash")
    untracked = ["--include-untracked"] if wanted.include_untracked else []
    answered = await repository.change("stash", "push", *untracked, f"--message={wanted.message}")
    if not answered.ok:
        raise ToolError(f"Failed to stash: {answered.complaint}{answered.notes}")
    after = await repository.ask("rev-parse", "--verify", "--quiet", "refs/stash")
    if after.output == before.output:
        return ToolResult(f"No local changes to save{answered.notes}")
    return ToolResult(f"Created stash{answered.notes}")


async def worktree(inquiry: Inquiry) -> ToolResult:
    """List work trees, make one, or remove one."""
    match inquiry.wanted.subcommand:
        case "" | "list":
            return await worktrees(inquiry)
        case "create":
            return await _create_worktree(inquiry)
        case "remove":
            return await _remove_worktree(inquiry)
        case other:
            raise ToolError(
                f"Unknown worktree subcommand: {other}. Use: list, create, remove", {"type": "invalid_argument"}
            )


async def _create_worktree(inquiry: Inquiry) -> ToolResult:
    wanted, root = inquiry.wanted, inquiry.workspace.root
    if not wanted.name:
        raise ToolError("branch name is required for worktree create", {"type": "invalid_argument"})
    name, base = checked_ref("name", wanted.name), checked_ref("base", wanted.base)
    folder = worktree_folder(wanted.path or f"{root}-{name}", root)
    how = ["-b", name, str(folder), *([base] if base else [])] if wanted.new_branch else [str(folder), name]
    answered = await inquiry.repository.change("worktree", "add", *how)
    if not answered.ok:
        raise ToolError(f"Failed to create worktree: {answered.complaint}{answered.notes}")
    text = f"Created worktree at: {folder}\nBranch: {name}{answered.notes}"
    return ToolResult(text, metadata={"branch": name, "path": str(folder)})


async def _remove_worktree(inquiry: Inquiry) -> ToolResult:
    wanted = inquiry.wanted
    if not wanted.path:
        raise ToolError("path parameter is required for worktree remove", {"type": "invalid_argument"})
    folder = worktree_folder(wanted.path, inquiry.workspace.root)
    force = ["--force"] if wanted.force else []
    answered = await inquiry.repository.change("worktree", "remove", *force, str(folder))
    if not answered.ok:
        raise ToolError(f"Failed to remove worktree: {answered.complaint}{answered.notes}")
    return ToolResult(f"Removed worktree at: {folder}{answered.notes}")


async def add(inquiry: Inquiry) -> ToolResult:
    """Stage files for the next commit."""
    files = required_files(inquiry.wanted, inquiry.workspace)
    answered = await inquiry.repository.change("--literal-pathspecs", "add", "--", *files)
    if not answered.ok:
        raise ToolError(f"Failed to add: {answered.complaint}{answered.notes}")
    return ToolResult(f"Staged: {', '.join(inquiry.wanted.files)}{answered.notes}")


async def commit(inquiry: Inquiry) -> ToolResult:
    """Record what is staged, or with `all` every change of files that git knows, under a message."""
    wanted, repository = inquiry.wanted, inquiry.repository
    if not wanted.message.strip():
        raise ToolError("message parameter is required for commit", {"type": "invalid_argument"})
    if not wanted.all and not await _has_staged(inquiry):
        raise ToolError("Nothing is staged: use the command add first, or all=true to commit every change.")
    # The person's signature says that the person has seen it.
    how = ["--no-gpg-sign", "--cleanup=whitespace", f"--message={wanted.message}"]
    answered = await repository.change("commit", "--quiet", *how, *(["--all"] if wanted.all else []))
    if not answered.ok:
        raise ToolError(f"Failed to commit: {answered.complaint}{answered.notes}")
    made = await repository.ask("show", "--no-ext-diff", "--no-textconv", "--stat", "--format=%h %s%n", "HEAD", "--")
    short = made.output.partition(" ")[0]
    said = f"\n\n{answered.complaint}" if answered.errors or answered.output else ""
    return ToolResult(f"Committed: {made.output.rstrip()}{said}{answered.notes}", metadata={"commit": short})


async def _has_staged(inquiry: Inquiry) -> bool:
    repository = inquiry.repository
    if not (await repository.ask("diff", "--no-ext-diff", "--cached", "--quiet")).ok:
        return True
    return (await repository.ask("rev-parse", "--verify", "--quiet", "MERGE_HEAD")).ok


async def restore(inquiry: Inquiry) -> ToolResult:
    """Bring files back to what is staged, or to what they are in a commit; or take them out of what is staged."""
    wanted = inquiry.wanted
    files = required_files(wanted, inquiry.workspace)
    ref = checked_ref("ref", wanted.ref)
    how = [*(["--staged"] if wanted.staged else []), *([f"--source={ref}"] if ref else [])]
    answered = await inquiry.repository.change("--literal-pathspecs", "restore", *how, "--", *files)
    if not answered.ok:
        raise ToolError(f"Failed to restore: {answered.complaint}{answered.notes}")
    return ToolResult(f"{'Unstaged' if wanted.staged else 'Restored'}: {', '.join(wanted.files)}{answered.notes}")


CHANGING: Mapping[str, Command] = {
    "branch": branch,
    "checkout": checkout,
    "stash": stash,
    "worktree": worktree,
    "add": add,
    "commit": commit,
    "restore": restore,
}
"""By their names. Some only look, without further arguments."""
