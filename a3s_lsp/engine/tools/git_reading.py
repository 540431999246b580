"""The commands of the tool `git` that only look: they change nothing, and start no program but git."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.ports import ToolResult, Workspace
from a3s_lsp.engine.tools.git_request import GitArguments, checked_files, checked_ref, required_files
from a3s_lsp.engine.workspace.repository import Place, Repository

_NO_PROGRAMS = ("--no-ext-diff", "--no-textconv", "--submodule=short", "--ignore-submodules=dirty")
_WIDE = ("--stat-width=160", "--stat-name-width=120", "--stat-graph-width=30")
_MOST_FILES = 200
_MOST_LINES = 1_000_000
_PASSWORD = re.compile(r"(://[^/@\s:]*):[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What a command works with."""

    repository: Repository
    place: Place
    workspace: Workspace
    wanted: GitArguments

    def within(self) -> list[str]:
        """The paths to look at: those that are named, else those of the workspace."""
        named = checked_files(self.wanted, self.workspace)
        return named or ([] if self.place.top == self.workspace.root else ["."])


async def status(inquiry: Inquiry) -> ToolResult:
    """The branch, the last commit, and what is not committed."""
    repository = inquiry.repository
    answered = await repository.look(
        *("--literal-pathspecs", "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal"),
        *("--ignore-submodules=dirty", "--", *inquiry.within()),
    )
    if not answered.ok:
        raise ToolError(f"Failed to read the status: {answered.complaint}")
    headers, changed = _parsed_status(answered.output, inquiry.place.prefix(inquiry.workspace.root))
    named = headers.get("branch.head", "")
    branch = "HEAD" if named == "(detached)" else named
    last = await repository.ask("log", "--max-count=1", "--format=%h %s") if await repository.has_commits() else None
    lines = [
        f"Workspace: {inquiry.workspace.root}",
        f"Branch:    {branch}{' (detached)' if branch == 'HEAD' else ''}",
        f"Commit:    {last.output.strip() if last else '(none yet)'}",
        f"Status:    {f'{len(changed)} uncommitted change(s)' if changed else 'clean'}",
        f"Worktree:  {'yes (linked)' if inquiry.place.is_linked else 'no (main)'}",
        *_listed(changed),
    ]
    metadata = {
        "branch": branch,
        "dirty_count": len(changed),
        "is_dirty": bool(changed),
        "is_worktree": inquiry.place.is_linked,
    }
    return ToolResult("\n".join(lines) + answered.notes, metadata=metadata)


def _parsed_status(text: str, prefix: str) -> tuple[dict[str, str], list[str]]:
    """The headers, and the changed files with their two letters. `prefix` leads from the top to the workspace."""
    headers: dict[str, str] = {}
    changed: list[str] = []
    fields = iter(text.split("\0"))
    for line in fields:
        match line[:1]:
            case "#":
                name, _, value = line[2:].partition(" ")
                headers[name] = value
            case "1":
                changed.append(_changed(line, 8, prefix))
            case "2":
                changed.append(f"{_changed(line, 9, prefix)} (was {next(fields, '').removeprefix(prefix)})")
            case "u":
                changed.append(_changed(line, 10, prefix))
            case "?":
                changed.append(f"?? {line[2:].removeprefix(prefix) or './'}")
            case _:
                pass
    return headers, changed


def _changed(line: str, before_path: int, prefix: str) -> str:
    parts = line.split(" ", before_path)
    return f"{parts[1].replace('.', ' ')} {parts[-1].removeprefix(prefix)}"


def _listed(changed: Sequence[str]) -> Iterator[str]:
    if changed:
        yield "Changes:"
        yield from (f"  {line}" for line in changed[:_MOST_FILES])
    if len(changed) > _MOST_FILES:
        yield f"  ... and {len(changed) - _MOST_FILES} more"


async def log(inquiry: Inquiry) -> ToolResult:
    """Commits, the newest first."""
    wanted, repository = inquiry.wanted, inquiry.repository
    ref = checked_ref("ref", wanted.ref)
    if not ref and not await repository.has_commits():
        return ToolResult("No commits found.")
    answered = await repository.ask(
        *(
            "--literal-pathspecs",
            "log",
            f"--max-count={min(wanted.max_count, _MOST_LINES)}",
            "-z",
            "--format=%h%n%an%n%ad%n%s",
        ),
        *("--date=format:%Y-%m-%d %H:%M", "--end-of-options", ref or "HEAD"),
        *("--", *checked_files(wanted, inquiry.workspace)),
    )
    if not answered.ok:
        raise ToolError(f"Failed to read the log: {answered.complaint}")
    commits = [commit.split("\n", 3) for commit in answered.output.split("\0") if commit]
    if not commits:
        return ToolResult("No commits found.")
    entries = [f"{short} - {author} ({date})\n  {subject}" for short, author, date, subject in commits]
    text = "\n\n".join([f"Commit log ({len(commits)} entries):", *entries])
    return ToolResult(text, metadata={"count": len(commits)})


async def branches(inquiry: Inquiry) -> ToolResult:
    """The local branches; the star marks the one that is checked out."""
    answered = await inquiry.repository.ask("branch", "--list", "--no-column", "--format=%(HEAD) %(refname:short)")
    names = answered.output.splitlines()
    if not names:
        return ToolResult("No branches found.")
    return ToolResult("\n".join(["Branches:", *names]), metadata={"count": len(names)})


