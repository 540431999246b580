"""Which paths are left out of a checkpoint by ignore files, for what ripgrep does not list: links and empty folders."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES = (".rgignore", ".ignore", ".gitignore")
"""The names of ignore files, the one that wins first."""


class IgnoreRules:
    """The rules of a tree whose files `read` gives, by relative path; None where there is no such file."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._specs: dict[str, list[GitIgnoreSpec]] = {}

    def ignores(self, path: str, *, is_folder: bool = False) -> bool:
        """Whether this relative path is ignored: the ignore file that is nearest to it decides."""
        end = len(path)
        while end >= 0:
            end = path.rfind("/", 0, end)
            specs = self._of(path[: end + 1])
            if not specs:
                continue
            # No pattern has a newline or a NUL, but only the latter is matched by a wildcard.
            below = path[end + 1 :].replace("\n", "\0") + ("/" if is_folder else "")
            for spec in specs:
                verdict = spec.check_file(below).include
                if verdict is not None:
                    return verdict
        return False

    def _of(self, prefix: str) -> list[GitIgnoreSpec]:
        if prefix not in self._specs:
            texts = (self._read(prefix + name) for name in IGNORE_FILES)
            self._specs[prefix] = [_spec(text) for text in texts if text is not None]
        return self._specs[prefix]


def _spec(text: bytes) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(text.decode(errors="surrogateescape").splitlines())
