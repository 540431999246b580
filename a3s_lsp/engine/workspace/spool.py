"""Output that comes piece by piece, kept up to a limit without taking the memory for it while it comes."""

from __future__ import annotations

import tempfile
from types import TracebackType
from typing import IO, Self

_IN_MEMORY = 1024 * 1024


class Spool:
    """The first `limit` bytes of what is added: those beyond a megabyte in a temporary file. `dropped` counts the rest,
    which is also what the disk had no room for."""

    def __init__(self, limit: int) -> None:
        self.dropped = 0
        self._room = limit
        self._start = bytearray()
        self._more: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._more is not None:
            self._more.close()

    def add(self, piece: bytes) -> None:
        """Keep a piece, or as much of it as there is room for."""
        wanted = piece[: self._room]
        here = wanted[: _IN_MEMORY - len(self._start)]
        self._start += here
        kept = len(here) + self._written(wanted[len(here) :])
        self._room = 0 if kept < len(wanted) else self._room - kept
        self.dropped += len(piece) - kept

    def content(self) -> bytes:
        """All that was kept."""
        if self._more is None:
            return bytes(self._start)
        self._more.seek(0)
        return bytes(self._start) + self._more.read()

    def _written(self, piece: bytes) -> int:
        """How much of it the disk had room for."""
        if not piece:
            return 0
        try:
            if self._more is None:
                self._more = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # closed by `__exit__`
            return self._more.write(piece)
        except OSError:  # the disk is full: what is kept ends here, and the command goes on
            return 0
