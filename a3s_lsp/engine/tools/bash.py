"""The tool `bash`: a shell command in the workspace."""

from __future__ import annotations

import codecs
import shutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, ToolContext, ToolResult, Workspace
from a3s_lsp.engine.tools.arguments import Parameter, load, specification
from a3s_lsp.engine.workspace.barrier import Barrier, Passed

_DESCRIPTION = """Run a command with bash in the workspace folder. Output and errors come merged; the input is empty, \
so nothing can be asked. When the time is over, the command is ended with all that it started. A server or another \
lasting process belongs into the background (&). The result says which unsaved text of the editor was seen."""
_TITLE_LENGTH = 60
_STREAMED_BYTES = 1024 * 1024
"""How much is shown while a command runs: every piece of it is in the log."""


@dataclass(frozen=True, slots=True)
class BashArguments:
    command: Annotated[str, Parameter("The command line, as for bash -c.")]
    timeout: Annotated[int, Parameter("Milliseconds after which it is ended; 120000 if not given.")] = 120_000


class Bash:
    """Runs a shell command to its end."""

    lane: Lane = "execute"
    arguments = BashArguments

    def __init__(self) -> None:
        self.spec = specification("bash", _DESCRIPTION, BashArguments)
        self._barrier = Barrier()

    def subject(self, args: Json) -> str:
        return load(BashArguments, args).command

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        wanted = load(BashArguments, args)
        _check(wanted, context.workspace)
        passed = await self._barrier.run(
            context,
            [shutil.which("bash") or "bash", "-c", wanted.command],
            f"bash: {textwrap.shorten(wanted.command, _TITLE_LENGTH, placeholder=' …')}",
            timeout_ms=wanted.timeout,
            on_output=_decoder(context.emit),
            keep=context.keep,
        )
        return _result(passed, wanted.timeout)


def _check(wanted: BashArguments, workspace: Workspace) -> None:
    if not workspace.root.is_dir():
        raise ToolError(f"The workspace folder {workspace.root} does not exist; no command can run there.")
    if wanted.timeout <= 0:
        raise ToolError("timeout must be a positive number of milliseconds.", {"type": "invalid_argument"})


def _decoder(emit: Callable[[str], None]) -> Callable[[bytes], None]:
    """Emits bytes as text, with a character that is split between two pieces kept whole; of a flood the start."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    left = _STREAMED_BYTES

    def on_output(piece: bytes) -> None:
        nonlocal left
        if left > 0 and (text := decoder.decode(piece)):
            left -= len(piece)
            emit(text if left > 0 else f"{text}\n[From here on the output is not shown while the command runs.]\n")

    return on_output


def _result(passed: Passed, timeout: int) -> ToolResult:
    finished = passed.finished
    output = finished.output.decode(errors="replace")
    produced = len(finished.output) + finished.dropped if finished.dropped else None
    if finished.dropped:
        output += f"\n\n[{finished.dropped} more bytes of output were not kept]"
    if finished.timed_out:
        text = f"{output}\n\n[Command timed out after {timeout}ms]{passed.notes}"
        return ToolResult(text, 1, produced=produced)
    metadata: Json = {"exit_code": finished.exit_code}
    return ToolResult(output + passed.notes, int(finished.exit_code != 0), metadata, produced=produced)
