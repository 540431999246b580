"""Hooks that are commands: the event as JSON on their standard input, the answer as JSON on their standard output."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from a3s_lsp.engine.config.hooks import hook_of
from a3s_lsp.engine.config.settings import HookCommand
from a3s_lsp.engine.handlers import Handler, HandlerFailed
from a3s_lsp.engine.hooks import Hook
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.workspace.processes import Finished, run_process

BLOCKS = 2
"""The exit code that means "block", with the standard error as the reason."""
_ANSWER_BYTES = 1024 * 1024
_ERROR_BYTES = 4096
_HASHED_BYTES = 16 * 1024 * 1024


def command_hooks(
    configured: Mapping[str, HookCommand], root: Path, environment: Mapping[str, str]
) -> tuple[Hook, ...]:
    """The hooks of a configuration, for a workspace in this folder."""
    return tuple(hook_of(hook, _handler(hook.command, root, environment)) for hook in configured.values())


def _handler(command: str, root: Path, environment: Mapping[str, str]) -> Handler:
    async def ask(event: Json) -> object:
        with tempfile.TemporaryFile() as errors:
            finished = await run_process(
                [shutil.which("bash") or "bash", "-c", command],
                cwd=root,
                env=environment,
                stdin=json.dumps(event).encode(),
                errors=errors,
                keep=_ANSWER_BYTES,
            )
            errors.seek(0)
            return _answer(finished, errors.read(_ERROR_BYTES).decode(errors="replace").strip())

    return ask


def _answer(finished: Finished, told: str) -> object:
    if finished.exit_code == BLOCKS:
        return {"action": "block", "reason": told}
    if finished.exit_code != 0:
        raise HandlerFailed(f"it ended with exit code {finished.exit_code}{told and f': {told}'}")
    if finished.dropped:
        raise HandlerFailed(f"its answer is longer than {_ANSWER_BYTES} bytes")
    text = finished.output.strip()
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        raise HandlerFailed(f"its answer is not JSON: {text[:200].decode(errors='replace')!r}") from None


def digest_of(configured: Mapping[str, HookCommand], root: Path, *others: str) -> str:
    """What somebody who allows these commands here has seen, with the texts of the files that they name."""
    commands = [*(hook.command for hook in configured.values()), *others]
    told = [str(root), [repr(hook) for hook in configured.values()], list(others), [*_files(commands, root)]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _files(commands: Iterable[str], root: Path) -> Iterator[tuple[str, str]]:
    for command in commands:
        for word in _words(command):
            path = root / word
            try:
                if path.is_file() and path.stat().st_size <= _HASHED_BYTES:
                    yield word, hashlib.sha256(path.read_bytes()).hexdigest()
            except (OSError, ValueError):
                continue


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