async def diff(inquiry: Inquiry) -> ToolResult:
    """What differs: as statistics if nothing in particular is asked for, else whole."""
    wanted = inquiry.wanted
    target = checked_ref("target", wanted.target)
    files = inquiry.within()
    if target and not wanted.files and await _is_only_a_file(inquiry, target):
        target, files = "", checked_files(GitArguments("diff", path=target), inquiry.workspace)
    elif not target and not wanted.files and not wanted.staged:
        return await _compared(inquiry, ["--stat", *_WIDE], "", files)
    return await _compared(inquiry, ["--cached"] if wanted.staged else [], target, files)


async def _is_only_a_file(inquiry: Inquiry, target: str) -> bool:
    known = await inquiry.repository.ask("rev-parse", "--quiet", "--verify", "--end-of-options", target)
    return not known.ok and (inquiry.workspace.root / target).exists()


async def _compared(inquiry: Inquiry, options: Sequence[str], target: str, files: Sequence[str]) -> ToolResult:
    which = ["--end-of-options", target] if target else []
    look = inquiry.repository.ask if ".." in target else inquiry.repository.look
    answered = await look("--literal-pathspecs", "diff", *_NO_PROGRAMS, *options, *which, "--", *files)
    if not answered.ok:
        raise ToolError(f"Failed to compare: {answered.complaint}", {"type": "invalid_argument"})
    return ToolResult((answered.output or "No changes.") + answered.notes)


async def stashes(inquiry: Inquiry) -> ToolResult:
    """What was put away, the newest first."""
    answered = await inquiry.repository.ask("stash", "list", "-z", "--format=%gs")
    names = [name for name in answered.output.split("\0") if name]
    if not names:
        return ToolResult("No stashes found.")
    lines = [f"{index}: {name}" for index, name in enumerate(names)]
    return ToolResult("\n".join(["Stashes:", *lines]), metadata={"count": len(names)})


async def remotes(inquiry: Inquiry) -> ToolResult:
    """The remotes and their addresses, without passwords."""
    answered = await inquiry.repository.ask("remote", "--verbose")
    only = inquiry.wanted.remote_name or inquiry.wanted.name
    lines = [line for line in answered.output.splitlines() if only in ("", line.partition("\t")[0])]
    if not lines:
        return ToolResult(f"There is no remote '{only}'." if only else "No remotes configured.", int(bool(only)))
    return ToolResult(_PASSWORD.sub(r"\1:***@", "\n".join(["Remotes:", *lines])))


async def worktrees(inquiry: Inquiry) -> ToolResult:
    """The work trees of the repository, with their branches."""
    answered = await inquiry.repository.ask("worktree", "list", "--porcelain", "-z")
    if not answered.ok:
        raise ToolError(f"Failed to list worktrees: {answered.complaint}")
    found = [_worktree(block.split("\0")) for block in answered.output.split("\0\0") if block]
    text = "\n".join([f"Worktrees ({len(found)}):", *found])
    return ToolResult(text, metadata={"count": len(found)})


def _worktree(lines: Sequence[str]) -> str:
    facts = dict(line.partition(" ")[::2] for line in lines)
    branch = facts.get("branch", "").removeprefix("refs/heads/")
    return f"  {facts['worktree']} {f'[{branch}]' if branch else '(bare)' if 'bare' in facts else '(detached)'}"


async def show(inquiry: Inquiry) -> ToolResult:
    """A commit with its changes, or a file as it is in a commit (`ref` being commit:path)."""
    ref = checked_ref("ref", inquiry.wanted.ref) or "HEAD"
    commit, colon, path = ref.partition(":")
    if colon:
        return await _file_in(inquiry, commit, path)
    answered = await inquiry.repository.ask(
        *("--literal-pathspecs", "show", *_NO_PROGRAMS, "--stat", "--patch", *_WIDE, "--end-of-options", ref),
        *("--", *inquiry.within()),
    )
    if not answered.ok:
        raise ToolError(f"Failed to show {ref}: {answered.complaint}", {"type": "not_found"})
    return ToolResult((answered.output or f"{ref} changes nothing here.") + answered.notes)


async def _file_in(inquiry: Inquiry, commit: str, path: str) -> ToolResult:
    start = inquiry.workspace.root if path.startswith(("./", "../")) else inquiry.place.top
    file = Path(checked_files(GitArguments("show", path=str(start / path)), inquiry.workspace)[0])
    within = file.relative_to(inquiry.place.top).as_posix()
    answered = await inquiry.repository.ask("show", "--no-textconv", "--end-of-options", f"{commit}:{within}")
    if not answered.ok:
        raise ToolError(f"Failed to show {path} in {commit}: {answered.complaint}", {"type": "not_found"})
    if "\0" in answered.output:
        raise ToolError(f"{path} in {commit} is not text.", {"type": "unsupported"})
    return ToolResult(answered.output + answered.notes)


async def blame(inquiry: Inquiry) -> ToolResult:
    """Who wrote each line of a file, and when."""
    wanted = inquiry.wanted
    file = required_files(wanted, inquiry.workspace)[0]
    ref = checked_ref("ref", wanted.ref)
    first, count = min(max(0, wanted.offset), _MOST_LINES) + 1, min(max(1, wanted.limit), _MOST_LINES)
    look = inquiry.repository.ask if ref else inquiry.repository.look
    answered = await look(
        "blame",
        "--no-textconv",
        "--date=short",
        "--no-progress",
        f"-L{first},+{count}",
        *([ref] if ref else []),
        "--",
        file,
    )
    if not answered.ok:
        raise ToolError(f"Failed to blame {wanted.path or wanted.paths[0]}: {answered.complaint}")
    return ToolResult(answered.output + answered.notes)
