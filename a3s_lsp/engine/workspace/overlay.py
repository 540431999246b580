"""Unsaved text laid over its files for one command: the command sees it, and the disk stays as it is.

bubblewrap mounts copies of the texts over the files, in a mount namespace of the command's own. Nothing else is
different there, but that no program gets more rights than the command has. The kernel lets a file under a mount be
written, but not be replaced, renamed or deleted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from a3s_lsp.engine.changes import Change
from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.ports import Document
from a3s_lsp.engine.workspace.disk import open_file
from a3s_lsp.engine.workspace.encodings import Unencodable, decode, encode
from a3s_lsp.engine.workspace.processes import Finished, run_process
from a3s_lsp.engine.workspace.shielding import uninterrupted

logger = logging.getLogger(__name__)

_MOST_MOUNTS = 2_000  # bubblewrap takes 9,000 arguments
_PROBE_MS = 5_000
_SEEN = b"seen"
_NAMESPACE = re.compile(r'"mnt-namespace": (\d+)')


class Bubblewrap:
    """The program bubblewrap, if it is there and the kernel lets it mount: found out once, by trying."""

    def __init__(self) -> None:
        self._works: dict[str, bool] = {}

    async def find(self, environment: Mapping[str, str]) -> str | None:
        """The path of the program, or None if commands cannot be run with it."""
        program = shutil.which("bwrap")
        if program is None:
            return None
        if program not in self._works:
            self._works[program] = await _works(program, environment)
        return program if self._works[program] else None


async def _works(program: str, environment: Mapping[str, str]) -> bool:
    try:
        output = await _tried(program, environment)
    except (OSError, ToolError) as error:
        output = str(error).encode()
    if output != _SEEN:
        logger.warning("commands cannot see unsaved text: %s", output.decode(errors="replace"))
    return output == _SEEN


async def _tried(program: str, environment: Mapping[str, str]) -> bytes:
    """What a command reads of a file over which a text was laid."""
    with tempfile.NamedTemporaryFile(prefix="a3s-lsp-") as file:
        path = Path(file.name)
        overlay = Overlay(program)
        async with overlay.laid([Document(path, _SEEN.decode())]):
            command = overlay.command(["/bin/sh", "-c", 'cat "$0"', file.name])
            return (await run_process(command, cwd=path.parent, env=environment, timeout_ms=_PROBE_MS)).output


@dataclass(frozen=True, slots=True)
class _Copy:
    """What is mounted over a file. `mark` is the byte order mark that the file has and the unsaved text has not."""

    file: Path
    copy: Path
    text: str
    mark: str
    data: bytes
    mode: int


class Overlay:
    """What one command sees of the unsaved documents. Without a `program` all of them are left out.

    Left out are also texts whose file is not on the disk, since a mount needs a file, which everybody would see, and
    texts that the encoding of their file has not. When it is over, `changes` has what the command wrote, `spoilt` names
    the files into which it wrote something that is not text, and `lingering` tells whether processes that it left still
    see the texts.
    """

    def __init__(self, program: str | None) -> None:
        self.changes: tuple[Change, ...] = ()
        self.spoilt: tuple[Path, ...] = ()
        self.lingering = False
        self._program = program or ""
        self._texts: dict[Path, str] = {}
        self._folder: Path | None = None
        self._copies: list[_Copy] = []
        self._status = ""

    @property
    def seen(self) -> list[Path]:
        """The files that the command sees with their unsaved text."""
        return sorted(copy.file for copy in self._copies)

    @property
    def left_out(self) -> list[Path]:
        """The files that it sees as they are on the disk."""
        return sorted(self._texts.keys() - {copy.file for copy in self._copies})

    @asynccontextmanager
    async def laid(self, documents: Sequence[Document]) -> AsyncIterator[None]:
        """Have copies of these there for the command. Raises ToolError if they cannot be made."""
        self._texts = {document.path: document.text for document in documents}
        if not self._program or not documents:
            yield
            return
        try:
            await uninterrupted(asyncio.to_thread(self._lay))
            yield
        finally:
            await uninterrupted(asyncio.to_thread(self._take_up))

    def command(self, command: Sequence[str]) -> list[str]:
        """The command as it has to be started."""
        if self._folder is None or not self._copies:
            return list(command)
        mounts = [word for copy in self._copies for word in ("--bind", str(copy.copy), str(copy.file))]
        # The shell opens the file in which bubblewrap notes whether it came so far as to start the command.
        shell = ["/bin/sh", "-c", 'exec "$@" 3>"$0"', str(self._folder / "status")]
        options = ["--dev-bind", "/", "/", "--die-with-parent", "--json-status-fd", "3"]
        return [*shell, self._program, *options, *mounts, "--", *command]

    def check(self, finished: Finished) -> None:
        """Raises ToolError if bubblewrap ended before it had started the command."""
        if self._copies and finished.exit_code == 1 and not finished.timed_out and '"exit-code"' not in self._status:
            raise ToolError(
                "The command was not run, because the unsaved text could not be laid over its files: "
                f"{finished.output.decode(errors='replace').strip()}. Ask the person to save, and run it again then."
            )

    def _lay(self) -> None:
        try:
            folder = self._folder = Path(tempfile.mkdtemp(prefix="a3s-lsp-"))
            for number, (path, text) in enumerate(self._texts.items()):
                if len(self._copies) < _MOST_MOUNTS and (copy := _copied(path, text, folder / str(number))):
                    self._copies.append(copy)
        except OSError as error:
            raise ToolError(
                f"The command was not run, because the unsaved text could not be copied to {tempfile.gettempdir()}: "
                f"{error.strerror}. Make room there, or ask the person to save."
            ) from error

    def _take_up(self) -> None:
        if self._folder is None:
            return
        try:
            with suppress(OSError):  # it was never started
                self._status = (self._folder / "status").read_text()
            self.lingering = _is_inhabited(self._status)
            self.changes = tuple(change for copy in self._copies if (change := self._written(copy)))
        finally:
            # A process that goes on in the background keeps what is mounted, although it has no name any more.
            shutil.rmtree(self._folder, ignore_errors=True)

    def _written(self, copy: _Copy) -> Change | None:
        """What the command made of the text. The mode that it gave the file is brought to the disk at once."""
        try:
            mode = stat.S_IMODE(copy.copy.stat().st_mode)
            copy.copy.chmod(0o600)
            data = copy.copy.read_bytes()
            if mode != copy.mode:
                copy.file.chmod(mode)
        except OSError as error:
            logger.warning("what a command did to %s is not known: %s", copy.file, error)
            return None
        if data == copy.data:
            return None
        written = decode(data)
        if written is None:
            self.spoilt += (copy.file,)
            return None
        return Change(str(copy.file), copy.text, written.text.removeprefix(copy.mark))


def _copied(path: Path, text: str, copy: Path) -> _Copy | None:
    """A copy of the file with another text, None if there is no such file or if the text cannot be stored in it."""
    try:
        with open_file(path) as file:
            status = os.fstat(file.fileno())
            saved = decode(file.read())
        if saved is None or "\0" in saved.text:  # binary, or UTF-16 without a mark, which an editor may have guessed
            return None
        mark = "\ufeff" if saved.text.startswith("\ufeff") and not text.startswith("\ufeff") else ""
        data = encode(mark + text, saved.encoding)
    except (ToolError, Unencodable):
        return None
    copy.write_bytes(data)
    with suppress(OSError):  # only root can give files away
        os.chown(copy, status.st_uid, status.st_gid)
    mode = stat.S_IMODE(status.st_mode)
    copy.chmod(mode)
    return _Copy(path, copy, text, mark, data, mode)


def _is_inhabited(status: str) -> bool:
    """Whether a process is left in the mount namespace of which bubblewrap noted the number."""
    found = _NAMESPACE.search(status)
    if found is None:
        return False
    for link in Path("/proc").glob("[0-9]*/ns/mnt"):
        with suppress(OSError):  # it has ended, or is not ours
            if str(link.readlink()) == f"mnt:[{found[1]}]":
                return True
    return False
