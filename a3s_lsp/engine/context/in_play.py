"""The files that a run has read or changed, as its log tells them."""

from __future__ import annotations

from a3s_lsp.engine import facts as f

_MOST = 1000
"""More files than this are in play in no run that a person follows; the first ones count."""


class InPlay:
    """A fold over the facts of a run: paths as the calls named them, in their order."""

    def __init__(self) -> None:
        self.paths: dict[str, None] = {}

    def apply(self, fact: f.Fact) -> None:
        """Fold one more fact in."""
        match fact:
            case f.CallBegan(args={"file_path": str(path)}):
                self._add(path)
            case f.FilesChanged(changes=changes):
                for change in changes.changes:
                    self._add(change.path)
            case _:
                pass

    def _add(self, path: str) -> None:
        if len(self.paths) < _MOST:
            self.paths[path] = None
