"""The git repository of a workspace, asked through the program git.

Nothing here waits for a person: no pager, no editor, no question for a password. What only reads also starts no program
that the configuration of the repository names, and writes nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.ports import ToolContext
from a3s_lsp.engine.workspace.barrier import Barrier
from a3s_lsp.engine.workspace.processes import Finished, run_process

_READING_MS = 120_000
_CHANGING_MS = 600_000
_ERRORS_BYTES = 100_000
_ABOUT_THE_PERSON = (
    *("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_SSH", "GIT_SSL", "GIT_EXEC_PATH", "GIT_CEILING_DIRECTORIES"),
    *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),
)
"""Variables of git that are not about the one repository for which git itself started the process that we are in."""
_UNATTENDED = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    "GIT_PAGER": "cat",
    "PAGER": "cat",
    "GIT_EDITOR": "true",
    "GIT_SEQUENCE_EDITOR": "true",
    "GIT_MERGE_AUTOEDIT": "no",
}
_PLAIN = ("--no-pager", "-c", "core.quotePath=false", "-c", "color.ui=false", "-c", "core.abbrev=7")
_HARMLESS = (
    *("--no-optional-locks", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"),
    *("-c", "log.showSignature=false"),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """What git said. `notes` say what it did not see, and are to be put behind what is made of the output."""

    exit_code: int
    output: str
    errors: str
    notes: str = ""

    @property
    def ok(self) -> bool:
        """Whether it worked."""
        return self.exit_code == 0

    @property
    def complaint(self) -> str:
        """Why it did not work."""
        return f"{self.errors}{self.output}".strip() or f"git ended with exit code {self.exit_code}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the workspace is in its repository: the top folder of the work tree, and whether that is a linked one."""

    top: Path
    is_linked: bool

    def prefix(self, folder: Path) -> str:
        """How the paths of files in this folder begin where git counts from the top."""
        return "" if folder == self.top else f"{folder.relative_to(self.top).as_posix()}/"


class Repository:
    """Git in the folder of a workspace, for one call."""

    def __init__(self, context: ToolContext, barrier: Barrier) -> None:
        self.root = context.workspace.root
        environment = git_environment(context.environment)
        self._changing = replace(
            context, environment=environment, unsaved="save" if context.unsaved == "save" else "ask"
        )
        self._reading = replace(context, environment=environment, around_command=nullcontext, ask=_regardless)
        self._barrier = barrier

    async def ask(self, *arguments: str) -> Answered:
        """Ask for what is in the repository, without a look at the files."""
        with tempfile.TemporaryFile() as errors:
            finished = await run_process(
                ["git", *_PLAIN, *_HARMLESS, *arguments],
                cwd=self.root,
                env=self._reading.environment,
                timeout_ms=_READING_MS,
                errors=errors,
                keep=self._reading.keep,
            )
            return _answered(finished, _read(errors), "", _READING_MS)

    async def look(self, *arguments: str) -> Answered:
        """Ask for what is in the files, with their unsaved text where commands can see that."""
        return await self._pass(self._reading, ["git", *_PLAIN, *_HARMLESS, *arguments], _READING_MS)

    async def change(self, *arguments: str) -> Answered:
        """Do something that may change files. Hooks of the repository run, as they do for everybody."""
        return await self._pass(self._changing, ["git", *_PLAIN, *arguments], _CHANGING_MS)

    async def _pass(self, context: ToolContext, command: Sequence[str], timeout_ms: int) -> Answered:
        with tempfile.TemporaryFile() as errors:
            title = f"git {command[-1]}"
            passed = await self._barrier.run(
                context, command, title, timeout_ms=timeout_ms, errors=errors, keep=context.keep
            )
            return _answered(passed.finished, _read(errors), passed.notes, timeout_ms)

    async def place(self) -> Place:
        """Where the workspace is. ToolError if that is in no repository, or in none with files."""
        if not self.root.is_dir():
            raise ToolError(f"The workspace folder {self.root} does not exist.", {"type": "not_found"})
        if shutil.which("git", path=self._reading.environment.get("PATH")) is None:
            raise ToolError("git is not installed on this machine: install it, or do without.")
        answered = await self.ask("rev-parse", "--show-toplevel", "--git-dir", "--git-common-dir")
        if not answered.ok:
            raise ToolError(_no_repository(self.root, answered), {"type": "not_found", "path": str(self.root)})
        return _placed(self.root, *answered.output.splitlines())

    async def has_commits(self) -> bool:
        """Whether there is any commit to look back from."""
        return (await self.ask("rev-parse", "--verify", "--quiet", "HEAD")).ok


def _placed(root: Path, top: str, own: str, common: str) -> Place:
    is_linked = os.path.realpath(root / own) != os.path.realpath(root / common)
    return Place(Path(os.path.realpath(top)), is_linked)


def git_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for git: about no other repository, and such that nobody is asked for anything."""
    kept = {name: text for name, text in environ.items() if _is_kept(name)}
    return kept | _UNATTENDED


def _is_kept(name: str) -> bool:
    return name.startswith(_ABOUT_THE_PERSON) if name.startswith("GIT_") else True


async def _regardless(title: str, detail: str) -> bool:
    """Reading is not worth a question: the result says what was not seen."""
    return True


def _read(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read(_ERRORS_BYTES).decode(errors="replace")


def _answered(finished: Finished, errors: str, notes: str, limit_ms: int) -> Answered:
    if finished.timed_out:
        raise _too_slow(limit_ms)
    cut = f"\n\n[{finished.dropped} more bytes of output were not kept]" if finished.dropped else ""
    return Answered(finished.exit_code, finished.output.decode(errors="replace"), errors, cut + notes)


def _too_slow(limit_ms: int) -> ToolError:
    return ToolError(
        f"git did not end within {limit_ms // 1000} seconds and was stopped; narrow the request with path, ref or "
        "max_count.",
        {"type": "timeout", "op": "git", "duration_ms": limit_ms},
    )


def _no_repository(root: Path, answered: Answered) -> str:
    if "safe.directory" in answered.errors:
        return f"git does not trust the repository of {root}, because it belongs to someone else: {answered.complaint}"
    if "work tree" in answered.errors:
        return f"The repository {root} is bare: it has no files to work with."
    return f"Not a git repository: {root}"
