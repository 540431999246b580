"""What is asked of the tool `git`: its arguments, and the checks of the names and paths in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from a3s_lsp.engine.errors import PathRefused, ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Workspace
from a3s_lsp.engine.tools.arguments import Parameter

COMMANDS = (
    *("status", "log", "branch", "checkout", "diff", "stash", "remote", "worktree"),
    *("show", "blame", "add", "commit", "restore"),
)
SUBCOMMANDS = ("list", "create", "remove", "pop")


@dataclass(frozen=True, slots=True)
class GitArguments:
    command: Annotated[str, Parameter("What to do.", choices=COMMANDS)]
    subcommand: Annotated[
        str, Parameter("For worktree: list, create or remove; list if not given. For stash: pop.", choices=SUBCOMMANDS)
    ] = ""
    name: Annotated[str, Parameter("branch: the new branch. worktree create: the branch. remote: only this one.")] = ""
    path: Annotated[
        str,
        Parameter(
            "A file or folder: log, diff, show, blame, add, restore. worktree: its folder, inside the workspace, or "
            "beside it under the workspace's name with -suffix, which is the default."
        ),
    ] = ""
    paths: Annotated[list[str], Parameter("add, restore: several files or folders.")] = field(default_factory=list)
    ref: Annotated[
        str, Parameter("A branch, tag or commit: checkout, log, show (HEAD if not given), blame, restore.")
    ] = ""
    target: Annotated[str, Parameter("diff: compare the files with this commit, or two commits as a..b.")] = ""
    base: Annotated[str, Parameter("branch, worktree create: what it is based on; HEAD if not given.")] = ""
    message: Annotated[str, Parameter("commit: the message. stash: put the changes away under it.")] = ""
    max_count: Annotated[int, Parameter("log: how many commits at most; 10 if not given.")] = 10
    force: Annotated[bool, Parameter("checkout: throw local changes away. worktree remove: although changed.")] = False
    new_branch: Annotated[bool, Parameter("worktree create: make the branch; true if not given.")] = True
    include_untracked: Annotated[bool, Parameter("stash: put new files away too.")] = False
    all: Annotated[bool, Parameter("commit: with all changes of files that git knows.")] = False
    staged: Annotated[bool, Parameter("diff: what is staged. restore: take out of what is staged.")] = False
    remote_name: Annotated[str, Parameter("remote: only this one.")] = ""
    offset: Annotated[int, Parameter("blame: how many lines to skip.")] = 0
    limit: Annotated[int, Parameter("blame: how many lines to show at most.")] = 2000

    @property
    def files(self) -> tuple[str, ...]:
        """All paths that are named."""
        return tuple(path for path in (self.path, *self.paths) if path)


def in_words(wanted: GitArguments) -> str:
    """The request as one would type it: what permission patterns are matched against."""
    return " ".join(_words(wanted))


def _words(wanted: GitArguments) -> Iterator[str]:
    yield wanted.command
    yield from (word for word in (wanted.subcommand, wanted.ref, wanted.target, wanted.name, wanted.base) if word)
    yield from (f"--{flag}" for flag in ("force", "staged", "all") if getattr(wanted, flag))
    if wanted.message:
        yield wanted.message
    yield from wanted.files


def checked_ref(name: str, ref: str) -> str:
    """The name of a commit. ToolError if git could take it for something else."""
    if ref.startswith("-"):
        raise _invalid(f"{name} must not begin with '-', like '{ref}': no branch or commit is called so.")
    if "\0" in ref or "\n" in ref:
        raise _invalid(f"{name} must be one line of text.")
    return ref


def checked_files(wanted: GitArguments, workspace: Workspace) -> list[str]:
    """The paths as git is to get them: absolute, and inside the workspace. A link is meant itself, not what it leads
    to. Raises ToolError."""
    return [str(_placed(path, workspace)) for path in wanted.files]


def required_files(wanted: GitArguments, workspace: Workspace) -> list[str]:
    """At least one path. Raises ToolError."""
    if not wanted.files:
        raise _invalid(f"path parameter is required for {wanted.command}")
    return checked_files(wanted, workspace)


def worktree_folder(path: str, root: Path) -> Path:
    """The folder of a worktree: inside the workspace, or beside it under its name with a suffix. Raises PathRefused."""
    folder = Path(os.path.realpath(root / path))
    inside = folder.is_relative_to(root) and folder != root and ".git" not in folder.relative_to(root).parts
    beside = str(folder).startswith(f"{root}-")
    if not inside and not beside:
        raise PathRefused(
            f"A worktree cannot be at '{path}': choose a folder inside the workspace {root}, or one beside it whose "
            f"name begins with '{root.name}-'.",
            {"type": "invalid_argument", "path": path},
        )
    return folder


def _placed(path: str, workspace: Workspace) -> Path:
    if path.startswith("-"):
        raise _invalid(f"path must not begin with '-', like '{path}': write './{path}'.")
    given = Path(os.path.normpath(workspace.root / path))
    if os.path.realpath(given) == str(workspace.root):
        return workspace.root
    return workspace.resolve(str(given.parent)) / given.name


def _invalid(message: str) -> ToolError:
    kind: Json = {"type": "invalid_argument"}
    return ToolError(message, kind)
