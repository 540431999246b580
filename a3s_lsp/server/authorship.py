"""Who changed a text: the person, or the editor by itself, as format on save and automatic brackets do.

LSP does not say. A change is the editor's if it comes between `willSave` and `didSave`, or at once with an edit of
ours, unless the person was typing in that document a moment before; all else is the person's.
"""

from __future__ import annotations

import asyncio

from a3s_lsp.engine.facts import Cause

SAVE_SECONDS = 10.0
"""How long a save may take; a `didSave` need not come, because saving can fail."""
REFLEX_SECONDS = 0.1
"""How long after an edit of ours what the editor makes of it may come."""
TYPING_SECONDS = 1.0
"""Who typed so short a time ago is typing still."""


class Authors:
    """What is known of the documents, by the key of their URI."""

    def __init__(self) -> None:
        self._saving: dict[str, float] = {}
        self._edited: dict[str, float] = {}
        self._typed: dict[str, float] = {}

    def saving(self, key: str) -> None:
        """The editor is about to save this document."""
        self._saving[key] = _now()

    def saved(self, key: str) -> None:
        """The editor has saved this document."""
        self._saving.pop(key, None)

    def edited(self, key: str) -> None:
        """An edit of ours has just arrived in this document."""
        self._edited[key] = _now()

    def confirmed(self, key: str) -> None:
        """The edit of ours is done with; what comes now does not belong to it."""
        self._edited.pop(key, None)

    def closed(self, key: str) -> None:
        """The document is not open any more."""
        for known in (self._saving, self._edited, self._typed):
            known.pop(key, None)

    def of_change(self, key: str) -> Cause:
        """Who made the change that has just come, which is not ours."""
        if _recent(self._saving.get(key), SAVE_SECONDS):
            return "editor"
        if _recent(self._edited.get(key), REFLEX_SECONDS):
            return self.of_rest(key)
        self._typed[key] = _now()
        return "person"

    def of_rest(self, key: str) -> Cause:
        """Who made the part of a change that is not ours, when it came in one message with ours."""
        if _recent(self._typed.get(key), TYPING_SECONDS):
            self._typed[key] = _now()
            return "person"
        return "editor"


def _now() -> float:
    return asyncio.get_running_loop().time()


def _recent(moment: float | None, seconds: float) -> bool:
    return moment is not None and _now() - moment <= seconds
