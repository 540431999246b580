"""What a person has allowed on this machine once and for all, by its digest."""

from __future__ import annotations

import logging
from pathlib import Path

logger = logging.getLogger(__name__)


class Trust:
    """A folder with an empty file for each digest, so that any number of processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, digest: str) -> bool:
        """Whether it was allowed."""
        return (self._folder / digest).is_file()

    def add(self, digest: str) -> None:
        """It is allowed from now on. Where that cannot be written, it is asked again the next time."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._folder / digest).touch(mode=0o600)
        except OSError as error:
            logger.warning("what was allowed cannot be kept in %s: %s", self._folder, error)
